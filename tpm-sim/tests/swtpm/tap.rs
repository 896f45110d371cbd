//! The tap, between a bare client and a real swtpm.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use selfsame_tpm_sim::{CommandCode, Exchange, How, Simulator, Tap, When};

use crate::processes;
use crate::wire::{self, GET_RANDOM, PATIENCE, READ_CLOCK};

const RANDOM: When = When::Command(CommandCode::GET_RANDOM);

fn connect(tap: &Tap) -> UnixStream {
    wire::connect(&wire::socket(tap.tcti()))
}

fn both() -> (Simulator, Tap) {
    let simulator = Simulator::start().unwrap();
    let tap = Tap::start(&simulator).unwrap();
    (simulator, tap)
}

fn is_random(exchange: &Exchange) -> bool {
    exchange.code() == CommandCode::GET_RANDOM
}

#[test]
fn passes_on_what_it_is_not_told_to_disturb_and_records_it() {
    let (simulator, tap) = both();
    assert_ne!(tap.tcti(), simulator.tcti());
    let mut stream = connect(&tap);
    let random = wire::exchange(&mut stream, &GET_RANDOM);
    let clock = wire::exchange(&mut stream, &READ_CLOCK);
    assert_eq!(tap.connections(), 1);

    let seen = tap.exchanges();
    assert_eq!(tap.take(), seen);
    assert_eq!(tap.take(), []);
    let [first, second] = &seen[..] else { panic!("{seen:?}") };
    assert_eq!((&first.command[..], &first.answer, &first.told), (&GET_RANDOM[..], &random, &random));
    assert_eq!((&second.command[..], &second.answer, &second.told), (&READ_CLOCK[..], &clock, &clock));
    assert_eq!((first.code(), second.code()), (CommandCode::GET_RANDOM, CommandCode::READ_CLOCK));
    assert_eq!((first.connection, first.response_code(), first.parameters()), (1, 0, &[0, 8][..]));
}

#[test]
fn the_handles_of_each_command_are_as_the_tpm_says() {
    let simulator = Simulator::start().unwrap();
    let mut stream = wire::connect(&wire::socket(simulator.tcti()));
    // TPM_CAP_COMMANDS, from the first on, 254 at most.
    let command = [0x80, 1, 0, 0, 0, 22, 0, 0, 1, 0x7a, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 254];
    let answer = wire::exchange(&mut stream, &command);
    let (head, list) = answer[10..].split_at(9);
    assert_eq!(head[..5], [0, 0, 0, 0, 2], "no more than these, of TPM_CAP_COMMANDS");
    let mut compared = 0;
    for attributes in list.chunks(4) {
        // Source: TCG TPM 2.0 Library, part 2, 8.9: TPMA_CC has the index below, cHandles in bits 25 to 27, V in 29.
        let attributes = u32::from_be_bytes(attributes.try_into().unwrap());
        if attributes & 1 << 29 == 0 {
            let code = CommandCode(attributes & 0xffff);
            assert!(code.name().is_some(), "{code}");
            assert_eq!(code.handles(), Some((attributes >> 25 & 7) as usize), "{code}");
            compared += 1;
        }
    }
    // swtpm 0.7 has 110 of them.
    assert!(compared > 100, "{compared}");
}

#[test]
fn a_code_is_answered_and_the_tpm_never_asked() {
    let (_simulator, tap) = both();
    let mut stream = connect(&tap);
    tap.disturb(When::Next(CommandCode::GET_RANDOM), How::Code(0x922));
    assert_eq!(wire::exchange(&mut stream, &GET_RANDOM), [0x80, 1, 0, 0, 0, 10, 0, 0, 9, 0x22]);
    assert_eq!(wire::exchange(&mut stream, &GET_RANDOM).len(), 20, "only the next");

    let seen = tap.take();
    assert_eq!((seen[0].answer.len(), seen[0].told.len(), seen[0].response_code()), (0, 10, 0x922));
    assert_eq!((seen[1].answer.len(), seen[1].response_code()), (20, 0));
}

