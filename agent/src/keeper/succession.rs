//! The end of a lineage, and the birth of the next, in one living agent.
//!
//! The old secrets are erased before anything of the new lineage is made, and nothing of them goes into it: its secrets
//! come from what the sources give anew. Before a hibernation nothing is born: what is in memory then is written to disk.

use std::{sync::mpsc::RecvTimeoutError, time::Duration};

use selfsame::{Lineage, Memory, Origin, Predecessor, Reason};
use tokio::sync::oneshot;

use super::{Ended, Message, Told, Work, done};
use crate::{audit, clock::AgeTime, entropy::Contribution};

/// How a lineage is ended, and the next one born.
pub(crate) trait Births<M>: Send {
    /// What the quick sources give now.
    fn quick(&mut self) -> Vec<Contribution>;

    /// Erases all that is secret of a lineage, and has nobody keep it. No step of it may be taken after that.
    fn end(&mut self, memory: &mut M);

    /// A lineage, from what the sources give now, with this origin. `generation` is VMClock's counter before that.
    ///
    /// # Errors
    /// Why there can be none, for people.
    fn born(&mut self, origin: Origin, generation: Option<u64>) -> Result<Newborn<M>, String>;
}

/// A lineage that was just born.
pub(crate) struct Newborn<M> {
    /// The lineage.
    pub(crate) lineage: Lineage<M>,
    /// The age clock's reading at its birth.
    pub(crate) born: AgeTime,
    /// Where its secrets live, as the bus has it.
    pub(crate) memory: &'static str,
}

impl<M: Memory> Work<M> {
    /// Ends the lineage and goes on with its successor. False where the agent is told to end before there is one.
    pub(super) fn succeed(
        &mut self,
        reason: Reason,
        reply: Option<oneshot::Sender<()>>,
    ) -> Result<bool, Ended> {
        let before = Predecessor { lineage: *self.kept.lineage.id(), head: self.kept.lineage.head() };
        audit::lineage_ends(&before.lineage.to_string(), reason.as_str());
        self.kept.births.end(self.kept.lineage.memory_mut());
        let mut reply = reply;
        if reason == Reason::Hibernate {
            // whoever asked lets the machine sleep now
            reply.take().into_iter().for_each(done);
            if !self.sleep() {
                return Ok(false);
            }
        }
        // before anything is drawn: what changes from here on is a break of the new one
        self.kept.breaks.begin();
        let (origin, generation) = (Origin::new(reason, Some(before)), self.kept.breaks.generation());
        self.kept.sources.unmark();
        let Newborn { lineage, born, memory } =
            self.kept.births.born(origin, generation).map_err(|why| Ended::NoSuccessor { why })?;
        self.kept.breaks.begin_tpm(lineage.genesis().evidence().fields(), self.kept.clock.slept_nanos());
        (self.kept.lineage, self.kept.born, self.kept.memory) = (lineage, born, memory);
        self.names.clear();
        (self.tpm_clock, self.broken) = (None, None);
        // a sample that was stirred into the old one is none of the new one's; the host is the same
        (self.behaviour.commitment, self.blinded) = (None, None);
        self.kept.seen.audit.clear();
        self.published.replace(&self.kept.lineage, memory);
        let successor = self.kept.lineage.id().to_string();
        tracing::info!(lineage = successor, reason = reason.as_str(), memory, "born");
        self.tell(Told::Ended { lineage: before.lineage.to_string(), reason, successor });
        reply.into_iter().for_each(done);
        Ok(true)
    }

    /// Waits, without a lineage, until the machine has slept and is awake again, or has not slept for so long that it is not
    /// going to. Who asks meanwhile is refused. False where the agent is told to end.
    fn sleep(&self) -> bool {
        let clock = &self.kept.clock;
        let (slept, awake) = (clock.slept_nanos(), clock.awake_nanos());
        loop {
            match self.receiver.recv_timeout(LOOK_EVERY) {
                Ok(Message::Stop) | Err(RecvTimeoutError::Disconnected) => return false,
                Ok(Message::Moment { is_afresh: true, reply }) => {
                    done(reply);
                    return true;
                }
                Ok(Message::Moment { reply, .. } | Message::End { reply, .. } | Message::Alive { reply }) => {
                    done(reply);
                }
                // their callers see that the reply is gone
                Ok(_) | Err(RecvTimeoutError::Timeout) => {}
            }
            if clock.slept_nanos() >= slept + SLEPT_NANOS || clock.awake_nanos() >= awake + AWAKE_NANOS {
                return true;
            }
        }
    }
}

/// How often it is looked whether the machine has slept, where nothing else happens.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// A hibernation is longer than this.
const SLEPT_NANOS: u64 = 1_000_000_000;

/// So long awake, and no sleep: it was given up. Programs are frozen while the image is written, so what is left are the
/// other units before it, which systemd gives 90 s to start.
const AWAKE_NANOS: u64 = 120 * 1_000_000_000;
