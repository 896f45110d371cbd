//! Sections 5 to 7, the messages: what is encoded is parsed as what it says, and encodes to the same bytes.

use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use selfsame::{
    Anchor, Challenge, Evidence, Fork, Genesis, Hop, HopAnswer, Introduction, Moment, Peer, Policy, Proof,
    Statement,
};

use super::count::check;
use super::flips;
use super::generated::{self, SaidGenesis, SaidMoment};
use super::host::{AUDIENCE, Host};
use super::schedule::indices;
use crate::item::{self, Item, bytes, map, text, uint};

fn is_genesis(genesis: &Genesis, said: &SaidGenesis) {
    let SaidGenesis { pledges, wall_ms, evidence, salt, reason, predecessor, body } = said;
    assert_eq!((genesis.pledges(), genesis.wall_ms(), genesis.salt()), (pledges, *wall_ms, salt));
    assert_eq!((genesis.evidence().fields(), genesis.body()), (evidence, &body[..]));
    assert_eq!((genesis.origin().reason(), genesis.origin().predecessor()), (*reason, predecessor.as_ref()));
}

fn is_moment(moment: &Moment, said: &SaidMoment) {
    let SaidMoment { lineage, index, previous, pledges, statements, wall_ms, evidence, body } = said;
    assert_eq!((moment.lineage(), moment.index(), moment.previous()), (lineage, *index, previous));
    assert_eq!((moment.pledges(), moment.wall_ms(), moment.body()), (pledges, *wall_ms, &body[..]));
    assert_eq!(moment.statements(), statements.map_or(0, |(count, _)| count));
    assert_eq!(moment.evidence().fields(), evidence);
}

fn is_hop(hop: &Hop, said: &(u8, Vec<u8>, SaidMoment)) {
    assert_eq!((hop.tier(), hop.opening().as_bytes()), (said.0, &said.1[..]));
    is_moment(hop.moment(), &said.2);
    assert_eq!(hop.encode(), generated::hop_item(said).encode());
}

#[test]
fn challenge() {
    let fields = (
        generated::a_text(255),
        vec(any::<u8>(), 16..=64),
        of((generated::lineage(), of(generated::since()))),
    );
    check(10_000, fields, |(audience, nonce, of)| {
        let (lineage, since) =
            of.map_or((None, vec![]), |(lineage, since)| (Some(lineage), since.unwrap_or_default()));
        let challenge = item::challenge(&audience, &nonce, lineage.as_ref(), &since);
        assert_eq!((challenge.audience(), challenge.nonce()), (&audience[..], &nonce[..]));
        assert_eq!((challenge.lineage(), challenge.since()), (lineage.as_ref(), &since[..]));
        assert_eq!(challenge.start(), since.last().map_or(0, |head| head.index));
        assert_eq!(Challenge::parse(challenge.as_bytes()), Ok(challenge));
    });
}

#[test]
fn genesis() {
    check(10_000, generated::genesis(), |said| {
        is_genesis(&Genesis::parse(&said.body).expect("well-formed"), &said);
        assert!(Moment::parse(&said.body).is_err(), "a genesis is no later moment");
    });
}

#[test]
fn moment() {
    check(10_000, generated::lineage().prop_flat_map(generated::moment), |said| {
        is_moment(&Moment::parse(&said.body).expect("well-formed"), &said);
        assert!(Genesis::parse(&said.body).is_err(), "a later moment is no genesis");
    });
}

#[test]
fn evidence() {
    check(10_000, generated::evidence(), |(fields, _)| {
        let evidence = Evidence::new(fields.clone()).expect("short");
        assert_eq!(evidence.as_bytes(), generated::evidence_item(&fields, &[]).encode());
        assert_eq!(evidence.fields(), &fields);
    });
}

#[test]
fn introduction() {
    let said = generated::genesis().prop_flat_map(|genesis| {
        let lineage = Genesis::parse(&genesis.body).expect("well-formed").lineage();
        (Just(genesis), of(generated::moment(lineage)))
    });
    check(5_000, said, |(genesis, moment)| {
        let body = moment.as_ref().map(|moment| bytes(&moment.body));
        let given = map([(1, Some(uint(1u8))), (2, Some(bytes(&genesis.body))), (3, body)]).encode();
        let introduction = Introduction::parse(&given).expect("well-formed");
        assert_eq!(introduction.encode(), given);
        is_genesis(introduction.genesis(), &genesis);
        assert_eq!(introduction.moment().is_some(), moment.is_some());
        let (head, pledges) = match (introduction.moment(), &moment) {
            (Some(read), Some(said)) => {
                is_moment(read, said);
                (read.head(), said.pledges)
            }
            _ => (Anchor::of_genesis(introduction.genesis()).head(), genesis.pledges),
        };
        let lineage = introduction.genesis().lineage();
        assert_eq!(introduction.anchor(), Anchor::new(lineage, genesis.salt, head, pledges));
    });
}

#[test]
fn hop_and_hop_answer() {
    check(3_000, (generated::hop(), vec(generated::hop(), 0..4)), |(hop, way)| {
        let given = generated::hop_item(&hop).encode();
        is_hop(&Hop::parse(&given).expect("well-formed"), &hop);
        let hops = Item::Array(way.iter().map(generated::hop_item).collect());
        let given = Item::Array(vec![generated::hop_item(&hop), hops]).encode();
        let answer = HopAnswer::parse(&given).expect("well-formed");
        assert_eq!((answer.encode(), answer.way.len()), (given, way.len()));
        is_hop(&answer.hop, &hop);
        answer.way.iter().zip(&way).for_each(|(read, said)| is_hop(read, said));
    });
}