#[test]
fn a_dropped_command_gets_no_answer_and_the_connection_stays() {
    let (_simulator, tap) = both();
    let mut stream = connect(&tap);
    tap.disturb(RANDOM, How::Drop);
    wire::ask(&mut stream);
    // Other commands, and so the end of the wait for it, come after it.
    assert_eq!(wire::exchange(&mut stream, &READ_CLOCK).len(), 35);
    let seen = tap.take();
    assert!(is_random(&seen[0]) && seen[0].answer.is_empty() && seen[0].told.is_empty());
    assert_eq!(seen[0].response_code(), Exchange::UNANSWERED);

    tap.calm();
    wire::ask(&mut stream);
    wire::answer(&mut stream);
}

#[test]
fn a_hang_up_comes_in_place_of_the_answer() {
    let (_simulator, tap) = both();
    let mut stream = connect(&tap);
    tap.disturb(RANDOM, How::HangUp);
    wire::ask(&mut stream);
    assert!(wire::is_closed(&mut stream));
    let seen = tap.take();
    assert_eq!((seen.len(), seen[0].answer.len(), seen[0].told.len()), (1, 20, 0));
    // The next client gets its turn.
    assert_eq!(wire::exchange(&mut connect(&tap), &READ_CLOCK).len(), 35);
    assert_eq!(tap.connections(), 2);
}

#[test]
fn a_frozen_answer_comes_when_the_tap_is_calmed() {
    let (_simulator, tap) = both();
    let mut stream = connect(&tap);
    tap.disturb(RANDOM, How::Freeze);
    wire::ask(&mut stream);
    assert!(tap.wait_for(PATIENCE, is_random));
    assert!(wire::is_silent(&mut stream));
    assert_eq!((tap.exchanges()[0].answer.len(), tap.exchanges()[0].told.len()), (20, 0));

    tap.calm();
    let answer = wire::message(&mut stream);
    assert_eq!(tap.take()[0].told, answer, "filled in");
    wire::ask(&mut stream);
    wire::answer(&mut stream);
}

#[test]
fn an_exchange_taken_while_frozen_stays_as_it_was() {
    let (_simulator, tap) = both();
    let mut stream = connect(&tap);
    tap.disturb(When::Next(CommandCode::GET_RANDOM), How::Freeze);
    wire::ask(&mut stream);
    assert!(tap.wait_for(PATIENCE, is_random));
    assert_eq!(tap.take().len(), 1);
    tap.calm();
    wire::answer(&mut stream);
    wire::exchange(&mut stream, &READ_CLOCK);
    let seen = tap.take();
    assert_eq!((seen.len(), seen[0].code(), seen[0].told.len()), (1, CommandCode::READ_CLOCK, 35));
}

#[test]
fn an_observer_sees_each_exchange_once_at_its_end() {
    let (_simulator, tap) = both();
    let (sender, seen) = mpsc::channel();
    tap.observe(move |exchange| sender.send((exchange.code(), exchange.told.len())).unwrap());
    tap.disturb(RANDOM, How::Freeze);

    let mut stream = connect(&tap);
    wire::exchange(&mut stream, &READ_CLOCK);
    wire::ask(&mut stream);
    assert!(tap.wait_for(PATIENCE, is_random));
    assert_eq!(seen.try_iter().collect::<Vec<_>>(), [(CommandCode::READ_CLOCK, 35)]);
    tap.calm();
    wire::answer(&mut stream);
    assert_eq!(seen.try_iter().collect::<Vec<_>>(), [(CommandCode::GET_RANDOM, 20)]);
}

