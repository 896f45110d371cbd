use minicbor::Encoder;
use selfsame::{
    Birth, Challenge, Evidence, EvidenceFields, Fork, HopAnswer, Lineage, Ordinary, Origin, Peer, Proof,
    Reason, Request, Salt, Step, Subject,
};

use super::*;

const NOTHING: EvidenceFields =
    EvidenceFields { sources: None, behaviour: None, tpm_clock: None, condition: None };

fn lineage() -> Lineage<Ordinary> {
    let birth = Birth {
        contributions: &[("test", b"x")],
        randomness: &[1; 32],
        salt: Salt::new([2; 32]),
        wall_ms: 1,
        evidence: Evidence::new(NOTHING).unwrap(),
        origin: Origin::new(Reason::Install, None),
    };
    Lineage::born(Ordinary::default(), birth).unwrap()
}

fn step(index: u64) -> Step<'static> {
    Step { index, wall_ms: index, randomness: &[3; 32], evidence: Evidence::new(NOTHING).unwrap() }
}

fn challenge() -> Challenge {
    let now = selfsame::Now { boot: selfsame::Boot([0; 16]), ticks: 0, wall_ms: 0 };
    Peer::unknown().challenge("door", &[4; 32], &now).unwrap()
}

fn proof(lineage: &mut Lineage<Ordinary>, index: u64) -> Vec<u8> {
    let request = Request {
        audience: "door".into(),
        challenge: challenge(),
        subject: Subject { uid: Some(1), ..Subject::default() },
        payload: Some(b"\xff".to_vec()),
    };
    let proof = lineage.prove(step(index), vec![request]).unwrap().remove(0);
    proof.unwrap().encode()
}

/// One of each, with its kind.
fn messages() -> Vec<(Kind, Vec<u8>)> {
    let (mut one, mut two) = (lineage(), lineage());
    let challenge = challenge().as_bytes().to_vec();
    let proof = proof(&mut one, 100);
    two.moment(step(100)).unwrap();
    two.moment(step(200)).unwrap();
    let introduction = one.introduce();
    let answer = two.hop(0, 3, true).unwrap();
    let (genesis, moment) = (one.genesis().body().to_vec(), introduction.moment().unwrap().body().to_vec());
    let fork = fork(&one, &answer);
    vec![
        (Kind::Challenge, challenge),
        (Kind::Proof, proof),
        (Kind::Genesis, genesis),
        (Kind::Moment, moment),
        (Kind::Introduction, introduction.encode()),
        (Kind::Fork, fork),
        (Kind::Hop, answer.hop.encode()),
        (Kind::HopAnswer, answer.encode()),
    ]
}

/// The fork that a lineage's first hop and a copy's answer are.
fn fork(lineage: &Lineage<Ordinary>, answer: &HopAnswer) -> Vec<u8> {
    let own = lineage.hop(0, answer.hop.tier(), false).unwrap();
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes);
    encoder.map(6).unwrap().u64(1).unwrap().u64(1).unwrap();
    encoder.u64(2).unwrap().bytes(lineage.id().as_bytes()).unwrap();
    encoder.u64(3).unwrap().bytes(lineage.genesis().body()).unwrap();
    encoder.u64(4).unwrap().array(0).unwrap();
    for (key, hop) in [(5, own.hop), (6, answer.hop.clone())] {
        Encoder::new(&mut bytes).u64(key).unwrap();
        bytes.extend(hop.encode());
    }
    assert!(Fork::parse(&bytes).unwrap().check([]).is_ok());
    bytes
}

#[test]
fn each_message_is_recognised_and_all_of_it_is_explained() {
    for (kind, bytes) in messages() {
        assert_eq!(Kind::of(&bytes), Some(kind));
        let answer = explain(&bytes).unwrap_or_else(|error| panic!("{kind:?}: {error}"));
        assert_eq!(answer.json["kind"], kind.name());
        assert!(!answer.text.contains("unknown"), "{}", answer.text);
    }
}

/// What came of a check.
fn holds(answer: &Answer, check: &str) -> serde_json::Value {
    let checks = answer.json["checks"].as_array().unwrap();
    let found = checks.iter().find(|found| found["check"] == check);
    found.unwrap_or_else(|| panic!("no check {check}: {checks:?}"))["holds"].clone()
}

#[test]
fn a_proof_is_checked_as_far_as_it_goes() {
    let proof = proof(&mut lineage(), 5000);
    let answer = explain(&proof).unwrap();
    for check in ["form", "2 lineage", "3 hops", "3 tiers", "4 genesis", "5 statement"] {
        assert_eq!(holds(&answer, check), true, "{check}");
    }
    for check in ["5 challenge", "6 time", "7, 8 history"] {
        assert_eq!(holds(&answer, check), json!(null), "{check}");
    }
    // one byte of each part that is checked: the opening, the statement, the genesis's salt
    let parsed = Proof::parse(&proof).unwrap();
    let opening = parsed.hops()[0].opening().as_bytes();
    let salt = parsed.genesis().unwrap().salt().as_bytes();
    for (part, fails) in [(opening, "3 hops"), (b"door".as_slice(), "5 statement"), (salt, "4 genesis")] {
        let mut changed = proof.clone();
        let at = changed.windows(part.len()).rposition(|window| window == part).unwrap();
        changed[at] ^= 1;
        let answer = explain(&changed).unwrap();
        assert_eq!(holds(&answer, fails), false, "{fails}");
        assert!(answer.text.contains("\nfails  "), "{}", answer.text);
    }
}

