//! What stands in for the agent where there is none: the contract, served without an identity.

use std::collections::HashMap;

use selfsame_dbus::{ByteBuf, Bytes, CallerCount, Check, Error, Origin, Source};
use zbus::{OwnedVariant, interface, object_server::SignalEmitter};

/// Serves `org.selfsame.Identity1` with made-up answers: the harness is tested against it, so is whoever calls the
/// agent, and benches take it as the echo that an agent is measured against.
///
/// `Prove` refuses with the error whose D-Bus name the audience is, and answers any other with a proof of as many
/// zeros as it was told.
#[derive(Debug)]
pub struct StandIn {
    proof: ByteBuf,
}

impl StandIn {
    /// One whose proofs have `proof_bytes`.
    pub fn new(proof_bytes: usize) -> Self {
        Self { proof: ByteBuf::from(vec![0; proof_bytes]) }
    }
}

/// A stand-in for selfsame's agent: nothing of this is true.
#[interface(name = "org.selfsame.Identity1")]
impl StandIn {
    #[zbus(out_args("proof"))]
    async fn prove(
        &self,
        audience: &str,
        challenge: &Bytes,
        payload: &Bytes,
        options: HashMap<&str, OwnedVariant>,
    ) -> Result<ByteBuf, Error> {
        let text = format!("{} {} {}", challenge.len(), payload.len(), options.len());
        Error::from_name(audience, &text).map_or_else(|| Ok(self.proof.clone()), Err)
    }

    #[zbus(out_args("body"))]
    async fn genesis(&self) -> Result<ByteBuf, Error> {
        Ok(ByteBuf::from(*b"genesis"))
    }

    #[zbus(out_args("introduction"))]
    async fn introduce(&self) -> Result<ByteBuf, Error> {
        Ok(ByteBuf::from(*b"introduction"))
    }

    #[zbus(out_args("hop", "way"))]
    async fn hop(&self, index: u64, tier: u8, way: bool) -> Result<(ByteBuf, Vec<ByteBuf>), Error> {
        let way = way.then(|| ByteBuf::from(*b"way"));
        Ok((ByteBuf::from(format!("{index} {tier}")), way.into_iter().collect()))
    }

    #[zbus(out_args("provider", "report", "aux"))]
    async fn report(&self, nonce: &Bytes) -> Result<(String, ByteBuf, ByteBuf), Error> {
        Ok(("stand_in".into(), ByteBuf::from(nonce.to_vec()), ByteBuf::new()))
    }

    #[zbus(out_args("checks"))]
    async fn diagnose(&self) -> Result<Vec<Check>, Error> {
        let [check, state, finding, remedy] = ["agent", "info", "a stand-in", ""].map(String::from);
        Ok(vec![Check { check, state, finding, remedy }])
    }

    #[zbus(out_args("callers"))]
    async fn callers(&self) -> Result<Vec<CallerCount>, Error> {
        let [unit, exe] = ["stand-in.service", ""].map(String::from);
        Ok(vec![CallerCount { uid: 0, unit, exe, proofs: 1 }])
    }

    #[zbus(out_args("body", "blind", "sample"))]
    async fn audit(&self, index: u64) -> Result<(ByteBuf, ByteBuf, ByteBuf), Error> {
        Err(Error::NotKept(format!("{index}")))
    }

    async fn end(&self, reason: &str) -> Result<(), Error> {
        Err(Error::NotAuthorized(reason.to_owned()))
    }

    #[zbus(signal)]
    async fn lineage_ended(
        emitter: &SignalEmitter<'_>,
        lineage: &str,
        reason: &str,
        successor: &str,
    ) -> zbus::Result<()>;

    #[zbus(signal)]
    async fn drift_exceeded(emitter: &SignalEmitter<'_>, drift: f64) -> zbus::Result<()>;

    #[zbus(property(emits_changed_signal = "true"))]
    fn lineage(&self) -> &str {
        "selfsame1standin"
    }

    #[zbus(property(emits_changed_signal = "true"))]
    fn born(&self) -> u64 {
        0
    }

    #[zbus(property(emits_changed_signal = "false"))]
    fn index(&self) -> u64 {
        4096
    }

    #[zbus(property(emits_changed_signal = "false"))]
    fn moments(&self) -> u64 {
        2
    }

    #[zbus(property(emits_changed_signal = "true"))]
    fn foreign_anchors(&self) -> u64 {
        0
    }

    #[zbus(property(emits_changed_signal = "true"))]
    fn condition(&self) -> &str {
        "warming"
    }

    #[zbus(property(emits_changed_signal = "true"))]
    fn sources(&self) -> Vec<Source> {
        vec![Source { name: "kernel".into(), class: "kernel".into(), healthy: true }]
    }

    #[zbus(property(emits_changed_signal = "true"))]
    fn memory(&self) -> &str {
        "locked"
    }

    #[zbus(property(emits_changed_signal = "false"))]
    fn drift(&self) -> f64 {
        0.0
    }

    #[zbus(property(emits_changed_signal = "true"))]
    fn origin(&self) -> Origin {
        Origin { reason: "install".into(), predecessor: String::new() }
    }

    #[zbus(property(emits_changed_signal = "const"))]
    fn version(&self) -> &str {
        env!("CARGO_PKG_VERSION")
    }
}
