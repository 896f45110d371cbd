//! Sections 3 and 4, what outlives a crash: a lineage's public record, written before the secrets that it opens are given
//! up, and read back into a living lineage.
//!
//! The record is a row of entries, each as bytes: its kind (1 byte), then
//!
//! | kind | entry | bytes |
//! | --- | --- | --- |
//! | 1 | genesis | its body |
//! | 2 | moment | handed out (0 or 1) ‖ tier of the first opening ‖ u16le(bytes of body) ‖ body ‖ openings, 2,144 each, up to its own tier |
//! | 3 | handed | u64le(index) ‖ digest: a head that was handed out |
//! | 4 | totals | u64le(moments so far) ‖ u64le(index from which on all heads handed out are remembered) |
//!
//! Nothing in it is secret, and it is nobody's message: its form is this version's own affair.

use std::sync::Arc;

use crate::anchor::Head;
use crate::handed::Handed;
use crate::hash::Digest;
use crate::lineage::Lineage;
use crate::moment::{Genesis, Moment};
use crate::odometer::TIERS;
use crate::pledge::{self, OPENING_BYTES, Opening};
use crate::retained::Retained;
use crate::state::Memory;

/// An entry of a lineage's public record.
#[derive(Debug)]
#[non_exhaustive]
pub enum Entry<'a> {
    /// The lineage began.
    Genesis(&'a Genesis),
    /// A moment, with what it opened.
    Moment {
        /// The moment.
        moment: &'a Moment,
        /// The tier that the first of the openings is of: 0, where none has been let go.
        first: u8,
        /// The openings from that tier up to the moment's own.
        openings: Vec<&'a Opening>,
        /// Whether it is handed out as a head.
        handed: bool,
    },
    /// A head was handed out.
    Handed(Head),
    /// How much there was before what follows, or goes before.
    Totals {
        /// Moments so far, the genesis counted.
        moments: u64,
        /// From this index on all heads that were handed out are remembered.
        from: u64,
    },
}

impl Entry<'_> {
    /// Its bytes: at most [`MAX_ENTRY_BYTES`].
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Self::Genesis(genesis) => [&[GENESIS][..], genesis.body()].concat(),
            Self::Moment { moment, first, openings, handed } => {
                let body = moment.body();
                let length = u16::try_from(body.len()).expect("a body is at most 2 KiB long");
                let [low, high] = length.to_le_bytes();
                let mut bytes = Vec::with_capacity(5 + body.len() + openings.len() * OPENING_BYTES);
                bytes.extend([MOMENT, u8::from(*handed), *first, low, high]);
                bytes.extend(body);
                openings.iter().for_each(|opening| bytes.extend(opening.as_bytes()));
                bytes
            }
            Self::Handed(head) => [&[HANDED][..], &head.index.to_le_bytes(), head.digest.as_bytes()].concat(),
            Self::Totals { moments, from } => {
                [&[TOTALS][..], &moments.to_le_bytes(), &from.to_le_bytes()].concat()
            }
        }
    }
}

/// Why a record does not go on as a lineage.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ResumeError {
    /// It does not begin with a genesis, or has a second one.
    #[error("a record that does not begin with one genesis")]
    Genesis,
    /// An entry can't be read.
    #[error("entry {number} of the record is none")]
    Entry {
        /// Which, counted from 0.
        number: usize,
    },
    /// A moment is of another lineage, or not after the one before.
    #[error("the moment in entry {number} of the record is not the next of this lineage")]
    NotNext {
        /// Which entry, counted from 0.
        number: usize,
    },
    /// The secrets are neither those of the record's last moment, nor those that it was made from.
    #[error("the secrets stand at index {secrets}, the record at {record}")]
    OutOfStep {
        /// Index of the moment that the secrets go on from.
        secrets: u64,
        /// Index of the record's last moment.
        record: u64,
    },
    /// The pledges of the record's last moment are not those of these secrets.
    #[error("the secrets are another lineage's: tier {tier} differs")]
    OtherSecrets {
        /// The first tier that differs.
        tier: u8,
    },
    /// The memory refused the secrets of the next state.
    #[error("the secret memory refused a change: {text}")]
    Memory {
        /// Why.
        text: String,
    },
}

/// A lineage as its record has it, without its secrets.
struct Recalled {
    genesis: Genesis,
    latest: Option<Arc<Moment>>,
    /// Whether all openings of the latest are there: then the secrets may stand before it.
    is_whole: bool,
    retained: Retained,
    handed: Handed,
    moments: u64,
}

