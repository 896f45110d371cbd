//! The public history: what outlives a crash and is no secret, in a file in memory.
//!
//! Two halves, one of which is current: frames, one after the other, each
//! `u32le(bytes of payload) ‖ u32le(kind) ‖ u64le(checksum) ‖ payload`, filled up to 8 bytes. The checksum is over the half's
//! generation, the frame's number in it, kind and payload; the first frame that is not right ends the history. A half
//! that has grown too long is written anew into the other one, with a higher generation, and then a mark at the front
//! says so. There are two marks, each a generation and its complement, in turn: one that is half written is none.

use std::{
    io,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
};

use nix::{
    errno::Errno,
    fcntl::{FallocateFlags, fallocate},
    sys::{
        memfd::{MFdFlags, memfd_create},
        uio::{pread, pwrite},
    },
};

/// What a frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// An entry of the lineage's record.
    Lineage,
    /// When, and in which boot, the lineage was born. The last one stands.
    Birth,
    /// The last settings that worked. The last ones stand.
    Settings,
}

impl Kind {
    const fn number(self) -> u32 {
        match self {
            Self::Lineage => 1,
            Self::Birth => 2,
            Self::Settings => 3,
        }
    }

    fn of(number: u32) -> Option<Self> {
        [Self::Lineage, Self::Birth, Self::Settings].into_iter().find(|kind| kind.number() == number)
    }
}

/// A file that bytes can be read from and written to, at any place.
pub(crate) trait Bytes {
    /// Reads as much as there is.
    fn read_at(&self, out: &mut [u8], at: u64) -> io::Result<usize>;

    /// Writes all.
    fn write_at(&mut self, bytes: &[u8], at: u64) -> io::Result<()>;

    /// Makes `length` bytes zeroes, and gives their memory back.
    fn clear(&mut self, at: u64, length: u64) -> io::Result<()>;
}

/// The history, in its own file.
pub(crate) type History = Log<MemoryFile>;

/// A history, in any file.
pub(crate) struct Log<B> {
    file: B,
    generation: u64,
    /// The next frame's number in its half.
    number: u64,
    /// Where the next frame goes, from the half's start.
    tail: u64,
    /// How long the half was when it was written anew, by this process: of one that was handed over nobody knows how much
    /// of it is still kept, and it is written anew as soon as it has some length.
    at_first: u64,
    birth: Option<Vec<u8>>,
    settings: Option<Vec<u8>>,
}

/// Why there is no history to go on with.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum HistoryError {
    /// It is none of ours.
    #[error("no history: it does not begin with its magic number")]
    Magic,
    /// Another version wrote it.
    #[error("a history of version {found}: this agent knows {VERSION}")]
    Version {
        /// Its version.
        found: u64,
    },
    /// Neither mark is whole.
    #[error("a damaged history: neither of its marks is whole")]
    Damaged,
    /// The system refuses.
    #[error("the history's file")]
    File(#[from] io::Error),
}

impl History {
    /// An empty history in a new file.
    ///
    /// # Errors
    /// Where the system gives no memory for it.
    pub(crate) fn create() -> Result<Self, HistoryError> {
        let fd = memfd_create(c"selfsame-history", MFdFlags::MFD_CLOEXEC).map_err(io::Error::from)?;
        Self::begin(MemoryFile(fd))
    }

    /// The history behind a descriptor that was handed over.
    ///
    /// # Errors
    /// Where it is none, another version's, or damaged; then nothing is written to it.
    pub(crate) fn adopt(fd: OwnedFd) -> Result<Self, HistoryError> {
        Self::open(MemoryFile(fd))
    }

    /// Its descriptor.
    pub(super) fn fd(&self) -> BorrowedFd<'_> {
        self.file.0.as_fd()
    }
}

impl<B: Bytes> Log<B> {
    pub(super) fn begin(mut file: B) -> Result<Self, HistoryError> {
        let generation = 2;
        file.write_at(&VERSION.to_le_bytes(), 8)?;
        file.write_at(&mark(generation), mark_at(generation))?;
        file.write_at(MAGIC, 0)?;
        Ok(Self { file, generation, number: 0, tail: 0, at_first: 0, birth: None, settings: None })
    }

