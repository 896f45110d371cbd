//! The stand-in for a TPM's device.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::OpenOptionsExt;

use nix::fcntl::OFlag;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use selfsame_tpm_sim::{CommandCode, Device, DeviceError, How, Simulator, Tap, When};

use crate::processes;
use crate::wire::{self, GET_RANDOM, PATIENCE, READ_CLOCK};

fn open(device: &Device) -> File {
    let flags = OFlag::O_NOCTTY.bits();
    OpenOptions::new().read(true).write(true).custom_flags(flags).open(device.path()).unwrap()
}

/// One write, and one read.
fn exchange(file: &mut File, command: &[u8]) -> Vec<u8> {
    file.write_all(command).unwrap();
    let mut answer = vec![0; 4096];
    let mut polled = [PollFd::new(file.as_fd(), PollFlags::POLLIN)];
    assert_eq!(poll(&mut polled, PollTimeout::try_from(PATIENCE).unwrap()), Ok(1), "an answer");
    let length = file.read(&mut answer).unwrap();
    answer.truncate(length);
    answer
}

#[test]
fn each_write_is_a_command_and_each_read_its_answer() {
    let simulator = Simulator::start().unwrap();
    let device = Device::start(simulator.tcti()).unwrap();
    let mut file = open(&device);
    for _ in 0..500 {
        assert_eq!(exchange(&mut file, &GET_RANDOM)[..6], [0x80, 1, 0, 0, 0, 20]);
        assert_eq!(exchange(&mut file, &READ_CLOCK)[..6], [0x80, 1, 0, 0, 0, 35]);
    }
    // TPM2_GetCapability of all commands: an answer of some hundred bytes.
    let command = [0x80, 1, 0, 0, 0, 22, 0, 0, 1, 0x7a, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 254];
    let answer = exchange(&mut file, &command);
    assert_eq!(u32::from_be_bytes(answer[2..6].try_into().unwrap()) as usize, answer.len());
    assert!(answer.len() > 400);
}

#[test]
fn every_byte_passes_as_it_is() {
    let simulator = Simulator::start().unwrap();
    let tap = Tap::start(&simulator).unwrap();
    let device = Device::start(tap.tcti()).unwrap();
    let mut file = open(&device);
    // What a terminal would take for itself, each way: TPM2_StirRandom of all bytes, and an answer of all.
    let all: Vec<u8> = (0..128).collect();
    let stir = |bytes: &[u8]| [&[0x80, 1, 0, 0, 0, 140, 0, 0, 1, 0x46, 0, 128][..], bytes].concat();
    for half in [all.clone(), all.iter().map(|byte| byte | 0x80).collect()] {
        let answer = [&[0x80, 1, 0, 0, 0, 138, 0, 0, 0, 0][..], &half].concat();
        tap.disturb(When::Next(CommandCode::STIR_RANDOM), How::Replace(answer.clone()));
        assert_eq!(exchange(&mut file, &stir(&half)), answer);
        assert_eq!(tap.take()[0].command, stir(&half));
    }
}

#[test]
fn closed_it_makes_room_for_the_next_whatever_is_held_back() {
    let simulator = Simulator::start().unwrap();
    let tap = Tap::start(&simulator).unwrap();
    let device = Device::start(tap.tcti()).unwrap();
    tap.disturb(When::Next(CommandCode::GET_RANDOM), How::Freeze);
    let mut file = open(&device);
    file.write_all(&GET_RANDOM).unwrap();
    assert!(tap.wait_for(PATIENCE, |exchange| exchange.code() == CommandCode::GET_RANDOM));
    drop(file);
    wire::random(simulator.tcti());

    // Nothing is left for the next one.
    let mut file = open(&device);
    assert_eq!(exchange(&mut file, &READ_CLOCK).len(), 35);
    assert_eq!(tap.connections(), 2);
}

#[test]
fn device_of_a_tpm_that_is_gone_is_gone() {
    let mut simulator = Simulator::start().unwrap();
    let device = Device::start(simulator.tcti()).unwrap();
    let mut file = open(&device);
    exchange(&mut file, &GET_RANDOM);
    simulator.kill().unwrap();
    // The kernel takes the write; the answer is the end.
    let _ = file.write_all(&GET_RANDOM);
    let read = file.read(&mut [0]);
    assert!(matches!(read, Ok(0)) || read.is_err(), "{read:?}");
    processes::until(|| !device.path().exists());
}

#[test]
fn dropped_it_takes_the_device_away() {
    let simulator = Simulator::start().unwrap();
    simulator.freeze().unwrap();
    let device = Device::start(simulator.tcti()).unwrap();
    let (path, mut file) = (device.path().to_owned(), open(&device));
    file.write_all(&GET_RANDOM).unwrap();
    drop(device);
    let read = file.read(&mut [0]);
    assert!(matches!(read, Ok(0)) || read.is_err_and(|error| error.kind() != ErrorKind::WouldBlock));
    drop(file);
    assert!(!path.exists());
}

#[test]
fn only_a_swtpm_on_a_unix_socket_is_taken() {
    let error = Device::start("device:/dev/tpmrm0").unwrap_err();
    assert!(matches!(&error, DeviceError::NotSwtpm { found } if found == "device:/dev/tpmrm0"), "{error}");
}
