//! Each message with every field that it can have: what is written is the specification's bytes, and what is read is
//! what they say.

use selfsame::{
    Behaviour, Birth, Condition, Digest, Evidence, EvidenceFields, Fork, Genesis, Head, Introduction,
    Lineage, LineageId, Moment, Ordinary, Origin, Pledge, Predecessor, Proof, Reason, Request, Salt,
    Statement, Step, Subject, TpmClock,
};

use crate::item::{self, Item, bytes, map, text, uint};

const SALT: Salt = Salt::new([2; 32]);
const BORN_MS: u64 = 1_800_000_000_000;

fn digest(n: u8) -> Digest {
    Digest::new([n; 32])
}

fn fields() -> EvidenceFields {
    EvidenceFields {
        sources: Some(vec!["kernel".into(), "tpm".into()]),
        behaviour: Some(Behaviour { samples: Some(70), drift: Some(71), commitment: Some(digest(72)) }),
        tpm_clock: Some(TpmClock {
            clock_ms: Some(73_000),
            reset_count: Some(74),
            restart_count: Some(75),
            safe: Some(true),
        }),
        condition: Some(Condition::Warming),
    }
}

fn evidence_item(beside: Option<Item>) -> Item {
    let behaviour = map([(1, Some(uint(70u8))), (2, Some(uint(71u8))), (3, Some(bytes([72; 32])))]);
    let tpm_clock = map([
        (1, Some(uint(73_000u32))),
        (2, Some(uint(74u8))),
        (3, Some(uint(75u8))),
        (4, Some(Item::Bool(true))),
    ]);
    map([
        (1, Some(Item::Array(vec![text("kernel"), text("tpm")]))),
        (2, Some(behaviour)),
        (3, Some(tpm_clock)),
        (4, Some(text("warming"))),
        (9, beside),
    ])
}

fn predecessor() -> Predecessor {
    Predecessor { lineage: LineageId::new([5; 32]), head: Head { index: 600, digest: digest(7) } }
}

/// An origin of this reason, with a key of a later version that makes it as long as is asked.
fn origin_item(beside: Option<usize>) -> Item {
    let follows = Item::Array(vec![bytes([5; 32]), uint(600u32), bytes([7; 32])]);
    map([(1, Some(text("boot"))), (2, Some(follows)), (3, beside.map(|len| bytes(vec![0; len])))])
}

fn genesis_item(pledges: &[Pledge; 16], evidence: Item, origin: Item) -> Item {
    map([
        (1, Some(uint(1u8))),
        (3, Some(uint(0u8))),
        (5, Some(item::pledges(pledges))),
        (7, Some(uint(BORN_MS))),
        (8, Some(evidence)),
        (9, Some(bytes(SALT.as_bytes()))),
        (10, Some(origin)),
    ])
}

fn moment_item(of: &Moment, statements: Option<(u64, Digest)>, evidence: Item) -> Item {
    let batch = |(count, root): (u64, Digest)| Item::Array(vec![uint(count), bytes(root.as_bytes())]);
    map([
        (1, Some(uint(1u8))),
        (2, Some(bytes(of.lineage().as_bytes()))),
        (3, Some(uint(of.index()))),
        (4, Some(item::head(of.previous()))),
        (5, Some(item::pledges(of.pledges()))),
        (6, statements.map(batch)),
        (7, Some(uint(BORN_MS + 5))),
        (8, Some(evidence)),
    ])
}

fn evidence() -> Evidence {
    Evidence::new(fields()).expect("short")
}

fn host() -> Lineage<Ordinary> {
    let birth = Birth {
        contributions: &[("test", b"x")],
        randomness: &[1; 32],
        salt: SALT,
        wall_ms: BORN_MS,
        evidence: evidence(),
        origin: Origin::new(Reason::Boot, Some(predecessor())),
    };
    Lineage::born(Ordinary::default(), birth).expect("it is born")
}

fn step(index: u64) -> Step<'static> {
    Step { index, wall_ms: BORN_MS + 5, randomness: &[3; 32], evidence: evidence() }
}

