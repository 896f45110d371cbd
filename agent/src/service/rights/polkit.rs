//! polkit, asked over the bus that the agent serves.
//!
//! The subject is the caller's unique name, never a pid: a name is given once, and polkit finds out by itself whose it is.
//! A mechanism that is not root may ask about others only where the action's file names it as the owner
//! (`packaging/polkit`).

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use selfsame_dbus::Error;
use tokio::time::timeout;
use zbus::{
    Connection, MatchRule, MessageStream, Variant, fdo,
    message::{Flags, Header, Type},
    names::{BusName, OwnedUniqueName, UniqueName},
};

use super::asking::Asking;
use crate::service::once_a_minute::OnceAMinute;

/// Asks polkit, and keeps its answers for a short while.
#[derive(Default)]
pub(super) struct Polkit {
    answers: Mutex<Answers>,
    asking: Asking,
    /// Of the last question with a dialogue; polkit is given it to call it off by.
    dialogues: AtomicU64,
    once: OnceAMinute,
}

/// What asking came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// It allows it.
    Yes,
    /// It does not; `after_dialogue`: it may, if a person says who they are.
    No { after_dialogue: bool },
    /// There is none.
    Absent,
    /// It has not answered in time.
    Silent,
    /// It refuses to answer: it does not know the action, say.
    Refused,
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
        let answer = self.check(action, uid, name, bus, Some(&id)).await;
        if answer == Answer::Silent {
            let id = (id.as_str(),);
            let cancel = bus.call_method(
                Some(POLKIT),
                AUTHORITY_PATH,
                Some(AUTHORITY),
                "CancelCheckAuthorization",
                &id,
            );
            // a person who sees the dialogue go is told enough; if not, it ends with the caller's connection
            let _ = timeout(ANSWER_MOST, cancel).await;
        }
        answer
    }

    /// Asks; `dialogue`: a person may be asked, under this name.
    async fn check(
        &self,
        action: &str,
        uid: u32,
        name: &UniqueName<'_>,
        bus: &Connection,
        dialogue: Option<&str>,
    ) -> Answer {
        let subject = ("system-bus-name", HashMap::from([("name", Variant::from(name.as_str()))]));
        let none = HashMap::<&str, &str>::new();
        let flags = if dialogue.is_some() { ALLOW_USER_INTERACTION } else { 0 };
        let question = (subject, action, none, flags, dialogue.unwrap_or_default());
        let most = if dialogue.is_some() { DIALOGUE_MOST } else { ANSWER_MOST };
        let call =
            bus.call_method(Some(POLKIT), AUTHORITY_PATH, Some(AUTHORITY), "CheckAuthorization", &question);
        let refusal = match timeout(most, call).await {
            Err(_) => return Answer::Silent,
            Ok(Ok(reply)) => match reply.body().deserialize::<(bool, bool, HashMap<String, String>)>() {
                Ok((true, _, _)) => return Answer::Yes,
                Ok((false, after_dialogue, _)) => return Answer::No { after_dialogue },
                Err(error) => error,
            },
            Ok(Err(error)) if is_absent(&error) => return Answer::Absent,
            Ok(Err(error)) => error,
        };
        if self.once.may_tell(uid) {
            tracing::warn!("polkit does not say whether user {uid} has {action}: {refusal}");
        }
        Answer::Refused
    }

    fn lock(&self) -> MutexGuard<'_, Answers> {
        self.answers.lock().expect("no thread panics while it holds the answers")
    }
}

/// An answer that is young enough.
fn fresh(kept: Option<(Answer, Instant)>) -> Option<Answer> {
    kept.filter(|(_, at)| at.elapsed() < KEEP).map(|(answer, _)| answer)
}

/// What polkit says whenever its answers may be others: rules and actions that changed, sessions that began, ended,
/// or came to the front.
pub(super) async fn changes(bus: &Connection) -> zbus::Result<MessageStream> {
    let rule = MatchRule::builder()
        .msg_type(Type::Signal)
        .sender(POLKIT)
        .path(AUTHORITY_PATH)
        .interface(AUTHORITY)
        .member("Changed")
        .build()?;
    MessageStream::for_match_rule(rule, bus, None).await
}

/// Whether the bus says that there is no polkit, and that it can't start one.
fn is_absent(error: &zbus::Error) -> bool {
    use fdo::Error as Answer;
    match error {
        zbus::Error::FDO(error) => !matches!(
            error.as_ref(),
            // polkit's own, in the bus's words
            Answer::AccessDenied(_) | Answer::InvalidArgs(_) | Answer::UnknownMethod(_) | Answer::Failed(_)
        ),
        // systemd's, where its unit is masked
        zbus::Error::MethodError(name, ..) => name.starts_with("org.freedesktop.systemd1."),
        _ => false,
    }
}

const POLKIT: &str = "org.freedesktop.PolicyKit1";
const AUTHORITY_PATH: &str = "/org/freedesktop/PolicyKit1/Authority";
const AUTHORITY: &str = "org.freedesktop.PolicyKit1.Authority";

/// Source: CheckAuthorizationFlags, in polkit's reference of its D-Bus interface.
const ALLOW_USER_INTERACTION: u32 = 1;

/// How long an answer is good. polkit takes milliseconds for one, and tells when another may be right, so this only says
/// how long a right that was withdrawn can last where it did not tell.
const KEEP: Duration = Duration::from_secs(5);

/// How long polkit may take; systemd may have to start it first.
const ANSWER_MOST: Duration = Duration::from_secs(5);

/// How long a person may take.
const DIALOGUE_MOST: Duration = Duration::from_secs(120);
