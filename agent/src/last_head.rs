//! The last public head, in the state directory: so that the next lineage can name its predecessor.
//!
//! Nothing in it is secret. It may lag behind: it is written at birth, at the end, and at most once a minute.

use std::{
    fs, io,
    io::Write,
    path::{Path, PathBuf},
    sync::mpsc::{RecvTimeoutError, Sender, channel},
    thread::{self, JoinHandle},
    time::Duration,
};

use selfsame::{Digest, Head, LineageId, Origin, Predecessor, Reason};
use serde::{Deserialize, Serialize};

use crate::{clock::Clock, keeper::Keeper};

/// The file that holds it.
#[derive(Clone, Debug)]
pub(crate) struct LastHead {
    directory: PathBuf,
    boot_id: String,
}

/// What the file says.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Record {
    version: u32,
    lineage: String,
    index: u64,
    digest: String,
    boot_id: String,
    wall_ms: u64,
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
        let is_sound = record.version == VERSION && record.predecessor().is_some();
        let unsound =
            || io::Error::new(io::ErrorKind::InvalidData, "it holds no head that this version knows");
        is_sound.then_some(record).ok_or_else(unsound)
    }

    /// Writes it by rename: a crash at any instruction leaves the old one or the new one.
    ///
    /// # Errors
    /// Where the directory can't be written.
    pub(crate) fn write(&self, lineage: &LineageId, head: Head, wall_ms: u64) -> io::Result<()> {
        let record = Record {
            version: VERSION,
            lineage: lineage.to_string(),
            index: head.index,
            digest: head.digest.to_string(),
            boot_id: self.boot_id.clone(),
            wall_ms,
        };
        fs::create_dir_all(&self.directory)?;
        let mut file = tempfile::NamedTempFile::new_in(&self.directory)?;
        serde_json::to_writer(&mut file, &record)?;
        file.write_all(b"\n")?;
        file.as_file().sync_all()?;
        file.persist(self.path())?;
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
    /// Starts it.
    ///
    /// # Errors
    /// Where no thread can be started.
    pub(crate) fn start(last_head: LastHead, keeper: Keeper, clock: Clock) -> io::Result<Self> {
        let (stop, stopped) = channel();
        let thread = thread::Builder::new().name("last-head".into()).spawn(move || {
            let mut is_well = true;
            let mut goes_on = true;
            while goes_on {
                let face = keeper.published().face();
                let result = last_head.write(&face.lineage, face.head, clock.wall_ms());
                match (&result, is_well) {
                    (Err(error), true) => tracing::warn!(
                        %error,
                        "the last head can't be written, and the next lineage may not name this one; proofs go on"
                    ),
                    (Ok(()), false) => tracing::info!("the last head can be written again"),
                    _ => {}
                }
                is_well = result.is_ok();
                goes_on = stopped.recv_timeout(WRITE_EVERY) != Err(RecvTimeoutError::Disconnected);
            }
            let face = keeper.published().face();
            if let Err(error) = last_head.write(&face.lineage, face.head, clock.wall_ms()) {
                tracing::warn!(%error, "the last head can't be written at the end");
            }
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
const WRITE_EVERY: Duration = Duration::from_secs(60);

const VERSION: u32 = 1;

#[cfg(test)]
mod tests {
    use super::*;

    fn written(directory: &Path) -> (LineageId, Head) {
        let (lineage, head) =
            (LineageId::new([3; 32]), Head { index: 4096, digest: Digest::new([0xab; 32]) });
        LastHead::new(directory, "boot-a".into()).write(&lineage, head, 1).unwrap();
        (lineage, head)
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
            &text.replace("\"version\":1", "\"version\":2"),
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
        assert!(
            nowhere
                .write(&LineageId::new([0; 32]), Head { index: 0, digest: Digest::new([0; 32]) }, 0)
                .is_err()
        );
    }
}
