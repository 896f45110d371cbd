//! The relying party's side: peers, challenges, proofs and forks, kept in a file or by the agent.

use clap::{Args, Subcommand};
use selfsame::LineageId;

use crate::answer::{Answer, Telling};
use crate::failure::Failure;
use crate::place::Place;
use crate::text::Given;

mod agent;
mod ask;
mod drill;
mod enrol;
mod evidence;
mod file;
mod forks;
mod judge;
mod keep;
mod peers;
mod verdict;

/// What is asked as a relying party.
#[derive(Debug, Subcommand)]
pub(crate) enum PartyCommand {
    /// Issue a challenge for a peer: print it. It is good for 60 s and one proof
    Challenge(Challenge),
    /// Meet a peer by an introduction that came over a trusted channel
    Meet(Meet),
    /// Enrol a peer by a proof from its genesis, on first use, or as the new lineage of a known one (--succeeds)
    ///
    /// At a first meeting that is trust on first use, unless the challenge named the lineage.
    ///
    /// A reboot ends a host's lineage, and so does a loss of the agent's memory: it answers OtherLineage then. Whether
    /// the new lineage is the same host's, no proof can show. To take it, without forgetting what is known, first issue
    /// `challenge PEER --audience NAME --anew`, and have the host answer that by `selfsame prove`. Then `enrol PEER PROOF
    /// --succeeds` shows what speaks for it, and asks. From a yes on the old lineage is refused.
    ///
    /// What to look at: the lineage that it says it follows is the peer's, and the moment that it names is known here, or
    /// newer; the host was to be started anew, and its TPM was reset as often; the TPM's clock goes on; nothing was heard
    /// of the old one since. Where one of these is not so, ask who runs the host, over another channel. An ALARM says
    /// that the host was copied: then it may be the copy that answers.
    ///
    /// With --json, beside the verdict: "reason" and "predecessor", as it says; "forked", where a fork is known of the
    /// lineage before; "dry_run"; and of a successor "succeeds" (the peer's lineage), "claim" ("known", "ahead",
    /// "behind", "false", "past", "other" or "nobody") and "claim_ms" (how far the moment that it names is from the last
    /// that was accepted), "tpm_resets", "tpm_clock" ("on", "unsafe" or "back") and "tpm_clock_ms", "silent_ms"; null
    /// where it is not known.
    Enrol(Enrol),
    /// Verify a proof of a known peer
    Verify(Verify),
    /// After an alarm, print what to ask the peer's host, to make a proof of it: `hop INDEX TIER`, one a line
    ///
    /// Run each line on the host, `selfsame hop INDEX TIER`, in this order, and give `confront` what it prints.
    /// Nothing is printed where there is nothing to ask. With --json: {"peer", "questions": [{"index", "tier"}, …]}.
    Questions {
        /// What you call the peer
        peer: String,
    },
    /// Hold a host's answer to a question against what is kept. A fork that it shows is printed, and code 6
    ///
    /// The fork is kept, too, and its lineage never accepted again. Where the answer shows none, that is code 0: go on
    /// with the next question. With --json: {"peer", "fork": null}, or the alarm with the members that `forks` has.
    Confront {
        /// What you call the peer
        peer: String,

        /// What `selfsame hop` printed on the peer's host
        text: Given,
    },
    /// List the peers that are known
    Peers,
    /// Forget a peer and its challenges; forks that are known of it are kept
    Forget {
        /// What you call the peer
        peer: String,
    },
    /// List the forks that are known: proofs that a lineage was copied; or take in one that somebody else found
    ///
    /// A fork is kept by lineage, also where its peer is forgotten. One that is `for anyone` can be checked from the
    /// lineage's id alone, by `selfsame inspect`. With --json: {"forks": [{"peer", "lineage", "for_anyone", "tier",
    /// "indices", "bytes", "fork"}, …]}; with --report: {"peer", "lineage", "start", "new"}.
    ///
    /// A fork that --report takes in is code 0, where one that `confront` finds is code 6: it is evidence that a person
    /// brought, not an alarm that was found. From then on a proof of that lineage is the alarm.
    Forks(Forks),
    /// Test the alarm: fork a lineage that is made for it, and show that the copy is caught, proved and told of
    ///
    /// Meets a host that lives in this command alone as a peer `drill-…`, lets a copy of it answer, and follows the alarm to
    /// its end: the host refuses (ForeignAnchor), its answer to a question makes the fork, the agent signals ForkFound with the
    /// peer's name, the copy is refused from then on. Whoever watches for ForkFound sees it, as meant; peer and fork are
    /// removed afterwards. Run it every month, say. Code 0 where all of it works; never 6, as nobody was copied. With
    /// --store a file's verifier is tested: there is no signal then.
    ///
    /// With --json: {"peer", "lineage", "works", "links": [{"link", "holds", "text"}, …], "fork_bytes", "signalled"}; where a
    /// link breaks they are beside the error's members.
    Drill,
}

