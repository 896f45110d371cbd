//! The entropy thread with sources that do what a test says, and with a real swtpm.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
    mpsc::{Receiver, Sender, channel},
};

use std::path::Path;

use selfsame_tpm_sim::Simulator;

use super::*;
use crate::entropy::{
    condition::Condition,
    kernel::Kernel,
    tpm::{Progress, TpmSource},
};

/// A test that waits longer for an event has failed.
const TOO_LONG: Duration = Duration::from_secs(20);

/// A source that gives, or fails, when the test says so, and hangs until then.
struct Scripted {
    name: &'static str,
    class: Class,
    steps: Receiver<bool>,
    asked: Arc<AtomicUsize>,
}

/// The test's end of a [`Scripted`] source. Dropped, the source fails at every draw.
struct Script {
    steps: Sender<bool>,
    asked: Arc<AtomicUsize>,
}

impl Script {
    fn give(&self) {
        self.steps.send(true).unwrap();
    }

    fn fail(&self) {
        self.steps.send(false).unwrap();
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

fn scripted(name: &'static str, class: Class) -> (Box<dyn EntropySource>, Script) {
    let (sender, steps) = channel();
    let asked = Arc::<AtomicUsize>::default();
    let script = Script { steps: sender, asked: Arc::clone(&asked) };
    (Box::new(Scripted { name, class, steps, asked }), script)
}

impl EntropySource for Scripted {
    fn name(&self) -> &str {
        self.name
    }

    fn class(&self) -> Class {
        self.class
    }

    fn draw(&mut self, out: &mut [u8]) -> Result<(), DrawError> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        if self.steps.recv() == Ok(true) {
            Kernel.draw(out)
        } else {
            Err(DrawError::Kernel { text: "as the test says".into() })
        }
    }
}

/// A processor that always gives.
struct Processor;

impl EntropySource for Processor {
    fn name(&self) -> &str {
        "rdseed"
    }

    fn class(&self) -> Class {
        Class::Cpu
    }

