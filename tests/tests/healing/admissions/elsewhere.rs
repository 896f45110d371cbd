//! Rows of section 9 that are not about copies: one in between, and a reboot.

use selfsame::{Proof, ProveRefusal, Refusal, VerifyRefusal};
use selfsame_store::{ChallengeOptions, EnrolOptions, StoreError};
use selfsame_tests::play::host::{AUDIENCE, Host, request, step};
use selfsame_tests::play::{crafted, hop_item};

use super::{COPIED, Copied};
use crate::scene::{PEER, SECOND, proves};

#[test]
fn a_relay_in_the_middle_is_bound_to_one_exchange() {
    let mut copied = Copied::new(40);
    let t = COPIED + 60 * SECOND;
    // another relying party that knows as much, and asks the same but for the nonce
    let mut twin = copied.party.twin();
    let now = twin.clocks.now(t - 1);
    let theirs =
        twin.store().challenge(PEER, AUDIENCE, &[0x77; 32], &now, &ChallengeOptions::default()).unwrap();
    let challenge = copied.party.ask(PEER, t - 1).unwrap();
    let other = copied.party.ask(PEER, t - 1).unwrap();
    assert_eq!((theirs.lineage(), theirs.since()), (challenge.lineage(), challenge.since()));
    // the caller's word goes with it
    let mut said = request(challenge.clone());
    said.payload = Some(b"the channel's own binding".to_vec());
    let randomness = copied.host.draw();
    let proof = copied.host.lineage.prove(step(t, &randomness), vec![said]).unwrap().remove(0).unwrap();
    // what was made for one is nothing to the other
    assert_eq!(twin.verify(PEER, &proof.encode(), t), Err(Refusal::UnknownChallenge));
    // not for another challenge of the same one, nor with another word
    let mut moved = crafted::Proof {
        version: 1,
        lineage: *proof.lineage(),
        since: proof.since(),
        hops: proof.hops().iter().map(hop_item).collect(),
        statement: crafted::statement(&other).encode(),
        inclusion: selfsame_tests::play::item::inclusion(0, 1, &[]),
        genesis: None,
    };
    let not_in_head = Err(Refusal::Verify(VerifyRefusal::NotInHead));
    assert_eq!(copied.party.verify(PEER, &moved.encode(), t), not_in_head);
    moved.statement = crafted::statement(&challenge).encode();
    assert_eq!(copied.party.verify(PEER, &moved.encode(), t), not_in_head);
    // nor by a statement for the other relying party, under the moment that carries none for it
    moved.statement = crafted::statement(&theirs).encode();
    assert_eq!(twin.verify(PEER, &moved.encode(), t), not_in_head);
    // passed on unchanged it is accepted, once, whoever carries it; and says what the caller said
    let verdict = copied.party.verify(PEER, &proof.encode(), t).unwrap();
    assert_eq!(verdict.statement.payload(), Some(&b"the channel's own binding"[..]));
    assert_eq!(copied.party.verify(PEER, &proof.encode(), t), Err(Refusal::UnknownChallenge));
    // and the caller, who says whom it talks to, is not led to answer another
    let mut asked = request(other);
    assert_eq!(asked.audience, AUDIENCE);
    asked.audience = "somebody-else.example".to_owned();
    let randomness = copied.host.draw();
    let refused = copied.host.lineage.prove(step(t + 1, &randomness), vec![asked]).unwrap().remove(0);
    assert!(matches!(refused, Err(ProveRefusal::WrongAudience { .. })), "{refused:?}");
    // what the other relying party asked is answered to it as well as ever
    let proof = copied.host.prove(t + 2, &[theirs]).remove(0);
    assert_eq!(copied.party.verify(PEER, &proof.encode(), t + 2), Err(Refusal::UnknownChallenge));
    assert_eq!(twin.verify(PEER, &proof.encode(), t + 2).unwrap().known, Some(true));
}

#[test]
fn after_a_reboot_the_lineage_has_ended_and_a_new_one_is_policy() {
    let mut copied = Copied::new(41);
    let t = COPIED + 60 * SECOND;
    let mut reborn = Host::born(42);
    // it says itself that it is another
    let challenge = copied.party.ask(PEER, t - 1).unwrap();
    let answer = reborn.try_prove(1000, &[challenge]).unwrap().remove(0);
    assert!(matches!(answer, Err(ProveRefusal::OtherLineage { .. })), "{answer:?}");
    // and takes the place of the one before only where that is asked for
    let options = ChallengeOptions { anew: true, ..ChallengeOptions::default() };
    let challenge = copied.party.ask_with(PEER, t - 1, &options).unwrap();
    let proof: Proof = reborn.prove(2000, &[challenge]).remove(0);
    let refused = copied.party.enrol(PEER, &proof, t);
    assert!(matches!(refused, Err(StoreError::Succession { .. })), "{refused:?}");
    let now = copied.party.clocks.now(t);
    let succeeds = EnrolOptions { succeeds: true, ..EnrolOptions::default() };
    copied.party.store().enrol(PEER, &proof.encode(), &now, &succeeds).unwrap();
    let old = proves(&mut copied.party, &mut reborn, t + 1, 3000);
    assert!(copied.party.verify(PEER, &old.encode(), t + 1001).is_ok());
}
