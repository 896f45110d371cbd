//! Members of group `selfsame`: by the bus's word, which it took when the caller connected.

use std::{
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant},
};

use nix::unistd::Group;
use tokio::{sync::oneshot, time::timeout};

use crate::service::caller::Caller;

/// The group of those who may ask, by its number. Looked up by its name once; where it is not there, again when somebody
/// asks, for it may be made while the agent runs. A group that gets another number while the agent runs keeps its old
/// one here, as it does with the bus.
pub(super) struct Members(Arc<Mutex<Found>>);

struct Found {
    gid: Option<u32>,
    /// Before when it is not looked for again.
    next: Instant,
    /// Whether a thread looks: where the name service hangs, one hangs with it.
    is_looking: bool,
}

impl Members {
    /// Looks the group up. The name service may block: this is for a start.
    pub(super) fn new() -> Self {
        Self(Arc::new(Mutex::new(Found { gid: gid(), next: Instant::now() + LOOK_EVERY, is_looking: false })))
    }

    /// Whether the caller is a member.
    pub(super) async fn has(&self, caller: &Caller) -> bool {
        self.gid().await.is_some_and(|gid| caller.is_in(gid))
    }

    /// Whether one of these is the group, by what is known of it.
    pub(super) fn are(&self, groups: &[u32]) -> bool {
        self.lock().gid.is_some_and(|gid| groups.contains(&gid))
    }

    async fn gid(&self) -> Option<u32> {
        let looked = {
            let mut found = self.lock();
            let now = Instant::now();
            if found.gid.is_some() || now < found.next || found.is_looking {
                return found.gid;
            }
            found.next = now + LOOK_EVERY;
            found.is_looking = true;
            self.look(&mut found)
        };
        let _ = timeout(LOOK_MOST, looked).await;
        self.lock().gid
    }

    /// Looks on a thread of its own, since the name service may block; tells when it has.
    fn look(&self, held: &mut Found) -> oneshot::Receiver<()> {
        let (tell, told) = oneshot::channel();
        let found = self.0.clone();
        let look = move || {
            let gid = gid();
            let mut found = found.lock().expect("no thread panics while it holds the group");
            (found.gid, found.is_looking) = (gid, false);
            drop(found);
            // whoever waits may have had enough
            let _ = tell.send(());
        };
        // where there is no thread to spare, the next who asks tries again
        if let Err(error) = thread::Builder::new().name("group".into()).spawn(look) {
            held.is_looking = false;
            tracing::debug!(%error, "no thread to look the group up");
        }
        told
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Found> {
        self.0.lock().expect("no thread panics while it holds the group")
    }
}

/// What the system says now.
fn gid() -> Option<u32> {
    Group::from_name(GROUP).ok().flatten().map(|group| group.gid.as_raw())
}

/// As packaging/sysusers has it.
const GROUP: &str = "selfsame";

/// Between two looks for a group that is not there.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// How long a caller waits for a look: files take less than a millisecond, a directory on the network a second.
const LOOK_MOST: Duration = Duration::from_secs(2);
