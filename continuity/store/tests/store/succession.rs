//! The evidence on a successor: whom it says it follows, its TPM, and what is known of the one before.

use selfsame::{Digest, Head, Predecessor, Reason, TpmClock};
use selfsame_store::{Claim, EnrolOptions, Enrolment, StoreError, TpmStep};

use super::dump::{dump, table};
use super::forks::forked;
use super::host::{Host, Party, SECOND, now, succeeds};

/// What is found of a lineage that would succeed peer `web`, at a tick; nothing is changed.
fn look(party: &mut Party, successor: &mut Host, at: u64) -> Enrolment {
    let challenge = party.challenge_anew("web", at);
    let proof = successor.prove(&challenge, at + 1);
    let before = dump(&party.file.path);
    let dry = EnrolOptions { dry_run: true, ..succeeds() };
    let found = party.store.enrol("web", &proof, &now(at + 2), &dry).expect("it may succeed");
    assert_eq!(dump(&party.file.path), before, "a dry run changes nothing");
    found
}

fn following(predecessor: Option<Predecessor>) -> Host {
    Host::that_follows(7, predecessor, TpmClock::default())
}

#[test]
fn what_it_names_is_held_against_what_is_known() {
    let (mut party, mut host, other) = (Party::new(), Host::born(1), Host::born(2));
    let mut earlier = Host::born(3);
    party.enrol("web", &mut earlier, 10);
    let challenge = party.challenge_anew("web", 20);
    let proof = host.prove(&challenge, 21);
    party.store.enrol("web", &proof, &now(22), &succeeds()).expect("it succeeds");
    // an answer that was overtaken: its head is accepted, and older than the anchor
    let challenges = [party.challenge("web", 100), party.challenge("web", 100)];
    let [older, newer] = [(0, 110), (1, 150)].map(|(which, index)| host.prove(&challenges[which], index));
    let overtaken =
        |proof: &[u8]| selfsame::Proof::parse(proof).expect("a proof").head().expect("a head").head();
    let (older_head, anchor) = (overtaken(&older), overtaken(&newer));
    for proof in [newer, older] {
        party.store.verify("web", &proof, &now(160), &selfsame::Policy::default()).expect("it is verified");
    }
    let genesis = Head { index: 0, digest: host.id().genesis_digest() };
    let at = |index| Head { index, digest: Digest::new([5; 32]) };
    let own = |head| Some(Predecessor { lineage: host.id(), head });
    for (named, claim) in [
        (None, Claim::Nobody),
        (Some(Predecessor { lineage: other.id(), head: anchor }), Claim::Other),
        (Some(Predecessor { lineage: earlier.id(), head: anchor }), Claim::Past),
        (own(anchor), Claim::Known { behind: 0 }),
        (own(older_head), Claim::Known { behind: 40 }),
        (own(genesis), Claim::Known { behind: 150 }),
        (own(at(151)), Claim::Ahead { by: 1 }),
        (own(at(149)), Claim::Behind { by: 1 }),
        (own(at(150)), Claim::False { index: 150 }),
        (own(at(110)), Claim::False { index: 110 }),
        (own(at(0)), Claim::False { index: 0 }),
    ] {
        let found = look(&mut party, &mut following(named), 200);
        assert_eq!(found.claim, Some(claim), "{named:?}");
        assert_eq!((found.predecessor, found.succeeds), (named, Some(host.id())));
        assert_eq!((found.reason, found.forked), (Reason::Boot, None));
    }
}

#[test]
fn anothers_past_lineage_is_another() {
    let (mut party, mut web, mut db) = (Party::new(), Host::born(1), Host::born(2));
    party.enrol("web", &mut web, 10);
    party.enrol("db", &mut db, 10);
    let named = Some(Predecessor { lineage: db.id(), head: db.head() });
    let challenge = party.challenge_anew("db", 20);
    let proof = Host::after(3, &db, None).prove(&challenge, 21);
    party.store.enrol("db", &proof, &now(22), &succeeds()).expect("it succeeds");
    assert_eq!(look(&mut party, &mut following(named), 30).claim, Some(Claim::Other));
}

#[test]
fn of_a_first_meeting_there_is_no_claim_to_judge() {
    let (mut party, before) = (Party::new(), Host::born(1));
    let enrolment = party.enrol("web", &mut Host::after(2, &before, Some(3)), 10);
    assert_eq!(enrolment.predecessor.map(|before| before.lineage), Some(before.id()));
    assert_eq!((enrolment.claim, enrolment.tpm_step, enrolment.forked), (None, None, None));
}

