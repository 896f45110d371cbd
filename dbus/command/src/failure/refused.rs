//! What a relying party's peers refuse, whether they are in a file or the agent has them: by the contract's names and
//! reasons, which `selfsame_store::Cause` gives to both.

use std::borrow::Cow;

use selfsame_dbus::{Details, Error};
use selfsame_store::{Cause, StoreError};

use super::agent::{RIGHTS, name_and_text};
use super::{Failure, Question};
use crate::exit::Code;
use crate::place::Place;

/// A refusal.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Refused {
    /// Its name in the contract.
    name: Cow<'static, str>,
    /// What it is, in one line.
    text: String,
    /// The number of the check in protocol section 7 that a proof failed.
    check: Option<u8>,
    /// Whether a person has to look.
    alarm: bool,
    /// Which of the reasons for this name it is; empty where that is not said.
    why: Cow<'static, str>,
    /// The peer whose the lineage is.
    peer: Option<String>,
}

impl From<&StoreError> for Refused {
    fn from(error: &StoreError) -> Self {
        let Cause { name, check, alarm, why, peer, .. } = error.cause();
        Self { name: name.into(), text: error.text(), check, alarm, why: why.into(), peer }
    }
}

impl Refused {
    /// Whether there was too much of something.
    pub(crate) fn is_busy(&self) -> bool {
        self.name == "Busy"
    }

    /// What the agent refuses.
    pub(crate) fn by_agent(refusal: &Error, details: &Details) -> Self {
        let (name, text) = name_and_text(refusal);
        let Details { check, alarm, why, peer, .. } = details;
        Self {
            // these always are (the contract)
            alarm: *alarm || ["NotContinuous", "Contradiction", "Forked"].contains(&&*name),
            name: name.into(),
            text,
            check: check.and_then(|check| u8::try_from(check).ok()),
            why: why.clone().unwrap_or_default().into(),
            peer: peer.clone(),
        }
    }

    /// Whether it is a proof that failed a check.
    pub(crate) fn is_of_a_proof(&self) -> bool {
        self.check.is_some()
    }

    /// Whether no such challenge is out (any more).
    pub(crate) fn is_of_the_challenge(&self) -> bool {
        self.name == "UnknownChallenge"
    }

    /// The failure that it is.
    pub(crate) fn failure(self, question: &Question<'_>) -> Failure {
        let next = self.next(question);
        let (code, name) = match (&*self.name, &*self.why) {
            // of this system's random bytes, whoever asked for them
            ("Failed", "nonce-reused") => (Code::Unusable, "SystemUnavailable".into()),
            (name, _) => (self.code(name), self.name.clone()),
        };
        let text = match (question.place, &*self.name, &*self.why) {
            // this says itself which file it is, and the agent of which file it speaks
            (_, _, "not-a-store") | (Place::Agent(_), ..) => self.text,
            (Place::File(file), "StoreUnavailable", _) => format!("{}: {}", file.display(), self.text),
            _ => self.text,
        };
        Failure { check: self.check, ..Failure::new(code, name, text).next(next) }
    }

    fn code(&self, name: &str) -> Code {
        match name {
            _ if self.alarm => Code::Alarm,
            "InvalidArgument" => Code::Usage,
            "StoreUnavailable" => Code::Unusable,
            "UnknownPeer" | "PeerExists" | "UnknownChallenge" | "Succession" | "OtherLineage"
            | "WrongAudience" | "WrongSubject" | "Malformed" | "Clock" | "Stalled" => Code::Refused,
            // rights, Busy, Failed, and what comes later
            _ => Code::AgentRefused,
        }
    }