fn subject() -> Subject {
    Subject {
        uid: Some(80),
        gid: Some(81),
        pid: Some(82),
        unit: Some("unit".into()),
        exe: Some("exe".into()),
        label: Some("label".into()),
        app: Some("app".into()),
        invocation: Some([83; 16]),
    }
}

fn statement_item(challenge: &Digest, payload: &[u8]) -> Item {
    let subject = map([
        (1, Some(uint(80u8))),
        (2, Some(uint(81u8))),
        (3, Some(uint(82u8))),
        (4, Some(text("unit"))),
        (5, Some(text("exe"))),
        (6, Some(text("label"))),
        (7, Some(text("app"))),
        (8, Some(bytes([83; 16]))),
    ]);
    map([
        (1, Some(text("door"))),
        (2, Some(bytes(challenge.as_bytes()))),
        (3, Some(subject)),
        (4, Some(bytes(payload))),
        (5, Some(Item::Bool(true))),
    ])
}

#[test]
fn evidence_and_origin() {
    assert_eq!(evidence().as_bytes(), evidence_item(None).encode());
    assert_eq!(*evidence().fields(), fields());
    // what a later version may write beside is kept, and what this one knows is read
    let beside = evidence_item(Some(text("later")));
    let read =
        |origin| Genesis::parse(&genesis_item(host().genesis().pledges(), beside.clone(), origin).encode());
    let genesis = read(origin_item(None)).expect("well-formed");
    assert_eq!(
        (genesis.evidence().fields(), genesis.evidence().as_bytes()),
        (&fields(), &beside.encode()[..])
    );
    assert_eq!((genesis.wall_ms(), genesis.salt()), (BORN_MS, &SALT));
    assert_eq!(
        (genesis.origin().reason(), genesis.origin().predecessor()),
        (Reason::Boot, Some(&predecessor()))
    );
    // an origin has 256 bytes at most
    let room = 256 - origin_item(None).encode().len() - 3;
    assert_eq!(origin_item(Some(room)).encode().len(), 256);
    read(origin_item(Some(room))).expect("just as long as may be");
    read(origin_item(Some(room + 1))).expect_err("a byte too long");
}

#[test]
fn genesis_moment_and_introduction() {
    let mut host = host();
    let genesis = host.genesis().clone();
    assert_eq!(
        genesis.body(),
        genesis_item(genesis.pledges(), evidence_item(None), origin_item(None)).encode()
    );
    assert_eq!(Genesis::parse(genesis.body()), Ok(genesis.clone()));

    let moment = host.moment(step(700)).expect("it is later");
    assert_eq!(moment.body(), moment_item(&moment, None, evidence_item(None)).encode());
    assert_eq!((moment.index(), moment.previous().index, moment.tier()), (700, 0, 4));
    assert_eq!((moment.statements(), moment.wall_ms(), moment.evidence()), (0, BORN_MS + 5, &evidence()));
    assert_ne!(moment.pledges()[..5], genesis.pledges()[..5]);
    assert_eq!(moment.pledges()[5..], genesis.pledges()[5..]);
    assert_eq!(Moment::parse(moment.body()).as_ref(), Ok(&*moment));
    // as many statements as may be, and one more
    let full =
        |count| Moment::parse(&moment_item(&moment, Some((count, digest(9))), evidence_item(None)).encode());
    assert_eq!(full(65_536).map(|full| full.statements()), Ok(65_536));
    full(65_537).expect_err("too many");

    let introduction = host.introduce();
    let item = map([(1, Some(uint(1u8))), (2, Some(bytes(genesis.body()))), (3, Some(bytes(moment.body())))]);
    assert_eq!(introduction.encode(), item.encode());
    assert_eq!((introduction.genesis(), introduction.moment()), (&genesis, Some(&*moment)));
    assert_eq!(Introduction::parse(&item.encode()), Ok(introduction));
}

