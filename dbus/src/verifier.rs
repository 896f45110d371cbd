//! `org.selfsame.Verifier1`: its proxy, and the types of its arguments and results.

use serde::{Deserialize, Serialize};
use serde_bytes::{ByteBuf, Bytes};
use zbus::{Connection, Type, as_variant, as_variant::optional};

use crate::{CallError, Options};

/// Who made a statement, by the word of the agent on its host: what that could establish (protocol section 6).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, Type)]
#[zbus(signature = "a{sv}")]
#[serde(default)]
pub struct VerdictSubject {
    /// The user.
    #[serde(with = "optional", skip_serializing_if = "Option::is_none")]
    pub uid: Option<u32>,
    /// The group.
    #[serde(with = "optional", skip_serializing_if = "Option::is_none")]
    pub gid: Option<u32>,
    /// The process.
    #[serde(with = "optional", skip_serializing_if = "Option::is_none")]
    pub pid: Option<u32>,
    /// The system unit.
    #[serde(with = "optional", skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// The path of the executable.
    #[serde(with = "optional", skip_serializing_if = "Option::is_none")]
    pub exe: Option<String>,
    /// The security label.
    #[serde(with = "optional", skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// The app id, of a sandboxed app.
    #[serde(with = "optional", skip_serializing_if = "Option::is_none")]
    pub app: Option<String>,
    /// The unit's invocation id, 16 bytes.
    #[serde(with = "optional", skip_serializing_if = "Option::is_none")]
    pub invocation: Option<ByteBuf>,
}

/// What is found of a proof that stands. The XML says what each member means; those that are `None` at `Verify` are
/// `Enrol`'s.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Type)]
#[zbus(signature = "a{sv}")]
pub struct VerdictReply {
    /// The lineage, as bech32m text.
    #[serde(with = "as_variant")]
    pub lineage: String,
    /// Index of the moment that the statement is in.
    #[serde(with = "as_variant")]
    pub index: u64,
    /// Milliseconds from what was known before to that moment.
    #[serde(with = "as_variant")]
    pub gap_ms: u64,
    /// Hops in the proof.
    #[serde(with = "as_variant")]
    pub hops: u32,
    /// Milliseconds by which it lags.
    #[serde(with = "as_variant")]
    pub stalled_ms: u64,
    /// False: the host no longer remembers a head that was accepted of it.
    #[serde(with = "as_variant")]
    pub confirmed: bool,
    /// Whether this is the newest that is known.
    #[serde(with = "as_variant")]
    pub moved: bool,
    /// Whether it was a first meeting.
    #[serde(with = "as_variant")]
    pub first: bool,
    /// `checked`, `first` or `unjudged`.
    #[serde(with = "as_variant")]
    pub time: String,
    /// Whether time was checked by wall time, to ten minutes.
    #[serde(with = "as_variant")]
    pub by_wall: bool,
    /// Who made the statement.
    #[serde(with = "as_variant")]
    pub subject: VerdictSubject,
    /// What the statement carries.
    #[serde(with = "as_variant")]
    pub payload: ByteBuf,
    /// What the host says of itself: CBOR (protocol section 5).
    #[serde(with = "as_variant")]
    pub evidence: ByteBuf,
    /// How unusual the host's behaviour is, 0 to 1.
    #[serde(default, with = "optional", skip_serializing_if = "Option::is_none")]
    pub drift: Option<f64>,
    /// `steady`, `warming` or `degraded`.
    #[serde(default, with = "optional", skip_serializing_if = "Option::is_none")]
    pub condition: Option<String>,
    /// Why the lineage began, by its own word.
    #[serde(default, with = "optional", skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The lineage that it says it follows.
    #[serde(default, with = "optional", skip_serializing_if = "Option::is_none")]
    pub predecessor: Option<String>,
    /// The lineage before it of which a fork is known.
    #[serde(default, with = "optional", skip_serializing_if = "Option::is_none")]
    pub forked: Option<String>,
    /// The peer's lineage that it succeeds, or would.
    #[serde(default, with = "optional", skip_serializing_if = "Option::is_none")]
    pub succeeds: Option<String>,
    /// What its word on its predecessor is worth: `nobody`, `other`, `past`, `known`, `ahead`, `behind` or `false`.
    #[serde(default, with = "optional", skip_serializing_if = "Option::is_none")]
    pub claim: Option<String>,
    /// Milliseconds between the moment that it names and the last that was accepted.
    #[serde(default, with = "optional", skip_serializing_if = "Option::is_none")]
    pub claim_ms: Option<u64>,
    /// The index that it names, where that is none of the known history.
    #[serde(default, with = "optional", skip_serializing_if = "Option::is_none")]
    pub claim_index: Option<u64>,
    /// How often the host's TPM was reset meanwhile.
    #[serde(default, with = "optional", skip_serializing_if = "Option::is_none")]
    pub tpm_resets: Option<u64>,
    /// `on`, `unsafe` or `back`.
    #[serde(default, with = "optional", skip_serializing_if = "Option::is_none")]
    pub tpm_clock: Option<String>,
    /// By how many milliseconds.
    #[serde(default, with = "optional", skip_serializing_if = "Option::is_none")]
    pub tpm_clock_ms: Option<u64>,
    /// Milliseconds since the peer was last met.
    #[serde(default, with = "optional", skip_serializing_if = "Option::is_none")]
    pub silent_ms: Option<u64>,
}

