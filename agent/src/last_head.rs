//! The last public head, in the state directory: so that the next lineage can name its predecessor.
//!
//! Nothing in it is secret. It may lag behind: it is written at birth, at the end, and at most once a minute. Where it
//! can't be written, proofs go on, and the agent's condition says so until it can.

use std::{
    fs, io,
    io::Write,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    sync::mpsc::{RecvTimeoutError, Sender, channel},
    thread::{self, JoinHandle},
    time::Duration,
};

use selfsame::{Digest, Head, LineageId, Origin, Predecessor, Reason};
use serde::{Deserialize, Serialize};

use crate::entropy::ClockReading;

/// The file that holds it.
#[derive(Clone, Debug)]
pub(crate) struct LastHead {
    directory: PathBuf,
    boot_id: String,
}

/// What there is to keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Latest {
    /// The lineage.
    pub(crate) lineage: LineageId,
    /// Its head.
    pub(crate) head: Head,
    /// Unix time in milliseconds.
    pub(crate) wall_ms: u64,
    /// The TPM's clock, as it was read last; none where it never was.
    pub(crate) tpm_clock: Option<ClockReading>,
}

/// What the file says. Version 1 has no TPM clock.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Record {
    version: u32,
    lineage: String,
    index: u64,
    digest: String,
    boot_id: String,
    wall_ms: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tpm_clock: Option<ClockReading>,
}

impl LastHead {
    /// The file in `directory`, in the boot with this id.
    pub(crate) fn new(directory: &Path, boot_id: String) -> Self {
        Self { directory: directory.to_owned(), boot_id }
    }

    /// Why a lineage is born now, and after which. No file: `install`. Another boot: `boot`. The same boot, and the
    /// secret state is gone: `lost`. A file that can't be read says nothing of a predecessor.
    pub(crate) fn origin(&self) -> Origin {
        let record = match self.read() {
            Ok(record) => record,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Origin::new(Reason::Install, None);
            }
            Err(error) => {
                tracing::warn!(file = %self.path().display(), %error, "the last head can't be read");
                return Origin::new(Reason::Lost, None);
            }
        };
        let reason = if record.boot_id == self.boot_id { Reason::Lost } else { Reason::Boot };
        Origin::new(reason, record.predecessor())
    }

    fn read(&self) -> io::Result<Record> {
        let record: Record = serde_json::from_slice(&fs::read(self.path())?)?;
        let is_sound = (1..=VERSION).contains(&record.version) && record.predecessor().is_some();
        let unsound =
            || io::Error::new(io::ErrorKind::InvalidData, "it holds no head that this version knows");
        is_sound.then_some(record).ok_or_else(unsound)
    }

    /// Writes it by rename: a crash at any instruction leaves the old one or the new one.
    ///
    /// # Errors
    /// Where the directory can't be written.
    pub(crate) fn write(&self, latest: &Latest) -> io::Result<()> {
        let Latest { lineage, head, wall_ms, tpm_clock } = *latest;
        let record = Record {
            version: VERSION,
            lineage: lineage.to_string(),
            index: head.index,
            digest: head.digest.to_string(),
            boot_id: self.boot_id.clone(),
            wall_ms,
            tpm_clock,
        };
        fs::create_dir_all(&self.directory)?;
        // always by the same name: what a kill leaves behind is written over
        let unfinished = self.directory.join("last-head.json.new");
        let written =
            fs::OpenOptions::new().mode(0o600).create(true).write(true).truncate(true).open(&unfinished);
        let renamed = written.and_then(|mut file| {
            serde_json::to_writer(&mut file, &record)?;
            file.write_all(b"\n")?;
            file.sync_all()?;
            fs::rename(&unfinished, self.path())
        });
        if let Err(error) = renamed {
            // nothing is left of an attempt, where that can be had
            let _ = fs::remove_file(&unfinished);
            return Err(error);
        }
        fs::File::open(&self.directory)?.sync_all()
    }

    fn path(&self) -> PathBuf {
        self.directory.join("last-head.json")
    }
}

impl Record {
    fn predecessor(&self) -> Option<Predecessor> {
        let mut digest = [0; 32];
        let pairs = self.digest.as_bytes().chunks_exact(2);
        if self.digest.len() != 64 || self.index >= 1 << 63 {
            return None;
        }
        for (byte, pair) in digest.iter_mut().zip(pairs) {
            *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
        }
        let head = Head { index: self.index, digest: Digest::new(digest) };
        Some(Predecessor { lineage: self.lineage.parse().ok()?, head })
    }
}

/// The thread that writes the head: at once, every minute, when it is told to, and at its end. Dropped, it is stopped. It is a thread of its
/// own, since a disk that hangs must delay no moment.
pub(crate) struct HeadWriter {
    /// What is sent: write now. Its end: write once more, and stop.
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl HeadWriter {
    /// Starts it. `tell` is told that the head can't be kept, and that it can be again.
    ///
    /// # Errors
    /// Where no thread can be started.
    pub(crate) fn start(
        last_head: LastHead,
        every: Duration,
        latest: impl Fn() -> Latest + Send + 'static,
        mut tell: impl FnMut(bool) + Send + 'static,
    ) -> io::Result<Self> {
        let (stop, stopped) = channel();
        let mut is_kept = true;
        let mut keep = move || {
            let result = last_head.write(&latest());
            if result.is_ok() == is_kept {
                return;
            }
            is_kept = !is_kept;
            match result {
                Err(error) => tracing::warn!(
                    directory = %last_head.directory.display(),
                    %error,
                    "the last head can't be written, and the next lineage may not name this one; proofs go on"
                ),
                Ok(()) => tracing::info!("the last head can be written again"),
            }
            tell(is_kept);
        };
        let thread = thread::Builder::new().name("last-head".into()).spawn(move || {
            keep();
            while stopped.recv_timeout(every) != Err(RecvTimeoutError::Disconnected) {
                keep();
            }
            keep();
        })?;
        Ok(Self { stop: Some(stop), thread: Some(thread) })
    }

    /// Has it written now: there is another lineage.
    pub(crate) fn write_now(&self) {
        if let Some(stop) = &self.stop {
            // where the thread has panicked, that was heard
            let _ = stop.send(());
        }
    }
}

impl Drop for HeadWriter {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // a thread that has panicked has nothing left to stop
            let _ = thread.join();
        }
    }
}

