//! Reports of the TEE that this host runs in: asked for at the helper that is root, by its socket.

use std::{io, path::PathBuf, time::Duration};

use selfsame_dbus::Error;
use selfsame_tsm_report::{
    ANSWER_MAX_BYTES, Answer, Checked, Refusal, RefusalKind, Report, ReportData, check,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::UnixStream,
    sync::Mutex,
    time::{Instant, timeout},
};

/// Where reports come from: one at a time, one a second.
pub(crate) struct TeeReports {
    /// The helper's socket.
    socket: PathBuf,
    /// Before when nobody is asked again. Who asks holds it.
    next: Mutex<Option<Instant>>,
}

impl TeeReports {
    /// From the helper at this socket.
    pub(crate) fn new(socket: PathBuf) -> Self {
        Self { socket, next: Mutex::new(None) }
    }

    /// One over `data`.
    ///
    /// # Errors
    /// `Unsupported` where there is no helper or it has nobody to ask, `Busy` where it is too early or takes too long,
    /// `Failed` where what comes is no report over `data`.
    pub(crate) async fn report(&self, data: &ReportData) -> Result<Report, Error> {
        let Ok(mut next) = self.next.try_lock() else {
            return Err(Error::Busy("a report is being made: one at a time, try again".into()));
        };
        if next.is_some_and(|next| Instant::now() < next) {
            return Err(Error::Busy("a report was just made: one a second, try again".into()));
        }
        let answer = timeout(ANSWER_MOST, async {
            let helper = UnixStream::connect(&self.socket).await.map_err(|why| self.no_helper(&why))?;
            *next = Some(Instant::now() + EVERY);
            ask(helper, data).await.map_err(no_answer)
        });
        let Ok(answer) = answer.await else {
            return Err(Error::Busy(format!(
                "no report in {ANSWER_MOST:?}: the TEE is slow, try again later"
            )));
        };
        judge(&answer?, data)
    }

    fn no_helper(&self, why: &io::Error) -> Error {
        let socket = self.socket.display();
        match why.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => Error::Unsupported(format!(
                "no helper at {socket} that asks the TEE: on a host with {TSM_REPORT}, run `systemctl enable --now \
                 selfsame-tsm-report.socket`; without it this host has no TEE, or a kernel before 6.7",
                TSM_REPORT = selfsame_tsm_report::TSM_REPORT,
            )),
            io::ErrorKind::PermissionDenied => Error::Unsupported(format!(
                "the agent may not ask the helper at {socket}: the socket's group has to be the agent's"
            )),
            io::ErrorKind::WouldBlock => {
                Error::Busy(format!("too many wait for the helper at {socket}: try again"))
            }
            _ => Error::Failed(format!("the helper at {socket} can't be asked: {why}")),
        }
    }
}

/// The bytes that the helper answers.
async fn ask(mut helper: UnixStream, data: &ReportData) -> io::Result<Vec<u8>> {
    helper.write_all(data.as_bytes()).await?;
    helper.shutdown().await?;
    let mut bytes = Vec::new();
    helper.take(ANSWER_MAX_BYTES as u64 + 1).read_to_end(&mut bytes).await?;
    Ok(bytes)
}

fn no_answer(why: io::Error) -> Error {
    Error::Busy(format!("the helper that asks the TEE went without an answer ({why}): try again"))
}

/// What an answer comes to. The report's data is looked at once more: the helper is believed no more than it has to be.
fn judge(bytes: &[u8], data: &ReportData) -> Result<Report, Error> {
    if bytes.is_empty() {
        // as systemd does it where there are too many of them
        return Err(no_answer(io::ErrorKind::UnexpectedEof.into()));
    }
    let answer =
        Answer::parse(bytes).map_err(|error| Error::Failed(format!("the helper's answer: {error}")))?;
    let report = match answer {
        Answer::Report(report) => report,
        Answer::Refusal(Refusal { kind, text }) => {
            return Err(match kind {
                RefusalKind::Unsupported => Error::Unsupported(text),
                RefusalKind::Busy => Error::Busy(text),
                _ => Error::Failed(text),
            });
        }
    };
    match check(&report.provider, &report.report, data) {
        Ok(Checked::Matches) => Ok(report),
        Ok(Checked::Unknown) => {
            tracing::info!(
                provider = report.provider,
                "the format of the TEE's report is not known: it is passed on, its data not checked"
            );
            Ok(report)
        }
        Err(why) => Err(Error::Failed(format!("the report of `{}` is refused: {why}", report.provider))),
    }
}

/// Between the beginnings of two reports. Source: architecture, D-Bus contract.
const EVERY: Duration = Duration::from_secs(1);

