//! Check 6 of section 7: `Clock`, an alarm and none, and `Stalled`, each by a tick.

use selfsame::{Boot, Now, Policy, Refusal, Verdict};

use super::crafted::{Made, Proof, statement, way};
use super::party::{Party, answer, at};
use super::table::{Row, row};

const SECOND: u64 = 4096;

pub fn rows() -> Vec<Row> {
    let mut rows =
        vec![clock(), clock_by_wall(), clock_of_a_person(), clock_unknown(), stalled_of_a_person()];
    rows.extend(clock_after_a_lag());
    rows.extend(stalled());
    rows
}

/// The host's answer at `index` to a challenge that is issued now.
fn prove(party: &Party, chain: &[Made], index: u64, now: &Now, policy: &Policy) -> Result<Verdict, Refusal> {
    let mut party = party.clone();
    let challenge = party.ask_at(now);
    party.peer.take(&answer(&challenge, chain, "host", index).1, now, policy)
}

/// From 1000, at 1000: so much later it may have grown by that, a thousandth, and a second.
fn clock() -> Row {
    let (party, anchor) = Party::with_anchor(1000);
    let chain = [anchor];
    let now = at(1000 + 5500);
    let grown = |ticks| prove(&party, &chain, 1000 + ticks, &now, &Policy::default());
    row("Clock { ahead: 1, alarm: false }", grown(5505 + SECOND + 1), grown(5505 + SECOND))
}

/// The verifier was started anew: ten minutes in place of the second.
fn clock_by_wall() -> Row {
    let (party, anchor) = Party::with_anchor(4096);
    let chain = [anchor];
    let now = Now { boot: Boot([2; 16]), ticks: 7, wall_ms: at(4096).wall_ms + 10_000 };
    let grown = |ticks| prove(&party, &chain, 4096 + ticks, &now, &Policy::default());
    let most = 40_960 + 40 + 600 * SECOND;
    row("Clock { ahead: 1, alarm: false }", grown(most + 1), grown(most))
}

fn clock_of_a_person() -> Row {
    let (party, anchor) = Party::with_anchor(1000);
    let chain = [anchor];
    let passing = Policy { pass_time: true, ..Policy::default() };
    let ahead = |policy: &Policy| prove(&party, &chain, 100_000, &at(1000), policy);
    row("Clock", ahead(&Policy::default()), ahead(&passing))
}

/// The host can't say that it handed out the head: then it is an alarm.
fn clock_unknown() -> Row {
    let (mut party, anchor) = Party::with_anchor(1000);
    let challenge = party.ask(1000);
    let mut said = statement(&challenge);
    said.known = Some(false);
    let said = said.encode();
    let take = |index| {
        let chain = [anchor.clone(), anchor.answering("host", index, &said)];
        party.would_take(&Proof::from(&anchor, way(&chain), &said).encode(), 1000)
    };
    row("Clock { ahead: 1, alarm: true }", take(1000 + SECOND + 1), take(1000 + SECOND))
}

/// A head was accepted that lagged, as one does that a thief backdates: whoever is ahead of it, or of one before it,
/// is an alarm.
fn clock_after_a_lag() -> [Row; 2] {
    let minute = 60 * SECOND;
    let lags = |party: &mut Party, chain: &[Made], index: u64, t: u64| {
        let challenge = party.ask(t);
        let (head, proof) = answer(&challenge, chain, "host", index);
        assert!(party.take(&proof, t).expect("a lag is reported").lag > 0);
        head
    };
    // it lags by half a minute; the host is where it should be
    let (mut party, anchor) = Party::with_anchor(1000);
    let t = 1000 + minute;
    let lagging = [lags(&mut party, &[anchor], 1000 + minute / 2, t)];
    let grown = |ticks| prove(&party, &lagging, 1000 + minute / 2 + ticks, &at(t), &Policy::default());
    let of_itself = row("Clock { ahead: 1, alarm: true }", grown(SECOND + 1), grown(SECOND));
    // the one after it lags less: the one before it still allows least
    let (mut party, anchor) = Party::with_anchor(1000);
    let first = lags(&mut party, &[anchor], 1000 + minute / 2, t);
    let t = t + 1000;
    let lagging = [lags(&mut party, &[first], 1000 + minute / 2 + 2000, t)];
    let most = 1000 + minute / 2 + 1000 + 1 + SECOND;
    let grown = |index| prove(&party, &lagging, index, &at(t), &Policy::default());
    [of_itself, row("Clock { ahead: 1, alarm: true }", grown(most + 1), grown(most))]
}

/// It may lag by 60 s, beyond a second and a thousandth; by the verifier's own wall time in another boot beyond ten
/// minutes.
fn stalled() -> [Row; 2] {
    let (party, anchor) = Party::with_anchor(4096);
    let chain = [anchor];
    let (away, minute) = (1_000_000 * SECOND, 60 * SECOND);
    let grown = |now: Now, ticks| prove(&party, &chain, 4096 + ticks, &now, &Policy::default());
    let here = at(4096 + away);
    let least = away - away / 1000 - SECOND - minute;
    let booted = Now { boot: Boot([2; 16]), ..here };
    let least_by_wall = away - away / 1000 - 600 * SECOND - minute;
    let refusal = "Stalled { lag: 245761, max: 245760 }";
    [
        row(refusal, grown(here, least - 1), grown(here, least)),
        row(refusal, grown(booted, least_by_wall - 1), grown(booted, least_by_wall)),
    ]
}

fn stalled_of_a_person() -> Row {
    let (party, anchor) = Party::with_anchor(1000);
    let chain = [anchor];
    let stalled = |policy: &Policy| prove(&party, &chain, 1001, &at(400 * SECOND), policy);
    let passing = Policy { pass_time: true, ..Policy::default() };
    let lenient = Policy { max_lag: 400 * SECOND, ..Policy::default() };
    stalled(&lenient).expect("policy allows more");
    row("Stalled", stalled(&Policy::default()), stalled(&passing))
}
