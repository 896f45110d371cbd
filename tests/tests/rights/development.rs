//! A bus that is a person's own: who runs the agent there has all rights, as root has; others have what they have anywhere.

use std::{fs, os::unix::fs::chown};

use selfsame_dbus::{CallError, Error, Identity1Proxy};
use selfsame_tests::{Agent, AgentOptions, MEMBERS, PrivateBus, User, Users, connect_as};
use tempfile::NamedTempFile;

use crate::{
    callers::{Method, Outcome},
    scene::reachable,
};

const OWNER: User = User { name: "owner", uid: 60_020 };
const OTHER: User = User { name: "other", uid: 60_021 };

#[tokio::test]
async fn on_a_bus_of_their_own_who_runs_the_agent_may_all() {
    let mut users = Users::with(&[OWNER, OTHER]);
    let policy = NamedTempFile::new().unwrap();
    fs::write(policy.path(), ANYONE_MAY).unwrap();
    let daemon = users.program(r#"exec dbus-daemon "$@""#);
    let bus = PrivateBus::start_with_policy_by(&daemon, &[policy.path()]);
    let config = users.path("agent.toml");
    fs::write(&config, "require = []\nsources = [\"rdseed\", \"kernel\"]\nmemory = \"locked\"\n").unwrap();
    let state = users.path("state");
    fs::create_dir(&state).unwrap();
    chown(&state, Some(OWNER.uid), Some(OWNER.uid)).unwrap();
    let agent = reachable(&users);
    let user = format!("--reuid={0} --regid={0} --clear-groups", OWNER.uid);
    let program = users.program(&format!("exec setpriv {user} {} \"$@\"", agent.display()));
    let options = AgentOptions {
        config: Some(config),
        program: Some(program),
        state_dir: Some(state),
        ..AgentOptions::new(bus.address())
    };
    let _agent = Agent::start(options).await.unwrap();

    let owner = connect_as(bus.address(), OWNER.uid, &[]).await;
    let other = connect_as(bus.address(), OTHER.uid, &[]).await;
    for method in Method::all(&owner).await {
        assert_eq!(method.call(&owner).await, Outcome::Yes, "{method:?}");
        assert!(matches!(method.call(&other).await, Outcome::NotAuthorized(_)), "{method:?}");
    }
    let member = connect_as(bus.address(), OTHER.uid, &[MEMBERS]).await;
    let member = Identity1Proxy::uncached(&member).await.unwrap();
    member.genesis().await.unwrap();
    assert!(matches!(member.end("ended").await, Err(CallError::Refused(Error::NotAuthorized(_), _))));
    Identity1Proxy::uncached(&owner).await.unwrap().end("ended").await.unwrap();
}

/// On this bus it is the agent itself that has to refuse.
const ANYONE_MAY: &str = r#"<busconfig><policy context="default">
<allow own="*"/><allow send_destination="*"/><allow receive_sender="*"/>
</policy></busconfig>"#;
