//! Section 7, step 6: a verifier whose wall clock was set back refuses no honest host for it, but says so.

use proptest::collection::vec;
use proptest::prelude::*;
use selfsame::{Ordinary, Peer, Policy, Timing};

use super::clocks::Clocks;
use super::count::check;
use super::host::{AUDIENCE, Host};

/// One exchange: so much later, after the clock was set, maybe in another boot; and set once more on the way.
#[derive(Clone, Debug)]
struct Exchange {
    wait: u64,
    delay: u64,
    reboots: bool,
    set_before: Option<i64>,
    set_between: Option<i64>,
}

fn exchange() -> impl Strategy<Value = Exchange> {
    const MONTH_MS: i64 = 30 * 86_400_000;
    let set = || prop::option::weighted(0.3, -MONTH_MS..MONTH_MS);
    let wait = (0u32..30, any::<u64>()).prop_map(|(bits, r)| r % (1 << bits) + 1);
    (wait, 0u64..240_000, prop::bool::weighted(0.2), set(), set()).prop_map(
        |(wait, delay, reboots, set_before, set_between)| Exchange {
            wait,
            delay,
            reboots,
            set_before,
            set_between,
        },
    )
}

#[test]
fn while_it_is_set_back_nothing_is_refused_and_the_verdict_says_unjudged() {
    let (checked, unjudged) = (std::cell::Cell::new(0), std::cell::Cell::new(0));
    check(400, (any::<u64>(), vec(exchange(), 1..25)), |(seed, exchanges)| {
        let (mut host, mut clocks, mut t) = (Host::born(seed), Clocks::new(), 1);
        let mut peer = Peer::expecting(*host.lineage.id());
        let (mut wall_max_ms, mut first_boot) = (0, None);
        for exchange in exchanges {
            t += exchange.wait;
            if exchange.reboots {
                clocks.reboot(t);
            }
            exchange.set_before.into_iter().for_each(|wrong_ms| clocks.set_wall(wrong_ms));
            let issued = clocks.now(t);
            let challenge = peer.challenge(AUDIENCE, &[5; 32], &issued).expect("few are out");
            t += exchange.delay;
            exchange.set_between.into_iter().for_each(|wrong_ms| clocks.set_wall(wrong_ms));
            let now = clocks.now(t);
            t += u64::from(t == host.lineage.head().index);
            let proof = host.prove(t, &[challenge]).remove(0).encode();
            wall_max_ms = wall_max_ms.max(issued.wall_ms);
            let is_one_boot = *first_boot.get_or_insert(now.boot) == now.boot;
            let is_set_back = now.wall_ms < wall_max_ms;
            if !is_one_boot && !is_set_back {
                // a wall clock that was wrong is held against it from here on: a person decides
                return;
            }
            let verdict = peer.take(&proof, &now, &Policy::default());
            let verdict = verdict.unwrap_or_else(|refusal| panic!("an honest host is refused: {refusal}"));
            assert_eq!(verdict.lag, 0);
            if is_one_boot {
                // by the age clock, whatever the wall clock says; but a first meeting has nothing else
                assert!(verdict.timing == Timing::Checked || verdict.first_meeting, "{:?}", verdict.timing);
                checked.set(checked.get() + 1);
            } else {
                assert_eq!(verdict.timing, Timing::Unjudged);
                unjudged.set(unjudged.get() + 1);
            }
            wall_max_ms = wall_max_ms.max(now.wall_ms);
        }
    });
    println!("{} proofs were checked, {} unjudged", checked.get(), unjudged.get());
    assert!(checked.get() > 0 && unjudged.get() > 0);
}

/// An exchange of a host that is on time: asked at `t` by a wall clock that is so many hours wrong, answered and
/// taken a second later by one that is so many hours wrong.
fn exchange_at(
    host: &mut Host<Ordinary>,
    peer: &mut Peer,
    clocks: &mut Clocks,
    t: u64,
    wrong: [i64; 2],
) -> Timing {
    const HOUR_MS: i64 = 3_600_000;
    clocks.set_wall(wrong[0] * HOUR_MS);
    let challenge = peer.challenge(AUDIENCE, &[5; 32], &clocks.now(t)).expect("few are out");
    clocks.set_wall(wrong[1] * HOUR_MS);
    let proof = host.prove(t + 4096, &[challenge]).remove(0).encode();
    let verdict = peer.take(&proof, &clocks.now(t + 4096), &Policy::default());
    verdict.unwrap_or_else(|refusal| panic!("an honest host is refused: {refusal}")).timing
}

#[test]
fn a_challenge_that_was_issued_by_a_wrong_wall_clock_is_held_against_no_host() {
    let day = 86_400 * 4096;
    // set right between challenge and answer, in a second boot: what was issued is no time to judge by
    let (mut host, mut clocks) = (Host::born(1), Clocks::new());
    let mut peer = Peer::introduced(&host.lineage.introduce(), &clocks.now(1));
    assert_eq!(exchange_at(&mut host, &mut peer, &mut clocks, day, [0, 0]), Timing::CheckedByWall);
    clocks.reboot(2 * day);
    assert_eq!(exchange_at(&mut host, &mut peer, &mut clocks, 2 * day, [3, 0]), Timing::Unjudged);
    // in the first boot: nor is it after the next
    let (mut host, mut clocks) = (Host::born(1), Clocks::new());
    let mut peer = Peer::introduced(&host.lineage.introduce(), &clocks.now(1));
    assert_eq!(exchange_at(&mut host, &mut peer, &mut clocks, day, [30, 0]), Timing::Unjudged);
    clocks.reboot(2 * day);
    assert_eq!(exchange_at(&mut host, &mut peer, &mut clocks, 2 * day, [0, 0]), Timing::Unjudged);
}
