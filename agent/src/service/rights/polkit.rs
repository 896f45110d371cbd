//! What polkit says of a caller: it is asked once for all who want to know, and what it says is kept for a short while.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use selfsame_dbus::Error;
use tokio::{sync::Semaphore, time::timeout};
use zbus::{
    Connection,
    message::{Flags, Header},
    names::{BusName, OwnedUniqueName, UniqueName},
};

use super::{
    asking::Asking,
    question::{Answer, POLKIT, call_off, check_authorization, is_absent},
};
use crate::service::once_a_minute::OnceAMinute;

/// Asks polkit, and keeps its answers for a short while.
pub(super) struct Polkit {
    answers: Mutex<Answers>,
    /// Calls that wait for it.
    asking: Asking,
    /// Calls that wait for a person.
    persons: Asking,
    /// Questions that it has not answered, whether or not anybody still waits.
    open: Arc<Semaphore>,
    /// Likewise, of those with a dialogue.
    open_dialogues: Arc<Semaphore>,
    /// Of the last question with a dialogue; polkit is given it to call it off by.
    dialogues: AtomicU64,
    once: OnceAMinute,
}

/// Those that are kept, or on their way.
#[derive(Default)]
struct Answers {
    by_question: HashMap<Question, Slot>,
    /// How often all were forgotten: one that was on its way meanwhile is not kept.
    forgotten: u64,
}