/// A question for a peer's host, as `Questions` tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Type)]
pub struct Question {
    /// The hop is to the first moment after this index.
    pub index: u64,
    /// Of this tier or more, 0 to 15.
    pub tier: u8,
}

/// A peer, as `Peers` tells it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Type)]
pub struct KnownPeer {
    /// What it is called.
    pub name: String,
    /// Its lineage, as bech32m text.
    pub lineage: String,
    /// Index of the newest moment that is known.
    pub index: u64,
    /// When it was last met: Unix time in milliseconds.
    pub met_ms: u64,
}

/// A verifier for the apps on this host. `org.selfsame.Verifier1.xml` says what each member does, takes and refuses.
#[zbus::proxy(
    interface = "org.selfsame.Verifier1",
    default_service = "org.selfsame.Agent1",
    default_path = "/org/selfsame/Agent1"
)]
pub trait Verifier1 {
    /// Issues a challenge for a peer.
    fn challenge(&self, audience: &str, peer: &str, options: &Options<'_>) -> Result<ByteBuf, CallError>;

    /// Meets a peer by an introduction from a channel that is trusted.
    fn meet(&self, peer: &str, introduction: &Bytes, options: &Options<'_>) -> Result<(), CallError>;

    /// Enrols a peer by a proof from the genesis.
    fn enrol(&self, peer: &str, proof: &Bytes, options: &Options<'_>) -> Result<VerdictReply, CallError>;

    /// Verifies a proof of a known peer.
    fn verify(&self, peer: &str, proof: &Bytes, options: &Options<'_>) -> Result<VerdictReply, CallError>;

    /// What to ask the peer's host after an alarm.
    fn questions(&self, peer: &str) -> Result<Vec<Question>, CallError>;

    /// Holds a host's answer against what is kept; the fork that it shows, or nothing.
    fn confront(&self, peer: &str, hop: &Bytes, way: &[&Bytes]) -> Result<ByteBuf, CallError>;

    /// The peers that are known.
    fn peers(&self) -> Result<Vec<KnownPeer>, CallError>;

    /// Whose lineage this is, or was; empty: nobody's.
    fn whose(&self, lineage: &str) -> Result<String, CallError>;

    /// Forgets a peer.
    fn forget(&self, peer: &str) -> Result<(), CallError>;

    /// The forks of a peer's present and past lineages; of all where `peer` is empty.
    fn forks(&self, peer: &str) -> Result<Vec<ByteBuf>, CallError>;

    /// Takes in a fork that somebody else found.
    fn report_fork(&self, fork: &Bytes) -> Result<(), CallError>;

    /// A peer's lineage was found to have been copied.
    #[zbus(signal)]
    fn fork_found(&self, peer: &str, fork: &Bytes) -> Result<(), CallError>;
}

impl Verifier1Proxy<'static> {
    /// A proxy of the agent's verifier. It sends nothing yet.
    ///
    /// # Errors
    ///
    /// Those of zbus; none comes from the agent.
    pub async fn to(connection: &Connection) -> Result<Self, CallError> {
        Ok(Self::new(connection).await?)
    }
}
