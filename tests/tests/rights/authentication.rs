//! A caller that lets a person be asked, and the person: a stand-in for a desktop's dialogue.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use selfsame_dbus::{AGENT_BUS_NAME, AGENT_PATH, IDENTITY_INTERFACE};
use zbus::{Connection, OwnedVariant, Variant, interface, proxy::MethodFlags};

use crate::{
    callers::{Outcome, Who, outcome},
    polkit::NAME,
    scene::{ASKED, PROVER, STRANGER, Scene},
};

/// Says to polkit that the person has given a password, whenever one is asked for.
struct Person {
    asked: Arc<AtomicUsize>,
}

/// What polkit names a person by.
type Identity = (String, HashMap<String, OwnedVariant>);

#[interface(name = "org.freedesktop.PolicyKit1.AuthenticationAgent")]
impl Person {
    #[allow(clippy::too_many_arguments)]
    async fn begin_authentication(
        &self,
        action: &str,
        message: &str,
        _icon: &str,
        _details: HashMap<String, String>,
        cookie: &str,
        _identities: Vec<Identity>,
        #[zbus(connection)] bus: &Connection,
    ) {
        assert_eq!(action, "org.selfsame.prove");
        assert_eq!(message, "Authentication is required to have this host prove its continuity");
        self.asked.fetch_add(1, Ordering::Relaxed);
        // root's word is taken for it
        let root = ("unix-user", HashMap::from([("uid", Variant::from(0_u32))]));
        let answer = (0_u32, cookie, root);
        bus.call_method(Some(NAME), AUTHORITY_PATH, Some(AUTHORITY), "AuthenticationAgentResponse2", &answer)
            .await
            .unwrap();
    }

    async fn cancel_authentication(&self, _cookie: &str) {}
}

/// Calls Genesis, and lets a person be asked for it.
async fn genesis(connection: &Connection) -> Outcome {
    let identity =
        zbus::Proxy::new(connection, AGENT_BUS_NAME, AGENT_PATH, IDENTITY_INTERFACE).await.unwrap();
    let call = identity.call_with_flags::<_, _, Vec<u8>>("Genesis", MethodFlags::ALLOW_INTERACTIVE_AUTH, &());
    outcome(call.await.err())
}

#[tokio::test]
async fn a_person_is_asked_where_the_caller_lets_them_and_each_time() {
    let (scene, _polkit) = Scene::with_polkit().await;
    let person = scene.bus.connect().await;
    let asked = Arc::new(AtomicUsize::new(0));
    person.object_server().at("/person", Person { asked: asked.clone() }).await.unwrap();
    // all connections of this test are of this process
    let process =
        HashMap::from([("pid", Variant::from(std::process::id())), ("start-time", Variant::from(0_u64))]);
    person
        .call_method(
            Some(NAME),
            AUTHORITY_PATH,
            Some(AUTHORITY),
            "RegisterAuthenticationAgent",
            &(("unix-process", process), "C", "/person"),
        )
        .await
        .unwrap();
    let connect = async |user| scene.connect(Who { user, is_member: false }).await;
    let asked_for = connect(ASKED).await;

    let quietly = scene.identity(ASKED).await.genesis().await;
    assert!(quietly.is_err());
    assert_eq!(asked.load(Ordering::Relaxed), 0, "nobody is asked unless the caller lets them");
    for times in 1..=2 {
        assert_eq!(genesis(&asked_for).await, Outcome::Yes);
        assert_eq!(asked.load(Ordering::Relaxed), times, "a password is good for one call");
    }
    // whom polkit answers without a person
    assert_eq!(genesis(&connect(PROVER).await).await, Outcome::Yes);
    assert!(matches!(genesis(&connect(STRANGER).await).await, Outcome::NotAuthorized(_)));
    assert_eq!(asked.load(Ordering::Relaxed), 2);
}

const AUTHORITY_PATH: &str = "/org/freedesktop/PolicyKit1/Authority";
const AUTHORITY: &str = "org.freedesktop.PolicyKit1.Authority";
