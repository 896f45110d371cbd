//! Checks 7 and 8 of section 7: `Forked`, and `Contradiction` by each rule on what is known. A copy answers a
//! challenge that was issued before the host's last answers.

use selfsame::{Digest, Head, hazmat};

use super::crafted::{Made, Proof, Says, leaf, statement};
use super::party::{Party, answer, crafted_answer};
use super::table::{Row, row};
use crate::item;

pub fn rows() -> Vec<Row> {
    let mut rows = vec![forked(), one_index(), previous_before(), other_previous(), other_list()];
    rows.extend(under_a_kept_hop());
    rows.push(pledge_elsewhere());
    rows
}

/// Check 7: a pledge is opened over two moments.
fn forked() -> Row {
    let (mut party, sixteen) = Party::with_anchor(16);
    let stale = party.ask(16);
    let seventeen = party.meet(std::slice::from_ref(&sixteen), 17);
    let (_, copys) = answer(&stale, std::slice::from_ref(&sixteen), "copy", 18);
    let (_, hosts) = answer(&stale, &[sixteen, seventeen], "host", 18);
    let kept = party.would_take(&hosts, 18);
    let broken = party.take(&copys, 18);
    assert!(party.peer.fork().is_some_and(|fork| !fork.is_for_anyone()), "it is kept");
    row("Forked", broken, kept)
}

/// Check 8: two known moments of one index are one moment. (The host came to 21 by two hops of tier 0, the stale
/// answer by one of tier 1: no pledge is opened twice.)
fn one_index() -> Row {
    let (mut party, sixteen) = Party::with_anchor(16);
    let stale = party.ask(16);
    let nineteen = party.meet(std::slice::from_ref(&sixteen), 19);
    let next = party.ask(21);
    let (said, stale_said) = (statement(&next).encode(), statement(&stale).encode());
    let (root, mut inclusion) =
        hazmat::merkle(vec![leaf(&said), leaf(&stale_said)], 0).expect("there are two");
    let head = |seed| nineteen.then_saying(seed, 21, |says| says.statements = Some((2, root)));
    let proof = |start: &Made, hop: item::Item, said: &[u8], inclusion: &selfsame::Inclusion| {
        let inclusion = item::inclusion(inclusion.position(), inclusion.count(), inclusion.path());
        Proof { inclusion, ..Proof::from(start, vec![hop], said) }.encode()
    };
    let (hosts, copys) = (head("host"), head("copy"));
    party.take(&proof(&nineteen, nineteen.hop(0, &hosts), &said, &inclusion), 21).expect("it is the host's");
    (_, inclusion) = hazmat::merkle(vec![leaf(&said), leaf(&stale_said)], 1).expect("there are two");
    let stale =
        |head: &Made| party.would_take(&proof(&sixteen, sixteen.hop(1, head), &stale_said, &inclusion), 21);
    row("Contradiction { index: 21 }", stale(&copys), stale(&hosts))
}

/// The host went from 16 to 18; a stale answer goes from 16 to 22 by tier 1.
fn over_eighteen(previous: impl FnOnce(&Head) -> Head) -> Result<selfsame::Verdict, selfsame::Refusal> {
    let (mut party, sixteen) = Party::with_anchor(16);
    let stale = party.ask(16);
    let eighteen = party.meet(std::slice::from_ref(&sixteen), 18);
    let head = |root| {
        eighteen.then_saying("copy", 22, |says| {
            says.statements = Some((1, root));
            says.previous = previous(&eighteen.head);
        })
    };
    let (_, proof) = crafted_answer(&stale, &sixteen, head, |head| vec![sixteen.hop(1, head)]);
    party.take(&proof, 22)
}