#[test]
fn a_delayed_answer_comes_by_itself_or_when_the_tap_is_calmed() {
    let (_simulator, tap) = both();
    let mut stream = connect(&tap);
    let delay = Duration::from_millis(30);
    tap.disturb(When::Next(CommandCode::GET_RANDOM), How::Delay(delay));
    let begun = Instant::now();
    wire::ask(&mut stream);
    wire::answer(&mut stream);
    assert!(begun.elapsed() >= delay);
    assert_eq!(tap.take()[0].told.len(), 20);

    tap.disturb(RANDOM, How::Delay(Duration::MAX));
    wire::ask(&mut stream);
    assert!(tap.wait_for(PATIENCE, is_random));
    assert!(wire::is_silent(&mut stream));
    tap.calm();
    wire::answer(&mut stream);
}

#[test]
fn answers_are_changed_as_told() {
    let (_simulator, tap) = both();
    let mut stream = connect(&tap);
    let told = |stream: &mut UnixStream, how| {
        tap.disturb(When::Next(CommandCode::GET_RANDOM), how);
        let told = wire::exchange(stream, &GET_RANDOM);
        let seen = tap.take();
        assert_eq!((seen.len(), &seen[0].told), (1, &told));
        assert_eq!(seen[0].answer.len(), 20);
        (seen[0].answer.clone(), told)
    };

    let (answer, flipped) = told(&mut stream, How::Flip { byte: 16 });
    let differ: Vec<_> = (0..20).filter(|at| answer[*at] != flipped[*at]).collect();
    assert_eq!((differ, answer[16] ^ flipped[16]), (vec![16], 1));

    let (answer, short) = told(&mut stream, How::Truncate(13));
    assert_eq!((&short[..6], &short[6..]), (&[0x80, 1, 0, 0, 0, 13][..], &answer[6..13]));

    let (answer, garbage) = told(&mut stream, How::Garbage(7));
    assert_eq!(garbage[..10], [0x80, 1, 0, 0, 0, 42, 0, 0, 0, 0]);
    assert_ne!(garbage[10..20], answer[10..20]);
    assert_eq!(told(&mut stream, How::Garbage(7)).1, garbage);

    let replacement = vec![0x80, 1, 0, 0, 0, 11, 0, 0, 0, 0, 0x55];
    assert_eq!(told(&mut stream, How::Replace(replacement.clone())).1, replacement);

    let alter = How::Alter(Box::new(|code, answer| {
        assert_eq!(code, CommandCode::GET_RANDOM);
        answer[19] = 0xee;
        answer[18] = 0xff;
    }));
    assert_eq!(told(&mut stream, alter).1[18..], [0xff, 0xee]);
}

#[test]
fn a_cut_answer_ends_the_connection() {
    let (_simulator, tap) = both();
    let mut stream = connect(&tap);
    tap.disturb(RANDOM, How::Cut(7));
    wire::ask(&mut stream);
    let mut got = Vec::new();
    stream.read_to_end(&mut got).unwrap();
    assert_eq!(got, [0x80, 1, 0, 0, 0, 20, 0], "the length is the whole answer's");
    assert_eq!(tap.take()[0].told, got);
}

#[test]
fn every_command_is_disturbed_on_every_connection() {
    let (_simulator, tap) = both();
    tap.disturb(When::Every, How::Code(0x101));
    let mut streams = [connect(&tap), connect(&tap), connect(&tap)];
    for stream in &mut streams {
        assert_eq!(wire::exchange(stream, &READ_CLOCK)[6..], [0, 0, 1, 1]);
    }
    assert_eq!(tap.connections(), 3);
    assert_eq!(tap.take().iter().map(|exchange| exchange.connection).collect::<Vec<_>>(), [1, 2, 3]);
}

#[test]
fn a_client_that_hangs_up_makes_room_for_the_next_whatever_is_held_back() {
    let (_simulator, tap) = both();
    for how in [How::Freeze, How::Delay(Duration::MAX), How::Drop] {
        tap.disturb(When::Next(CommandCode::GET_RANDOM), how);
        let mut stream = connect(&tap);
        wire::ask(&mut stream);
        // swtpm serves the next only when the one before is gone.
        let mut next = connect(&tap);
        next.write_all(&READ_CLOCK).unwrap();
        drop(stream);
        assert_eq!(wire::message(&mut next).len(), 35);
        assert!(tap.wait_for(PATIENCE, |exchange| is_random(exchange) && exchange.told.is_empty()));
        assert_eq!(tap.take().len(), 2);
    }
}