    pub(super) fn open(file: B) -> Result<Self, HistoryError> {
        let word = |at: u64| -> io::Result<[u8; 8]> {
            let mut word = [0; 8];
            file.read_at(&mut word, at)?;
            Ok(word)
        };
        if word(0)? != *MAGIC {
            return Err(HistoryError::Magic);
        }
        let found = u64::from_le_bytes(word(8)?);
        if found != VERSION {
            return Err(HistoryError::Version { found });
        }
        let mut generation = None;
        for at in MARKS {
            let (value, complement) = (u64::from_le_bytes(word(at)?), u64::from_le_bytes(word(at + 8)?));
            if value == !complement && value > 1 {
                generation = generation.max(Some(value));
            }
        }
        let generation = generation.ok_or(HistoryError::Damaged)?;
        let mut log = Self { file, generation, number: 0, tail: 0, at_first: 0, birth: None, settings: None };
        let (mut birth, mut settings) = (None, None);
        let mut frames = log.frames();
        for (kind, payload) in frames.by_ref() {
            match kind {
                Kind::Lineage => {}
                Kind::Birth => birth = Some(payload),
                Kind::Settings => settings = Some(payload),
            }
        }
        let (number, tail) = (frames.number, frames.at);
        (log.number, log.tail, log.birth, log.settings) = (number, tail, birth, settings);
        Ok(log)
    }

    /// The entries of the lineage's record, in their order.
    pub(crate) fn lineage(&self) -> impl Iterator<Item = Vec<u8>> {
        self.frames().filter(|(kind, _)| *kind == Kind::Lineage).map(|(_, payload)| payload)
    }

    /// When the lineage was born, as it was recorded.
    pub(crate) fn birth(&self) -> Option<&[u8]> {
        self.birth.as_deref()
    }

    /// The last settings that worked, as they were recorded.
    pub(crate) fn settings(&self) -> Option<&[u8]> {
        self.settings.as_deref()
    }

    /// Appends a frame.
    ///
    /// # Errors
    /// Where there is no memory for it, or it is longer than any that is read; then the next one stands in its place.
    pub(crate) fn append(&mut self, kind: Kind, payload: &[u8]) -> io::Result<()> {
        if payload.len() > PAYLOAD_MOST {
            let text = format!("{} bytes in one entry: at most {PAYLOAD_MOST}", payload.len());
            return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
        }
        let frame = frame(self.generation, self.number, kind, payload);
        self.file.write_at(&frame, half_at(self.generation) + self.tail)?;
        self.tail += frame.len() as u64;
        self.number += 1;
        match kind {
            Kind::Lineage => {}
            Kind::Birth => self.birth = Some(payload.to_vec()),
            Kind::Settings => self.settings = Some(payload.to_vec()),
        }
        Ok(())
    }

    /// Whether it has grown so long that it should be written anew.
    pub(crate) fn is_long(&self) -> bool {
        self.tail > self.at_first * 2 + GROWTH_BYTES
    }

    /// Replaces all entries of the lineage's record by these, in one step.
    ///
    /// # Errors
    /// Where there is no memory for it; then all is as it was.
    pub(crate) fn rewrite(&mut self, entries: impl Iterator<Item = Vec<u8>>) -> io::Result<()> {
        let generation = self.generation + 1;
        let half = half_at(generation);
        self.file.clear(half, HALF_BYTES)?;
        let others = [(Kind::Birth, &self.birth), (Kind::Settings, &self.settings)];
        let others = others.into_iter().filter_map(|(kind, payload)| Some((kind, payload.clone()?)));
        let (mut number, mut tail) = (0, 0);
        for (kind, payload) in others.chain(entries.map(|entry| (Kind::Lineage, entry))) {
            let frame = frame(generation, number, kind, &payload);
            self.file.write_at(&frame, half + tail)?;
            number += 1;
            tail += frame.len() as u64;
        }
        self.file.write_at(&mark(generation), mark_at(generation))?;
        let old = half_at(self.generation);
        (self.generation, self.number, self.tail, self.at_first) = (generation, number, tail, tail);
        // memory that is not given back now is given back the next time
        let _ = self.file.clear(old, HALF_BYTES);
        Ok(())
    }

