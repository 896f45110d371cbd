//! Who may: root, then the group, then whom polkit allows it.
//!
//! The bus's policy file lets anyone call, so that the agent can ask polkit; it is the agent that decides. What it goes by
//! is the bus's word alone: uid and groups as they were when the caller connected, and its unique name.

mod asking;
mod group;
mod polkit;
mod question;

use std::sync::Arc;

use selfsame_dbus::Error;
use zbus::{Connection, MessageStream, message::Header, names::BusName};

use super::{
    caller::{Caller, Callers},
    once_a_minute::OnceAMinute,
};
use group::Members;
use polkit::Polkit;
use question::Answer;

/// What a call needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Right {
    /// To have this host speak: root, the group, and whom polkit allows `org.selfsame.prove`.
    Prove,
    /// To use the verifier: root, the group, and whom polkit allows `org.selfsame.verify`.
    Verify,
    /// To look at what is not for everybody: root and the group.
    Look,
    /// To end the lineage: root.
    End,
}

/// Decides who may. Clones share what they know.
#[derive(Clone)]
pub(crate) struct Rights(Arc<Shared>);

struct Shared {
    callers: Callers,
    /// The agent's own user, where that counts as root: of a development bus.
    owner: Option<u32>,
    members: Members,
    polkit: Polkit,
    once: OnceAMinute,
}

impl Rights {
    /// For the callers of `callers`. `owner` has all rights, as root has: the agent's own user, where it is a person's and
    /// not a service's.
    pub(crate) fn new(callers: Callers, owner: Option<u32>) -> Self {
        let (members, polkit, once) = (Members::new(), Polkit::new(), OnceAMinute::default());
        Self(Arc::new(Shared { callers, owner, members, polkit, once }))
    }

    /// Who made the call with this header, where it has the right.
    ///
    /// Of root and of members nothing is asked of anybody, once the bus has said who a connection is. Of others polkit is
    /// asked for what polkit may allow, and this waits for it.
    ///
    /// # Errors
    /// [`Error::NotAuthorized`], with a text that says what to do; [`Error::Busy`] where too many of the user's calls wait
    /// for polkit; and those of [`Callers::caller`].
    pub(crate) async fn check(
        &self,
        right: Right,
        header: &Header<'_>,
        bus: &Connection,
    ) -> Result<Caller, Error> {
        let caller = self.0.callers.caller(header, bus).await?;
        if self.is_root(caller.uid) {
            return Ok(caller);
        }
        if right != Right::End && self.0.members.has(&caller).await {
            return Ok(caller);
        }
        let answer = match right.action() {
            Some(action) => Some(self.0.polkit.ask(action, caller.uid, header, bus).await?),
            None => None,
        };
        if answer == Some(Answer::Yes) {
            return Ok(caller);
        }
        let text = refusal(right, caller.uid, answer);
        if self.0.once.may_tell(caller.uid) {
            let (uid, unit) = (caller.uid, caller.unit());
            tracing::warn!(uid, unit, "refused, and told at most once a minute for each user: {text}");
        }
        Err(Error::NotAuthorized(text))
    }

    /// Whose the call with this header is, where it is known already, and that they have every right but `End`: nobody has to be
    /// asked, nor waited for.
    pub(crate) fn sure(&self, header: &Header<'_>) -> Option<u32> {
        let sure = |uid, groups: &[u32]| (self.is_root(uid) || self.0.members.are(groups)).then_some(uid);
        self.0.callers.known(header, sure).flatten()
    }

    fn is_root(&self, uid: u32) -> bool {
        uid == ROOT || self.0.owner == Some(uid)
    }

    /// What polkit says whenever its answers may be others: then [`forget`](Self::forget) those that are kept.
    ///
    /// # Errors
    /// Where the bus refuses.
    pub(crate) async fn changes(bus: &Connection) -> zbus::Result<MessageStream> {
        question::changes(bus).await
    }

    /// Forgets what polkit has answered.
    pub(crate) fn forget(&self) {
        self.0.polkit.forget();
    }

    /// Takes note that a name has appeared on the bus, or has gone.
    pub(crate) fn changed(&self, name: &BusName<'_>) {
        self.0.polkit.changed(name);
    }
}

impl Right {
    /// polkit's action that gives it; none: polkit can't.
    fn action(self) -> Option<&'static str> {
        match self {
            Self::Prove => Some("org.selfsame.prove"),
            Self::Verify => Some("org.selfsame.verify"),
            Self::Look | Self::End => None,
        }
    }
}

/// Why not, and what to do.
fn refusal(right: Right, uid: u32, answer: Option<Answer>) -> String {
    if right == Right::End {
        return format!("user {uid} may not end the lineage: root may");
    }
    let join = "join group selfsame (as root: adduser USER selfsame) and log in anew";
    let Some((action, answer)) = right.action().zip(answer) else {
        return format!("user {uid} is neither root nor in group selfsame: {join}");
    };
    let polkit = match answer {
        Answer::Absent => "there is no polkit to ask",
        Answer::Silent => "polkit does not answer (see `systemctl status polkit`)",
        Answer::Refused => "polkit can't say (the agent's journal has its words)",
        Answer::Yes | Answer::No { .. } => "polkit does not allow it",
    };
    format!(
        "user {uid} is neither root nor in group selfsame, and {polkit}: {join}; or have a polkit rule allow {action}"
    )
}

/// Who may all.
const ROOT: u32 = 0;
