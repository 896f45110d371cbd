//! A world: hosts, two relying parties of some processes on one machine and one store, and what will happen, by true
//! time.

use std::collections::BTreeMap;
use std::rc::Rc;

use selfsame::{Head, LineageId, Peer, Predecessor};
use selfsame_tests::play::clocks::Clocks;
use selfsame_tests::play::host::AUDIENCE;
use selfsame_tests::play::{Chance, Party};

use super::machine::{Machine, SECOND};
use super::model::Model;
use super::script::Script;
use super::tally::Tally;

/// What the relying parties call the hosts.
pub const NAMES: [&str; 3] = ["cache", "db1", "web1"];

/// The processes on the store, by the relying party that each belongs to: what its callers call it.
pub const AUDIENCES: [&str; 3] = [AUDIENCE, AUDIENCE, "beside.example"];

/// What happens. All but the script's own turns are steps.
#[derive(Clone, Debug)]
pub enum Act {
    /// It is time to think of something else to happen.
    Turn,
    /// A relying party issues a challenge; anew: of whoever comes.
    Ask { peer: usize, anew: bool, ways: Ways },
    /// A challenge arrives at the host.
    AtHost { number: usize, ways: Ways },
    /// The host makes one moment for all challenges that wait.
    Commit { peer: usize },
    /// An answer arrives at a process of the relying party that asked.
    AtParty(Rc<Answer>),
    /// A relying party is told that the host is of another lineage.
    Told { peer: usize, own: LineageId },
    /// The host hands out a head to somebody else, who never comes back.
    Elsewhere { peer: usize },
    /// The host introduces itself; how long that is on its way, if it comes at all.
    Introduce { peer: usize, back: Option<u64> },
    /// The introduction is taken up.
    TakeUp { peer: usize, introduction: Vec<u8>, head: Head, made_at: u64 },
    /// A process is started anew.
    Restart { process: usize },
    /// The relying parties' machine is started anew, with its wall clock wrong by so much.
    Reboot { wrong_ms: i64 },
    /// The relying parties' wall clock is set, wrong by so much.
    SetWall { wrong_ms: i64 },
    /// The host's machine does nothing for so long.
    Suspend { peer: usize, ticks: u64 },
    /// So does its age clock.
    Pause { peer: usize, ticks: u64 },
    /// The host's machine is started anew: a new lineage.
    HostReboots { peer: usize },
    /// A person makes the store forget the peer.
    Forget { peer: usize },
}

/// How long a challenge and its answer take.
#[derive(Clone, Copy, Debug)]
pub struct Ways {
    pub there: u64,
    /// Challenges wait so long at the host for others, which one moment answers with them.
    pub gathers: u64,
    /// `None`: the answer is lost.
    pub back: Option<u64>,
}

/// A proof on its way.
#[derive(Debug)]
pub struct Answer {
    pub number: usize,
    pub proof: Vec<u8>,
    pub lineage: LineageId,
    pub head: Head,
    pub predecessor: Option<LineageId>,
    /// For so long the host's clock had stood still by then.
    pub paused: u64,
}

pub struct World {
    pub t: u64,
    pub chance: Chance,
    pub machines: Vec<Machine>,
    pub processes: Vec<Party>,
    pub clocks: Clocks,
    pub wrong_ms: i64,
    pub model: Model,
    pub script: Script,
    pub tally: Tally,
    /// Challenges that wait at each host.
    pub waiting: Vec<Vec<(usize, Ways)>>,
    /// Somebody else, whom the hosts answer, too.
    pub elsewhere: Peer,
    coming: BTreeMap<(u64, u64), Act>,
    order: u64,
}

impl World {
    pub fn new(seed: u64) -> Self {
        let mut chance = Chance::new(seed);
        let party = Party::default();
        let mut processes = vec![party];
        (1..AUDIENCES.len()).for_each(|_| processes.push(processes[0].beside()));
        let none: Option<Predecessor> = None;
        let machines = NAMES.map(|_| Machine::started(&mut chance, 0, none));
        let mut world = Self {
            t: 1,
            script: Script::default(),
            chance,
            machines: machines.into(),
            processes,
            clocks: Clocks::new(),
            wrong_ms: 0,
            model: Model::default(),
            tally: Tally::default(),
            waiting: vec![Vec::new(); NAMES.len()],
            elsewhere: Peer::unknown(),
            coming: BTreeMap::new(),
            order: 0,
        };
        world.later(SECOND, Act::Turn);
        world
    }

    /// Lets something happen so many ticks later.
    pub fn later(&mut self, ticks: u64, act: Act) {
        self.order += 1;
        self.coming.insert((self.t + ticks, self.order), act);
    }

    /// Runs until so many steps were made, and what is in the store is what should be.
    pub fn run(mut self, steps: u64) -> Tally {
        while self.tally.steps < steps {
            let ((t, _), act) = self.coming.pop_first().unwrap();
            self.t = t;
            self.happens(act);
            if self.tally.steps.is_multiple_of(64) {
                self.compares();
            }
        }
        self.compares();
        self.processes[0].store().check().unwrap();
        self.tally
    }

    fn happens(&mut self, act: Act) {
        if let Act::Turn = act {
            return self.turn();
        }
        let sleeps = match act {
            Act::Commit { peer } | Act::Elsewhere { peer } | Act::Introduce { peer, .. } => {
                self.machines[peer].awake_at(self.t) - self.t
            }
            _ => 0,
        };
        if sleeps > 0 {
            return self.later(sleeps, act);
        }
        self.tally.steps += 1;
        self.acts(act);
    }

    /// Holds the store against the model.
    fn compares(&mut self) {
        let process = self.chance.index(AUDIENCES.len());
        for (peer, name) in NAMES.into_iter().enumerate() {
            let Some(known) = self.model.known.get(&peer) else {
                assert!(self.processes[process].store().peer(name).is_err());
                continue;
            };
            let kept = self.processes[process].store().peer(name).unwrap();
            assert_eq!(kept.lineage(), Some(&known.lineage));
            assert_eq!(kept.anchor().unwrap().index(), known.anchor);
            assert_eq!(kept.unconfirmed(), Vec::from_iter(known.unconfirmed.iter().copied()));
        }
    }

    /// What the relying parties' clocks say.
    pub fn now(&self) -> selfsame::Now {
        self.clocks.now(self.t)
    }
}