/// Issue a challenge for a peer.
#[derive(Debug, Args)]
pub(crate) struct Challenge {
    /// What you call the peer
    peer: String,

    /// Your own name, by which the host's callers know you
    #[arg(long, value_name = "NAME")]
    audience: String,

    /// The lineage to expect of a peer that is not known yet [default: whoever comes]
    #[arg(long)]
    lineage: Option<LineageId>,

    /// For a known peer whose host has a new lineage: from the genesis and of any lineage (or of --lineage), for
    /// `enrol --succeeds`
    #[arg(long)]
    anew: bool,
}

/// Meet a peer by an introduction.
#[derive(Debug, Args)]
pub(crate) struct Meet {
    /// What you call the peer
    peer: String,

    /// The introduction, as `selfsame introduce` printed it on the peer's host
    introduction: Given,

    /// Let a newer moment of a known peer's same lineage replace all that is kept of it
    #[arg(long)]
    replace: bool,
}

/// Enrol a peer by a proof from its genesis.
#[derive(Debug, Args)]
pub(crate) struct Enrol {
    /// What you call the peer
    peer: String,

    /// The proof, as `selfsame prove` printed it on the peer's host
    proof: Given,

    /// Let this new lineage succeed the known peer's: shows what speaks for it, and asks on the terminal
    #[arg(long)]
    succeeds: bool,

    /// Answer that with yes, unasked: needed where standard input is no terminal
    #[arg(long, requires = "succeeds")]
    yes: bool,

    /// Make every check, and change nothing
    #[arg(long)]
    dry_run: bool,
}

/// Verify a proof of a known peer.
#[derive(Debug, Args)]
pub(crate) struct Verify {
    /// What you call the peer
    peer: String,

    /// The proof, as `selfsame prove` printed it on the peer's host
    proof: Given,

    /// Take only a statement of this user of the peer's host, by number
    #[arg(long)]
    uid: Option<u32>,

    /// Take only a statement of this system unit
    #[arg(long)]
    unit: Option<String>,

    /// Take only a statement of this sandboxed app
    #[arg(long)]
    app: Option<String>,

    /// Let this one proof pass in spite of Clock or Stalled: a person's decision
    #[arg(long)]
    pass_time: bool,
}

/// List the forks that are known, or take in another.
#[derive(Debug, Args)]
pub(crate) struct Forks {
    /// Only those of this peer's present and past lineages [default: all, those of forgotten peers too]
    peer: Option<String>,

    /// Print the forks themselves, to pass them on: one a line, in the order of the list
    #[arg(long)]
    text: bool,

    /// Check a fork that somebody else found of a peer's lineage, and keep it: from then on that is never accepted.
    /// Code 0 once it is taken in
    #[arg(long, value_name = "FORK", conflicts_with_all = ["peer", "text"])]
    report: Option<Given>,
}

/// Asks where the peers are.
///
/// # Errors
///
/// Where they can't be asked, or it is refused.
pub(crate) fn run(command: &PartyCommand, place: &Place<'_>, telling: Telling) -> Result<Answer, Failure> {
    match command {
        PartyCommand::Challenge(challenge) => keep::challenge(challenge, place),
        PartyCommand::Meet(meet) => keep::meet(meet, place),
        PartyCommand::Enrol(enrol) => enrol::enrol(enrol, place),
        PartyCommand::Verify(verify) => judge::verify(verify, place),
        PartyCommand::Questions { peer } => ask::questions(peer, place),
        PartyCommand::Confront { peer, text } => ask::confront(peer, text, place),
        PartyCommand::Peers => keep::peers(place),
        PartyCommand::Forget { peer } => keep::forget(peer, place),
        PartyCommand::Forks(forks) => forks::forks(forks, place),
        PartyCommand::Drill => drill::drill(place, telling),
    }
}