    fn next(&self, question: &Question<'_>) -> String {
        let again = question.command("challenge", "--audience NAME");
        match (&*self.name, &*self.why) {
            ("UnknownChallenge", _) => format!("issue a new one: {again}"),
            ("UnknownPeer", "lineage") => format!(
                "there is nobody here whom it could warn of: {} lists the peers and their lineages; `selfsame inspect` \
                 checks it",
                question.command_for("peers", "", "")
            ),
            ("UnknownPeer", _) => format!(
                "{} lists those that are; meet it by an introduction, or enrol it by a proof",
                question.command_for("peers", "", "")
            ),
            ("PeerExists", _) => self.after_an_existing_peer(question),
            ("OtherLineage", "answer") => {
                "what the host was asked for ended with that lineage: without it the alarm stays one without a proof, \
                 and a person decides"
                    .to_owned()
            }
            ("OtherLineage", _) => question.after_another_lineage(),
            ("Succession", _) => format!(
                "after a reboot that is as it should be: a lineage ends with the host's memory. Whether the new one is \
                 the same host, a person decides: {} shows what speaks for it, and asks; this proof is good for that, \
                 until its challenge is 60 s old",
                question.command("enrol", "PROOF --succeeds")
            ),
            ("Malformed", "no-start") => {
                "it has no genesis: ask who showed it to you for one that does; its finder makes it with `questions`, \
                 `hop` and `confront`"
                    .to_owned()
            }
            ("Malformed", "no-fork") => {
                "it shows nothing, and nothing has changed: `selfsame inspect` explains it. Mind who showed it to you"
                    .to_owned()
            }
            ("Malformed", _) => {
                format!("it was changed on its way, or is no proof of this protocol: ask again, {again}")
            }
            ("WrongAudience", _) => format!("it was made for another relying party: ask the host itself, {again}"),
            ("WrongSubject", _) => {
                "the host is the one that you know, but another of its processes speaks: ask the right one, or ask \
                 for another subject"
                    .to_owned()
            }
            ("Stalled", _) => format!(
                "the host was paused, or somebody backdates: ask again, {again}, or, if you know of the pause, let this \
                 proof pass: {}",
                question.command("verify", "PROOF --pass-time")
            ),
            ("Clock" | "NotContinuous" | "Contradiction" | "Forked", _) => self.after_doubt(question, &again),
            ("Busy", "unconfirmed") => {
                format!("ask again: {again}; the answer confirms the heads that it names. This challenge is still out")
            }
            ("Busy", "challenges") => "wait a minute: challenges live for 60 s".to_owned(),
            ("Busy", "size") => "ask of one peer, or name the agent's file: --store FILE".to_owned(),
            ("Busy", _) => "try again in a moment".to_owned(),
            ("InvalidArgument", _) => "`selfsame --help` tells what is expected".to_owned(),
            ("NotAuthorized", _) => RIGHTS.to_owned(),
            ("StoreUnavailable", why) => unusable(why, question.place).to_owned(),
            ("Failed", "nonce-reused") => "this system's random bytes repeat: ask no more of it".to_owned(),
            ("Failed", _) => super::agent::BUG.to_owned(),
            _ => format!("ask again: {again}"),
        }
    }

    fn after_an_existing_peer(&self, question: &Question<'_>) -> String {
        match (&*self.why, &self.peer) {
            ("past-lineage", _) => {
                "an old copy of the host's memory would show it: find out who does. Ask the host for \
                                    its present lineage"
                    .to_owned()
            }
            ("not-newer", _) => "have the host introduce itself anew: `selfsame introduce`, there".to_owned(),
            (_, Some(peer)) if peer != question.peer => format!(
                "a lineage is one peer's: verify it by that name, {}, or drop that one, {}",
                question.command_for("verify", peer, "PROOF"),
                question.command_for("forget", peer, "")
            ),
            _ => format!(
                "verify its proofs: {}; a newer introduction of the same lineage replaces its anchor: {}",
                question.command("verify", "PROOF"),
                question.command("meet", "INTRODUCTION --replace")
            ),
        }
    }

    /// After what may be another's answer in the host's name, or is shown to be.
    fn after_doubt(&self, question: &Question<'_>, again: &str) -> String {
        let (ask_first, pass) = (question.ask_first(), question.command("verify", "PROOF --pass-time"));
        let replace = question.command("meet", "INTRODUCTION --replace");
        match (&*self.name, &*self.why) {
            ("Clock", _) if !self.alarm => {
                format!("compare the clocks of both hosts. If you know why, let this proof pass: {pass}")
            }
            ("Clock", _) => format!(
                "one who answered with a copy would look like this. {ask_first}Find out who answered, before you trust \
                 this host. A person may let it pass: {pass}"
            ),
            ("NotContinuous", _) => format!(
                "anyone's garbage fails this check, and so does a thief: ask the host itself again, {again}. If it \
                 fails again, it is in earnest. {ask_first}A person decides, and recovers by an introduction over a \
                 trusted channel{}: {replace}",
                if ask_first.is_empty() { "" } else { ", which drops what is kept" },
            ),
            ("Contradiction", _) => format!(
                "two histories of one host are known: it was copied. {ask_first}A person decides which is the host, \
                 and recovers by an introduction over a trusted channel, which drops what is kept: {replace}"
            ),
            // here the lineage may be another peer's, or a forgotten one's: the list of all has it
            (_, "lineage") => format!(
                "that lineage was copied, and is never accepted again: {} shows the fork. {}",
                question.command_for("forks", "", ""),
                question.begin_anew()
            ),
            _ => question.after_a_fork(),
        }
    }
}

