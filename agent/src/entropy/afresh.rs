//! What a birth in a living agent draws from: nothing that was drawn before it.

use std::{
    sync::mpsc::{Sender, channel},
    time::{Duration, Instant},
};

use super::{Contribution, EntropySource, slow::Event, tested::Tested};

/// Quick sources, and a way to the thread that draws from the others.
pub(crate) struct Afresh {
    quick: Vec<Tested>,
    to_events: Sender<Event>,
    patience: Duration,
}

impl Afresh {
    pub(super) fn new(
        quick: Vec<Box<dyn EntropySource>>,
        to_events: Sender<Event>,
        patience: Duration,
    ) -> Self {
        Self { quick: quick.into_iter().map(Tested::new).collect(), to_events, patience }
    }

    /// What the quick sources give now. One that fails is left out: the entropy thread says so, too.
    pub(crate) fn quick(&mut self) -> Vec<Contribution> {
        self.quick.iter_mut().filter_map(|source| source.draw().result.ok()).collect()
    }

    /// What all sources give now: of the slow ones those that answer in the time that a birth waits for a source that it
    /// can do without. A draw that was under way already is none of these.
    pub(crate) fn all(&mut self) -> Vec<Contribution> {
        let mut drawn = self.quick();
        let (to, gives) = channel();
        let until = Instant::now() + self.patience;
        if self.to_events.send(Event::Afresh(to)).is_ok() {
            while let Ok(given) = gives.recv_timeout(until.saturating_duration_since(Instant::now())) {
                drawn.push(given);
            }
        }
        drawn
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

    use super::*;
    use crate::entropy::{Class, DrawError, Gathering, Pace, Require, kernel::Kernel};

    /// A slow source that gives when it is let, and says when it is asked.
    struct Let {
        asked: SyncSender<usize>,
        go: Receiver<()>,
        kernel: Kernel,
        draws: usize,
    }

    impl EntropySource for Let {
        fn name(&self) -> &str {
            "let"
        }

        fn class(&self) -> Class {
            Class::Hsm
        }

        fn draw(&mut self, out: &mut [u8]) -> Result<(), DrawError> {
            self.draws += 1;
            self.asked.send(self.draws).unwrap();
            self.go.recv().map_err(|_| DrawError::Kernel { text: "gone".into() })?;
            self.kernel.draw(out)
        }
    }

    #[test]
    fn a_slow_source_is_asked_anew_and_what_it_gives_goes_to_the_birth_alone() {
        let (asked, is_asked) = sync_channel(9);
        let (go, gone) = channel();
        let source = Let { asked, go: gone, kernel: Kernel, draws: 0 };
        // an interval that is none: it would never be asked again
        let pace =
            Pace { birth_optional: Duration::from_secs(60), ..Pace::new(Duration::from_secs(3600), None) };
        let mut gathering =
            Gathering::begin(vec![Box::new(source)], Require::Each(Vec::new()), pace).unwrap();
        go.send(()).unwrap();
        assert_eq!(gathering.birth().unwrap().len(), 1);
        let mut afresh = gathering.afresh(vec![Box::new(Kernel)]);
        let (tell, told) = channel();
        let running = gathering.run(move |notice| drop(tell.send(notice))).unwrap();
        assert_eq!(is_asked.recv(), Ok(1));

        go.send(()).unwrap();
        let names: Vec<String> = afresh.all().into_iter().map(|given| given.name).collect();
        assert_eq!(names, ["kernel", "let"]);
        assert_eq!(is_asked.recv(), Ok(2));

        // one that is under way when the next birth asks is not waited for, and goes where it always does
        let waits = std::thread::spawn(move || {
            let mut impatient = afresh;
            impatient.patience = Duration::ZERO;
            let first = impatient.all().len();
            impatient.patience = Duration::from_secs(60);
            (first, impatient.all().len())
        });
        assert_eq!(is_asked.recv(), Ok(3));
        assert_eq!(waits.join().unwrap(), (1, 1));
        go.send(()).unwrap();
        let drawn = told.iter().find_map(|notice| match notice {
            crate::entropy::Notice::Drawn(given) if given.name == "let" => Some(given),
            _ => None,
        });
        assert_eq!(drawn.unwrap().bytes.len(), 32);
        running.stop();
    }
}