    fn frames(&self) -> Frames<'_, B> {
        Frames { file: &self.file, generation: self.generation, number: 0, at: 0 }
    }
}

/// The frames of the current half, up to the first that is not right.
struct Frames<'a, B> {
    file: &'a B,
    generation: u64,
    number: u64,
    at: u64,
}

impl<B: Bytes> Iterator for Frames<'_, B> {
    type Item = (Kind, Vec<u8>);

    fn next(&mut self) -> Option<Self::Item> {
        let at = half_at(self.generation) + self.at;
        let mut header = [0; HEADER_BYTES];
        self.file.read_at(&mut header, at).ok()?;
        let (length, rest) = header.split_first_chunk()?;
        let (kind, sum) = rest.split_first_chunk()?;
        let length = u32::from_le_bytes(*length) as usize;
        let kind = Kind::of(u32::from_le_bytes(*kind))?;
        if length > PAYLOAD_MOST {
            return None;
        }
        let mut payload = vec![0; length];
        if self.file.read_at(&mut payload, at + HEADER_BYTES as u64).ok()? != length {
            return None;
        }
        if sum != checksum(self.generation, self.number, kind, &payload) {
            return None;
        }
        self.number += 1;
        self.at += frame_bytes(length) as u64;
        Some((kind, payload))
    }
}

fn frame(generation: u64, number: u64, kind: Kind, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).expect("a payload is some KiB long");
    let mut frame = Vec::with_capacity(frame_bytes(payload.len()));
    frame.extend(length.to_le_bytes());
    frame.extend(kind.number().to_le_bytes());
    frame.extend(checksum(generation, number, kind, payload));
    frame.extend(payload);
    frame.resize(frame_bytes(payload.len()), 0);
    frame
}

const fn frame_bytes(payload: usize) -> usize {
    (HEADER_BYTES + payload).next_multiple_of(8)
}

fn checksum(generation: u64, number: u64, kind: Kind, payload: &[u8]) -> [u8; 8] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&generation.to_le_bytes()).update(&number.to_le_bytes());
    hasher.update(&kind.number().to_le_bytes()).update(payload);
    let mut sum = [0; 8];
    hasher.finalize_xof().fill(&mut sum);
    sum
}

/// A generation's mark: itself, and its complement.
fn mark(generation: u64) -> [u8; 16] {
    let mut mark = [0; 16];
    let (value, complement) = mark.split_at_mut(8);
    value.copy_from_slice(&generation.to_le_bytes());
    complement.copy_from_slice(&(!generation).to_le_bytes());
    mark
}

const fn mark_at(generation: u64) -> u64 {
    if generation.is_multiple_of(2) { MARKS[0] } else { MARKS[1] }
}

const fn half_at(generation: u64) -> u64 {
    HALF_BYTES * (generation % 2) + HALVES_AT
}

/// A file that is in memory alone.
pub(crate) struct MemoryFile(OwnedFd);

impl Bytes for MemoryFile {
    fn read_at(&self, out: &mut [u8], at: u64) -> io::Result<usize> {
        let mut have = 0;
        while let Some(rest) = out.get_mut(have..).filter(|rest| !rest.is_empty()) {
            match pread(&self.0, rest, offset(at + have as u64)?) {
                Ok(0) => break,
                Ok(more) => have += more,
                Err(Errno::EINTR) => {}
                Err(errno) => return Err(errno.into()),
            }
        }
        Ok(have)
    }

    fn write_at(&mut self, bytes: &[u8], at: u64) -> io::Result<()> {
        let mut done = 0;
        while let Some(rest) = bytes.get(done..).filter(|rest| !rest.is_empty()) {
            match pwrite(&self.0, rest, offset(at + done as u64)?) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(more) => done += more,
                Err(Errno::EINTR) => {}
                Err(errno) => return Err(errno.into()),
            }
        }
        Ok(())
    }

    fn clear(&mut self, at: u64, length: u64) -> io::Result<()> {
        let flags = FallocateFlags::FALLOC_FL_PUNCH_HOLE | FallocateFlags::FALLOC_FL_KEEP_SIZE;
        Ok(fallocate(&self.0, flags, offset(at)?, offset(length)?)?)
    }
}