/// Source: architecture, Breaks: at most once a minute.
pub(crate) const WRITE_EVERY: Duration = Duration::from_secs(60);

/// Of the file. A newer one's, which may mean anything, names nobody.
const VERSION: u32 = 2;

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    };

    use super::*;

    fn latest(index: u64) -> Latest {
        let head = Head { index, digest: Digest::new([0xab; 32]) };
        let tpm_clock = ClockReading { clock_ms: 5, reset_count: 6, restart_count: 7, safe: true };
        Latest { lineage: LineageId::new([3; 32]), head, wall_ms: 1, tpm_clock: Some(tpm_clock) }
    }

    fn written(directory: &Path) -> (LineageId, Head) {
        let latest = latest(4096);
        LastHead::new(directory, "boot-a".into()).write(&latest).unwrap();
        (latest.lineage, latest.head)
    }

    #[test]
    fn the_origin_says_why_and_after_whom() {
        let directory = tempfile::tempdir().unwrap();
        let in_boot = |boot: &str| LastHead::new(directory.path(), boot.into()).origin();
        assert_eq!(in_boot("boot-a"), Origin::new(Reason::Install, None));
        let (lineage, head) = written(directory.path());
        let predecessor = Some(Predecessor { lineage, head });
        assert_eq!(in_boot("boot-a"), Origin::new(Reason::Lost, predecessor));
        assert_eq!(in_boot("boot-b"), Origin::new(Reason::Boot, predecessor));
    }

    #[test]
    fn a_damaged_file_names_nobody() {
        let directory = tempfile::tempdir().unwrap();
        written(directory.path());
        let last = LastHead::new(directory.path(), "boot-a".into());
        let text = fs::read_to_string(last.path()).unwrap();
        for damaged in [
            &text[..20],
            "",
            "{}",
            &text.replace("abab", "zzzz"),
            &text.replace("\"version\":2", "\"version\":3"),
            &text.replace("\"version\":2", "\"version\":0"),
            &text.replace("\"safe\"", "\"later\""),
        ] {
            fs::write(last.path(), damaged).unwrap();
            assert_eq!(last.origin(), Origin::new(Reason::Lost, None), "{damaged}");
        }
    }

    #[test]
    fn nothing_else_is_left_in_the_directory() {
        let directory = tempfile::tempdir().unwrap();
        written(directory.path());
        written(directory.path());
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
        let nowhere = LastHead::new(Path::new("/proc/nowhere"), "boot-a".into());
        nowhere.write(&latest(0)).unwrap_err();
    }

    #[test]
    fn the_tpms_clock_is_kept_and_a_file_of_version_1_has_none() {
        let directory = tempfile::tempdir().unwrap();
        let (lineage, head) = written(directory.path());
        let last = LastHead::new(directory.path(), "boot-a".into());
        assert_eq!(last.read().unwrap().tpm_clock, latest(0).tpm_clock);
        let text = fs::read_to_string(last.path()).unwrap();
        let clock = r#","tpm_clock":{"clock_ms":5,"reset_count":6,"restart_count":7,"safe":true}"#;
        let old = text.replace(clock, "").replace("\"version\":2", "\"version\":1");
        assert_eq!(old.len(), text.len() - clock.len(), "it is in there: {text}");
        fs::write(last.path(), old).unwrap();
        assert_eq!(last.read().unwrap().tpm_clock, None);
        assert_eq!(last.origin(), Origin::new(Reason::Lost, Some(Predecessor { lineage, head })));

        last.write(&Latest { tpm_clock: None, ..latest(1) }).unwrap();
        assert!(!fs::read_to_string(last.path()).unwrap().contains("tpm_clock"), "none was ever read");
    }

    #[test]
    fn who_can_not_write_says_so_once_and_goes_on_trying() {
        let directory = tempfile::tempdir().unwrap();
        let state = directory.path().join("state");
        // where the directory should be there is a file
        fs::write(&state, "").unwrap();
        let last = LastHead::new(&state, "boot-a".into());
        let (tell, told) = channel();
        let tries = Arc::new(AtomicU64::new(0));
        let count = tries.clone();
        let latest = move || latest(count.fetch_add(1, Ordering::SeqCst));
        let tell = move |is_kept| tell.send(is_kept).unwrap();
        let writer = HeadWriter::start(last.clone(), Duration::from_millis(1), latest, tell).unwrap();
        assert_eq!(told.recv(), Ok(false));
        let seen = tries.load(Ordering::SeqCst);
        while tries.load(Ordering::SeqCst) < seen + 5 {
            thread::yield_now();
        }
        assert!(told.try_recv().is_err(), "once");
        fs::remove_file(&state).unwrap();
        assert_eq!(told.recv(), Ok(true));
        drop(writer);
        assert!(told.recv().is_err(), "and no more");
        let last_try = tries.load(Ordering::SeqCst) - 1;
        assert_eq!(last.read().unwrap().index, last_try, "the end's is in the file");
    }
}