#[test]
fn several_clients_take_turns() {
    let (_simulator, tap) = both();
    let tcti = tap.tcti();
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| (0..20).map(|_| wire::random(tcti)).collect::<Vec<_>>());
        }
    });
    assert_eq!((tap.take().len(), tap.connections()), (160, 160));
}

#[test]
fn a_tpm_torn_out_closes_connections_until_it_is_back() {
    let (mut simulator, tap) = both();
    let mut stream = connect(&tap);
    tap.disturb(RANDOM, How::Freeze);
    wire::ask(&mut stream);
    assert!(tap.wait_for(PATIENCE, is_random));

    simulator.kill().unwrap();
    assert!(wire::is_closed(&mut stream));
    for _ in 0..3 {
        assert!(wire::is_closed(&mut connect(&tap)));
    }

    simulator.restart().unwrap();
    tap.calm();
    wire::random(tap.tcti());
}

#[test]
fn a_command_that_swtpm_never_answers_is_recorded_when_its_client_gives_up() {
    let (simulator, tap) = both();
    simulator.freeze().unwrap();
    // More than the backlog of a frozen swtpm takes.
    let streams: Vec<_> = (0..10)
        .map(|_| {
            let mut stream = connect(&tap);
            wire::ask(&mut stream);
            stream
        })
        .collect();
    drop(streams);
    assert!(tap.wait_for(PATIENCE, |exchange| is_random(exchange) && exchange.answer.is_empty()));
    simulator.thaw().unwrap();
    wire::random(tap.tcti());
}

#[test]
fn odd_input_closes_its_connection_and_no_other() {
    let (_simulator, tap) = both();
    for odd in [&[0xff; 64][..], &[0x80, 1, 0, 0, 0, 9, 0, 0, 0, 0], &[0x80, 1, 0, 0, 0x20, 1], &[0; 6]] {
        let mut stream = connect(&tap);
        stream.write_all(odd).unwrap();
        assert!(wire::is_closed(&mut stream));
    }
    wire::random(tap.tcti());
    assert_eq!(tap.take().len(), 1);
}

#[test]
fn the_control_channel_is_the_simulators() {
    let (_simulator, tap) = both();
    let control = format!("{}.ctrl", wire::socket(tap.tcti()).display());
    let mut control = wire::connect(control.as_ref());
    // CMD_GET_CAPABILITY of swtpm's tpm_ioctl.h.
    control.write_all(&[0, 0, 0, 1]).unwrap();
    control.read_exact(&mut [0; 8]).unwrap();
}

#[test]
fn a_tap_may_be_tapped() {
    let (_simulator, tap) = both();
    let other = Tap::on(tap.tcti()).unwrap();
    wire::random(other.tcti());
    assert_eq!(other.take(), tap.take());
}

#[test]
fn dropped_it_closes_connections_and_leaves_nothing() {
    let (simulator, tap) = both();
    let directory = wire::directory(tap.tcti());
    tap.disturb(RANDOM, How::Freeze);
    let (mut frozen, mut waiting) = (connect(&tap), connect(&tap));
    wire::ask(&mut frozen);
    assert!(tap.wait_for(PATIENCE, is_random));

    drop(tap);
    assert!(wire::is_closed(&mut frozen) && wire::is_closed(&mut waiting));
    assert!(processes::nothing_left(&directory));
    wire::random(simulator.tcti());
}

#[test]
fn dropped_before_a_frozen_swtpm_it_does_not_wait_for_it() {
    let (simulator, tap) = both();
    simulator.freeze().unwrap();
    let mut streams: Vec<_> = (0..10).map(|_| connect(&tap)).collect();
    streams.iter_mut().for_each(wire::ask);
    drop(tap);
    assert!(streams.iter_mut().all(wire::is_closed));
}