#[test]
fn a_proof_from_an_anchor_leaves_its_hops_open_and_its_way_is_checked() {
    let mut lineage = lineage();
    let mut peer = Peer::unknown();
    let now = |ticks| selfsame::Now { boot: selfsame::Boot([0; 16]), ticks, wall_ms: 0 };
    let request = |challenge| Request {
        audience: "door".into(),
        challenge,
        subject: Subject::default(),
        payload: None,
    };
    let mut proofs = Vec::new();
    for (at, index) in [(0, 100), (20_000, 20_100)] {
        let challenge = peer.challenge("door", &[at as u8 + 5; 32], &now(at)).unwrap();
        let proof = lineage.prove(step(index), vec![request(challenge)]).unwrap().remove(0).unwrap();
        peer.take(&proof.encode(), &now(at), &selfsame::Policy::default()).unwrap();
        proofs.push(proof.encode());
    }
    let answer = explain(&proofs[1]).unwrap();
    assert_eq!((holds(&answer, "3 hops"), holds(&answer, "3 tiers")), (json!(null), json!(true)));
    // the first hop's tier, which is the first number of the array of hops
    let mut changed = proofs[1].clone();
    let opening = Proof::parse(&changed).unwrap().hops()[0].opening().as_bytes().to_vec();
    let at = changed.windows(opening.len()).position(|window| window == opening).unwrap();
    changed[at - 4] -= 1;
    assert_eq!(holds(&explain(&changed).unwrap(), "3 tiers"), false);
}

#[test]
fn a_fork_is_one_or_says_why_not() {
    let (_, fork) = messages().into_iter().find(|(kind, _)| *kind == Kind::Fork).unwrap();
    let answer = explain(&fork).unwrap();
    for check in ["fork", "tiers", "moments"] {
        assert_eq!(holds(&answer, check), true, "{check}");
    }
    let parsed = Fork::parse(&fork).unwrap();
    let opening = parsed.hops()[1].opening().as_bytes().to_vec();
    let mut changed = fork;
    let at = changed.windows(opening.len()).position(|window| window == opening).unwrap();
    changed[at] ^= 1;
    assert_eq!(holds(&explain(&changed).unwrap(), "fork"), false);
}

#[test]
fn each_field_of_the_tables_says_what_it_is() {
    fn look(shape: &schema::Shape, at: &str) {
        match shape {
            schema::Shape::Map(keys) => {
                for (_, name, about, shape) in *keys {
                    assert!(!about.is_empty(), "{at} {name}");
                    look(shape, name);
                }
            }
            schema::Shape::Tuple(places) => places.iter().for_each(|(name, shape)| look(shape, name)),
            schema::Shape::List(shape) | schema::Shape::Carried(shape) => look(shape, at),
            _ => {}
        }
    }
    for (kind, _) in messages() {
        look(kind.schema(), kind.name());
    }
}

#[test]
fn a_message_that_is_cut_short_or_changed_is_explained_or_refused() {
    for (kind, bytes) in messages() {
        for end in (0..bytes.len()).filter(|end| end % 97 == 0 || *end < 200) {
            let why = explain(&bytes[..end]).err();
            assert!(why.is_some(), "{kind:?}, {end} bytes");
        }
        for place in (0..bytes.len()).filter(|place| place % 89 == 0 || *place < 200) {
            for mask in [1, 0x20, 0x80, 0xff] {
                let mut changed = bytes.clone();
                changed[place] ^= mask;
                match explain(&changed) {
                    Ok(answer) => assert!(!answer.text.is_empty()),
                    Err(why) => assert!(!why.contains("a bug"), "{kind:?}, byte {place}: {why}"),
                }
            }
        }
    }
}

#[test]
fn what_a_later_version_adds_is_shown_by_its_size() {
    let mut body = Vec::new();
    let mut encoder = Encoder::new(&mut body);
    encoder.map(7).unwrap().u64(1).unwrap().u64(1).unwrap().u64(3).unwrap().u64(0).unwrap();
    encoder.u64(5).unwrap().array(16).unwrap();
    for _ in 0..16 {
        encoder.bytes(&[0; 32]).unwrap();
    }
    encoder.u64(7).unwrap().u64(0).unwrap();
    encoder.u64(8).unwrap().map(2).unwrap().u64(4).unwrap().str("steady").unwrap();
    encoder.u64(9).unwrap().array(2).unwrap().bool(true).unwrap().bytes(b"later").unwrap();
    encoder.u64(9).unwrap().bytes(&[0; 32]).unwrap();
    encoder.u64(10).unwrap().map(1).unwrap().u64(1).unwrap().str("boot").unwrap();
    let answer = explain(&body).unwrap();
    assert!(answer.text.contains("    9 (unknown to this version): 8 bytes"), "{}", answer.text);
    let evidence = &answer.json["fields"]["evidence"]["value"];
    assert_eq!(evidence["condition"]["value"], "steady");
    assert_eq!(evidence["key_9"], json!({ "bytes": 8, "value": null }));
}

#[test]
fn bytes_of_no_message_are_told_so() {
    for bytes in [&b""[..], &[0], &[0x80], &[0x84], &[0xa0], &[0xa1, 1], &[0xa1, 2, 1], &[0xa2, 1, 1, 5, 0]] {
        assert_eq!(explain(bytes).unwrap_err(), "it begins like no message of this protocol");
    }
}
