//! What is to be disturbed, and what is held back.

use std::io;
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use super::wire;
use crate::{CommandCode, How, When};

/// The rules of a tap.
#[derive(Debug, Default)]
pub(super) struct Rules {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    rules: Vec<(When, Arc<How>)>,
    /// The ends of [`Hold`]s that let go.
    held: Vec<Weak<UnixStream>>,
}

/// What happens to one command.
pub(super) struct Fate {
    /// None: nothing.
    pub(super) how: Option<Arc<How>>,
    pub(super) hold: Hold,
}

/// What a command that is held back waits on: one end of a pair of streams, of which the other hangs up.
pub(super) struct Hold {
    pub(super) watched: UnixStream,
    _lever: Arc<UnixStream>,
}

impl Rules {
    pub(super) fn add(&self, when: When, how: How) {
        self.lock().rules.push((when, Arc::new(how)));
    }

    pub(super) fn calm(&self) {
        let mut state = self.lock();
        state.rules.clear();
        for lever in state.held.drain(..).filter_map(|lever| lever.upgrade()) {
            wire::end(&lever);
        }
    }

    /// What happens to a command with this code. A rule for the next one only is used up.
    ///
    /// The hold is part of it, so that a calm after this lets go what was caught before.
    pub(super) fn judge(&self, code: CommandCode) -> io::Result<Fate> {
        let (watched, lever) = UnixStream::pair()?;
        let lever = Arc::new(lever);
        let mut state = self.lock();
        state.held.retain(|lever| lever.strong_count() > 0);
        state.held.push(Arc::downgrade(&lever));
        let found = state.rules.iter().position(|(when, _)| when.matches(code));
        let how = found.and_then(|at| match state.rules.get(at)? {
            (When::Next(_), _) => Some(state.rules.remove(at).1),
            (_, how) => Some(Arc::clone(how)),
        });
        Ok(Fate { how, hold: Hold { watched, _lever: lever } })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing under this lock panics halfway through a change.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_first_that_matches_wins_and_the_next_is_used_up() {
        let rules = Rules::default();
        let (random, clock) = (CommandCode::GET_RANDOM, CommandCode::READ_CLOCK);
        rules.add(When::Next(random), How::Code(1));
        rules.add(When::Command(clock), How::Code(2));
        rules.add(When::Every, How::Code(3));
        rules.add(When::Command(random), How::Code(4));
        let judged = |code| match rules.judge(code).unwrap().how.as_deref() {
            Some(How::Code(code)) => *code,
            other => panic!("{other:?}"),
        };
        assert_eq!([random, random, clock, clock, CommandCode::LOAD].map(judged), [1, 3, 2, 2, 3]);
        rules.calm();
        assert!(rules.judge(random).unwrap().how.is_none());
    }

    #[test]
    fn a_calm_lets_go_all_that_is_held_by_then_and_no_other() {
        let rules = Rules::default();
        let before = [(); 2].map(|()| rules.judge(CommandCode::LOAD).unwrap());
        rules.calm();
        let after = rules.judge(CommandCode::LOAD).unwrap();
        let let_go = |fate: &Fate| wire::wait(Some(&fate.hold.watched), &[], Some(Duration::ZERO)).unwrap();
        assert!(before.iter().all(let_go) && !let_go(&after));
    }
}
