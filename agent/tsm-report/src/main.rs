//! `selfsame-tsm-report`: gives the agent one report of the TEE that this host runs in.
//!
//! It is root, since configfs-tsm is root's, and does one thing: it reads 64 bytes from the connection that is its
//! standard input, makes one report over them, writes the answer, and ends. systemd starts one for each connection to
//! `/run/selfsame/tsm-report.socket` (`packaging/systemd`), which only the agent may make.
//!
//! Exit codes: 0 where an answer was given, a refusal too; 64 for a wrong command line; 74 where nobody could be answered.
#![forbid(unsafe_code)]

use std::{
    io::{self, Write},
    os::{fd::AsFd, unix::net::UnixStream},
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use clap::Parser;
use nix::sys::signal::{SigSet, Signal};
use selfsame_tsm_report::{
    Answer, AskError, Checked, Refusal, RefusalKind, Report, ReportData, Reports, TSM_REPORT, asked,
};

/// Gives one report of the TEE that this host runs in, to the client on standard input
#[derive(Debug, Parser)]
#[command(name = "selfsame-tsm-report", version)]
struct Options {
    /// Where the kernel has configfs-tsm
    #[arg(long, value_name = "DIR", default_value = TSM_REPORT)]
    root: PathBuf,
}

fn main() -> ExitCode {
    let options = match Options::try_parse() {
        Ok(options) => options,
        Err(error) => {
            // where not even this can be printed, the code has to do
            let _ = error.print();
            return ExitCode::from(if error.exit_code() == 0 { 0 } else { EX_USAGE });
        }
    };
    match serve(&options.root) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("nobody is answered: {why}");
            ExitCode::from(EX_IOERR)
        }
    }
}

/// Answers the client on standard input.
fn serve(root: &Path) -> io::Result<()> {
    // told to end, it ends when it has answered: else its entry would stay in configfs
    SigSet::from(Signal::SIGTERM).thread_block()?;
    let mut client = UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
    let answer = match asked(&client) {
        Ok(data) => answer(root, &data),
        Err(AskError::Unreadable(why)) => return Err(why),
        Err(error) => Answer::Refusal(Refusal { kind: RefusalKind::Asked, text: error.to_string() }),
    };
    if let Answer::Refusal(refusal) = &answer {
        eprintln!("{}", refusal.text);
    }
    client.set_write_timeout(Some(WRITE_MOST))?;
    client.write_all(&answer.encode())
}

/// One report, or why there is none.
fn answer(root: &Path, data: &ReportData) -> Answer {
    match Reports::at(root).make(data) {
        Ok((report, checked)) => {
            if checked == Checked::Unknown {
                let Report { provider, .. } = &report;
                eprintln!("the format of the report of `{provider}` is not known: its data is not checked");
            }
            Answer::Report(report)
        }
        Err(error) => Answer::Refusal(error.refusal()),
    }
}

/// How long the client may take to read what its socket does not hold.
const WRITE_MOST: Duration = Duration::from_secs(5);

/// Exit code for a wrong command line. Source: sysexits.h.
const EX_USAGE: u8 = 64;

/// Exit code where the connection is none, or went. Source: sysexits.h.
const EX_IOERR: u8 = 74;
