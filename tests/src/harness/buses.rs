//! The private bus, and waiting for names on it.

use std::{
    io::{BufRead, BufReader, ErrorKind, Read},
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use selfsame_dbus::{
    AGENT_BUS_NAME, AGENT_PATH, Bytes, CallError, IDENTITY_INTERFACE, IDENTITY_XML, Identity1Proxy, Options,
};
use selfsame_tests::{NameError, PrivateBus, StandIn, differences, processes, wait_for_name};
use zbus::{Connection, connection, fdo};

use crate::{LIMIT, STAND_IN};

async fn served(bus: &PrivateBus, proof_bytes: usize) -> Connection {
    let connection = connection::Builder::address(bus.address());
    connection.serve_at(AGENT_PATH, StandIn::new(proof_bytes)).name(AGENT_BUS_NAME).build().await.unwrap()
}

fn socket(address: &str) -> &Path {
    Path::new(address.strip_prefix("unix:path=").unwrap())
}

fn directory(bus: &PrivateBus) -> PathBuf {
    socket(bus.address()).parent().unwrap().to_owned()
}

#[tokio::test]
async fn buses_are_apart_and_leave_nothing() {
    let (one, other) = (PrivateBus::start(), PrivateBus::start());
    let _service = served(&one, 0).await;
    let name = AGENT_BUS_NAME.try_into().unwrap();
    assert!(!fdo::DBusProxy::new(&other.connect().await).await.unwrap().name_has_owner(name).await.unwrap());

    let directories = [directory(&one), directory(&other)];
    for (bus, directory) in [&one, &other].into_iter().zip(&directories) {
        assert_eq!(
            processes::mentioning(directory).iter().map(|found| found.pid).collect::<Vec<_>>(),
            [bus.pid()]
        );
    }
    drop((one, other));
    for directory in directories {
        assert!(!directory.exists());
        assert_eq!(processes::mentioning(&directory), []);
    }
}

#[tokio::test]
async fn a_stopped_bus_is_gone_for_all() {
    let mut bus = PrivateBus::start();
    let _service = served(&bus, 0).await;
    let client = bus.connect().await;
    let proxy = Identity1Proxy::uncached(&client).await.unwrap();
    proxy.genesis().await.unwrap();
    bus.stop();
    assert!(matches!(proxy.genesis().await, Err(CallError::Unreachable(_))));
    assert!(connection::Builder::address(bus.address()).build().await.is_err());
    bus.stop();
}

#[tokio::test]
async fn two_hundred_callers_get_big_replies_at_once() {
    const CALLERS: usize = 200;
    const REPLY_BYTES: usize = 256 << 10;
    let bus = PrivateBus::start();
    let _service = served(&bus, REPLY_BYTES).await;
    let callers = (0..CALLERS).map(|_| async {
        let proxy = Identity1Proxy::uncached(&bus.connect().await).await.unwrap();
        proxy.prove("door", Bytes::new(&[]), Bytes::new(&[]), &Options::new()).await.unwrap().len()
    });
    assert_eq!(futures_util::future::join_all(callers).await, [REPLY_BYTES; CALLERS]);
}

#[tokio::test]
async fn a_reply_as_large_as_a_proof_may_be_comes_through() {
    let bus = PrivateBus::start();
    let _service = served(&bus, selfsame_dbus::limits::PROOF_MAX_BYTES).await;
    let proxy = Identity1Proxy::uncached(&bus.connect().await).await.unwrap();
    let proof = proxy.prove("door", Bytes::new(&[]), Bytes::new(&[]), &Options::new()).await.unwrap();
    assert_eq!(proof.len(), selfsame_dbus::limits::PROOF_MAX_BYTES);
}

#[tokio::test]
async fn nobody_on_the_bus_is_unreachable() {
    let bus = PrivateBus::start();
    let proxy = Identity1Proxy::uncached(&bus.connect().await).await.unwrap();
    assert!(matches!(proxy.genesis().await, Err(CallError::Unreachable(_))));
    assert!(matches!(proxy.lineage().await, Err(CallError::Unreachable(_))));
}

#[tokio::test]
async fn a_name_is_waited_for() {
    let bus = PrivateBus::start();
    let client = bus.connect().await;
    let soon = Duration::from_millis(1);
    let nobody = wait_for_name(&client, AGENT_BUS_NAME, None, soon).await;
    assert!(matches!(nobody, Err(NameError::NotTaken { .. })));

    let service = bus.connect().await;
    let take = async {
        // The waiter comes first: it is subscribed once it has asked.
        wait_for_name(&client, AGENT_BUS_NAME, None, soon).await.unwrap_err();
        service.request_name(AGENT_BUS_NAME).await.unwrap();
    };
    let us = Some(std::process::id());
    let (owner, ()) = tokio::join!(wait_for_name(&client, AGENT_BUS_NAME, us, LIMIT), take);
    assert_eq!(owner.unwrap(), *service.unique_name().unwrap());

    let there_already = wait_for_name(&client, AGENT_BUS_NAME, us, LIMIT).await.unwrap();
    assert_eq!(there_already, *service.unique_name().unwrap());
    let of_another = wait_for_name(&client, AGENT_BUS_NAME, Some(1), Duration::from_millis(50)).await;
    assert!(matches!(of_another, Err(NameError::NotTaken { .. })));
}

#[tokio::test]
async fn introspection_over_the_bus_is_the_contract() {
    let bus = PrivateBus::start();
    let _service = served(&bus, 0).await;
    let client = bus.connect().await;
    let object = fdo::IntrospectableProxy::builder(&client).destination(AGENT_BUS_NAME).path(AGENT_PATH);
    let served = object.build().await.unwrap().introspect().await.unwrap();
    assert_eq!(differences(IDENTITY_XML, &served, IDENTITY_INTERFACE), Vec::<String>::new());
}

/// Only its directory is left then.
#[test]
fn a_bus_dies_with_an_owner_that_is_killed() {
    let mut owner = Command::new(STAND_IN).arg("--own-bus").stdout(Stdio::piped()).spawn().unwrap();
    let address = BufReader::new(owner.stdout.take().unwrap()).lines().next().unwrap().unwrap();
    let mut connection = UnixStream::connect(socket(&address)).unwrap();
    connection.set_read_timeout(Some(LIMIT)).unwrap();
    owner.kill().unwrap();
    owner.wait().unwrap();
    // The daemon's end closes the connection.
    match connection.read(&mut [0]) {
        Ok(0) => {}
        Err(error) if error.kind() == ErrorKind::ConnectionReset => {}
        goes_on => panic!("the bus goes on: {goes_on:?}"),
    }
    std::fs::remove_dir_all(socket(&address).parent().unwrap()).unwrap();
}