#[test]
fn fork() {
    let hops = (generated::hop(), generated::hop(), vec(generated::hop(), 0..3));
    check(
        3_000,
        (generated::lineage(), of(generated::genesis()), hops),
        |(lineage, genesis, (first, second, way))| {
            let given = map([
                (1, Some(uint(1u8))),
                (2, Some(bytes(lineage.as_bytes()))),
                (3, genesis.as_ref().map(|genesis| bytes(&genesis.body))),
                (4, Some(Item::Array(way.iter().map(generated::hop_item).collect()))),
                (5, Some(generated::hop_item(&first))),
                (6, Some(generated::hop_item(&second))),
            ])
            .encode();
            let fork = Fork::parse(&given).expect("well-formed");
            assert_eq!(fork.encode(), given);
            assert_eq!((fork.lineage(), fork.is_for_anyone()), (&lineage, genesis.is_some()));
            let read = fork.way().iter().chain(fork.hops());
            read.zip(way.iter().chain([&first, &second])).for_each(|(read, said)| is_hop(read, said));
            assert_eq!(fork.way().len(), way.len());
        },
    );
}

#[test]
fn proof_and_statement() {
    let said = (generated::a_text(255), generated::digest(), generated::subject());
    let said = (said, of(vec(any::<u8>(), 0..200)), of(any::<bool>()));
    let place = (1u64..=65_536, any::<u64>(), vec(generated::digest(), 17));
    let from = (generated::below_limit(), of(generated::genesis()), generated::lineage());
    check(3_000, (said, place, from, vec(generated::hop(), 1..4)), |(said, place, from, hops)| {
        let ((audience, digest, subject), payload, known) = said;
        let ((count, position, path), (since, genesis, lineage)) = (place, from);
        let (position, path) = (position % count, &path[..(64 - (count - 1).leading_zeros()) as usize]);
        let statement = map([
            (1, Some(text(&audience))),
            (2, Some(bytes(digest.as_bytes()))),
            (3, Some(generated::subject_item(&subject))),
            (4, payload.as_ref().map(bytes)),
            (5, known.map(Item::Bool)),
        ])
        .encode();
        let read = Statement::parse(&statement).expect("well-formed");
        assert_eq!((read.audience(), read.challenge(), read.subject()), (&audience[..], &digest, &subject));
        assert_eq!((read.payload(), read.known()), (payload.as_deref(), known));
        let given = map([
            (1, Some(uint(1u8))),
            (2, Some(bytes(lineage.as_bytes()))),
            (3, Some(uint(since))),
            (4, Some(Item::Array(hops.iter().map(generated::hop_item).collect()))),
            (6, Some(bytes(&statement))),
            (7, Some(item::inclusion(position, count, path))),
            (8, genesis.as_ref().map(|genesis| bytes(&genesis.body))),
        ])
        .encode();
        let proof = Proof::parse(&given).expect("well-formed");
        assert_eq!((proof.encode(), proof.statement_bytes()), (given, &statement[..]));
        assert_eq!((proof.lineage(), proof.since(), proof.statement()), (&lineage, since, &read));
        let inclusion = proof.inclusion();
        assert_eq!((inclusion.position(), inclusion.count(), inclusion.path()), (position, count, path));
        assert_eq!(proof.genesis().map(Genesis::body), genesis.as_ref().map(|genesis| &genesis.body[..]));
        assert_eq!(proof.hops().len(), hops.len());
        proof.hops().iter().zip(&hops).for_each(|(read, said)| is_hop(read, said));
    });
}

#[test]
fn peer_record() {
    let same = |peer: &Peer| {
        let record = peer.record();
        let restored = Peer::restore(&record).expect("what was kept comes back");
        assert_eq!(restored.record(), record);
        assert_eq!((restored.anchor(), restored.lineage()), (peer.anchor(), peer.lineage()));
        assert_eq!((restored.genesis(), restored.unconfirmed()), (peer.genesis(), peer.unconfirmed()));
        assert_eq!((restored.fork(), restored.questions()), (peer.fork(), peer.questions()));
        assert!(restored.challenges().eq(peer.challenges()));
    };
    check(200, (any::<u64>(), indices(1..6, 3), 0u8..4), |(seed, indices, meeting)| {
        let mut host = Host::born(seed);
        let mut peer = match meeting {
            0 => Peer::unknown(),
            1 => Peer::expecting(*host.lineage.id()),
            _ => {
                (meeting == 2).then(|| host.moment(1));
                Peer::introduced(&host.lineage.introduce(), &flips::NOW)
            }
        };
        for index in indices {
            same(&peer);
            let challenges = [seed, index].map(|nonce| {
                peer.challenge(AUDIENCE, &nonce.to_le_bytes().repeat(4), &flips::NOW).expect("few are out")
            });
            same(&peer);
            let policy = Policy { pass_time: true, ..Policy::default() };
            for proof in host.prove(host.lineage.head().index + index, &challenges) {
                // the second dies with the first anchor
                let _ = peer.take(&proof.encode(), &flips::NOW, &policy);
                same(&peer);
            }
        }
        let (mut peer, answers) = flips::forked(seed, &[1, 5]);
        answers.iter().find_map(|answer| peer.confront(answer)).expect("an answer shows the fork");
        same(&peer);
    });
}
