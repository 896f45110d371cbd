//! What was asked of a relying party's peers, to say what to do next.

use crate::place::Place;
use crate::printable::quoted;

/// What was asked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Question<'a> {
    /// Where the peers are.
    pub(crate) place: &'a Place<'a>,
    /// Of which peer; empty: of all.
    pub(crate) peer: &'a str,
    /// Whether it is a first meeting: no hop of the peer's is kept yet, so there is nothing to ask its host.
    is_first: bool,
}

impl<'a> Question<'a> {
    /// What is asked about a peer, or about all of them where its name is empty.
    pub(crate) fn of(place: &'a Place<'a>, peer: &'a str) -> Self {
        Self { place, peer, is_first: false }
    }

    /// The same, of a peer that is met for the first time.
    pub(crate) fn of_first(place: &'a Place<'a>, peer: &'a str) -> Self {
        Self { place, peer, is_first: true }
    }

    /// A command line that asks of the same peer in the same place, to be shown.
    pub(crate) fn command(&self, verb: &str, rest: &str) -> String {
        self.command_for(verb, self.peer, rest)
    }

    /// The same, of another peer, or of none where its name is empty.
    pub(crate) fn command_for(&self, verb: &str, peer: &str, rest: &str) -> String {
        let peer = if peer.is_empty() { String::new() } else { quoted(peer) };
        let line = [&self.place.command(), verb, &peer, rest];
        let words: Vec<&str> = line.into_iter().filter(|word| !word.is_empty()).collect();
        format!("`{}`", words.join(" "))
    }

    /// What to do about a fork that is kept: show it, make it one for anyone, and begin anew.
    pub(super) fn after_a_fork(&self) -> String {
        format!(
            "this host was copied, and its lineage is never accepted again: {} shows the fork. {}{}",
            self.command("forks", ""),
            match self.how_to_prove_it() {
                Some(how) => format!("Where that is not for anyone yet, make it so: {how}. "),
                None => String::new(),
            },
            self.begin_anew()
        )
    }

    /// How a host that was copied is known again.
    pub(crate) fn begin_anew(&self) -> String {
        format!(
            "A person decides which is the host, lets it begin a new lineage, and takes that: {}, {}",
            self.command("forget", ""),
            self.command("meet", "INTRODUCTION")
        )
    }

    /// How an alarm may be made a proof that convinces anyone: a fork (protocol section 7). `None` where nothing is
    /// kept that the host could be asked for.
    pub(crate) fn how_to_prove_it(&self) -> Option<String> {
        let how = || {
            format!(
                "{} prints what to ask, each line of it is run on the host, `selfsame hop INDEX TIER`, and its answer \
                 held against what is kept here, {}",
                self.command("questions", ""),
                self.command("confront", "TEXT")
            )
        };
        (!self.is_first).then(how)
    }

    /// What comes before anything else after an alarm that is no proof yet.
    pub(super) fn ask_first(&self) -> String {
        let how = self.how_to_prove_it();
        how.map_or_else(String::new, |how| format!("Before anything else, make it a proof: {how}. "))
    }

    pub(super) fn after_another_lineage(&self) -> String {
        format!(
            "after a reboot that is as it should be: a lineage ends with the host's memory. Whether the new one is the \
             same host, a person decides: issue a challenge for any lineage, {}, have the host answer it, and {} shows \
             what speaks for it, and asks",
            self.command("challenge", "--audience NAME --anew"),
            self.command("enrol", "PROOF --succeeds")
        )
    }
}