/// Who asks for which action.
type Question = (OwnedUniqueName, &'static str);

/// An answer, and when it came. Who asks polkit holds it, and who wants the same waits.
type Slot = Arc<tokio::sync::Mutex<Option<(Answer, Instant)>>>;

impl Polkit {
    pub(super) fn new() -> Self {
        Self {
            answers: Mutex::default(),
            asking: Asking::new(WAITING_PER_UID),
            persons: Asking::new(DIALOGUES_PER_UID),
            open: Arc::new(Semaphore::new(OPEN_MOST)),
            open_dialogues: Arc::new(Semaphore::new(OPEN_MOST)),
            dialogues: AtomicU64::default(),
            once: OnceAMinute::default(),
        }
    }

    /// Whether the caller may do `action`. Where its message lets a person be asked, and polkit wants that, it takes as long
    /// as the person.
    ///
    /// # Errors
    /// [`Error::Busy`] where too many calls wait for polkit.
    pub(super) async fn ask(
        &self,
        action: &'static str,
        uid: u32,
        header: &Header<'_>,
        bus: &Connection,
    ) -> Result<Answer, Error> {
        let name = header.sender().ok_or_else(|| Error::Failed("a call without a sender".into()))?;
        let may_ask_person = header.primary().flags().contains(Flags::ALLOW_INTERACTIVE_AUTH);
        let wants_person = |answer| may_ask_person && answer == (Answer::No { after_dialogue: true });
        // for an answer that is kept nobody waits
        if let Some(answer) = self.kept(action, name).filter(|answer| !wants_person(*answer)) {
            return Ok(answer);
        }
        let _place = self.asking.enter(uid)?;
        let answer = self.quietly(action, uid, name, bus).await;
        if wants_person(answer) {
            let _person = self.persons.enter(uid)?;
            return Ok(self.by_dialogue(action, uid, name, bus).await);
        }
        Ok(answer)
    }

    /// Takes note that a name has appeared on the bus, or has gone.
    pub(super) fn changed(&self, name: &BusName<'_>) {
        match name {
            BusName::Unique(name) => {
                self.lock().by_question.retain(|(asker, _), _| asker.as_str() != name.as_str());
            }
            BusName::WellKnown(name) if name.as_str() == POLKIT => self.forget(),
            BusName::WellKnown(_) => {}
        }
    }

    /// Forgets all answers: others may be right now.
    pub(super) fn forget(&self) {
        let mut answers = self.lock();
        answers.by_question.clear();
        answers.forgotten += 1;
    }

    /// Without asking a person, and by an answer that is kept where there is one.
    async fn quietly(
        &self,
        action: &'static str,
        uid: u32,
        name: &UniqueName<'_>,
        bus: &Connection,
    ) -> Answer {
        loop {
            let (slot, forgotten) = self.slot(action, name);
            let mut slot = slot.lock().await;
            // while this waited for another to ask
            if self.lock().forgotten != forgotten {
                continue;
            }
            if let Some(answer) = fresh(*slot) {
                return answer;
            }
            let answer = self.check(action, uid, name, bus, None).await;
            if self.lock().forgotten == forgotten {
                *slot = Some((answer, Instant::now()));
            }
            return answer;
        }
    }

    /// The answer that is kept.
    fn kept(&self, action: &'static str, name: &UniqueName<'_>) -> Option<Answer> {
        let (slot, _) = self.slot(action, name);
        slot.try_lock().ok().and_then(|kept| fresh(*kept))
    }

    /// The slot of a question, and how often all were forgotten when it was looked up.
    fn slot(&self, action: &'static str, name: &UniqueName<'_>) -> (Slot, u64) {
        let mut answers = self.lock();
        let question = (OwnedUniqueName::from(name.to_owned()), action);
        if let Some(slot) = answers.by_question.get(&question) {
            return (slot.clone(), answers.forgotten);
        }
        // of callers that were gone before they asked, and so were never heard to go
        answers.by_question.retain(|_, slot| match slot.try_lock() {
            Ok(kept) => fresh(*kept).is_some(),
            Err(_) => true,
        });
        let slot = Slot::default();
        answers.by_question.insert(question, slot.clone());
        (slot, answers.forgotten)
    }

    /// With a dialogue. The answer is not kept: a password that was asked for once is good for one call, and where it is
    /// to be good for more, polkit remembers it and says so when it is asked quietly.
    async fn by_dialogue(
        &self,
        action: &'static str,
        uid: u32,
        name: &UniqueName<'_>,
        bus: &Connection,
    ) -> Answer {
        let id = format!("selfsame-{}", self.dialogues.fetch_add(1, Ordering::Relaxed));
        let answer = self.check(action, uid, name, bus, Some(id.clone())).await;
        if answer == Answer::Silent {
            // a person who sees the dialogue go is told enough
            if let Err(error) = call_off(&id, bus).await {
                tracing::debug!(%error, "a dialogue could not be called off");
            }
        }
        answer
    }

    /// Asks; `dialogue`: a person may be asked, under this name.
    ///
    /// The question stays open until polkit or the bus answers, also where nobody waits any more: the bus lets one
    /// connection have so many calls open, and counts those that were given up.
    async fn check(
        &self,
        action: &'static str,
        uid: u32,
        name: &UniqueName<'_>,
        bus: &Connection,
        dialogue: Option<String>,
    ) -> Answer {
        let (open, most) = match dialogue {
            Some(_) => (self.open_dialogues.clone(), DIALOGUE_MOST),
            None => (self.open.clone(), ANSWER_MOST),
        };
        let (name, bus) = (name.to_owned(), bus.clone());
        let asked = timeout(most, async {
            let place = open.acquire_owned().await.ok()?;
            let question = async move {
                let answer = check_authorization(action, &name, &bus, dialogue.as_deref()).await;
                drop(place);
                answer
            };
            tokio::spawn(question).await.ok()
        });
        match asked.await {
            Ok(Some(Ok(answer))) => answer,
            Ok(Some(Err(error))) if is_absent(&error) => Answer::Absent,
            Ok(Some(Err(error))) => {
                if self.once.may_tell(uid) {
                    tracing::warn!("polkit does not say whether user {uid} has {action}: {error}");
                }
                Answer::Refused
            }
            Ok(None) | Err(_) => Answer::Silent,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Answers> {
        self.answers.lock().expect("no thread panics while it holds the answers")
    }
}

/// An answer that is young enough.
fn fresh(kept: Option<(Answer, Instant)>) -> Option<Answer> {
    kept.filter(|(_, at)| at.elapsed() < KEEP).map(|(answer, _)| answer)
}

/// How long an answer is good. polkit takes milliseconds for one, and tells when another may be right, so this only says
/// how long a right that was withdrawn can last where it did not tell.
const KEEP: Duration = Duration::from_secs(5);

/// How long polkit may take; systemd may have to start it first.
const ANSWER_MOST: Duration = Duration::from_secs(5);

/// Questions that polkit has not answered yet. Source: a system bus lets a connection wait for 128 answers, by dbus-daemon's
/// own default (its system.conf); twice this leaves half of them to all else that the agent asks.
const OPEN_MOST: usize = 32;

/// Calls of a user that wait for polkit. Source: our own bound. Those of one connection are one question.
const WAITING_PER_UID: u32 = 64;

/// Calls of a user that wait for a person. Source: our own bound: there is one to ask.
const DIALOGUES_PER_UID: u32 = 2;

/// How long a person may take.
const DIALOGUE_MOST: Duration = Duration::from_secs(120);
