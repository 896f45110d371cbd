//! The last hour's samples, with what shows that moments commit to them: kept in memory alone, for whoever may look.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard},
};

use lz4_flex::block::{compress_with_dict, decompress_with_dict};

/// The samples that moments of the living lineage commit to: of its last hour, and at most 1 MiB.
#[derive(Debug, Default)]
pub(crate) struct Audit(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    /// In the order of their moments.
    entries: VecDeque<Entry>,
    bytes: usize,
}

#[derive(Debug)]
struct Entry {
    index: u64,
    body: Box<[u8]>,
    blinded: Blinded,
}

/// A sample, packed, and what it was blinded with.
#[derive(Debug)]
pub(crate) struct Blinded {
    /// 32 random bytes.
    pub(super) blind: [u8; 32],
    /// The sample.
    pub(super) packed: Packed,
}

/// What a moment committed to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Audited {
    /// The moment.
    pub(crate) body: Vec<u8>,
    /// 32 random bytes.
    pub(crate) blind: [u8; 32],
    /// The sample.
    pub(crate) sample: Vec<u8>,
}

impl Audit {
    /// Keeps what the moment of this index, which is its lineage's newest, commits to.
    pub(crate) fn keep(&self, index: u64, body: &[u8], blinded: Blinded) {
        let entry = Entry { index, body: body.into(), blinded };
        let mut kept = self.lock();
        kept.bytes += entry.bytes();
        kept.entries.push_back(entry);
        let since = index.saturating_sub(AN_HOUR_TICKS);
        while kept.bytes > MOST_BYTES || kept.entries.front().is_some_and(|first| first.index < since) {
            let Some(first) = kept.entries.pop_front() else { break };
            kept.bytes -= first.bytes();
        }
    }

    /// What the moment of exactly this index committed to; none where that is not kept.
    pub(crate) fn find(&self, index: u64) -> Option<Audited> {
        let (body, blind, packed) = {
            let kept = self.lock();
            let at = kept.entries.binary_search_by_key(&index, |entry| entry.index).ok()?;
            let Entry { body, blinded, .. } = kept.entries.get(at)?;
            (body.to_vec(), blinded.blind, blinded.packed.clone())
        };
        Some(Audited { body, blind, sample: packed.unpack()? })
    }

    /// Lets all of it go: the lineage has ended.
    pub(crate) fn clear(&self) {
        *self.lock() = Kept::default();
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().expect("no thread panics while it holds the samples")
    }
}

impl Entry {
    fn bytes(&self) -> usize {
        size_of::<Self>() + self.body.len() + self.blinded.packed.bytes()
    }
}

/// A sample, as its difference from one that is not much older.
#[derive(Clone, Debug)]
pub(super) struct Packed {
    base: Arc<[u8]>,
    /// None where it is the base itself.
    difference: Option<Arc<[u8]>>,
    sample_bytes: usize,
}

impl Packed {
    /// What it takes; the base counts for the sample that is the base.
    fn bytes(&self) -> usize {
        self.difference.as_ref().unwrap_or(&self.base).len()
    }

    fn unpack(&self) -> Option<Vec<u8>> {
        let Some(difference) = &self.difference else { return Some(self.base.to_vec()) };
        let sample = decompress_with_dict(difference, self.sample_bytes, &self.base);
        sample.inspect_err(|error| tracing::error!(%error, "a sample that was packed can't be unpacked")).ok()
    }
}

/// Packs samples, one after the other.
#[derive(Debug, Default)]
pub(super) struct Packer {
    base: Option<Arc<[u8]>>,
    packed: u32,
}

impl Packer {
    pub(super) fn pack(&mut self, sample: &[u8]) -> Packed {
        let base = self.base.take().filter(|_| self.packed < REBASE_AFTER);
        self.packed = if base.is_some() { self.packed + 1 } else { 1 };
        let difference = base.as_ref().map(|base| compress_with_dict(sample, base).into());
        let base = base.unwrap_or_else(|| sample.into());
        self.base = Some(base.clone());
        Packed { base, difference, sample_bytes: sample.len() }
    }
}

/// Source: protocol section 4: an index is the lineage's age in ticks of 1/4096 s.
const AN_HOUR_TICKS: u64 = 3600 * 4096;

/// Of the 12 MiB that the agent may take (architecture, Ceilings). An hour at the usual beat takes half of it where some
/// hundred programs run; on a busier host, or with a faster beat, it is less than an hour that is kept.
const MOST_BYTES: usize = 1 << 20;

/// Samples that are packed against one: from then on too much has changed.
const REBASE_AFTER: u32 = 32;

#[cfg(test)]
mod tests {
    use super::*;

    /// The bytes of a sample that has `count` programs, and `changes`.
    fn sample(count: u64, changes: u64) -> Vec<u8> {
        let names = (0..count).flat_map(|at| format!("\x0bprogram{:04}", at + changes / 7).into_bytes());
        changes.to_le_bytes().into_iter().chain(names).collect()
    }

    fn blinded(packer: &mut Packer, sample: &[u8]) -> Blinded {
        Blinded { blind: [7; 32], packed: packer.pack(sample) }
    }

    #[test]
    fn what_was_kept_is_found_by_its_index_and_nothing_else_is() {
        let (audit, mut packer) = (Audit::default(), Packer::default());
        for beat in 1..=100u64 {
            audit.keep(beat * 10, &beat.to_le_bytes(), blinded(&mut packer, &sample(50, beat)));
        }
        for beat in 1..=100u64 {
            let audited = audit.find(beat * 10).unwrap();
            assert_eq!((audited.body, audited.blind), (beat.to_le_bytes().to_vec(), [7; 32]));
            assert_eq!(audited.sample, sample(50, beat));
            assert_eq!(audit.find(beat * 10 + 1), None);
        }
        assert_eq!((audit.find(0), audit.find(u64::MAX)), (None, None));
        audit.clear();
        assert_eq!(audit.find(10), None);
        assert_eq!(audit.lock().bytes, 0);
    }

    #[test]
    fn an_hour_is_kept_and_no_more() {
        let (audit, mut packer) = (Audit::default(), Packer::default());
        let beat_ticks = 8 * 4096;
        for beat in 0..1000 {
            audit.keep(beat * beat_ticks, &[0; 800], blinded(&mut packer, &sample(100, beat)));
        }
        let kept = audit.lock();
        assert_eq!(kept.entries.len(), 451, "both ends of the hour");
        println!("an hour of samples of {} bytes: {} bytes", sample(100, 0).len(), kept.bytes);
        assert_eq!(kept.bytes, kept.entries.iter().map(Entry::bytes).sum::<usize>());
    }

    #[test]
    fn it_is_bounded_by_bytes_whatever_the_samples_are() {
        let (audit, mut packer) = (Audit::default(), Packer::default());
        let mut noise = blake3::Hasher::new().finalize_xof();
        for beat in 0..1000 {
            let mut sample = vec![0; 9 * 1024];
            noise.fill(&mut sample);
            audit.keep(beat, &[0; 2048], blinded(&mut packer, &sample));
            assert!(audit.lock().bytes <= MOST_BYTES);
            assert_eq!(audit.find(beat).unwrap().sample, sample);
        }
        assert!(audit.lock().entries.len() > 80);
        assert_eq!(audit.find(0), None);
    }
}
