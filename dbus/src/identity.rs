//! `org.selfsame.Identity1`: its proxy, and the types of its arguments and results.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use serde_bytes::{ByteBuf, Bytes};
use zbus::{Connection, Type, Variant, proxy::CacheProperties};

use crate::CallError;

/// A method's options (`a{sv}`).
pub type Options<'a> = HashMap<&'a str, Variant<'a>>;

/// What `Hop` answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Type)]
pub struct HopReply {
    /// The hop: a CBOR array \[tier, opening, body\].
    pub hop: ByteBuf,
    /// The hops from the genesis to the moment in which the hop's pledge was made; empty where it was not
    /// asked for or is no longer kept.
    pub way: Vec<ByteBuf>,
}

/// What `Report` answers: a report by the TEE that this host runs in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Type)]
pub struct ReportReply {
    /// Whose report it is, as the kernel names it: `sev_guest`, `tdx_guest` …
    pub provider: String,
    /// The report, as the TEE has signed it.
    pub report: ByteBuf,
    /// What the provider gives beside it; mostly empty.
    pub aux: ByteBuf,
}

/// One thing that the agent has looked at, as `Diagnose` tells it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Type)]
pub struct Check {
    /// What was looked at, such as `tpm`.
    pub check: String,
    /// How it is: `ok`, `info`, `warn` or `fail`; more may come.
    pub state: String,
    /// What was found, for people.
    pub finding: String,
    /// What to run or do; empty where there is nothing.
    pub remedy: String,
}

/// For whom the agent has made statements, as `Callers` tells it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Type)]
pub struct CallerCount {
    /// The user.
    pub uid: u32,
    /// The system unit; empty where it is not known.
    pub unit: String,
    /// The executable; empty where it is not known.
    pub exe: String,
    /// How many proofs since the agent started.
    pub proofs: u64,
}

/// What `Audit` answers: what the host was doing when a moment was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Type)]
pub struct AuditReply {
    /// The moment.
    pub body: ByteBuf,
    /// 32 bytes that the commitment to the sample was made with.
    pub blind: ByteBuf,
    /// The sample.
    pub sample: ByteBuf,
}

/// A source of entropy, as the property `Sources` tells it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Type)]
pub struct Source {
    /// Its name, such as `tpm`.
    pub name: String,
    /// Its class: `tpm`, `tee`, `hsm`, `platform`, `cpu` or `kernel`.
    pub class: String,
    /// Whether it works now.
    pub healthy: bool,
}

/// Why the lineage began, as the property `Origin` tells it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Type)]
pub struct Origin {
    /// The reason: `install`, `boot`, `lost` …
    pub reason: String,
    /// The lineage before, as bech32m text; empty where there is none.
    pub predecessor: String,
}

/// This host's identity. `org.selfsame.Identity1.xml` says what each member does, takes and refuses.
///
/// zbus caches properties by default, and keeps what it has when the agent starts anew: a proxy that may
/// outlive the agent is better made by [`Identity1Proxy::uncached`].
#[zbus::proxy(
    interface = "org.selfsame.Identity1",
    default_service = "org.selfsame.Agent1",
    default_path = "/org/selfsame/Agent1"
)]
pub trait Identity1 {
    /// Answers `challenge`, which must be for `audience`, with a proof. An empty payload is left out.
    fn prove(
        &self,
        audience: &str,
        challenge: &Bytes,
        payload: &Bytes,
        options: &Options<'_>,
    ) -> Result<ByteBuf, CallError>;

    /// The lineage's first moment.
    fn genesis(&self) -> Result<ByteBuf, CallError>;

    /// An introduction: the genesis, and the newest moment.
    fn introduce(&self) -> Result<ByteBuf, CallError>;

    /// The hop from `index` by `tier`, with the way to it if `way`.
    fn hop(&self, index: u64, tier: u8, way: bool) -> Result<HopReply, CallError>;

    /// A report by the TEE that this host runs in, over the lineage and `nonce`.
    fn report(&self, nonce: &Bytes) -> Result<ReportReply, CallError>;

    /// What the agent finds where it looks at all that it needs.
    fn diagnose(&self) -> Result<Vec<Check>, CallError>;

    /// For whom the agent has made statements.
    fn callers(&self) -> Result<Vec<CallerCount>, CallError>;

    /// The sample that the moment of this index commits to.
    fn audit(&self, index: u64) -> Result<AuditReply, CallError>;

    /// Ends the lineage, and begins another: for root. `reason` is `ended` or `hibernate`.
    fn end(&self, reason: &str) -> Result<(), CallError>;

    /// A lineage has ended, and another has begun.
    #[zbus(signal)]
    fn lineage_ended(&self, lineage: &str, reason: &str, successor: &str) -> Result<(), CallError>;

    /// The host's behaviour drifts beyond the threshold.
    #[zbus(signal)]
    fn drift_exceeded(&self, drift: f64) -> Result<(), CallError>;

    /// The lineage, as bech32m text.
    #[zbus(property(emits_changed_signal = "true"))]
    fn lineage(&self) -> Result<String, CallError>;

    /// When the lineage was born: Unix time in milliseconds.
    #[zbus(property(emits_changed_signal = "true"))]
    fn born(&self) -> Result<u64, CallError>;

    /// Index of the newest moment: the lineage's age in ticks of 1/4096 s.
    #[zbus(property(emits_changed_signal = "false"))]
    fn index(&self) -> Result<u64, CallError>;

    /// How many moments the lineage has.
    #[zbus(property(emits_changed_signal = "false"))]
    fn moments(&self) -> Result<u64, CallError>;

    /// How many challenges were refused as `ForeignAnchor`.
    #[zbus(property(emits_changed_signal = "true"))]
    fn foreign_anchors(&self) -> Result<u64, CallError>;

    /// `steady`, `warming` or `degraded`.
    #[zbus(property(emits_changed_signal = "true"))]
    fn condition(&self) -> Result<String, CallError>;

    /// The sources of entropy.
    #[zbus(property(emits_changed_signal = "true"))]
    fn sources(&self) -> Result<Vec<Source>, CallError>;

    /// `secret` or `locked`.
    #[zbus(property(emits_changed_signal = "true"))]
    fn memory(&self) -> Result<String, CallError>;

    /// How unusual the newest sample of the host's behaviour is, 0 to 1.
    #[zbus(property(emits_changed_signal = "false"))]
    fn drift(&self) -> Result<f64, CallError>;

    /// Why the lineage began.
    #[zbus(property(emits_changed_signal = "true"))]
    fn origin(&self) -> Result<Origin, CallError>;

    /// The agent's version.
    #[zbus(property(emits_changed_signal = "const"))]
    fn version(&self) -> Result<String, CallError>;
}

impl Identity1Proxy<'static> {
    /// A proxy that asks the agent for a property each time. It sends nothing yet.
    ///
    /// # Errors
    ///
    /// Those of zbus; none comes from the agent.
    pub async fn uncached(connection: &Connection) -> Result<Self, CallError> {
        Ok(Self::builder(connection).cache_properties(CacheProperties::No).build().await?)
    }
}