/// What to do about a file that can't be used.
fn unusable(why: &str, place: &Place<'_>) -> &'static str {
    match (place, why) {
        (Place::Agent(_), "replaced") => "try again",
        // what mends it is in its text
        (Place::Agent(_), _) => {
            "mend it as that says, and try again; the agent's journal says more (`journalctl -u selfsame-agent`)"
        }
        (Place::File(_), "not-a-store") => "name another file; a new one is made where there is none",
        (Place::File(_), "version") => "use the version of selfsame that made it, or a newer one",
        (Place::File(_), "damaged") => {
            "put a backup in its place, or a new store; keep the damaged file, it may hold evidence of forks"
        }
        (Place::File(_), _) => "check the path, the space on its disk, and who may write there",
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use selfsame::{ForkRefusal, HopRefusal, LineageId, Reason, Refusal, VerifyRefusal};
    use selfsame_dbus::{Bus, ERROR_PREFIX};

    use super::*;

    /// What both places say of it: the agent by name, text and details, as it sends them.
    fn of_both(error: &StoreError, is_first: bool) -> [Failure; 2] {
        let (file, bus) = (Place::File(Path::new("db")), Place::Agent(Bus::System));
        let question = |place| match is_first {
            true => Question::of_first(place, "web"),
            false => Question::of(place, "web"),
        };
        let cause = error.cause();
        let sent = Error::from_name(&format!("{ERROR_PREFIX}.{}", cause.name), &error.text()).unwrap();
        let details = Details {
            check: cause.check.map(u32::from),
            alarm: cause.alarm,
            why: Some(cause.why.to_owned()),
            peer: cause.peer,
            ..Details::default()
        };
        let by_agent = Refused::by_agent(&sent, &details);
        assert_eq!(by_agent, Refused::from(error));
        [Refused::from(error).failure(&question(&file)), by_agent.failure(&question(&bus))]
    }

    fn of(error: impl Into<StoreError>) -> Failure {
        let [file, agent] = of_both(&error.into(), false);
        let next = |failure: &Failure| failure.next.clone().unwrap();
        assert_eq!(next(&file).replace("selfsame --store db ", "selfsame "), next(&agent));
        assert_eq!((&file.code, &file.name, &file.text), (&agent.code, &agent.name, &agent.text));
        file
    }

    #[test]
    fn each_refusal_has_one_code_in_both_places() {
        let (expected, found) = (LineageId::new([1; 32]), LineageId::new([2; 32]));
        let hop = HopRefusal::Opening { tier: 1 };
        let refused = |refusal: Refusal| StoreError::from(refusal);
        let checked = |refusal: VerifyRefusal| StoreError::from(Refusal::from(refusal));
        let peer = || "web".to_owned();
        for (error, code) in [
            (refused(Refusal::Expired), 1),
            (refused(Refusal::KnownFork), 6),
            (refused(Refusal::Clock { ahead: 1, alarm: false }), 1),
            (refused(Refusal::Clock { ahead: 1, alarm: true }), 6),
            (refused(Refusal::Stalled { lag: 1, max: 1 }), 1),
            (refused(Refusal::Contradiction { index: 1 }), 6),
            (refused(Refusal::Busy), 4),
            (checked(VerifyRefusal::NotInHead), 1),
            (checked(VerifyRefusal::OtherLineage { expected, found }), 1),
            (checked(VerifyRefusal::Hop { number: 1, why: hop }), 6),
            (checked(VerifyRefusal::GenesisMisplaced), 6),
            (checked(VerifyRefusal::OtherAudience { expected: peer(), found: peer() }), 1),
            (checked(VerifyRefusal::WrongSubject { field: "uid", wanted: peer(), found: peer() }), 1),
            (StoreError::InvalidName { bytes: 0, control: false }, 2),
            (StoreError::UnknownPeer { peer: peer() }, 1),
            (StoreError::UnknownLineage { lineage: found }, 1),
            (StoreError::PeerExists { peer: peer(), lineage: found }, 1),
            (StoreError::PastLineage { peer: peer(), lineage: found }, 1),
            (StoreError::NotNewer { anchor: 2, found: 1 }, 1),
            (StoreError::OtherLineage { expected, found }, 1),
            (StoreError::OtherAnswer { expected, found }, 1),
            (StoreError::Succession { own: expected, found, predecessor: None, reason: Reason::Boot }, 1),
            (StoreError::Forked { lineage: found }, 6),
            (StoreError::NoFork(ForkRefusal::NoStart), 1),
            (StoreError::Busy { limit: 1, whose: "in all" }, 4),
            (StoreError::NonceReused, 5),
        ] {
            let failure = of(error);
            assert_eq!(failure.code.number(), code, "{failure:?}");
            assert!(crate::exit::HELP.contains(&*failure.name), "{} is not in --help", failure.name);
        }
    }

    #[test]
    fn a_file_that_can_not_be_used_is_told_where_it_is() {
        let damaged = StoreError::Damaged { what: "torn".into() };
        let [file, agent] = of_both(&damaged, false);
        assert_eq!(file.text, "db: the store is damaged: torn");
        // it says by itself which file that is
        assert_eq!(agent.text, "the store is damaged: torn");
        let io = std::io::Error::other("no space");
        for error in [damaged, io.into(), StoreError::Version { found: 9, known: 2 }] {
            for failure in of_both(&error, false) {
                assert_eq!((failure.code, &*failure.name), (Code::Unusable, "StoreUnavailable"));
                assert!(failure.next.is_some());
            }
        }
        let [file, _] = of_both(&StoreError::NotAStore { path: "db".into() }, false);
        assert_eq!(file.text, "db: no store of peers");
    }

    #[test]
    fn an_alarm_that_can_be_made_a_proof_says_how() {
        let hop = VerifyRefusal::Hop { number: 1, why: HopRefusal::Opening { tier: 1 } };
        for refusal in [
            hop.clone().into(),
            VerifyRefusal::GenesisMisplaced.into(),
            Refusal::Contradiction { index: 1 },
            Refusal::Clock { ahead: 1, alarm: true },
            Refusal::KnownFork,
        ] {
            let next = of(refusal).next.unwrap();
            for command in [
                "`selfsame --store db questions web`",
                "`selfsame hop INDEX TIER`",
                "`selfsame --store db confront web TEXT`",
            ] {
                assert!(next.contains(command), "{next}");
            }
        }
        let next = of(Refusal::KnownFork).next.unwrap();
        assert!(next.contains("`selfsame --store db forks web` shows the fork"), "{next}");
        let next = of(Refusal::Clock { ahead: 1, alarm: true }).next.unwrap();
        assert!(next.find("confront") < next.find("--pass-time"), "a person's choice comes after: {next}");
        // of who was never met no hop is kept
        for failure in of_both(&Refusal::from(hop).into(), true) {
            let next = failure.next.unwrap();
            assert!(!next.contains("questions") && !next.contains("drops what is kept"), "{next}");
        }
    }

    #[test]
    fn what_comes_next_can_be_run() {
        let stalled = of(Refusal::Stalled { lag: 90 * 4096, max: 60 * 4096 });
        assert!(stalled.next.unwrap().contains("`selfsame --store db verify web PROOF --pass-time`"));
        let unknown = of(Refusal::UnknownChallenge).next.unwrap();
        assert_eq!(unknown, "issue a new one: `selfsame --store db challenge web --audience NAME`");
        let other = StoreError::PeerExists { peer: "the db".into(), lineage: LineageId::new([1; 32]) };
        let next = of(other).next.unwrap();
        assert!(next.contains("`selfsame --store db verify 'the db' PROOF`"), "{next}");
    }

    #[test]
    fn an_agent_that_says_little_is_understood() {
        let none = Details::default();
        let bus = Place::Agent(Bus::System);
        for (refusal, code, next) in [
            (Error::NotContinuous(String::new()), Code::Alarm, "anyone's garbage"),
            (Error::Clock(String::new()), Code::Refused, "compare the clocks"),
            (
                Error::PeerExists(String::new()),
                Code::Refused,
                "verify its proofs: `selfsame verify web PROOF`",
            ),
            (Error::Busy(String::new()), Code::AgentRefused, "try again in a moment"),
            (Error::NotAuthorized(String::new()), Code::AgentRefused, RIGHTS),
            (Error::StoreUnavailable(String::new()), Code::Unusable, "mend it as that says"),
            (Error::Failed(String::new()), Code::AgentRefused, "this is a bug in the agent"),
        ] {
            let failure = Refused::by_agent(&refusal, &none).failure(&Question::of(&bus, "web"));
            assert_eq!(failure.code, code, "{failure:?}");
            assert!(failure.text.starts_with("the agent refuses: "), "{failure:?}");
            assert!(failure.next.as_ref().unwrap().starts_with(next), "{failure:?}");
        }
    }

    #[test]
    fn what_only_an_agent_refuses_has_its_advice() {
        let bus = Place::Agent(Bus::System);
        for (refusal, why, next) in [
            (Error::Busy("much".into()), "size", "ask of one peer"),
            (Error::StoreUnavailable("gone".into()), "replaced", "try again"),
        ] {
            let details = Details { why: Some(why.to_owned()), ..Details::default() };
            let failure = Refused::by_agent(&refusal, &details).failure(&Question::of(&bus, ""));
            assert!(failure.next.as_ref().unwrap().starts_with(next), "{failure:?}");
        }
    }
}
