//! Section 4, the index: a moment that may not be made is refused, and nothing has changed.

use proptest::prelude::*;
use selfsame::{MomentError, Step};

use super::count::check;
use super::host::{BORN_MS, Host, evidence};
use super::schedule::indices;

#[test]
fn an_index_or_wall_time_out_of_range_is_refused_and_changes_nothing() {
    const LIMIT: u64 = 1 << 63;
    let refused = (any::<u64>(), any::<u64>(), 0..4u8);
    check(500, (any::<u64>(), indices(1..6, 2), refused), |(seed, indices, (r, wall, kind))| {
        let (mut host, mut twin) = (Host::born(seed), Host::born(seed));
        for index in indices {
            host.moment(index);
            twin.moment(index);
            let (head, kept) = (host.lineage.head(), host.lineage.kept());
            let (index, wall_ms) = match kind {
                0 => (r % (head.index + 1), wall),
                1 => (LIMIT + r % LIMIT, wall % LIMIT),
                2 => (head.index + 1 + r % (LIMIT - head.index - 1), LIMIT + wall % LIMIT),
                _ => (head.index, BORN_MS),
            };
            let error =
                host.lineage.moment(Step { index, wall_ms, randomness: &[1; 32], evidence: evidence() });
            match error.expect_err("it may not be made") {
                MomentError::NotAfter { index: at, head: last } if index <= head.index => {
                    assert_eq!((at, last), (index, head.index));
                }
                MomentError::Range { index: at, wall_ms: wall } => assert_eq!((at, wall), (index, wall_ms)),
                other => panic!("{index}, {wall_ms}: {other}"),
            }
            assert_eq!((host.lineage.head(), host.lineage.kept()), (head, kept));
            assert_eq!(host.lineage.moments(), twin.lineage.moments());
        }
        // byte by byte what it would have been: no secret was stepped over, none is lost
        let next = host.lineage.head().index + 1;
        assert_eq!(host.moment(next).body(), twin.moment(next).body());
    });
}

#[test]
fn the_last_index_of_all_is_the_last() {
    let mut host = Host::born(0);
    let last = (1 << 63) - 1;
    let moment = host.moment(last);
    assert_eq!((moment.index(), moment.tier()), (last, 15));
    assert!(matches!(host.try_moment(last), Err(MomentError::NotAfter { .. })));
    assert!(matches!(host.try_moment(last + 1), Err(MomentError::Range { .. })));
}