    fn draw(&mut self, out: &mut [u8]) -> Result<(), DrawError> {
        Kernel.draw(out)
    }
}

/// The TPM of a simulator, in this process.
fn tpm_of(simulator: &Simulator) -> Box<dyn EntropySource> {
    let tcti = simulator.tcti().parse().unwrap();
    Box::new(TpmSource::new(tcti, Path::new("/nonexistent"), Progress::new(|| {})))
}

/// A pace at which nothing happens by itself, and failures are retried soon.
fn pace() -> Pace {
    Pace {
        beat: TOO_LONG,
        interval: Some(TOO_LONG),
        retry_first: Duration::from_millis(1),
        retry_most: Duration::from_millis(4),
        patience: TOO_LONG,
        birth_optional: Duration::from_millis(50),
        birth_required: TOO_LONG,
    }
}

fn names(contributions: &[Contribution]) -> Vec<&str> {
    contributions.iter().map(|contribution| contribution.name.as_str()).collect()
}

/// Runs `gathering`; what it says comes out of the receiver.
fn run(gathering: Gathering) -> (Running, Receiver<Notice>) {
    let (sender, notices) = channel();
    let running = gathering.run(move |notice| drop(sender.send(notice))).unwrap();
    (running, notices)
}

/// Waits until source `name` has given something.
fn wait_for(notices: &Receiver<Notice>, name: &str) -> Contribution {
    loop {
        match notices.recv_timeout(TOO_LONG).expect("a notice") {
            Notice::Drawn(contribution) if contribution.name == name => return contribution,
            _ => {}
        }
    }
}

/// Waits until the condition is `wanted`, told of by a notice.
fn wait_until(notices: &Receiver<Notice>, status: &Status, wanted: Condition) {
    while status.condition() != wanted {
        let until_changed = |notice: Notice| matches!(notice, Notice::Changed);
        while !until_changed(notices.recv_timeout(TOO_LONG).expect("a notice")) {}
    }
}

#[test]
fn a_birth_takes_all_that_answer() {
    let (tpm, script) = scripted("tpm", Class::Tpm);
    script.give();
    let mut pace = pace();
    pace.birth_optional = TOO_LONG;
    let sources = vec![Box::new(Kernel) as Box<dyn EntropySource>, Box::new(Processor), tpm];
    let mut gathering = Gathering::begin(sources, Require::AnyHardware, pace).unwrap();
    let drawn = gathering.birth().unwrap();
    assert_eq!(names(&drawn), ["kernel", "rdseed", "tpm"]);
    assert!(drawn.iter().all(|contribution| contribution.bytes.len() == 1024), "a start-up test's samples");
    assert_eq!(gathering.status().condition(), Condition::Steady);
    assert!(gathering.status().sources().iter().all(SourceStatus::healthy));
}

#[test]
fn a_birth_does_not_wait_for_a_source_that_hangs_and_is_not_required() {
    let (tpm, script) = scripted("tpm", Class::Tpm);
    let sources = vec![Box::new(Kernel) as Box<dyn EntropySource>, Box::new(Processor), tpm];
    let mut gathering = Gathering::begin(sources, Require::AnyHardware, pace()).unwrap();
    let begun = Instant::now();
    let drawn = gathering.birth().unwrap();
    assert!(begun.elapsed() < TOO_LONG / 2);
    assert_eq!(names(&drawn), ["kernel", "rdseed"]);
    let status = gathering.status();
    assert_eq!(status.condition(), Condition::Warming, "it has not answered yet");

    // It joins when it answers.
    let (_running, notices) = run(gathering);
    script.give();
    assert_eq!(wait_for(&notices, "tpm").bytes.len(), 1024);
    assert!(status.sources().iter().all(SourceStatus::healthy));
}

#[test]
fn a_birth_without_a_tpm_is_degraded_and_says_so() {
    let (tpm, script) = scripted("tpm", Class::Tpm);
    script.fail();
    let mut pace = pace();
    pace.birth_optional = TOO_LONG;
    let sources = vec![Box::new(Kernel) as Box<dyn EntropySource>, Box::new(Processor), tpm];
    let mut gathering = Gathering::begin(sources, Require::AnyHardware, pace).unwrap();
    assert_eq!(names(&gathering.birth().unwrap()), ["kernel", "rdseed"]);
    let status = gathering.status();
    assert_eq!(status.condition(), Condition::Degraded);
    assert_eq!(status.unmet(), None);
    assert_eq!(status.sources()[2].health, Health::Failed("getrandom: as the test says".into()));
}

#[test]
fn a_required_source_that_hangs_is_waited_for_and_no_longer() {
    let (tpm, script) = scripted("tpm", Class::Tpm);
    let mut pace = pace();
    pace.birth_required = Duration::from_millis(50);
    let sources = vec![Box::new(Kernel) as Box<dyn EntropySource>, Box::new(Processor), tpm];
    let mut gathering = Gathering::begin(sources, Require::Each(vec![Class::Tpm]), pace).unwrap();
    let error = gathering.birth().unwrap_err().to_string();
    assert!(error.contains("tpm of class tpm: does not answer"), "{error}");
    assert_eq!(gathering.status().condition(), Condition::Degraded);
    drop(script);
}

#[test]
fn a_required_source_gets_three_attempts() {
    for failures in 0..=3 {
        let (tpm, script) = scripted("tpm", Class::Tpm);
        (0..failures).for_each(|_| script.fail());
        script.give();
        let sources = vec![Box::new(Kernel) as Box<dyn EntropySource>, tpm];
        let require = Require::Each(vec![Class::Tpm]);
        let mut gathering = Gathering::begin(sources, require, pace()).unwrap();
        match gathering.birth() {
            Ok(drawn) => assert!(failures < 3 && names(&drawn) == ["kernel", "tpm"], "{failures}"),
            Err(error) => {
                assert_eq!(failures, 3);
                assert!(error.to_string().contains("as the test says"), "{error}");
                assert_eq!(script.asked(), 3);
            }
        }
    }
}

#[test]
fn a_birth_needs_the_kernel() {
    let (kernel, script) = scripted("kernel", Class::Kernel);
    script.fail();
    let sources = vec![kernel, Box::new(Processor) as Box<dyn EntropySource>];
    let mut gathering = Gathering::begin(sources, Require::AnyHardware, pace()).unwrap();
    assert!(matches!(gathering.birth(), Err(BirthError::Kernel(_))));
}

#[test]
fn quick_sources_are_drawn_at_every_beat() {
    let mut pace = pace();
    pace.beat = Duration::from_millis(2);
    let sources = vec![Box::new(Kernel) as Box<dyn EntropySource>, Box::new(Processor)];
    let gathering = Gathering::begin(sources, Require::AnyHardware, pace).unwrap();
    let (_running, notices) = run(gathering);
    let first = wait_for(&notices, "kernel");
    for _ in 0..3 {
        wait_for(&notices, "rdseed");
        assert_ne!(wait_for(&notices, "kernel").bytes, first.bytes);
    }
}

#[test]
fn without_a_birth_the_first_draw_is_at_once_and_after_one_a_beat_later() {
    let sources = || vec![Box::new(Kernel) as Box<dyn EntropySource>];
    let gathering = Gathering::begin(sources(), Require::Each(vec![]), pace()).unwrap();
    let (_running, notices) = run(gathering);
    wait_for(&notices, "kernel");

    let mut gathering = Gathering::begin(sources(), Require::Each(vec![]), pace()).unwrap();
    gathering.birth().unwrap();
    let (running, notices) = run(gathering);
    running.stop();
    assert!(notices.iter().all(|notice| matches!(notice, Notice::Changed)), "no second draw yet");
}

#[test]
fn a_slow_source_is_drawn_again_after_the_interval_unless_it_is_off() {
    for interval in [Some(Duration::from_millis(1)), None] {
        let (tpm, script) = scripted("tpm", Class::Tpm);
        (0..3).for_each(|_| script.give());
        let mut pace = pace();
        pace.interval = interval;
        let gathering = Gathering::begin(vec![tpm], Require::AnyHardware, pace).unwrap();
        let (running, notices) = run(gathering);
        wait_for(&notices, "tpm");
        if interval.is_some() {
            wait_for(&notices, "tpm");
            wait_for(&notices, "tpm");
        } else {
            running.stop();
            assert_eq!(script.asked(), 1);
        }
    }
}

#[test]
fn a_failed_source_is_asked_until_it_works_again() {
    let (tpm, script) = scripted("tpm", Class::Tpm);
    script.give();
    let mut pace = pace();
    pace.interval = Some(Duration::from_millis(1));
    let gathering = Gathering::begin(vec![tpm], Require::AnyHardware, pace).unwrap();
    let status = gathering.status();
    let (_running, notices) = run(gathering);
    wait_for(&notices, "tpm");
    wait_until(&notices, &status, Condition::Steady);
    (0..5).for_each(|_| script.fail());
    wait_until(&notices, &status, Condition::Degraded);
    script.give();
    wait_for(&notices, "tpm");
    wait_until(&notices, &status, Condition::Steady);
}

#[test]
fn a_source_that_hangs_counts_as_failed_holds_up_nothing_and_is_asked_once() {
    let (tpm, script) = scripted("tpm", Class::Tpm);
    let mut pace = pace();
    pace.beat = Duration::from_millis(2);
    pace.patience = Duration::from_millis(10);
    let sources = vec![Box::new(Kernel) as Box<dyn EntropySource>, Box::new(Processor), tpm];
    let mut gathering = Gathering::begin(sources, Require::AnyHardware, pace).unwrap();
    gathering.birth().unwrap();
    let status = gathering.status();
    let (_running, notices) = run(gathering);
    let has_failed =
        || matches!(&status.sources()[2].health, Health::Failed(why) if why.starts_with("no answer"));
    while !has_failed() {
        notices.recv_timeout(TOO_LONG).expect("it is told");
    }
    assert_eq!(status.condition(), Condition::Degraded);
    for _ in 0..10 {
        wait_for(&notices, "kernel");
    }
    assert_eq!(script.asked(), 1, "at most one draw may hang");

    // What it gives in the end is as good as ever.
    script.give();
    wait_for(&notices, "tpm");
    wait_until(&notices, &status, Condition::Steady);
}

#[test]
fn a_stop_lets_sources_put_their_devices_in_order_but_waits_for_none_that_hangs() {
    let mut simulator = Simulator::start().unwrap();
    let source = || vec![tpm_of(&simulator)];
    let gathering = Gathering::begin(source(), Require::AnyHardware, pace()).unwrap();
    let (running, notices) = run(gathering);
    wait_for(&notices, "tpm");
    running.stop();
    // swtpm takes one connection at a time: that this one is answered shows that the other is closed.
    let gathering = Gathering::begin(source(), Require::AnyHardware, pace()).unwrap();
    let (running, notices) = run(gathering);
    wait_for(&notices, "tpm");
    running.stop();

    simulator.freeze().unwrap();
    let gathering = Gathering::begin(source(), Require::AnyHardware, pace()).unwrap();
    let (running, _notices) = run(gathering);
    let begun = Instant::now();
    running.stop();
    assert!(begun.elapsed() < TOO_LONG / 2);
    // So that the thread that hangs can end.
    simulator.kill().unwrap();
}

#[test]
fn a_real_tpm_that_dies_freezes_and_comes_back() {
    let mut simulator = Simulator::start().unwrap();
    let mut pace = pace();
    pace.interval = Some(Duration::from_millis(5));
    pace.retry_most = Duration::from_millis(20);
    pace.patience = Duration::from_millis(300);
    let tpm = tpm_of(&simulator);
    let sources = vec![Box::new(Kernel) as Box<dyn EntropySource>, Box::new(Processor), tpm];
    let mut gathering = Gathering::begin(sources, Require::Each(vec![Class::Tpm]), pace).unwrap();
    assert_eq!(names(&gathering.birth().unwrap()), ["kernel", "rdseed", "tpm"]);
    let status = gathering.status();
    let (_running, notices) = run(gathering);
    wait_for(&notices, "tpm");
    wait_until(&notices, &status, Condition::Steady);

    simulator.kill().unwrap();
    wait_until(&notices, &status, Condition::Degraded);
    assert!(status.unmet().is_some());
    simulator.restart().unwrap();
    wait_until(&notices, &status, Condition::Steady);

    simulator.freeze().unwrap();
    wait_until(&notices, &status, Condition::Degraded);
    simulator.thaw().unwrap();
    wait_until(&notices, &status, Condition::Steady);
    wait_for(&notices, "tpm");
}