impl<M: Memory> Lineage<M> {
    /// Goes on with the lineage whose secrets are in `memory`, and whose public record is `entries`, in the order in
    /// which they were recorded. Where the record is one moment ahead of the secrets, which is what a crash
    /// between the two leaves, the secrets step over it: so no pledge is ever opened over a second body.
    ///
    /// # Errors
    ///
    /// Where the two don't belong together, or one of them is damaged: the lineage has ended.
    pub fn resumed<B: AsRef<[u8]>>(
        mut memory: M,
        entries: impl IntoIterator<Item = B>,
    ) -> Result<Self, ResumeError> {
        let recalled = Recalled::read(entries)?;
        let Recalled { genesis, latest, is_whole, retained, handed, moments } = recalled;
        let id = genesis.lineage();
        let head =
            latest.as_ref().map_or(Head { index: 0, digest: id.genesis_digest() }, |moment| moment.head());
        let stands = memory.secrets().head();
        if let Some(latest) = latest.as_ref().filter(|latest| is_whole && latest.previous().index == stands)
            && memory.secrets().is_ahead()
        {
            let (tier, index) = (latest.tier(), latest.index());
            let stepped = memory.update(|secrets| secrets.step(tier, index));
            stepped.map_err(|error| ResumeError::Memory { text: error.to_string() })?;
        }
        let stands = memory.secrets().head();
        if stands != head.index {
            return Err(ResumeError::OutOfStep { secrets: stands, record: head.index });
        }
        let pledges = *latest.as_ref().map_or(genesis.pledges(), |moment| moment.pledges());
        for (tier, (secret, pledge)) in (0..).zip(memory.secrets().pending().iter().zip(&pledges)) {
            if pledge::pledge(secret, genesis.salt()) != *pledge {
                return Err(ResumeError::OtherSecrets { tier });
            }
        }
        Ok(Self {
            memory,
            genesis: Arc::new(genesis),
            id,
            head,
            latest,
            pledges,
            ahead: [None; TIERS],
            retained,
            handed,
            moments,
        })
    }

    /// Has the memory write the record anew where it has grown long: it keeps growing by what is no longer kept.
    ///
    /// # Errors
    ///
    /// Where the memory refuses; then the record is as it was.
    pub fn tidy_record(&mut self) -> Result<(), M::Error> {
        if self.memory.is_long() { self.rewrite_record() } else { Ok(()) }
    }

    /// Has the memory write the record anew, with no more in it than is kept.
    ///
    /// # Errors
    ///
    /// Where the memory refuses; then the record is as it was.
    pub fn rewrite_record(&mut self) -> Result<(), M::Error> {
        let genesis = core::iter::once(Entry::Genesis(&self.genesis));
        let totals = Entry::Totals { moments: self.moments, from: self.handed.from() };
        let handed = self.handed.heads().map(Entry::Handed);
        let entries = genesis.chain(self.retained.entries()).chain(handed).chain(core::iter::once(totals));
        self.memory.rewrite(entries)
    }
}

impl Recalled {
    fn read<B: AsRef<[u8]>>(entries: impl IntoIterator<Item = B>) -> Result<Self, ResumeError> {
        let mut entries = entries.into_iter().enumerate();
        let (_, first) = entries.next().ok_or(ResumeError::Genesis)?;
        let body = first.as_ref().strip_prefix(&[GENESIS]).ok_or(ResumeError::Genesis)?;
        let genesis = Genesis::parse(body).map_err(|_| ResumeError::Genesis)?;
        let mut recalled = Self {
            genesis,
            latest: None,
            is_whole: false,
            retained: Retained::default(),
            handed: Handed::default(),
            moments: 1,
        };
        for (number, entry) in entries {
            recalled.take(number, entry.as_ref())?;
        }
        recalled.retained.let_go();
        Ok(recalled)
    }

    fn take(&mut self, number: usize, entry: &[u8]) -> Result<(), ResumeError> {
        let none = ResumeError::Entry { number };
        match entry.split_first() {
            Some((&GENESIS, _)) => Err(ResumeError::Genesis),
            Some((&MOMENT, rest)) => self.take_moment(number, rest),
            Some((&HANDED, rest)) => {
                let (index, digest) = rest.split_first_chunk().ok_or(none.clone())?;
                let digest = Digest::new(digest.try_into().map_err(|_| none)?);
                self.handed.record(Head { index: u64::from_le_bytes(*index), digest });
                Ok(())
            }
            Some((&TOTALS, rest)) => {
                let (moments, from) = rest.split_first_chunk().ok_or(none.clone())?;
                self.moments = u64::from_le_bytes(*moments);
                self.handed.set_from(u64::from_le_bytes(from.try_into().map_err(|_| none)?));
                Ok(())
            }
            _ => Err(none),
        }
    }

    fn take_moment(&mut self, number: usize, bytes: &[u8]) -> Result<(), ResumeError> {
        let none = ResumeError::Entry { number };
        let Some(([handed @ 0..=1, first, low, high], rest)) = bytes.split_first_chunk() else {
            return Err(none);
        };
        let length = usize::from(u16::from_le_bytes([*low, *high]));
        let (body, openings) = rest.split_at_checked(length).ok_or(none.clone())?;
        let moment = Moment::parse(body).map_err(|_| none.clone())?;
        let last = self.latest.as_ref().map_or(0, |latest| latest.index());
        if *moment.lineage() != self.genesis.lineage() || moment.index() <= last {
            return Err(ResumeError::NotNext { number });
        }
        let (openings, rest) = openings.as_chunks::<OPENING_BYTES>();
        let count = usize::from(moment.tier()) + 1;
        if !rest.is_empty() || usize::from(*first) + openings.len() != count {
            return Err(none);
        }
        let openings = openings.iter().filter_map(|bytes| Opening::from_bytes(bytes)).collect();
        let moment = Arc::new(moment);
        self.retained.recall(&moment, *first, openings);
        if *handed == 1 {
            self.handed.record(moment.head());
        }
        self.latest = Some(moment);
        self.is_whole = *first == 0;
        self.moments += 1;
        Ok(())
    }
}

/// Bytes of an entry at most: a moment with all its openings.
pub const MAX_ENTRY_BYTES: usize = 5 + crate::moment::MAX_BODY_BYTES + TIERS * OPENING_BYTES;

const GENESIS: u8 = 1;
const MOMENT: u8 = 2;
const HANDED: u8 = 3;
const TOTALS: u8 = 4;

#[cfg(test)]
mod tests;
