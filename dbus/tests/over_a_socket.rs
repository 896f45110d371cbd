//! The contract's errors, bytes and properties between a server and a client over a socket pair.

// The helpers are test code too: a panic there is a failed test.
#![allow(clippy::unwrap_used)]

use std::{collections::HashMap, os::unix::net::UnixStream};

use futures_util::StreamExt;
use selfsame_dbus::{
    AGENT_PATH, ByteBuf, Bytes, CallError, Check, Details, Error, HopReply, IDENTITY_INTERFACE,
    Identity1Proxy, KnownPeer, Options, Origin, Refusal, ReportReply, Source, VerdictReply, VerdictSubject,
    Verifier1Proxy, limits,
};
use zbus::{Connection, DBusError, Guid, OwnedVariant, connection, interface, message::Header};

/// Echoes its arguments, and refuses with the error that the audience names.
struct Echo;

#[interface(name = "org.selfsame.Identity1")]
impl Echo {
    #[zbus(out_args("proof"))]
    async fn prove(
        &self,
        audience: &str,
        challenge: &Bytes,
        payload: &Bytes,
        options: HashMap<&str, OwnedVariant>,
        #[zbus(header)] header: Header<'_>,
    ) -> Result<ByteBuf, Error> {
        assert_eq!(header.signature(), "sayaya{sv}");
        if let Some(error) = Error::from_name(audience, "because of the test") {
            return Err(error);
        }
        let sizes = format!("{} {} {} ", audience, payload.len(), options.len());
        Ok(ByteBuf::from([sizes.as_bytes(), challenge].concat()))
    }

    #[zbus(out_args("hop", "way"))]
    async fn hop(&self, index: u64, tier: u8, way: bool) -> (ByteBuf, Vec<ByteBuf>) {
        let way = if way { vec![ByteBuf::new(), ByteBuf::from(vec![7; 2])] } else { Vec::new() };
        (ByteBuf::from(format!("{index} {tier}")), way)
    }

    #[zbus(out_args("provider", "report", "aux"))]
    async fn report(&self, nonce: &Bytes) -> Result<(String, ByteBuf, ByteBuf), Error> {
        Ok(("echo".into(), ByteBuf::from(nonce.to_vec()), ByteBuf::from(vec![9; limits::AUX_MAX_BYTES])))
    }

    #[zbus(out_args("checks"))]
    async fn diagnose(&self) -> Vec<Check> {
        vec![check("tpm"), check("bus")]
    }

    #[zbus(property(emits_changed_signal = "false"))]
    fn index(&self) -> u64 {
        limits::INDEX_MAX
    }

    #[zbus(property)]
    fn sources(&self) -> Vec<Source> {
        vec![Source { name: "rdseed".into(), class: "cpu".into(), healthy: true }]
    }

    #[zbus(property(emits_changed_signal = "const"))]
    fn origin(&self) -> Origin {
        Origin { reason: "boot".into(), predecessor: String::new() }
    }

    #[zbus(property(emits_changed_signal = "const"))]
    fn lineage(&self) -> Result<String, Error> {
        Err(Error::Failed("no lineage".into()))
    }
}

/// What is diagnosed of `name`.
fn check(name: &str) -> Check {
    Check { check: name.into(), state: "fail".into(), finding: "gone".into(), remedy: "look for it".into() }
}

/// A client's connection to an [`Echo`], whose end lives as long as the first one.
async fn connected() -> (Connection, Connection) {
    let (ours, theirs) = UnixStream::pair().unwrap();
    let server = connection::Builder::unix_stream(ours)
        .server(Guid::generate())
        .p2p()
        .serve_at(AGENT_PATH, Echo)
        .build();
    let client = connection::Builder::unix_stream(theirs).p2p().build();
    tokio::try_join!(server, client).unwrap()
}

