//! Challenges: single use, expiry, limits, and what is refused of their arguments.

use std::time::Duration;

use selfsame::Challenge;
use selfsame_dbus::Options;
use selfsame_store::ChallengeOptions;
use zbus::Variant;

use crate::{
    host::{DOOR, Member},
    scene::{Door, ago, cause, pair, refused, text},
};

#[tokio::test]
async fn a_challenge_is_good_for_one_proof() {
    let (door, mut host) = (Door::start().await, Member::born(1));
    door.enrolled("web", &mut host).await;
    let challenge = door.challenge("web").await;
    assert_eq!(challenge.audience(), DOOR);
    assert_ne!(challenge, door.challenge("web").await, "nonces are fresh");
    let proof = host.prove(&challenge);
    door.verify("web", &proof).await.unwrap();
    assert_eq!(cause(door.verify("web", &proof).await), pair("UnknownChallenge", "unknown"));
    // of another peer's name it never was
    let mut other = Member::born(2);
    door.enrolled("db", &mut other).await;
    let challenge = door.challenge("web").await;
    let proof = host.prove(&challenge);
    assert_eq!(cause(door.enrol("mail", &proof).await), pair("UnknownChallenge", "unknown"));
    door.verify("web", &proof).await.unwrap();
}

/// The agent's clock is the machine's: so the challenges are put into its file as if they were issued some time ago.
#[tokio::test]
async fn it_lives_for_sixty_seconds() {
    let (door, mut host) = (Door::start().await, Member::born(1));
    door.enrolled("web", &mut host).await;
    let options = ChallengeOptions::default();
    let issued = |nonce: u8, age: u64| -> Challenge {
        let now = ago(Duration::from_secs(age));
        door.store().challenge("web", DOOR, &[nonce; 32], &now, &options).unwrap()
    };
    let (over, alive) = (issued(1, 61), issued(2, 50));
    let proof = host.prove(&over);
    let expired = door.verify("web", &proof).await;
    assert_eq!(cause(expired), pair("UnknownChallenge", "expired"));
    door.verify("web", &host.prove(&alive)).await.unwrap();
}

#[tokio::test]
async fn seven_refused_proofs_leave_it_and_the_eighth_uses_it_up() {
    let (door, mut host) = (Door::start().await, Member::born(1));
    door.enrolled("web", &mut host).await;
    let challenge = door.challenge("web").await;
    let proof = host.prove(&challenge);
    let other = Options::from([("subject", Variant::from(crate::verdicts::subject(7)))]);
    for refusals in 1..=7 {
        let refused = door.verify_with("web", &proof, &other).await;
        assert_eq!(cause(refused), pair("WrongSubject", "uid"), "{refusals}");
    }
    // the eighth is not made here: it still is good
    door.verify("web", &proof).await.unwrap();

    let proof = host.prove(&door.challenge("web").await);
    for _ in 1..=8 {
        assert_eq!(cause(door.verify_with("web", &proof, &other).await).0, "WrongSubject");
    }
    assert_eq!(cause(door.verify("web", &proof).await), pair("UnknownChallenge", "unknown"));
}

#[tokio::test]
async fn so_many_are_out_for_a_peer_and_no_more() {
    let door = Door::start().await;
    for _ in 0..256 {
        door.challenge("web").await;
    }
    let (error, details) = *door.challenge_with("web", &Options::new()).await.unwrap_err();
    assert_eq!(details.why.as_deref(), Some("challenges"), "{error:?}");
    assert_eq!(
        text::<()>(Err(Box::new((error, details)))),
        "256 challenges are out for this peer, that is the limit"
    );
    // another peer's are counted apart. That there may be 16,384 in all the tests of the store show
    door.challenge("db").await;
    // forgetting drops those of a name that is nobody's yet
    door.verifier.forget("web").await.unwrap();
    door.challenge("web").await;
}

#[tokio::test]
async fn it_is_for_whom_it_says() {
    let (door, mut host, mut other) = (Door::start().await, Member::born(1), Member::born(2));
    let (own, others) = (host.id().to_string(), other.id().to_string());
    let expecting = |lineage: &str| Options::from([("lineage", Variant::from(lineage.to_owned()))]);
    let challenge = door.challenge_with("web", &expecting(&own)).await.unwrap();
    assert_eq!(challenge.lineage(), Some(&host.id()));
    assert!(other.answer(&challenge).is_err(), "its agent says that it is another");
    door.enrol("web", &host.prove(&challenge)).await.unwrap();
    assert_eq!(door.challenge_with("web", &expecting(&own)).await.unwrap().lineage(), Some(&host.id()));

    let (_, details) = *door.challenge_with("web", &expecting(&others)).await.unwrap_err();
    assert_eq!(
        (details.why.as_deref(), details.expected),
        (Some("peer"), Some(own)),
        "it is known as another"
    );
    assert_eq!(details.lineage, Some(others));
    let anew = Options::from([("anew", Variant::Bool(true))]);
    assert_eq!(cause(door.challenge_with("nobody", &anew).await), pair("UnknownPeer", "name"));
    let challenge = door.challenge_with("web", &anew).await.unwrap();
    assert_eq!((challenge.lineage(), challenge.since().len()), (None, 0));
}

#[tokio::test]
async fn what_is_not_known_or_of_another_type_is_refused_by_its_name() {
    let door = Door::start().await;
    let said = async |name: &'static str, value: Variant<'static>| {
        let (error, details) =
            *door.challenge_with("web", &Options::from([(name, value)])).await.unwrap_err();
        assert!(matches!(error, selfsame_dbus::Error::InvalidArgument(_)), "{error:?}");
        text::<()>(Err(Box::new((error, details))))
    };
    assert_eq!(said("later", true.into()).await, "option \"later\": there are `lineage`, `anew`");
    assert_eq!(said("anew", 1u32.into()).await, "option `anew`: expected a boolean, b, found u");
    assert_eq!(said("lineage", true.into()).await, "option `lineage`: expected a text, s, found b");
    assert!(said("lineage", "selfsame1nothing".into()).await.starts_with("lineage: "));

    for (audience, peer, what) in [
        ("", "web", "audience of 0 bytes: 1 to 255"),
        (&*"a".repeat(256), "web", "audience of 256 bytes: 1 to 255"),
        (DOOR, "", "peer: a name of 0 bytes: 1 to 255 without control characters"),
        (DOOR, &*"a".repeat(256), "peer: a name of 256 bytes: 1 to 255 without control characters"),
        (
            DOOR,
            "a\u{7}b",
            "peer: a name of 3 bytes, with a control character: 1 to 255 without control characters",
        ),
    ] {
        let refused = refused(door.verifier.challenge(audience, peer, &Options::new()).await);
        assert_eq!(cause(refused.clone()).0, "InvalidArgument");
        assert_eq!(text(refused), what);
    }
    assert_eq!(door.names().await, Vec::<String>::new());
}
