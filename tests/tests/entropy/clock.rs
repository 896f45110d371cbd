//! The TPM's clock in the evidence: with the first moment after each draw, and no other.

use selfsame::{Moment, TpmClock};
use selfsame_tpm_sim::{Simulator, Tap};

use crate::{
    history::{History, genesis, sources},
    host::{Host, Setting},
    wire::clock,
};

/// Goes on to the next moment that has a clock, and says how many moments without one came before it.
async fn next_clock(history: &mut History, host: &Host) -> (usize, TpmClock) {
    let mut without = 0;
    loop {
        let moment: Moment = history.next(host).await;
        let evidence = moment.evidence().fields();
        let drawn = sources(evidence).contains(&"tpm".to_owned());
        assert_eq!(drawn, evidence.tpm_clock.is_some(), "a draw and its clock are told together");
        match evidence.tpm_clock {
            Some(clock) => return (without, clock),
            None => without += 1,
        }
        assert!(without < MOMENTS_MOST, "no clock in {without} moments: {}", host.agent.stderr());
    }
}

/// A minute's, where a draw is due after two seconds.
const MOMENTS_MOST: usize = 300;

#[tokio::test]
async fn the_first_moment_after_each_draw_has_the_tpms_clock_and_no_other() {
    let mut tpm = Simulator::start().unwrap();
    let tap = Tap::start(&tpm).unwrap();
    let configuration = "sources = [\"tpm\"]\nrequire = [\"tpm\"]\ntpm_interval_s = 2\n";
    let host = Setting::new(configuration).tpm(tap.tcti()).start().await;
    let mut told = vec![genesis(&host).await.evidence().fields().tpm_clock.unwrap()];
    let mut history = History::from_genesis(&host).await;
    for _ in 0..3 {
        let (without, clock) = next_clock(&mut history, &host).await;
        assert!(without > 0, "there are moments between draws");
        told.push(clock);
    }
    let read: Vec<TpmClock> = tap.take().iter().filter_map(clock).collect();
    assert!(read.starts_with(&told), "told: {told:?}, read: {read:?}");
    assert!(told.is_sorted_by_key(|clock| clock.clock_ms) && told[0].clock_ms < told[3].clock_ms);

    let before = *read.last().unwrap();
    tpm.restart().unwrap();
    let after = loop {
        let (_, after) = next_clock(&mut history, &host).await;
        // one draw may have been on its way
        if after.reset_count != before.reset_count {
            break after;
        }
    };
    assert_eq!(after.reset_count, before.reset_count.map(|count| count + 1));
    assert!(tap.take().iter().filter_map(clock).any(|read| read == after));
}