#[tokio::test]
async fn each_error_comes_through_by_its_name() {
    let (_server, client) = connected().await;
    let proxy = Identity1Proxy::uncached(&client).await.unwrap();
    for name in Error::NAMES {
        let answer = proxy.prove(name, Bytes::new(&[]), Bytes::new(&[]), &Options::new()).await;
        let Err(CallError::Refused(error, _)) = answer else { panic!("{name}: {answer:?}") };
        assert_eq!(error.name().as_str(), *name);
        assert_eq!(error.description(), Some("because of the test"));
        assert_eq!(Error::from_name(name, "because of the test"), Some(error));

        let raw = client
            .call_method(
                None::<&str>,
                AGENT_PATH,
                Some(IDENTITY_INTERFACE),
                "Prove",
                &(*name, Bytes::new(&[]), Bytes::new(&[]), Options::new()),
            )
            .await;
        assert!(matches!(raw, Err(zbus::Error::MethodError(on_the_wire, _, _)) if on_the_wire == *name));
    }
}

#[tokio::test]
async fn bytes_are_ay_both_ways() {
    let (_server, client) = connected().await;
    let proxy = Identity1Proxy::uncached(&client).await.unwrap();
    let options = Options::from([("later", true.into())]);
    for size in [0, 1, limits::CHALLENGE_MAX_BYTES, limits::PROOF_MAX_BYTES] {
        let challenge = vec![0xa5; size];
        let proof = proxy.prove("door", Bytes::new(&challenge), Bytes::new(b"abc"), &options).await.unwrap();
        assert_eq!(proof.len(), "door 3 1 ".len() + size);
        assert!(proof.starts_with(b"door 3 1 ") && proof.ends_with(&challenge));
    }

    let arguments = ("door", Bytes::new(b"challenge"), Bytes::new(&[]), Options::new());
    let prove = client.call_method(None::<&str>, AGENT_PATH, Some(IDENTITY_INTERFACE), "Prove", &arguments);
    assert_eq!(prove.await.unwrap().body().signature(), "ay");
    let hop =
        client.call_method(None::<&str>, AGENT_PATH, Some(IDENTITY_INTERFACE), "Hop", &(5_u64, 3_u8, true));
    assert_eq!(hop.await.unwrap().body().signature(), "ayaay");
    let nonce = &(Bytes::new(&[7; limits::NONCE_BYTES]),);
    let report = client.call_method(None::<&str>, AGENT_PATH, Some(IDENTITY_INTERFACE), "Report", nonce);
    assert_eq!(report.await.unwrap().body().signature(), "sayay");
    let diagnose = client.call_method(None::<&str>, AGENT_PATH, Some(IDENTITY_INTERFACE), "Diagnose", &());
    assert_eq!(diagnose.await.unwrap().body().signature(), "a(ssss)");
}

#[tokio::test]
async fn results_and_properties_have_names() {
    let (_server, client) = connected().await;
    let proxy = Identity1Proxy::uncached(&client).await.unwrap();
    let HopReply { hop, way } = proxy.hop(5, 3, true).await.unwrap();
    assert_eq!(hop, b"5 3");
    assert_eq!(way, [ByteBuf::new(), ByteBuf::from([7, 7])]);
    assert!(proxy.hop(limits::INDEX_MAX, limits::TIER_MAX, false).await.unwrap().way.is_empty());

    let ReportReply { provider, report, aux } = proxy.report(Bytes::new(&[3; 32])).await.unwrap();
    assert_eq!((&*provider, &report[..], aux.len()), ("echo", &[3; 32][..], limits::AUX_MAX_BYTES));
    assert_eq!(proxy.diagnose().await.unwrap(), [check("tpm"), check("bus")]);

    assert_eq!(proxy.index().await.unwrap(), limits::INDEX_MAX);
    assert_eq!(
        proxy.sources().await.unwrap(),
        [Source { name: "rdseed".into(), class: "cpu".into(), healthy: true }]
    );
    assert_eq!(proxy.origin().await.unwrap(), Origin { reason: "boot".into(), predecessor: String::new() });
    assert!(
        matches!(proxy.lineage().await, Err(CallError::Refused(Error::Failed(why), _)) if why == "no lineage")
    );
}

#[tokio::test]
async fn what_is_no_refusal_is_told_apart() {
    let (server, client) = connected().await;
    let proxy = Identity1Proxy::uncached(&client).await.unwrap();
    assert!(matches!(proxy.genesis().await, Err(CallError::Unexpected(_))));
    assert!(matches!(proxy.version().await, Err(CallError::Unexpected(_))));
    server.close().await.unwrap();
    assert!(matches!(proxy.genesis().await, Err(CallError::Unreachable(_))));
}