#[test]
fn the_tpms_clock_goes_on_or_says_that_it_may_not() {
    let clock = |ms: u64, safe| TpmClock { clock_ms: Some(ms), safe, ..TpmClock::default() };
    // a TPM notes how far it is at least every 2^22 ms
    let (before, noted) = (10_000_000, 1 << 22);
    for (after, step) in [
        (clock(before, Some(true)), Some(TpmStep::On { by_ms: 0 })),
        (clock(before + 500, Some(false)), Some(TpmStep::On { by_ms: 500 })),
        (clock(before - 1, Some(false)), Some(TpmStep::Unsafe { by_ms: 1 })),
        (clock(before - noted, Some(false)), Some(TpmStep::Unsafe { by_ms: noted })),
        (clock(before - noted - 1, Some(false)), Some(TpmStep::Back { by_ms: noted + 1 })),
        (clock(before - 1, Some(true)), Some(TpmStep::Back { by_ms: 1 })),
        (clock(0, None), Some(TpmStep::Back { by_ms: before })),
        (TpmClock::default(), None),
    ] {
        let (mut party, mut host) = (Party::new(), Host::with_tpm(1, 40));
        party.enrol("web", &mut host, 10);
        host.tpm.clock_ms = Some(before);
        party.meet_again("web", &mut host, 20);
        // a moment that says nothing of it leaves what was said
        host.tpm = TpmClock::default();
        party.meet_again("web", &mut host, 30);
        let mut successor = Host::that_follows(2, None, after);
        assert_eq!(look(&mut party, &mut successor, 40).tpm_step, step, "{after:?}");
    }
}

#[test]
fn the_clock_that_is_kept_is_the_last_that_moved_the_anchor_and_goes_with_its_lineage() {
    let (mut party, mut host) = (Party::new(), Host::born(1));
    party.enrol("web", &mut host, 10);
    assert!(table(&party.file.path, "tpm_clock").is_empty());
    let overtaken = party.challenge("web", 20);
    host.tpm.clock_ms = Some(500);
    let late = host.prove(&overtaken, 21);
    host.tpm.clock_ms = Some(700);
    party.meet_again("web", &mut host, 30);
    party.store.verify("web", &late, &now(40), &selfsame::Policy::default()).expect("it is verified");
    assert_eq!(table(&party.file.path, "tpm_clock"), ["tpm_clock: peer=1 clock_ms=700"]);

    // an introduction says it too, and one that does not leaves none
    host.tpm.clock_ms = Some(900);
    host.beat(50);
    party.store.meet("web", &host.introduce(), &now(60), true).expect("it is newer");
    assert_eq!(table(&party.file.path, "tpm_clock"), ["tpm_clock: peer=1 clock_ms=900"]);
    let at = 100 * SECOND;
    let challenge = party.challenge_anew("web", at);
    let proof = following(None).prove(&challenge, at + 1);
    party.store.enrol("web", &proof, &now(at + 2), &succeeds()).expect("it succeeds");
    assert!(table(&party.file.path, "tpm_clock").is_empty(), "it was the old lineage's");
    party.store.forget("web").expect("it is known");
}

#[test]
fn a_forked_one_before_is_told_and_the_new_one_is_not_forked() {
    let (mut party, host) = forked();
    let lineage = host.id();
    let named = |lineage| Some(Predecessor { lineage, head: host.head() });
    let at = 1000 * SECOND;
    // also where it names nobody: the peer's own is the one that it would succeed
    for predecessor in [named(lineage), None] {
        assert_eq!(look(&mut party, &mut following(predecessor), at).forked, Some(lineage));
    }
    let mut successor = following(named(lineage));
    let challenge = party.challenge_anew("web", at);
    let proof = successor.prove(&challenge, at + 1);
    let plain = party.store.enrol("web", &proof, &now(at + 2), &EnrolOptions::default());
    assert!(matches!(plain, Err(StoreError::Succession { .. })), "{plain:?}");
    let enrolment = party.store.enrol("web", &proof, &now(at + 2), &succeeds()).expect("a person decides");
    assert_eq!(enrolment.forked, Some(lineage));
    party.meet_again("web", &mut successor, at + 10);
    // also who meets it first elsewhere is told what it says it follows
    let mut third = Host::that_follows(8, named(lineage), TpmClock::default());
    let challenge = party.challenge("db", at + 20);
    assert_ne!(third.id(), successor.id());
    let proof = third.prove(&challenge, at + 21);
    let first = party.store.enrol("db", &proof, &now(at + 22), &EnrolOptions::default());
    let first = first.expect("it is enrolled");
    assert_eq!((first.forked, first.succeeds), (Some(lineage), None));
}
