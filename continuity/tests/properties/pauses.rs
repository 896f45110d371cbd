//! Section 7, step 6: a host that stood still lags by just so much; up to 60 s it is reported, beyond refused.

use proptest::prelude::*;
use selfsame::{Boot, Now, Peer, Policy, Refusal};

use super::count::check;
use super::host::{AUDIENCE, Host};

#[test]
fn a_pause_is_reported_up_to_a_minute_and_refused_beyond() {
    const MINUTE: u64 = 60 * 4096;
    let pause = prop_oneof![3 => 0..70 * 4096u64, 2 => MINUTE + 4000..MINUTE + 4200];
    let reported = std::cell::Cell::new((0, 0));
    check(1000, (any::<u64>(), 1u64..1 << 20, pause, 1u64..1 << 24), |(seed, before, pause, away)| {
        let mut host = Host::born(seed);
        let at = |t: u64| Now { boot: Boot([1; 16]), ticks: t, wall_ms: t * 1000 / 4096 };
        let mut peer = Peer::introduced(&host.lineage.introduce(), &at(0));
        let mut exchange = |t: u64, age: u64| {
            let challenge = peer.challenge(AUDIENCE, &[6; 32], &at(t)).expect("few are out");
            let proof = host.prove(age, &[challenge]).remove(0).encode();
            peer.take(&proof, &at(t), &Policy::default())
        };
        assert_eq!(exchange(before, before).expect("it is on time").lag, 0);
        let d = away + pause;
        let lag = pause.saturating_sub(d / 1000 + 4096);
        let (mut few, mut many) = reported.get();
        match exchange(before + d, before + away) {
            Ok(verdict) => {
                assert_eq!((verdict.lag, lag <= MINUTE), (lag, true));
                few += u32::from(lag > 0);
            }
            Err(refusal) => {
                assert_eq!(refusal, Refusal::Stalled { lag, max: MINUTE });
                assert!(lag > MINUTE);
                many += 1;
            }
        }
        reported.set((few, many));
    });
    let (few, many) = reported.get();
    println!("{few} lags were reported, {many} refused");
    assert!(few > 0 && many > 0);
}