#[tokio::test]
async fn a_change_is_signalled_with_its_value() {
    let (server, client) = connected().await;
    let rule = zbus::MatchRule::builder().interface("org.freedesktop.DBus.Properties").build().unwrap();
    let mut signals = zbus::MessageStream::for_match_rule(rule, &client, None).await.unwrap();

    let echo = server.object_server().interface::<_, Echo>(AGENT_PATH).await.unwrap();
    echo.get().await.sources_changed(echo.signal_emitter()).await.unwrap();

    let signal = signals.next().await.unwrap().unwrap();
    let body = signal.body();
    let (interface, changed, invalidated): (&str, HashMap<&str, OwnedVariant>, Vec<&str>) =
        body.deserialize().unwrap();
    assert_eq!((interface, invalidated.len()), (IDENTITY_INTERFACE, 0));
    assert_eq!(changed.keys().collect::<Vec<_>>(), [&"Sources"]);
}

/// Stands in for the verifier: refuses with all details, or with none.
struct Refusing;

#[interface(name = "org.selfsame.Verifier1")]
impl Refusing {
    fn forget(&self, peer: &str) -> Result<(), Refusal> {
        let error = Error::OtherLineage("because of the test".into());
        Err(if peer.is_empty() { error.into() } else { Refusal { error, details: Box::new(details()) } })
    }

    fn peers(&self) -> Vec<KnownPeer> {
        vec![KnownPeer { name: "web".into(), lineage: "l".into(), index: 7, met_ms: 8 }]
    }

    fn verify(&self, peer: &str, _proof: &Bytes, _options: HashMap<&str, OwnedVariant>) -> VerdictReply {
        verdict(!peer.is_empty())
    }
}

fn details() -> Details {
    Details {
        check: Some(2),
        alarm: true,
        why: Some("why".into()),
        peer: Some("web".into()),
        lineage: Some("l".into()),
        expected: Some("m".into()),
        ahead_ms: Some(1),
        lag_ms: Some(2),
        max_ms: Some(3),
    }
}

fn verdict(is_full: bool) -> VerdictReply {
    let text = |text: &str| is_full.then(|| text.to_owned());
    let number = |number: u64| is_full.then_some(number);
    let subject = VerdictSubject {
        uid: Some(0),
        unit: Some("a.service".into()),
        invocation: Some(ByteBuf::from([7; 16])),
        ..VerdictSubject::default()
    };
    VerdictReply {
        lineage: "l".into(),
        index: 1,
        gap_ms: 2,
        hops: 3,
        stalled_ms: 4,
        confirmed: true,
        moved: false,
        first: true,
        time: "checked".into(),
        by_wall: false,
        subject: if is_full { subject } else { VerdictSubject::default() },
        payload: ByteBuf::from(b"abc"),
        evidence: ByteBuf::new(),
        drift: is_full.then_some(0.5),
        condition: text("steady"),
        reason: text("boot"),
        predecessor: text("m"),
        forked: text("m"),
        succeeds: text("m"),
        claim: text("known"),
        claim_ms: number(5),
        claim_index: number(6),
        tpm_resets: number(7),
        tpm_clock: text("on"),
        tpm_clock_ms: number(8),
        silent_ms: number(9),
    }
}

#[tokio::test]
async fn what_the_verifier_says_comes_through_whole() {
    let (server, client) = connected().await;
    server.object_server().at(AGENT_PATH, Refusing).await.unwrap();
    let proxy = Verifier1Proxy::to(&client).await.unwrap();
    for (peer, expected) in [("web", details()), ("", Details::default())] {
        let Err(CallError::Refused(error, found)) = proxy.forget(peer).await else { panic!("{peer}") };
        assert_eq!((error, *found), (Error::OtherLineage("because of the test".into()), expected));
    }
    assert_eq!(proxy.peers().await.unwrap()[0].met_ms, 8);
    for peer in ["web", ""] {
        let found = proxy.verify(peer, Bytes::new(&[]), &Options::new()).await.unwrap();
        assert_eq!(found, verdict(!peer.is_empty()));
    }
}
