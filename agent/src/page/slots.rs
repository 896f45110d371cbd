//! Two checksummed slots and a sequence number: the state changes over from one to the other in one step.
//!
//! The page in words of 8 bytes: 0 magic, 1 version; from [`SLOT`]`[0]` and `[1]` on a slot each: its sequence number,
//! its checksum, the secrets; from [`SCRATCH`] on the place where the next state is worked out. A slot is valid if its
//! number is not 0 and its checksum is right; of two the higher number is the state.
//!
//! A change: the state is copied to the scratch, and changed there. Then, store by store: the other slot's words, its
//! checksum, and last its number. From that store on it is the state. Then the old slot and the scratch are erased.

use std::mem::size_of;

use selfsame::Secrets;

/// A page of words.
pub(super) trait Words {
    /// The word at `at`.
    fn load(&self, at: usize) -> u64;

    /// Stores a word: after all that were stored before, for whoever maps the page when this process is gone.
    fn store(&mut self, at: usize, value: u64);
}

/// The slots of a page.
pub(super) struct Slots<W> {
    words: W,
    active: usize,
    number: u64,
}

/// Why there is no state in a page.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum LoadError {
    /// It is no page of ours.
    #[error("no secret page: its first word is not the magic number")]
    Magic,
    /// Another version wrote it.
    #[error("a secret page of version {found}: this agent knows {VERSION}")]
    Version {
        /// Its version.
        found: u64,
    },
    /// Neither slot is valid.
    #[error("a damaged secret page: neither slot has a right checksum")]
    Damaged,
}

impl<W: Words> Slots<W> {
    /// Makes a page of zeroes a blank state, the first.
    pub(super) fn blank(words: W) -> Self {
        let mut slots = Self { words, active: SLOT[1], number: 0 };
        slots.words.store(1, VERSION);
        slots.commit();
        // last: what has no magic number is no page yet
        slots.words.store(0, MAGIC);
        slots
    }

    /// Finds the state in a page, and erases what is not it. Of a page that can't be read nothing is changed.
    pub(super) fn load(words: W) -> Result<Self, LoadError> {
        if words.load(0) != MAGIC {
            return Err(LoadError::Magic);
        }
        let found = words.load(1);
        if found != VERSION {
            return Err(LoadError::Version { found });
        }
        let valid = SLOT.into_iter().filter_map(|slot| Some((number(&words, slot)?, slot)));
        let (number, slot) = valid.max().ok_or(LoadError::Damaged)?;
        let mut slots = Self { words, active: slot + HEADER, number };
        slots.erase_others();
        Ok(slots)
    }

    /// Where the state's secrets begin.
    pub(super) fn active(&self) -> usize {
        self.active
    }

    pub(super) fn words(&self) -> &W {
        &self.words
    }

    pub(super) fn words_mut(&mut self) -> &mut W {
        &mut self.words
    }

    /// Copies the state to the scratch, to be changed there.
    pub(super) fn begin(&mut self) {
        for word in 0..SECRET_WORDS {
            let value = self.words.load(self.active + word);
            self.words.store(SCRATCH + word, value);
        }
    }

    /// Makes what is in the scratch the state, in one store, and erases what was.
    pub(super) fn commit(&mut self) {
        let other = SLOT.into_iter().find(|slot| slot + HEADER != self.active).unwrap_or(SLOT[0]);
        let number = self.number + 1;
        for word in 0..SECRET_WORDS {
            let value = self.words.load(SCRATCH + word);
            self.words.store(other + HEADER + word, value);
        }
        let sum = checksum(&self.words, other, number);
        self.words.store(other + 1, sum);
        self.words.store(other, number);
        (self.active, self.number) = (other + HEADER, number);
        self.erase_others();
    }

    /// Erases all of it: no state is left.
    pub(super) fn wipe(&mut self) {
        for at in (0..PAGE_WORDS).rev() {
            self.words.store(at, 0);
        }
    }

    /// Erases the other slot, its number first, and the scratch.
    fn erase_others(&mut self) {
        for slot in SLOT.into_iter().filter(|slot| slot + HEADER != self.active) {
            (slot..slot + HEADER + SECRET_WORDS).for_each(|at| self.words.store(at, 0));
        }
        (SCRATCH..SCRATCH + SECRET_WORDS).for_each(|at| self.words.store(at, 0));
    }
}

/// The number of a slot; none where it is not valid.
fn number(words: &impl Words, slot: usize) -> Option<u64> {
    let number = words.load(slot);
    (number != 0 && words.load(slot + 1) == checksum(words, slot, number)).then_some(number)
}

/// Over a slot's number and secrets, against stores that are not all there: not against anybody.
fn checksum(words: &impl Words, slot: usize, number: u64) -> u64 {
    let mix = |sum: u64, word: u64| (sum ^ word).wrapping_mul(ODD).rotate_left(29);
    let secrets = (0..SECRET_WORDS).map(|word| words.load(slot + HEADER + word));
    // not 0 for a slot of zeroes
    secrets.fold(mix(START, number), mix) ^ START
}

/// `selfsame`, as a little-endian word.
const MAGIC: u64 = u64::from_le_bytes(*b"selfsame");

/// The version of this layout, and of `Secrets`'.
pub(super) const VERSION: u64 = 1;

/// Words of a page.
pub(super) const PAGE_WORDS: usize = PAGE_BYTES / 8;

/// Bytes of a page: one of the processor's.
pub(super) const PAGE_BYTES: usize = 4096;

/// Words of the secrets.
pub(super) const SECRET_WORDS: usize = size_of::<Secrets>() / 8;

/// Number and checksum.
const HEADER: usize = 2;

/// Where each slot begins.
const SLOT: [usize; 2] = [8, 8 + HEADER + SECRET_WORDS];

/// Where the next state is worked out.
pub(super) const SCRATCH: usize = SLOT[1] + HEADER + SECRET_WORDS;

const _: () = assert!(SCRATCH + SECRET_WORDS <= PAGE_WORDS && size_of::<Secrets>().is_multiple_of(8));

/// The multiplier of FNV-1a for 64 bits. Source: draft-eastlake-fnv, section 5.
const ODD: u64 = 0x0000_0100_0000_01b3;

/// Its offset basis.
const START: u64 = 0xcbf2_9ce4_8422_2325;
