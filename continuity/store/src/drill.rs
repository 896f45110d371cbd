//! Drills: lineages that are made to be forked, so that an administrator sees the alarm come.
//!
//! A fork is never forgotten, but a drill's is: it warns of nobody. What is a drill's is told by two things together, the
//! peer's name and the lineage's own genesis, which is part of its id and can't be changed later. So a peer that somebody
//! happened to call `drill-…` keeps its forks, since no agent's genesis names a source [`DRILL_SOURCE`]; and a host that
//! says of itself that it is a drill keeps them under every other name. Nor can a fork that is known be got rid of by
//! meeting its lineage anew as a drill: a forked lineage is never met again.

use selfsame::Peer;

use crate::name::Name;

/// What the name of a drill's peer begins with. It is for drills alone.
pub const DRILL_PREFIX: &str = "drill-";

/// The one source of entropy that a drill's genesis names in its evidence. No agent has a source of that name.
pub const DRILL_SOURCE: &str = "drill";

/// Whether a peer of this name is a drill's: by its name, and by its lineage's own word.
pub(crate) fn is_drill(name: &Name<'_>, peer: &Peer) -> bool {
    let sources = peer.genesis().and_then(|genesis| genesis.evidence().fields().sources.as_deref());
    name.as_str().starts_with(DRILL_PREFIX) && sources.is_some_and(|sources| sources == [DRILL_SOURCE])
}
