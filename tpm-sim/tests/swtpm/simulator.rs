//! The library.

use std::thread;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use selfsame_tpm_sim::{FreezeError, Simulator};

use crate::processes;
use crate::wire;

#[test]
fn answers_at_once() {
    let simulator = Simulator::start().unwrap();
    assert_ne!(wire::random(simulator.tcti()), wire::random(simulator.tcti()));
    assert!(simulator.is_running());
}

#[test]
fn two_are_two() {
    let (one, two) = (Simulator::start().unwrap(), Simulator::start().unwrap());
    assert_ne!(one.tcti(), two.tcti());
    assert_ne!(one.pid(), two.pid());

    let gone = wire::directory(one.tcti());
    one.stop().unwrap();
    assert!(processes::nothing_left(&gone));
    wire::random(two.tcti());
}

#[test]
fn stop_and_drop_leave_nothing() {
    for end in [|simulator: Simulator| simulator.stop().unwrap(), drop] {
        let simulator = Simulator::start().unwrap();
        let directory = wire::directory(simulator.tcti());
        assert_eq!(Some(processes::swtpm(&directory)), simulator.pid());

        end(simulator);
        assert!(processes::nothing_left(&directory));
    }
}

#[test]
fn outlives_the_thread_that_started_it() {
    let simulator = thread::spawn(|| Simulator::start().unwrap()).join().unwrap();
    wire::random(simulator.tcti());
}

#[test]
fn goes_away_and_returns_in_the_same_place() {
    let mut simulator = Simulator::start().unwrap();
    let tcti = simulator.tcti().to_owned();
    let mut stream = wire::connect(&wire::socket(&tcti));
    wire::ask(&mut stream);
    wire::answer(&mut stream);

    let first = simulator.pid();
    simulator.kill().unwrap();
    assert_eq!((simulator.pid(), simulator.is_running()), (None, false));
    assert!(wire::is_closed(&mut stream));
    assert!(matches!(simulator.freeze(), Err(FreezeError::NotRunning)));
    assert!(matches!(simulator.thaw(), Err(FreezeError::NotRunning)));

    simulator.restart().unwrap();
    assert_ne!(simulator.pid(), first);
    assert_eq!(simulator.tcti(), tcti);
    wire::random(&tcti);

    // One that still runs is replaced. The new one has the old one's state: it counts on.
    let (second, resets) = (simulator.pid(), wire::reset_count(&tcti));
    simulator.restart().unwrap();
    assert_ne!(simulator.pid(), second);
    assert_eq!(wire::reset_count(&tcti), resets + 1);
}

#[test]
fn end_by_itself_is_seen() {
    let mut simulator = Simulator::start().unwrap();
    let pid = simulator.pid().unwrap();
    kill(Pid::from_raw(pid.cast_signed()), Signal::SIGKILL).unwrap();
    processes::until(|| !simulator.is_running());
    assert!(matches!(simulator.freeze(), Err(FreezeError::NotRunning)));

    simulator.restart().unwrap();
    wire::random(simulator.tcti());
}

#[test]
fn frozen_does_not_answer_until_thawed() {
    let simulator = Simulator::start().unwrap();
    let mut stream = wire::connect(&wire::socket(simulator.tcti()));
    for _ in 0..2 {
        simulator.freeze().unwrap();
        wire::ask(&mut stream);
        assert!(wire::is_silent(&mut stream));
        assert!(simulator.is_running());

        simulator.thaw().unwrap();
        wire::answer(&mut stream);
    }
}

#[test]
fn frozen_is_stopped_all_the_same() {
    let simulator = Simulator::start().unwrap();
    let directory = wire::directory(simulator.tcti());
    simulator.freeze().unwrap();
    simulator.stop().unwrap();
    assert!(processes::nothing_left(&directory));
}