fn proof_item(proof: &Proof, inclusion: Item) -> Item {
    let hop = |hop: &selfsame::Hop| {
        Item::Array(vec![uint(hop.tier()), bytes(hop.opening().as_bytes()), bytes(hop.moment().body())])
    };
    map([
        (1, Some(uint(1u8))),
        (2, Some(bytes(proof.lineage().as_bytes()))),
        (3, Some(uint(proof.since()))),
        (4, Some(Item::Array(proof.hops().iter().map(hop).collect()))),
        (6, Some(bytes(proof.statement_bytes()))),
        (7, Some(inclusion)),
        (8, proof.genesis().map(|genesis| bytes(genesis.body()))),
    ])
}

#[test]
fn statement_and_proof() {
    let mut host = host();
    host.moment(step(700)).expect("it is later");
    host.introduce();
    let (id, head) = (*host.id(), host.head());
    let later = item::challenge("door", &[4; 32], Some(&id), &[head]);
    let first = item::challenge("door", &[5; 32], None, &[]);
    let digests = [later.digest(), first.digest()];
    let request = |challenge| {
        let (subject, payload) = (subject(), Some(b"hello".to_vec()));
        Request { audience: "door".into(), challenge, subject, payload }
    };
    let proofs = host.prove(step(710), [later, first].map(request).into()).expect("it is later");
    let [later, first] = <[_; 2]>::try_from(proofs).expect("two").map(|proof| proof.expect("it is given"));

    let said = statement_item(&digests[0], b"hello").encode();
    assert_eq!(later.statement_bytes(), said);
    let statement = later.statement();
    assert_eq!(Statement::parse(&said).as_ref(), Ok(statement));
    assert_eq!((statement.audience(), statement.challenge()), ("door", &digests[0]));
    assert_eq!((statement.subject(), statement.payload()), (&subject(), Some(&b"hello"[..])));
    assert_eq!((statement.known(), first.statement().known()), (Some(true), None));

    let (hops, at) = (later.hops().len(), later.head().map(Moment::head));
    assert_eq!((later.lineage(), later.since(), at), (&id, 700, Some(host.head())));
    assert_eq!((first.since(), hops, first.hops().len()), (0, 1, 2));
    assert_eq!((later.genesis(), first.genesis()), (None, Some(host.genesis())));
    for (position, proof) in (0..).zip([&later, &first]) {
        let inclusion = proof.inclusion();
        assert_eq!((inclusion.position(), inclusion.count(), inclusion.path().len()), (position, 2, 1));
        let item = |inclusion| proof_item(proof, inclusion).encode();
        assert_eq!(proof.encode(), item(item::inclusion(position, 2, inclusion.path())));
        assert_eq!(Proof::parse(&proof.encode()).as_ref(), Ok(proof));
        // the last of as many statements as may be, and of one more
        Proof::parse(&item(item::inclusion(65_535, 65_536, &[digest(1); 16]))).expect("well-formed");
        Proof::parse(&item(item::inclusion(65_536, 65_537, &[digest(1); 16]))).expect_err("too many");
    }
}

#[test]
fn fork() {
    let mut host = host();
    let moments = [700, 710, 720].map(|index| host.moment(step(index)).expect("it is later"));
    let hop = |n: u8| {
        let body = bytes(moments[usize::from(n)].body());
        Item::Array(vec![uint(n), bytes([n; selfsame::OPENING_BYTES]), body])
    };
    for genesis in [None, Some(host.genesis())] {
        let item = map([
            (1, Some(uint(1u8))),
            (2, Some(bytes(host.id().as_bytes()))),
            (3, genesis.map(|genesis| bytes(genesis.body()))),
            (4, Some(Item::Array(vec![hop(0)]))),
            (5, Some(hop(1))),
            (6, Some(hop(2))),
        ]);
        let fork = Fork::parse(&item.encode()).expect("well-formed");
        assert_eq!(fork.encode(), item.encode());
        assert_eq!((fork.lineage(), fork.is_for_anyone()), (host.id(), genesis.is_some()));
        let hops: Vec<_> = fork.way().iter().chain(fork.hops()).map(|hop| hop.encode()).collect();
        assert_eq!(hops, [hop(0), hop(1), hop(2)].map(|hop| hop.encode()));
        assert_eq!(fork.way().len(), 1);
    }
}
