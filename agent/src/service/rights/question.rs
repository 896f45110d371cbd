//! A question to polkit, as it goes over the bus.
//!
//! The subject is the caller's unique name, never a pid: a name is given once, and polkit finds out by itself whose it is.
//! A mechanism that is not root may ask about others only where the action's file names it as the owner
//! (`packaging/polkit`).

use std::collections::HashMap;

use zbus::{
    Connection, MatchRule, Message, MessageStream, Variant, fdo,
    message::{Flags, Type},
    names::UniqueName,
};

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

/// The question, as polkit takes it.
pub(super) async fn check_authorization(
    action: &str,
    name: &UniqueName<'_>,
    bus: &Connection,
    dialogue: Option<&str>,
) -> zbus::Result<Answer> {
    let subject = ("system-bus-name", HashMap::from([("name", Variant::from(name.as_str()))]));
    let no_details = HashMap::<&str, &str>::new();
    let flags = if dialogue.is_some() { ALLOW_USER_INTERACTION } else { 0 };
    let question = (subject, action, no_details, flags, dialogue.unwrap_or_default());
    let call =
        bus.call_method(Some(POLKIT), AUTHORITY_PATH, Some(AUTHORITY), "CheckAuthorization", &question);
    let reply = call.await?;
    let (yes, after_dialogue, _) = reply.body().deserialize::<(bool, bool, HashMap<String, String>)>()?;
    Ok(if yes { Answer::Yes } else { Answer::No { after_dialogue } })
}

/// Takes a dialogue from the screen.
pub(super) async fn call_off(dialogue: &str, bus: &Connection) -> zbus::Result<()> {
    let call = Message::method_call(AUTHORITY_PATH, "CancelCheckAuthorization")
        .destination(POLKIT)
        .interface(AUTHORITY)
        .with_flags(Flags::NO_REPLY_EXPECTED)
        .build(&(dialogue,))?;
    bus.send(&call).await
}

/// Whether the bus says that there is no polkit, and that it can't start one.
pub(super) fn is_absent(error: &zbus::Error) -> bool {
    use fdo::Error as Answer;
    match error {
        zbus::Error::FDO(error) => !matches!(
            error.as_ref(),
            // the bus's, where it does not pass the question on; the others may be polkit's own
            Answer::AccessDenied(_)
                | Answer::LimitsExceeded(_)
                | Answer::NoMemory(_)
                | Answer::InvalidArgs(_)
                | Answer::UnknownMethod(_)
                | Answer::Failed(_)
        ),
        // systemd's, where its unit is masked
        zbus::Error::MethodError(name, ..) => name.starts_with("org.freedesktop.systemd1."),
        _ => false,
    }
}

pub(super) const POLKIT: &str = "org.freedesktop.PolicyKit1";
const AUTHORITY_PATH: &str = "/org/freedesktop/PolicyKit1/Authority";
const AUTHORITY: &str = "org.freedesktop.PolicyKit1.Authority";

/// Source: CheckAuthorizationFlags, in polkit's reference of its D-Bus interface.
const ALLOW_USER_INTERACTION: u32 = 1;
