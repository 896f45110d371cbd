//! The exit codes: what a script reads.

use std::process::ExitCode;

/// What a run came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Code {
    /// Yes: done, or the proof stands, or an answer shows no fork, or a fork that a person reports is taken in.
    Yes,
    /// No: the proof was refused, the evidence of a fork shows none, or the peer or challenge is not such that it
    /// could be taken; or the doctor found something that has to be mended, an audit does not hold, or a drill fails.
    Refused,
    /// The command line is wrong, malformed arguments included.
    Usage,
    /// No agent answers.
    Unreachable,
    /// The agent refuses, or can't do it; or too much is out or waiting.
    AgentRefused,
    /// The store or a file can't be used, or the system refuses what the command needs.
    Unusable,
    /// Somebody else may answer in the host's name: for a person to look at.
    Alarm,
}

impl Code {
    /// The number.
    pub(crate) fn number(self) -> u8 {
        match self {
            Self::Yes => 0,
            Self::Refused => 1,
            Self::Usage => 2,
            Self::Unreachable => 3,
            Self::AgentRefused => 4,
            Self::Unusable => 5,
            Self::Alarm => 6,
        }
    }
}

impl From<Code> for ExitCode {
    fn from(code: Code) -> Self {
        Self::from(code.number())
    }
}

/// The codes, as `--help` tells them. `{"error": name}` is the name on the right.
pub(crate) const HELP: &str = "\
Exit codes, and the names that --json gives:
  0  yes: done, or the proof stands; of `confront`: no fork is shown; of `forks --report`: one is, and is taken in
  1  the proof was refused, or reported evidence shows no fork, or there is no such peer or challenge: UnknownPeer,
     PeerExists, UnknownChallenge, Malformed, OtherLineage, WrongAudience, WrongSubject, Clock, Stalled; or nobody said
     that a new lineage may succeed the peer's: Succession; of `doctor`: a check fails, of `audit`: the sample is not
     what the moment commits to (no name: both are answers); of `drill`: the alarm does not come, DrillFailed, or a
     link is refused
  2  usage, malformed arguments included: InvalidArgument
  3  the agent is not reachable: Unreachable; of `doctor`: nor can its program be run
  4  the agent refused or can't do it: NotAuthorized, OtherLineage, WrongAudience, TooOld, NotKept, Unsupported,
     Unexpected, Failed; or too much is waiting or out: Busy
  5  a store or file can't be used: StoreUnavailable, FileUnavailable, SystemUnavailable
  6  alarm, for a person to look at: ForeignAnchor, NotContinuous, Contradiction, Forked, and Clock after a lag; of
     `confront`: a fork is shown (Forked), and is printed

CHALLENGE, PROOF, INTRODUCTION, FORK and TEXT are base64url without padding, on one line; each may be `@FILE` (a file's
content, whitespace around it ignored) or `-` (standard input). docs/json.md says what --json tells.";
