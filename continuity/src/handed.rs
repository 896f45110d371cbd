//! Sections 4 and 7, the heads that a lineage handed out, and what it says to a challenge that names heads.

use std::collections::BTreeMap;

use crate::anchor::Head;
use crate::hash::Digest;

/// Heads that are remembered: 11 days at one answer a minute.
const MAX_HEADS: usize = 16_384;

/// The heads of highest index that were handed out, in a proof or as an introduction.
#[derive(Clone, Debug, Default)]
pub(crate) struct Handed {
    heads: BTreeMap<u64, Digest>,
    /// From this index on all that were handed out are remembered.
    from: u64,
}

/// What a lineage says to the heads in a challenge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// It handed out all of them.
    Known,
    /// It may have: some are older than what it remembers.
    Unknown,
    /// It did not hand out this one: somebody else answered in its name.
    Foreign(Head),
}

impl Handed {
    /// What remembers these heads, and all from index `from` on.
    pub(crate) fn new(heads: impl IntoIterator<Item = Head>, from: u64) -> Self {
        Self { heads: heads.into_iter().map(|head| (head.index, head.digest)).collect(), from }
    }

    /// Remembers a head, before it is handed out.
    pub(crate) fn record(&mut self, head: Head) {
        self.heads.insert(head.index, head.digest);
        if self.heads.len() > MAX_HEADS
            && let Some((forgotten, _)) = self.heads.pop_first()
        {
            self.from = forgotten + 1;
        }
    }

    /// The heads that are remembered, in ascending order.
    pub(crate) fn heads(&self) -> impl Iterator<Item = Head> {
        self.heads.iter().map(|(index, digest)| Head { index: *index, digest: *digest })
    }

    /// From this index on all that were handed out are remembered.
    pub(crate) fn from(&self) -> u64 {
        self.from
    }

    /// All that were handed out from index `from` on are remembered, as a record says.
    pub(crate) fn set_from(&mut self, from: u64) {
        self.from = self.from.max(from);
    }

    /// Judges the heads of a challenge. `last` is the index of the lineage's head; `kept` gives the first moment
    /// at or after an index that is kept, and the moment before that one.
    pub(crate) fn judge(
        &self,
        since: &[Head],
        last: u64,
        kept: impl Fn(u64) -> Option<(Head, Head)>,
    ) -> Judgement {
        let mut judgement = Judgement::Known;
        for head in since {
            let handed_out = self.heads.get(&head.index) == Some(&head.digest);
            let is_foreign = if head.index > last {
                true
            } else if head.index >= self.from {
                !handed_out
            } else {
                kept(head.index).is_some_and(|(moment, previous)| contradicts(*head, moment, previous))
            };
            if is_foreign {
                return Judgement::Foreign(*head);
            }
            if !handed_out {
                judgement = Judgement::Unknown;
            }
        }
        judgement
    }
}

/// Whether `head` can't be the lineage's own, which has `moment` right after `previous`, at or after `head`.
fn contradicts(head: Head, moment: Head, previous: Head) -> bool {
    if head.index == moment.index {
        head.digest != moment.digest
    } else if head.index == previous.index {
        head.digest != previous.digest
    } else {
        head.index > previous.index
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(index: u64) -> Head {
        Head { index, digest: Digest::new([index as u8; 32]) }
    }

    #[test]
    fn beyond_the_last_16384_it_can_not_judge() {
        let mut handed = Handed::default();
        for index in 1..=MAX_HEADS as u64 {
            handed.record(head(index));
        }
        let judge = |handed: &Handed, at: Head| handed.judge(&[at], 100_000, |_| None);
        assert_eq!(judge(&handed, head(1)), Judgement::Known);
        handed.record(head(MAX_HEADS as u64 + 1));
        assert_eq!(judge(&handed, head(1)), Judgement::Unknown);
        assert_eq!(judge(&handed, head(2)), Judgement::Known);
        let forged = Head { index: 2, ..head(3) };
        assert_eq!(judge(&handed, forged), Judgement::Foreign(forged));
    }
}
