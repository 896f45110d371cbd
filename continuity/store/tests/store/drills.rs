//! Drills: their forks, and no others, go with their peers.

use selfsame::{Fork, Policy, Refusal};
use selfsame_store::{DRILL_SOURCE, EnrolOptions, StoreError};

use super::dump::refused;
use super::host::{Host, Party, now};

/// A party that knows a host under this name, which was copied: the copy has answered, then the host.
fn copied(name: &str, mut host: Host, mut copy: Host) -> (Party, Host, Fork) {
    let mut party = Party::new();
    let challenge = party.challenge(name, 10);
    let proof = host.prove(&challenge, 11);
    copy.prove(&challenge, 11);
    party.store.enrol(name, &proof, &now(12), &EnrolOptions::default()).expect("it is enrolled");
    let challenges = [party.challenge(name, 20), party.challenge(name, 20)];
    let [stolen, own] = [copy.prove(&challenges[0], 21), host.prove(&challenges[1], 21)];
    party.store.verify(name, &stolen, &now(22), &Policy::default()).expect("it is verified");
    match party.store.verify(name, &own, &now(23), &Policy::default()) {
        Err(StoreError::Refused(Refusal::Forked { fork })) => (party, host, *fork),
        other => panic!("a fork is expected, not {other:?}"),
    }
}

fn drill() -> Host {
    Host::drawing_from(1, DRILL_SOURCE)
}

#[test]
fn a_drill_is_forgotten_with_its_fork() {
    let (mut party, _, fork) = copied("drill-1", drill(), drill());
    assert_eq!(party.store.forks(None).expect("readable"), [fork]);
    party.store.forget("drill-1").expect("it is known");
    assert_eq!(party.store.forks(None).expect("readable"), []);
    assert!(party.store.peers().expect("readable").is_empty());
}

#[test]
fn the_fork_of_a_real_host_is_kept_whatever_it_is_called() {
    for (name, host, copy) in [
        // neither a name alone makes it a drill, nor a host's own word alone
        ("drill-web", Host::born(1), Host::born(1)),
        ("drill-web", Host::drawing_from(1, "kernel"), Host::drawing_from(1, "kernel")),
        ("web", drill(), drill()),
        ("a-drill-1", drill(), drill()),
    ] {
        let (mut party, mut host, fork) = copied(name, host, copy);
        party.store.forget(name).expect("it is known");
        assert_eq!(party.store.forks(None).expect("readable"), [fork], "{name}");
        // nor is it got rid of by meeting the lineage anew under a drill's name
        host.beat(40);
        let introduction = host.introduce();
        let error = refused(&mut party, |store| store.meet("drill-2", &introduction, &now(41), false));
        assert!(matches!(error, StoreError::Forked { .. }), "{error}");
    }
}

#[test]
fn forgetting_a_drill_takes_no_other_fork_along() {
    let (mut party, _, fork) = copied("web", Host::born(2), Host::born(2));
    let mut drill = drill();
    party.enrol("drill-1", &mut drill, 30);
    party.store.forget("drill-1").expect("it is known");
    assert_eq!(party.store.forks(None).expect("readable"), [fork]);
}
