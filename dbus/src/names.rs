//! What the agent is called on the bus.

/// The agent's well-known bus name.
pub const AGENT_BUS_NAME: &str = "org.selfsame.Agent1";

/// The one object that the agent serves.
pub const AGENT_PATH: &str = "/org/selfsame/Agent1";

/// The interface of this host's identity.
pub const IDENTITY_INTERFACE: &str = "org.selfsame.Identity1";

/// The interface of the verifier for the apps on this host.
pub const VERIFIER_INTERFACE: &str = "org.selfsame.Verifier1";

/// What the name of each [`Error`](crate::Error) begins with; a dot and the variant's name follow.
pub const ERROR_PREFIX: &str = "org.selfsame.Error";

/// The contract of [`IDENTITY_INTERFACE`], as it is installed to `/usr/share/dbus-1/interfaces`.
pub const IDENTITY_XML: &str = include_str!("../org.selfsame.Identity1.xml");

/// The contract of [`VERIFIER_INTERFACE`], likewise.
pub const VERIFIER_XML: &str = include_str!("../org.selfsame.Verifier1.xml");
