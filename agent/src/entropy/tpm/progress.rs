//! Who waits for a TPM is told of each command that has come back: a slow TPM is not one that hangs.

use std::sync::Arc;

/// What is called after each command. Clones call the same.
#[derive(Clone)]
pub(crate) struct Progress(Arc<dyn Fn() + Send + Sync>);

impl Progress {
    /// Calls `tell` each time.
    pub(crate) fn new(tell: impl Fn() + Send + Sync + 'static) -> Self {
        Self(Arc::new(tell))
    }

    /// One more has come back.
    pub(crate) fn tell(&self) {
        (self.0)();
    }
}