/// How long a report may take: one of SEV-SNP takes milliseconds, a quote of TDX "a few seconds" (tdx-guest.c).
const ANSWER_MOST: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use std::path::Path;

    use futures_util::poll;
    use tokio::net::UnixListener;

    use super::*;

    const DATA: [u8; 64] = [7; 64];

    fn snp(data: &[u8; 64]) -> Answer {
        let mut report = vec![0; 0x4a0];
        report[0] = 2;
        report[0x50..0x90].copy_from_slice(data);
        Answer::Report(Report { provider: "sev_guest".into(), report, aux: vec![1] })
    }

    fn judged(answer: &Answer) -> Result<Report, Error> {
        judge(&answer.encode(), &DATA.into())
    }

    /// Answers one that asks, and gives what was asked.
    async fn answer_one(listener: &UnixListener, answer: &[u8]) -> Vec<u8> {
        let (mut client, _) = listener.accept().await.unwrap();
        let mut asked = Vec::new();
        client.read_to_end(&mut asked).await.unwrap();
        client.write_all(answer).await.unwrap();
        asked
    }

    fn helper(folder: &Path) -> (UnixListener, TeeReports) {
        let socket = folder.join("socket");
        (UnixListener::bind(&socket).unwrap(), TeeReports::new(socket))
    }

    #[tokio::test]
    async fn what_is_asked_is_the_data_and_the_report_comes_back() {
        let folder = tempfile::tempdir().unwrap();
        let (listener, reports) = helper(folder.path());
        let answer = snp(&DATA).encode();
        let data = DATA.into();
        let (asked, report) = tokio::join!(answer_one(&listener, &answer), reports.report(&data));
        assert_eq!(asked, DATA);
        assert_eq!(Answer::Report(report.unwrap()), snp(&DATA));
    }

    #[tokio::test(start_paused = true)]
    async fn one_is_made_at_a_time_and_one_a_second() {
        let folder = tempfile::tempdir().unwrap();
        let (listener, reports) = helper(folder.path());
        let (data, answer) = (DATA.into(), snp(&DATA).encode());
        let mut first = Box::pin(reports.report(&data));
        assert!(poll!(&mut first).is_pending());
        let busy = |answer: Result<Report, Error>, text: &str| {
            assert!(matches!(&answer, Err(Error::Busy(why)) if why.contains(text)), "{answer:?}");
        };
        busy(reports.report(&data).await, "one at a time");
        let (_, report) = tokio::join!(answer_one(&listener, &answer), first);
        report.unwrap();
        busy(reports.report(&data).await, "one a second");
        tokio::time::advance(EVERY).await;
        let (_, report) = tokio::join!(answer_one(&listener, &answer), reports.report(&data));
        report.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_helper_that_is_silent_is_given_up() {
        let folder = tempfile::tempdir().unwrap();
        let (_listener, reports) = helper(folder.path());
        let refused = reports.report(&DATA.into()).await;
        assert!(matches!(&refused, Err(Error::Busy(why)) if why.contains("10s")), "{refused:?}");
    }

    #[tokio::test]
    async fn without_a_helper_it_is_said_how_to_get_one_and_no_second_is_counted() {
        let folder = tempfile::tempdir().unwrap();
        let reports = TeeReports::new(folder.path().join("socket"));
        for _ in 0..2 {
            let refused = reports.report(&DATA.into()).await;
            assert!(
                matches!(&refused, Err(Error::Unsupported(why)) if why.contains("selfsame-tsm-report.socket")),
                "{refused:?}"
            );
        }
        // nobody listens any more
        drop(UnixListener::bind(folder.path().join("socket")).unwrap());
        assert!(matches!(reports.report(&DATA.into()).await, Err(Error::Unsupported(_))));
    }

    #[test]
    fn a_report_over_other_data_is_never_passed_on() {
        assert!(judged(&snp(&DATA)).is_ok());
        let mut other = DATA;
        other[63] ^= 1;
        assert!(matches!(judged(&snp(&other)), Err(Error::Failed(why)) if why.contains("other data")));
    }

    #[test]
    fn a_report_of_an_unknown_format_is_passed_on() {
        let report = Report { provider: "arm_cca_guest".into(), report: vec![1], aux: Vec::new() };
        assert_eq!(judged(&Answer::Report(report.clone())), Ok(report));
    }

    #[test]
    fn each_refusal_has_its_error_and_what_is_none_is_failed() {
        let refusal = |kind| judged(&Answer::Refusal(Refusal { kind, text: "why".into() }));
        assert_eq!(refusal(RefusalKind::Unsupported), Err(Error::Unsupported("why".into())));
        assert_eq!(refusal(RefusalKind::Busy), Err(Error::Busy("why".into())));
        assert_eq!(refusal(RefusalKind::Asked), Err(Error::Failed("why".into())));
        assert_eq!(refusal(RefusalKind::Failed), Err(Error::Failed("why".into())));
        assert!(matches!(judge(&[], &DATA.into()), Err(Error::Busy(_))), "it was one too many");
        assert!(matches!(judge(b"garbage", &DATA.into()), Err(Error::Failed(_))));
    }
}
