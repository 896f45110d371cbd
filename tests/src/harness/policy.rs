//! The shipped bus policy, on a bus with the rules of a system bus.
//!
//! Needs root, to be other users. Neither the service's user nor its group need exist: where it matters, the
//! policy is tested with ones that every Debian has in their places.

use std::{fs, os::unix::fs::MetadataExt, path::Path};

use futures_util::StreamExt;
use selfsame_dbus::{AGENT_BUS_NAME, AGENT_PATH, CallError, Error, IDENTITY_INTERFACE, Identity1Proxy};
use selfsame_tests::{Output, PrivateBus, Run, StandIn};
use tempfile::NamedTempFile;
use tokio::time::timeout;
use zbus::{Connection, MatchRule, MessageStream, connection, message};

use crate::LIMIT;

const SHIPPED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../packaging/dbus/org.selfsame.Agent1.conf");

/// The shipped policy with user and group `daemon` for the service's user and the group of those who may ask.
fn with_users_that_exist() -> NamedTempFile {
    let shipped = fs::read_to_string(SHIPPED).unwrap();
    let (user, group) = (r#"user="_selfsame""#, r#"group="selfsame""#);
    assert!(shipped.contains(user) && shipped.contains(group));
    let file = NamedTempFile::new().unwrap();
    fs::write(&file, shipped.replace(user, r#"user="daemon""#).replace(group, r#"group="daemon""#)).unwrap();
    file
}

/// A bus with `policy`, and a stand-in on it that root runs.
async fn served(policy: &Path) -> (PrivateBus, Connection) {
    assert_eq!(
        fs::metadata("/proc/self").unwrap().uid(),
        0,
        "this test must be run by root, to be other users"
    );
    let bus = PrivateBus::start_with_policy(&[policy]);
    let service = connection::Builder::address(bus.address()).serve_at(AGENT_PATH, StandIn::new(0));
    let service = service.name(AGENT_BUS_NAME).build().await.unwrap();
    (bus, service)
}

/// Calls `member` of `destination` as another user, who is in `group`.
async fn call(bus: &PrivateBus, (user, group): (&str, &str), destination: &str, call: &[&str]) -> Output {
    Run::program("setpriv")
        .args([&format!("--reuid={user}"), "--regid=nogroup", &format!("--groups={group}")])
        .args(["dbus-send", &format!("--bus={}", bus.address()), "--print-reply"])
        .arg(format!("--dest={destination}"))
        .args(call)
        .run()
        .await
}

fn denied(output: &Output) -> bool {
    output.code() == Some(1) && output.stderr.contains("org.freedesktop.DBus.Error.AccessDenied")
}

const ANYONE: (&str, &str) = ("nobody", "nogroup");
const MEMBER: (&str, &str) = ("nobody", "daemon");
const SERVICE: (&str, &str) = ("daemon", "nogroup");

const GENESIS: &[&str] = &[AGENT_PATH, "org.selfsame.Identity1.Genesis"];
const GET_ALL: &[&str] =
    &[AGENT_PATH, "org.freedesktop.DBus.Properties.GetAll", "string:org.selfsame.Identity1"];

#[tokio::test]
async fn anyone_may_look_and_only_the_group_and_root_may_ask() {
    let policy = with_users_that_exist();
    let (bus, _service) = served(policy.path()).await;

    for look in [
        GET_ALL,
        &[AGENT_PATH, "org.freedesktop.DBus.Introspectable.Introspect"],
        &[AGENT_PATH, "org.freedesktop.DBus.Peer.Ping"],
    ] {
        let output = call(&bus, ANYONE, AGENT_BUS_NAME, look).await;
        assert_eq!(output.code(), Some(0), "{look:?}: {output:?}");
    }
    let members: [&[&str]; 6] = [
        GENESIS,
        &[AGENT_PATH, "org.selfsame.Identity1.Report", "array:byte:1"],
        &[AGENT_PATH, "org.selfsame.Identity1.Diagnose"],
        &[AGENT_PATH, "org.selfsame.Identity1.Introduce"],
        &[AGENT_PATH, "org.selfsame.Identity1.Hop", "uint64:0", "byte:0", "boolean:false"],
        &[
            AGENT_PATH,
            "org.selfsame.Identity1.Prove",
            "string:door",
            "array:byte:1",
            "array:byte:1",
            "dict:string:string:",
        ],
    ];
    for ask in members {
        let output = call(&bus, ANYONE, AGENT_BUS_NAME, ask).await;
        assert!(denied(&output), "{ask:?}: {output:?}");
        assert!(denied(&call(&bus, SERVICE, AGENT_BUS_NAME, ask).await), "{ask:?}");
        let output = call(&bus, MEMBER, AGENT_BUS_NAME, ask).await;
        // dbus-send can't say a{sv}: the call is let through, and refused for its arguments.
        assert!(!denied(&output), "{ask:?}: {output:?}");
    }
    assert_eq!(call(&bus, MEMBER, AGENT_BUS_NAME, GENESIS).await.code(), Some(0));
    let root = Identity1Proxy::uncached(&bus.connect().await).await.unwrap();
    root.genesis().await.unwrap();

    let end = &[AGENT_PATH, "org.selfsame.Identity1.End", "string:ended"];
    for who in [ANYONE, SERVICE, MEMBER] {
        assert!(denied(&call(&bus, who, AGENT_BUS_NAME, end).await), "{who:?} may end the lineage");
    }
    // the stand-in refuses whoever gets to it
    assert!(matches!(root.end("ended").await, Err(CallError::Refused(Error::NotAuthorized(_), _))));
}

#[tokio::test]
async fn the_unique_name_and_no_interface_are_no_way_around() {
    let policy = with_users_that_exist();
    let (bus, service) = served(policy.path()).await;
    let unique = service.unique_name().unwrap().as_str();
    assert!(denied(&call(&bus, ANYONE, unique, GENESIS).await));
    assert_eq!(call(&bus, ANYONE, unique, GET_ALL).await.code(), Some(0));

    let client = bus.connect().await;
    let without = client.call_method(Some(AGENT_BUS_NAME), AGENT_PATH, None::<&str>, "Genesis", &()).await;
    assert!(matches!(without.map_err(CallError::from), Err(CallError::Denied { .. })));
    let with = client.call_method(Some(AGENT_BUS_NAME), AGENT_PATH, Some(IDENTITY_INTERFACE), "Genesis", &());
    with.await.unwrap();
}

#[tokio::test]
async fn only_the_services_user_and_root_may_own_the_name() {
    let policy = with_users_that_exist();
    let bus = PrivateBus::start_with_policy(&[policy.path()]);
    let request = [
        "/org/freedesktop/DBus",
        "org.freedesktop.DBus.RequestName",
        "string:org.selfsame.Agent1",
        "uint32:4",
    ];
    let own = async |who| call(&bus, who, "org.freedesktop.DBus", &request).await;
    assert!(own(SERVICE).await.stdout.contains("uint32 1"));
    for who in [ANYONE, MEMBER] {
        assert!(denied(&own(who).await), "{who:?}");
    }
    bus.connect().await.request_name(AGENT_BUS_NAME).await.unwrap();
}

/// A `deny` for all that is sent to the name would keep signals such as logind's PrepareForSleep from its owner.
#[tokio::test]
async fn signals_of_others_get_to_the_agent() {
    let (bus, service) = served(Path::new(SHIPPED)).await;
    let rule =
        MatchRule::builder().msg_type(message::Type::Signal).interface("org.selfsame.Test").build().unwrap();
    let mut signals = MessageStream::for_match_rule(rule, &service, None).await.unwrap();
    let other = bus.connect().await;
    other.emit_signal(None::<&str>, "/", "org.selfsame.Test", "PrepareForSleep", &true).await.unwrap();
    let signal = timeout(LIMIT, signals.next()).await.unwrap().unwrap().unwrap();
    assert!(signal.body().deserialize::<bool>().unwrap());
}

/// Where the user or the group is not there yet, the bus says so, and takes the rest of the policy.
#[tokio::test]
async fn the_shipped_file_is_taken_as_it_is() {
    let (bus, _service) = served(Path::new(SHIPPED)).await;
    // It may complain of its limit of open files too.
    let complaints = bus.stderr();
    assert!(
        !complaints.lines().any(|line| line.contains(".conf") && !line.contains("Unknown ")),
        "{complaints}"
    );
    assert!(denied(&call(&bus, ANYONE, AGENT_BUS_NAME, GENESIS).await));
    assert_eq!(call(&bus, ANYONE, AGENT_BUS_NAME, GET_ALL).await.code(), Some(0));
}
