//! For whom proofs were made: what `Callers` tells.

use std::{collections::HashMap, sync::Mutex};

use selfsame_dbus::CallerCount;

use super::caller::Caller;

/// Counts of proofs, by whom they are for.
#[derive(Default)]
pub(crate) struct Proofs(Mutex<Counts>);

#[derive(Default)]
struct Counts {
    by_asker: HashMap<Asker, Count>,
    in_all: u64,
}

/// Whom a statement is of, as `Callers` names it; empty: not known.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Asker {
    uid: u32,
    unit: String,
    exe: String,
}

#[derive(Clone, Copy)]
struct Count {
    proofs: u64,
    /// Which of all proofs its last was.
    last: u64,
}

impl Proofs {
    /// Counts one more.
    pub(crate) fn count(&self, caller: &Caller) {
        let subject = caller.subject();
        let [unit, exe] = [subject.unit, subject.exe].map(Option::unwrap_or_default);
        self.count_asker(Asker { uid: caller.uid, unit, exe });
    }

    /// All that is known, the most recent first.
    pub(crate) fn all(&self) -> Vec<CallerCount> {
        let counts = self.lock();
        let mut all: Vec<_> = counts.by_asker.iter().map(|(asker, count)| (asker.clone(), *count)).collect();
        drop(counts);
        all.sort_unstable_by_key(|(_, count)| std::cmp::Reverse(count.last));
        let row = |(Asker { uid, unit, exe }, count): (Asker, Count)| CallerCount {
            uid,
            unit,
            exe,
            proofs: count.proofs,
        };
        all.into_iter().map(row).collect()
    }

    fn count_asker(&self, asker: Asker) {
        let mut counts = self.lock();
        let last = counts.in_all;
        counts.in_all += 1;
        if let Some(count) = counts.by_asker.get_mut(&asker) {
            count.proofs += 1;
            count.last = last;
            return;
        }
        if counts.by_asker.len() >= ASKERS_MOST {
            let oldest = counts.by_asker.iter().min_by_key(|(_, count)| count.last);
            if let Some(oldest) = oldest.map(|(asker, _)| asker.clone()) {
                counts.by_asker.remove(&oldest);
            }
        }
        counts.by_asker.insert(asker, Count { proofs: 1, last });
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Counts> {
        self.0.lock().expect("no thread panics while it holds the counts")
    }
}

/// How many are kept; who has had none for the longest goes first. Source: dbus/org.selfsame.Identity1.xml.
const ASKERS_MOST: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn asker(uid: u32) -> Asker {
        Asker { uid, unit: "a.service".into(), exe: String::new() }
    }

    fn rows(proofs: &Proofs) -> Vec<(u32, u64)> {
        proofs.all().into_iter().map(|row| (row.uid, row.proofs)).collect()
    }

    #[test]
    fn each_is_counted_by_uid_unit_and_executable_and_the_most_recent_is_first() {
        let proofs = Proofs::default();
        for uid in [7, 8, 7] {
            proofs.count_asker(asker(uid));
        }
        assert_eq!(rows(&proofs), [(7, 2), (8, 1)]);
        proofs.count_asker(Asker { unit: "b.service".into(), ..asker(8) });
        proofs.count_asker(Asker { exe: "/usr/bin/b".into(), ..asker(8) });
        let row = |unit: &str, exe: &str, uid, proofs| CallerCount {
            uid,
            unit: unit.into(),
            exe: exe.into(),
            proofs,
        };
        let wanted = [
            row("a.service", "/usr/bin/b", 8, 1),
            row("b.service", "", 8, 1),
            row("a.service", "", 7, 2),
            row("a.service", "", 8, 1),
        ];
        assert_eq!(proofs.all(), wanted);
    }

    #[test]
    fn one_too_many_puts_out_the_one_that_was_quiet_for_the_longest() {
        let proofs = Proofs::default();
        let most = u32::try_from(ASKERS_MOST).unwrap();
        for uid in (0..most).chain([0, most]) {
            proofs.count_asker(asker(uid));
        }
        let rows = rows(&proofs);
        assert_eq!(rows.len(), ASKERS_MOST);
        assert_eq!(rows[..2], [(most, 1), (0, 2)]);
        assert!(!rows.iter().any(|(uid, _)| *uid == 1), "the second was quiet for the longest");
    }

    #[test]
    fn none_is_lost_where_many_are_counted_at_once() {
        let proofs = Proofs::default();
        std::thread::scope(|scope| {
            for uid in 0..8 {
                let proofs = &proofs;
                scope.spawn(move || (0..1000).for_each(|number| proofs.count_asker(asker(uid + number % 2))));
            }
        });
        assert_eq!(rows(&proofs).iter().map(|(_, proofs)| proofs).sum::<u64>(), 8000);
    }
}