/// Check 8: the previous moment's index is at least that of a moment between.
fn previous_before() -> Row {
    let seventeen = |_: &Head| Head { index: 17, digest: Digest::new([7; 32]) };
    let nineteen = |_: &Head| Head { index: 19, digest: Digest::new([7; 32]) };
    over_eighteen(nineteen).expect("a moment after 18 that nobody knows");
    row("Contradiction { index: 18 }", over_eighteen(seventeen), over_eighteen(|eighteen| *eighteen))
}

/// Check 8: where it is equal, it is that moment.
fn other_previous() -> Row {
    let other = |eighteen: &Head| Head { index: eighteen.index, digest: Digest::new([7; 32]) };
    row("Contradiction { index: 18 }", over_eighteen(other), over_eighteen(|eighteen| *eighteen))
}

/// Check 8, the other way about: the host went from 16 by a moment at 17, which it handed out to nobody yet, to 22. A
/// stale answer lies between.
fn under_a_kept_hop() -> [Row; 2] {
    let (mut party, sixteen) = Party::with_anchor(16);
    let stale = party.ask(16);
    let (seventeen, hosts) = answer(&stale, std::slice::from_ref(&sixteen), "host", 17);
    party.meet(&[sixteen.clone(), seventeen], 22);
    let copys = |index| {
        let (_, proof) = answer(&stale, std::slice::from_ref(&sixteen), "copy", index);
        party.would_take(&proof, 22)
    };
    let kept = || party.would_take(&hosts, 22);
    // 22 follows the host's 17: neither a moment after that nor another at 17
    [
        row("Contradiction { index: 18 }", copys(18), kept()),
        row("Contradiction { index: 17 }", copys(17), kept()),
    ]
}

/// Check 8: the list of a moment between equals the start's at the hop's tier and above.
///
/// The host went from 16 to 21 by tier 1, and so on until that hop is one of the nine before the eight that are kept.
/// A stale answer goes from 16 by 20 to 25, and its list at 20 is not the one that stood at 21.
fn other_list() -> Row {
    let (mut party, sixteen) = Party::with_anchor(16);
    let stale = party.ask(16);
    let twenty_one = party.meet(std::slice::from_ref(&sixteen), 21);
    let between = twenty_one.then("host", 30);
    let mut last = party.meet(&[twenty_one.clone(), between], 37);
    for index in (42..=77).step_by(5) {
        last = party.meet(std::slice::from_ref(&last), index);
    }
    let by = |change: &dyn Fn(&mut Says)| {
        let twenty = sixteen.then_saying("copy", 20, |says| change(says));
        let head = |root| {
            twenty.then_saying("copy", 25, |says| {
                says.statements = Some((1, root));
                says.previous = Head { index: 22, digest: Digest::new([7; 32]) };
            })
        };
        let hops = |head: &Made| vec![sixteen.hop(1, &twenty), twenty.hop(1, head)];
        party.would_take(&crafted_answer(&stale, &sixteen, head, hops).1, 80)
    };
    let kept = by(&|says| says.take_pledge(1, &twenty_one));
    row("Contradiction { index: 21 }", by(&|_| {}), kept)
}

/// Check 7, where no fork can show it: the host opened a pledge at 17 over 18, and a stale answer has that very pledge
/// in a list of its own at 20.
fn pledge_elsewhere() -> Row {
    let (mut party, sixteen) = Party::with_anchor(16);
    let stale = party.ask(16);
    let seventeen = party.meet(std::slice::from_ref(&sixteen), 17);
    let eighteen = party.meet(std::slice::from_ref(&seventeen), 18);
    let by = |change: &dyn Fn(&mut Says)| {
        let twenty = eighteen.then_saying("copy", 20, |says| change(says));
        let head = |root| twenty.then_saying("copy", 21, |says| says.statements = Some((1, root)));
        let hops = |head: &Made| vec![sixteen.hop(1, &twenty), twenty.hop(0, head)];
        party.would_take(&crafted_answer(&stale, &sixteen, head, hops).1, 21)
    };
    row("Contradiction { index: 21 }", by(&|says| says.take_pledge(0, &seventeen)), by(&|_| {}))
}
