//! Looking at all that the agent needs: one look at a time, on a thread of its own, since a TPM may block.

use std::{sync::Arc, thread};

use selfsame_dbus::{Check, Error};
use tokio::sync::{Semaphore, oneshot};

/// What looks: it may block.
pub(crate) type Diagnose = Arc<dyn Fn() -> Vec<Check> + Send + Sync>;

/// Looks, one at a time.
pub(crate) struct Diagnosing {
    diagnose: Diagnose,
    /// One place. Who looks holds it to the end of the look, whether or not the caller still waits.
    place: Arc<Semaphore>,
}

impl Diagnosing {
    pub(crate) fn new(diagnose: Diagnose) -> Self {
        Self { diagnose, place: Arc::new(Semaphore::new(1)) }
    }

    /// What is found.
    ///
    /// # Errors
    /// [`Error::Busy`] while another looks, or where the system has no thread to spare.
    pub(crate) async fn checks(&self) -> Result<Vec<Check>, Error> {
        let Ok(place) = self.place.clone().try_acquire_owned() else {
            return Err(Error::Busy("another looks already: one at a time, try again".into()));
        };
        let diagnose = self.diagnose.clone();
        let (found, checks) = oneshot::channel();
        // no blocking task of the runtime: an agent that is told to end would wait for it
        let look = move || {
            let checks = diagnose();
            drop(place);
            // the caller may have gone
            let _ = found.send(checks);
        };
        let thread = thread::Builder::new().name("diagnose".into()).spawn(look);
        thread.map_err(|error| Error::Busy(format!("no thread to look with: {error}")))?;
        checks.await.map_err(|_| Error::Failed("the look has panicked".into()))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Mutex, mpsc};

    use futures_util::{FutureExt, poll};

    use super::*;

    fn check(finding: &str) -> Check {
        let [check, state, remedy] = ["a", "ok", ""].map(str::to_owned);
        Check { check, state, finding: finding.to_owned(), remedy }
    }

    #[tokio::test]
    async fn one_looks_at_a_time_and_the_runtime_goes_on() {
        let (go, gone) = mpsc::channel::<()>();
        let gone = Mutex::new(gone);
        let diagnosing = Diagnosing::new(Arc::new(move || {
            gone.lock().unwrap().recv().unwrap();
            vec![check("found")]
        }));
        let mut first = Box::pin(diagnosing.checks());
        assert!(poll!(&mut first).is_pending());
        assert!(matches!(diagnosing.checks().now_or_never(), Some(Err(Error::Busy(_)))));
        go.send(()).unwrap();
        assert_eq!(first.await.unwrap(), [check("found")]);

        go.send(()).unwrap();
        assert_eq!(diagnosing.checks().await.unwrap(), [check("found")], "the place is free again");
    }

    #[tokio::test]
    async fn a_caller_that_goes_leaves_the_place_taken_until_the_look_ends() {
        let (go, gone) = mpsc::channel::<()>();
        let gone = Mutex::new(gone);
        let diagnosing = Diagnosing::new(Arc::new(move || {
            gone.lock().unwrap().recv().unwrap();
            Vec::new()
        }));
        let mut first = Box::pin(diagnosing.checks());
        assert!(poll!(&mut first).is_pending());
        drop(first);
        assert!(matches!(diagnosing.checks().await, Err(Error::Busy(_))));
        go.send(()).unwrap();
        let _free = diagnosing.place.acquire().await.unwrap();
    }
}
