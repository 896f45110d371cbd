//! Meeting by an introduction, listing and forgetting.

use selfsame_dbus::{Bytes, Error, Options};
use zbus::Variant;

use crate::{
    host::Member,
    scene::{Door, cause, pair, refused, text},
};

#[tokio::test]
async fn an_introduction_is_taken_and_the_first_proof_confirms_it() {
    let (door, mut host) = (Door::start().await, Member::born(1));
    host.moment();
    let introduction = host.introduction().encode();
    door.meet("web", &introduction, false).await.unwrap();
    let known = &door.verifier.peers().await.unwrap()[0];
    assert_eq!((&*known.lineage, known.index), (&*host.id().to_string(), host.lineage.head().index));
    let verdict = door.ask("web", &mut host).await.unwrap();
    assert_eq!((verdict.first, verdict.confirmed, verdict.moved), (false, true, true));
    // the first after an introduction is held against its wall time
    assert!(verdict.by_wall);
    assert!(!door.ask("web", &mut host).await.unwrap().by_wall);

    let again = door.meet("web", &introduction, false).await;
    let (_, details) = &**again.as_ref().unwrap_err();
    assert_eq!((details.peer.as_deref(), &details.lineage), (Some("web"), &Some(host.id().to_string())));
    assert_eq!(cause(again), pair("PeerExists", "known"));
    let taken = door.meet("db", &introduction, false).await;
    assert_eq!(taken.as_ref().unwrap_err().1.peer.as_deref(), Some("web"), "another peer has it");
    assert_eq!(cause(taken), pair("PeerExists", "known"));
    assert_eq!(cause(door.meet("db", b"no introduction", false).await), pair("Malformed", "form"));
}

#[tokio::test]
async fn a_newer_moment_replaces_all_that_is_kept() {
    let (door, mut host, mut other) = (Door::start().await, Member::born(1), Member::born(2));
    door.enrolled("web", &mut host).await;
    let old = host.introduction().encode();
    door.ask("web", &mut host).await.unwrap();
    assert_eq!(cause(door.meet("web", &old, true).await), pair("PeerExists", "not-newer"));
    assert_eq!(cause(door.meet("nobody", &old, true).await), pair("PeerExists", "known"), "it is web's");
    let others = other.introduction().encode();
    assert_eq!(cause(door.meet("nobody", &others, true).await), pair("UnknownPeer", "name"));
    let wrong = door.meet("web", &others, true).await;
    assert_eq!(wrong.as_ref().unwrap_err().1.expected, Some(host.id().to_string()));
    assert_eq!(cause(wrong), pair("OtherLineage", "peer"));

    assert!(!door.verifier.questions("web").await.unwrap().is_empty());
    let out = door.challenge("web").await;
    host.moment();
    door.meet("web", &host.introduction().encode(), true).await.unwrap();
    assert!(door.verifier.questions("web").await.unwrap().is_empty(), "kept hops are gone");
    let stale = host.prove(&out);
    assert_eq!(cause(door.verify("web", &stale).await), pair("UnknownChallenge", "unknown"), "so is this");
    door.ask("web", &mut host).await.unwrap();
}

#[tokio::test]
async fn whose_a_lineage_is_and_who_is_known() {
    let (door, mut web, mut db) = (Door::start().await, Member::born(1), Member::born(2));
    door.enrolled("web", &mut web).await;
    door.enrolled("db", &mut db).await;
    assert_eq!(door.names().await, ["db", "web"], "by name");
    assert_eq!(door.verifier.whose(&web.id().to_string()).await.unwrap(), "web");
    assert_eq!(door.verifier.whose(&Member::born(3).id().to_string()).await.unwrap(), "");
    assert_eq!(cause(refused(door.verifier.whose("nobody").await)).0, "InvalidArgument");

    let out = door.challenge("web").await;
    door.verifier.forget("web").await.unwrap();
    assert_eq!(door.names().await, ["db"]);
    assert_eq!(cause(refused(door.verifier.forget("web").await)), pair("UnknownPeer", "name"));
    assert_eq!(cause(refused(door.verifier.questions("web").await)), pair("UnknownPeer", "name"));
    assert_eq!(cause(door.verify("web", &web.prove(&out)).await), pair("UnknownPeer", "name"));
    assert_eq!(door.verifier.whose(&web.id().to_string()).await.unwrap(), "");
    // it can be met anew, by another name, too
    door.enrolled("www", &mut web).await;
    // of a name that is nobody's yet its challenges are forgotten
    door.challenge("new").await;
    door.verifier.forget("new").await.unwrap();
    assert_eq!(cause(refused(door.verifier.forget("new").await)), pair("UnknownPeer", "name"));
}

