//! The shipped bus policy, as it is, on a bus with the rules of a system bus: which calls get through. What the agent
//! makes of them, the target `rights` shows.
//!
//! Needs root, to be other users.

use std::path::Path;

use futures_util::StreamExt;
use selfsame_dbus::{AGENT_BUS_NAME, AGENT_PATH, CallError, Error, IDENTITY_INTERFACE, Identity1Proxy};
use selfsame_tests::{MEMBERS, Output, PrivateBus, Run, SERVICE, StandIn, User, Users, connect_as};
use tokio::time::timeout;
use zbus::{Connection, MatchRule, MessageStream, message};

use crate::LIMIT;

const SHIPPED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../packaging/dbus/org.selfsame.Agent1.conf");

/// A bus with the policy, and a stand-in on it that the service's user runs.
async fn served() -> (PrivateBus, Connection, Users) {
    let (bus, users) = bus();
    let service = connect_as(bus.address(), SERVICE.uid, &[]).await;
    service.object_server().at(AGENT_PATH, StandIn::new(0)).await.unwrap();
    service.request_name(AGENT_BUS_NAME).await.unwrap();
    (bus, service, users)
}

/// A bus with the policy, on a machine with the service's user.
fn bus() -> (PrivateBus, Users) {
    let mut users = Users::with(&[ANYONE, MEMBER]);
    let daemon = users.program(r#"exec dbus-daemon "$@""#);
    (PrivateBus::start_with_policy_by(&daemon, &[Path::new(SHIPPED)]), users)
}

/// Calls a method of `destination` as another user, the member in group `selfsame`.
async fn call(bus: &PrivateBus, user: User, destination: &str, call: &[&str]) -> Output {
    let groups = if user == MEMBER { format!("--groups={MEMBERS}") } else { "--clear-groups".to_owned() };
    Run::program("setpriv")
        .args([&format!("--reuid={}", user.uid), &format!("--regid={}", user.uid), &groups])
        .args(["dbus-send", &format!("--bus={}", bus.address()), "--print-reply"])
        .arg(format!("--dest={destination}"))
        .args(call)
        .run()
        .await
}

fn denied(output: &Output) -> bool {
    output.code() == Some(1) && output.stderr.contains("org.freedesktop.DBus.Error.AccessDenied")
}

const ANYONE: User = User { name: "anyone", uid: 60_010 };
const MEMBER: User = User { name: "member", uid: 60_011 };

const GENESIS: &[&str] = &[AGENT_PATH, "org.selfsame.Identity1.Genesis"];
const GET_ALL: &[&str] =
    &[AGENT_PATH, "org.freedesktop.DBus.Properties.GetAll", "string:org.selfsame.Identity1"];

#[tokio::test]
async fn anyones_calls_get_to_the_agent_but_for_the_lineages_end() {
    let (bus, _service, _users) = served().await;
    for who in [ANYONE, MEMBER, SERVICE] {
        for ask in [
            GET_ALL,
            &[AGENT_PATH, "org.freedesktop.DBus.Introspectable.Introspect"],
            &[AGENT_PATH, "org.freedesktop.DBus.Peer.Ping"],
            GENESIS,
            &[AGENT_PATH, "org.selfsame.Identity1.Hop", "uint64:0", "byte:0", "boolean:false"],
        ] {
            let output = call(&bus, who, AGENT_BUS_NAME, ask).await;
            assert_eq!(output.code(), Some(0), "{who:?} {ask:?}: {output:?}");
        }
        // the stand-in has no verifier: the call is let through to it
        let output = call(&bus, who, AGENT_BUS_NAME, &[AGENT_PATH, "org.selfsame.Verifier1.Peers"]).await;
        assert!(output.stderr.contains("UnknownInterface"), "{who:?}: {output:?}");

        let end = &[AGENT_PATH, "org.selfsame.Identity1.End", "string:ended"];
        assert!(denied(&call(&bus, who, AGENT_BUS_NAME, end).await), "{who:?} may end the lineage");
    }
    let root = Identity1Proxy::uncached(&bus.connect().await).await.unwrap();
    root.genesis().await.unwrap();
    // the stand-in refuses whoever gets to it
    assert!(matches!(root.end("ended").await, Err(CallError::Refused(Error::NotAuthorized(_), _))));
}

#[tokio::test]
async fn what_is_no_interface_of_the_agents_does_not_get_to_it() {
    let (bus, service, _users) = served().await;
    let other = &[AGENT_PATH, "org.selfsame.Test.Genesis"];
    assert!(denied(&call(&bus, ANYONE, AGENT_BUS_NAME, other).await));
    // nor by its unique name
    let unique = service.unique_name().unwrap().as_str();
    assert!(denied(&call(&bus, ANYONE, unique, other).await));
    let end = &[AGENT_PATH, "org.selfsame.Identity1.End", "string:ended"];
    assert!(denied(&call(&bus, MEMBER, unique, end).await));
    assert_eq!(call(&bus, ANYONE, unique, GET_ALL).await.code(), Some(0));

    let client = bus.connect().await;
    let without = client.call_method(Some(AGENT_BUS_NAME), AGENT_PATH, None::<&str>, "Genesis", &()).await;
    assert!(matches!(without.map_err(CallError::from), Err(CallError::Denied { .. })));
    let with = client.call_method(Some(AGENT_BUS_NAME), AGENT_PATH, Some(IDENTITY_INTERFACE), "Genesis", &());
    with.await.unwrap();
}

#[tokio::test]
async fn only_the_services_user_may_own_the_name() {
    let (bus, _users) = bus();
    let request = [
        "/org/freedesktop/DBus",
        "org.freedesktop.DBus.RequestName",
        "string:org.selfsame.Agent1",
        "uint32:4",
    ];
    let own = async |who| call(&bus, who, "org.freedesktop.DBus", &request).await;
    assert!(own(SERVICE).await.stdout.contains("uint32 1"));
    for who in [ANYONE, MEMBER, User { name: "root", uid: 0 }] {
        assert!(denied(&own(who).await), "{who:?}");
    }
}

/// A `deny` for all that is sent to the name would keep signals such as logind's PrepareForSleep from its owner.
#[tokio::test]
async fn signals_of_others_get_to_the_agent() {
    let (bus, service, _users) = served().await;
    let rule =
        MatchRule::builder().msg_type(message::Type::Signal).interface("org.selfsame.Test").build().unwrap();
    let mut signals = MessageStream::for_match_rule(rule, &service, None).await.unwrap();
    let other = bus.connect().await;
    other.emit_signal(None::<&str>, "/", "org.selfsame.Test", "PrepareForSleep", &true).await.unwrap();
    let signal = timeout(LIMIT, signals.next()).await.unwrap().unwrap().unwrap();
    assert!(signal.body().deserialize::<bool>().unwrap());
}

/// Where the user is not there yet, the bus says so, and takes the rest of the policy.
#[tokio::test]
async fn the_shipped_file_is_taken_as_it_is() {
    let (bus, _users) = bus();
    let complaints = |bus: &PrivateBus| {
        // It may complain of its limit of open files too.
        let lines = bus.stderr();
        lines.lines().filter(|line| line.contains(".conf")).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(complaints(&bus), Vec::<String>::new());
    let bare = PrivateBus::start_with_policy(&[Path::new(SHIPPED)]);
    assert!(complaints(&bare).iter().all(|line| line.contains("Unknown username \"_selfsame\"")));
    let ping = &[AGENT_PATH, "org.freedesktop.DBus.Peer.Ping"];
    let nobody_there = call(&bare, User { name: "daemon", uid: 1 }, AGENT_BUS_NAME, ping).await;
    assert!(nobody_there.stderr.contains("ServiceUnknown"), "{nobody_there:?}");
}