fn offset(at: u64) -> io::Result<i64> {
    i64::try_from(at).map_err(|_| io::ErrorKind::InvalidInput.into())
}

const MAGIC: &[u8; 8] = b"selfhist";

/// The version of this layout, and of the record's entries.
const VERSION: u64 = 1;

/// Where the marks are.
const MARKS: [u64; 2] = [16, 32];

/// Where the halves begin.
const HALVES_AT: u64 = 4096;

/// How far apart the halves are: no history grows so long. What is not written takes no memory.
const HALF_BYTES: u64 = 1 << 30;

/// Length, kind and checksum.
const HEADER_BYTES: usize = 16;

/// A moment with all its openings is the longest entry.
const PAYLOAD_MOST: usize = selfsame::MAX_ENTRY_BYTES;

/// As much again as all that a lineage ever keeps (protocol section 4: 3.5 MB, usually half).
const GROWTH_BYTES: u64 = 4 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_appended_is_read_again_and_what_is_too_long_is_refused_and_in_no_ones_way() {
        let mut log = History::create().unwrap();
        log.append(Kind::Lineage, b"one").unwrap();
        log.append(Kind::Settings, &vec![b'#'; PAYLOAD_MOST + 1]).unwrap_err();
        log.append(Kind::Settings, &vec![b'#'; PAYLOAD_MOST]).unwrap();
        log.append(Kind::Lineage, b"").unwrap();
        let again = History::adopt(log.file.0.try_clone().unwrap()).unwrap();
        assert_eq!(again.lineage().collect::<Vec<_>>(), [&b"one"[..], b""]);
        assert_eq!(again.settings().map(<[u8]>::len), Some(PAYLOAD_MOST));
        assert_eq!((again.tail, again.number), (log.tail, log.number));
    }

    #[test]
    fn a_flipped_bit_ends_the_history_before_it() {
        let mut log = History::create().unwrap();
        let mut ends = Vec::new();
        for number in 0..4_u8 {
            log.append(Kind::Lineage, &[number; 13]).unwrap();
            ends.push(log.tail);
        }
        for at in 0..ends[3] {
            let place = HALVES_AT + at;
            let mut byte = [0];
            log.file.read_at(&mut byte, place).unwrap();
            log.file.write_at(&[byte[0] ^ 1], place).unwrap();
            let left = History::adopt(log.file.0.try_clone().unwrap()).unwrap().lineage().count();
            // what fills a frame up to 8 bytes is nobody's
            let in_filling = (at % 32) >= 29;
            let frame = ends.iter().filter(|end| **end <= at).count();
            assert_eq!(left, if in_filling { 4 } else { frame }, "byte {at}");
            log.file.write_at(&byte, place).unwrap();
        }
    }

    #[test]
    fn a_history_that_has_grown_long_is_written_anew_and_gives_its_memory_back() {
        let mut log = History::create().unwrap();
        log.append(Kind::Birth, b"born").unwrap();
        while !log.is_long() {
            log.append(Kind::Lineage, &[7; 30_000]).unwrap();
        }
        let long = log.tail;
        log.rewrite(std::iter::once(b"kept".to_vec())).unwrap();
        assert!(!log.is_long() && log.tail < 100);
        let again = History::adopt(log.file.0.try_clone().unwrap()).unwrap();
        assert_eq!(
            (again.birth(), again.lineage().collect::<Vec<_>>()),
            (Some(&b"born"[..]), vec![b"kept".to_vec()])
        );
        let blocks = nix::sys::stat::fstat(&log.file.0).unwrap().st_blocks * 512;
        assert!(u64::try_from(blocks).unwrap() < long / 10, "{blocks} bytes are held");
    }

    /// It once grew to 600 MB over a thousand restarts, each of which took its length at the time for what is kept.
    #[test]
    fn a_history_that_is_handed_over_again_and_again_is_long_all_the_same() {
        let mut log = History::create().unwrap();
        let mut appended = 0;
        while !log.is_long() {
            log.append(Kind::Lineage, &[7; 30_000]).unwrap();
            appended += 30_000;
            log = History::adopt(log.file.0.try_clone().unwrap()).unwrap();
            assert!(appended < 2 * GROWTH_BYTES, "{appended} bytes, and not long");
        }
    }
}