#[tokio::test]
async fn arguments_larger_than_they_may_be_are_refused_and_nothing_happens() {
    let door = Door::start().await;
    let none = Options::new();
    let long = refused(door.verifier.meet("web", Bytes::new(&[0; 40 << 10]), &none).await);
    assert!(text(long).ends_with("bytes of arguments: at most 32768"));
    let most = selfsame_dbus::limits::VERIFY_MAX_BYTES;
    let too_large = vec![0; most];
    for too_large in [
        refused(door.verifier.verify("web", Bytes::new(&too_large), &none).await.map(drop)),
        refused(door.verifier.enrol("web", Bytes::new(&too_large), &none).await.map(drop)),
        refused(door.verifier.confront("web", Bytes::new(b""), &[Bytes::new(&too_large)]).await.map(drop)),
        refused(door.verifier.report_fork(Bytes::new(&too_large)).await),
    ] {
        assert!(
            matches!(&too_large, Err(refused) if matches!(refused.0, Error::InvalidArgument(_))),
            "{too_large:?}"
        );
        assert!(text(too_large).ends_with(&format!("at most {most}")));
    }
    // a proof that is as large as one may be is looked at
    let proof = vec![0; selfsame_dbus::limits::PROOF_MAX_BYTES];
    assert_eq!(cause(door.enrol("web", &proof).await), pair("Malformed", "form"));
    let longer = vec![0; selfsame_dbus::limits::PROOF_MAX_BYTES + 1];
    assert_eq!(cause(door.enrol("web", &longer).await), pair("Malformed", "form"));

    let unknown = Options::from([("subject", Variant::from(true))]);
    let meet = refused(door.verifier.meet("web", Bytes::new(b""), &unknown).await);
    assert_eq!(text(meet), "option \"subject\": there are `replace`");
    let enrol = door.enrol_with("web", b"", &unknown).await;
    assert_eq!(text(enrol), "option \"subject\": there are `succeeds`, `dry_run`");
    // more than any method has are refused before they are looked at
    let names: Vec<String> = (0..1000).map(|n| format!("option{n}")).collect();
    let many: Options<'_> = names.iter().map(|name| (name.as_str(), Variant::from(true))).collect();
    let error = door.verifier.meet("web", Bytes::new(b""), &many).await.unwrap_err();
    assert!(format!("{error:?}").contains("at most 8 options"), "{error:?}");
}

/// The journal's lines, as they are on standard error where there is no journal.
#[tokio::test]
async fn the_journal_keeps_who_did_what() {
    let (door, mut host, mut met) = (Door::start().await, Member::born(1), Member::born(2));
    door.enrolled("web", &mut host).await;
    door.meet("db", &met.introduction().encode(), false).await.unwrap();
    door.verifier.forget("db").await.unwrap();
    let said = door.agent().stderr();
    let caller = "caller_uid=0 caller_unit=";
    for (line, id, fields) in [
        (
            "peer \"web\" is enrolled",
            "938a963c60da43e989294748095eb63d",
            format!("peer=\"web\" lineage=\"{}\"", host.id()),
        ),
        (
            "peer \"db\" is met by an introduction",
            "b0760150b0654e4cb10c22eb6a355c89",
            format!("peer=\"db\" lineage=\"{}\"", met.id()),
        ),
        ("peer \"db\" is forgotten", "768fc31bbb0547c5b515d4fca15ef532", "peer=\"db\"".to_owned()),
    ] {
        let found =
            said.lines().find(|said| said.contains(line)).unwrap_or_else(|| panic!("no {line}: {said}"));
        for part in [&format!("message_id=\"{id}\""), &fields, caller] {
            assert!(found.contains(part), "no {part}: {found}");
        }
    }
}
