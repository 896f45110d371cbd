//! A memory that refuses the change that it is told to refuse, and counts those that it makes.

use std::cell::Cell;
use std::rc::Rc;

use selfsame::{Memory, Secrets};
use zeroize::Zeroize;

/// What a test sees of its memory, and tells it.
#[derive(Debug, Default)]
pub struct Control {
    /// Changes that were committed.
    pub committed: Cell<u64>,
    /// So many more are committed, the one after them is refused; `None`: none is.
    pub fails_after: Cell<Option<u64>>,
}

#[derive(Debug)]
pub struct Failing {
    secrets: Box<Secrets>,
    control: Rc<Control>,
}

#[derive(Debug, thiserror::Error)]
#[error("the memory was told to refuse this change")]
pub struct Refused;

impl Failing {
    pub fn new() -> (Self, Rc<Control>) {
        let control = Rc::new(Control::default());
        (Self { secrets: Box::new(Secrets::blank()), control: control.clone() }, control)
    }
}

impl Memory for Failing {
    type Error = Refused;

    fn secrets(&self) -> &Secrets {
        &self.secrets
    }

    /// Makes the change in a second slot, as the agent's page does, and refuses only then: all was worked out, and
    /// none of it is kept.
    fn update(&mut self, change: impl FnOnce(&mut Secrets)) -> Result<(), Refused> {
        let mut second = Box::new(Secrets::blank());
        second.copy_from(&self.secrets);
        change(&mut second);
        let Control { committed, fails_after } = &*self.control;
        if fails_after.get() == Some(0) {
            second.zeroize();
            fails_after.set(None);
            return Err(Refused);
        }
        fails_after.set(fails_after.get().map(|more| more - 1));
        committed.set(committed.get() + 1);
        self.secrets = second;
        Ok(())
    }
}
