//! An end that a person asks for.

use std::os::fd::AsFd;

use futures_util::future::join_all;
use nix::sys::signal::Signal;
use selfsame::{Boot, Now, Peer, Policy, Proof};
use selfsame_dbus::{AGENT_BUS_NAME, AGENT_PATH, CallError, Error};
use selfsame_tests::{
    Run,
    manager::{HISTORY, PAGE, bytes_of},
};
use zbus::fdo::PropertiesProxy;

use crate::scene::{Scene, Setting, next_end};

#[tokio::test]
async fn root_ends_the_lineage_and_another_begins_with_a_page_of_its_own() {
    let mut scene = Scene::start(Setting::default()).await;
    let old = scene.lineage().await.to_string();
    let page = scene.manager.kept(PAGE).unwrap();
    let mut ends = scene.ends().await;
    let properties = PropertiesProxy::builder(&scene.connection).destination(AGENT_BUS_NAME).path(AGENT_PATH);
    let properties = properties.build().await.unwrap();
    let mut changes = properties.receive_properties_changed().await.unwrap();

    let end =
        Run::selfsame().args(["--bus-address", scene.bus.address(), "end", "--yes", "--json"]).run().await;
    assert_eq!(end.code(), Some(0), "{end:?}");
    let new = scene.lineage().await.to_string();
    assert_eq!((end.json()["ended"].as_str(), end.json()["begun"].as_str()), (Some(&*old), Some(&*new)));
    assert_ne!(new, old);
    assert_eq!(next_end(&mut ends).await, (old.clone(), "ended".to_owned(), new.clone()));
    assert_eq!(scene.origin().await, ("ended".to_owned(), old));
    assert!(bytes_of(page.as_fd()).iter().all(|byte| *byte == 0), "the old page is erased");

    // who keeps the properties is told of each
    let mut told = std::collections::BTreeSet::new();
    while !["Lineage", "Born", "Origin", "Memory"].iter().all(|name| told.contains(*name)) {
        let next =
            tokio::time::timeout(crate::scene::LIMIT, futures_util::StreamExt::next(&mut changes)).await;
        let change = next.expect("it is told").unwrap();
        told.extend(change.args().unwrap().changed_properties().keys().map(|name| (*name).to_owned()));
    }
    // the manager keeps the new one
    scene.manager.wait_for("FDSTORE=1\nFDNAME=selfsame-history", 2).await;
    scene.end(Signal::SIGKILL).await;
    scene.start_again().await;
    assert_eq!(scene.lineage().await.to_string(), new);
}

#[tokio::test]
async fn nobody_else_does_and_there_are_two_reasons() {
    let scene = Scene::start(Setting::default()).await;
    let lineage = scene.lineage().await;
    // on this bus anyone may call: it is the agent that refuses
    for reason in ["ended", "hibernate"] {
        let call = Run::program("setpriv")
            .args(["--reuid=nobody", "--regid=nogroup", "--clear-groups", "dbus-send"])
            .args([&format!("--bus={}", scene.bus.address()), "--print-reply", "--dest=org.selfsame.Agent1"])
            .args([AGENT_PATH, "org.selfsame.Identity1.End", &format!("string:{reason}")]);
        let refused = call.run().await;
        assert_eq!(refused.code(), Some(1), "{refused:?}");
        assert!(refused.stderr.contains("org.selfsame.Error.NotAuthorized"), "{refused:?}");
    }
    for reason in ["clone", "reset", "rollback", "boot", ""] {
        let refused = scene.identity().await.end(reason).await;
        assert!(
            matches!(refused, Err(CallError::Refused(Error::InvalidArgument(_), _))),
            "{reason}: {refused:?}"
        );
    }
    assert_eq!(scene.lineage().await, lineage);
}

#[tokio::test]
async fn who_asks_meanwhile_gets_an_answer_of_one_lineage_or_a_refusal_never_a_mix() {
    let scene = Scene::start(Setting::default()).await;
    let now = Now { boot: Boot([0; 16]), ticks: 0, wall_ms: 0 };
    let (mut answered, mut other, mut busy) = (0, 0, 0);
    for round in 0..5_u8 {
        let old = scene.lineage().await;
        let mut peers: Vec<Peer> = (0..200).map(|_| Peer::expecting(old)).collect();
        let challenges: Vec<_> =
            peers.iter_mut().map(|peer| peer.challenge("door", &[round; 32], &now).unwrap()).collect();
        let identity = scene.identity().await;
        let end = async {
            // with those that are asked before it and those that are asked after it
            identity.end("ended").await.unwrap();
        };
        let (before, after) = challenges.split_at(100);
        let (before, (), after) = tokio::join!(
            join_all(before.iter().map(|challenge| scene.prove(challenge))),
            end,
            join_all(after.iter().map(|challenge| scene.prove(challenge)))
        );
        for (peer, answer) in peers.iter_mut().zip(before.into_iter().chain(after)) {
            match answer {
                Ok(proof) => {
                    assert_eq!(*Proof::parse(&proof).unwrap().lineage(), old);
                    // all of it: hops, statement and genesis go together
                    peer.take(&proof, &now, &Policy::default()).unwrap();
                    answered += 1;
                }
                Err(Error::OtherLineage(text)) => {
                    assert!(text.contains(&old.to_string()), "{text}");
                    other += 1;
                }
                Err(Error::Busy(_)) => busy += 1,
                Err(error) => panic!("{error:?}"),
            }
        }
        assert_ne!(scene.lineage().await, old);
    }
    println!("{answered} answers of the lineage that ended, {other} of the next, {busy} busy");
    assert!(answered + other > 0);
}

#[tokio::test]
async fn before_a_hibernation_nothing_is_kept_and_nobody_is_answered() {
    let mut scene = Scene::start(Setting::default()).await;
    let old = scene.lineage().await.to_string();
    let page = scene.manager.kept(PAGE).unwrap();
    scene.wait_for_last_head(&old).await;
    let end = ["--bus-address", scene.bus.address(), "end", "--yes", "--reason", "hibernate", "--json"];
    let end = Run::selfsame().args(end).run().await;
    assert_eq!(end.code(), Some(0), "{end:?}");
    assert!(end.json()["begun"].is_null(), "{end:?}");
    assert!(bytes_of(page.as_fd()).iter().all(|byte| *byte == 0), "the page is erased before this returns");
    scene.manager.wait_for("FDSTOREREMOVE=1\nFDNAME=selfsame-history", 2).await;
    assert!(scene.manager.kept(PAGE).is_none() && scene.manager.kept(HISTORY).is_none());
    let introduced = scene.identity().await.introduce().await;
    assert!(matches!(introduced, Err(CallError::Refused(Error::Busy(_), _))), "{introduced:?}");
    // told to end while there is no lineage, it ends; the next one's predecessor is the one that ended
    scene.end(Signal::SIGTERM).await;
    scene.start_again().await;
    assert_eq!(scene.origin().await, ("lost".to_owned(), old));
}
