//! A process that connects to a bus, and hands the connection to whoever started it, by the socket that is its standard
//! input. It stays until that ends; a line from there names a program that it becomes. The target `callers` makes its
//! callers of it: to the bus they are whoever connected.
#![forbid(unsafe_code)]
// All of this is test code: a panic here is a failed test, and its text is the report.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::{
    env,
    io::{BufRead, BufReader, IoSlice, stdin},
    mem::MaybeUninit,
    os::{
        fd::AsFd,
        unix::{net::UnixStream, process::CommandExt},
    },
    process::Command,
};

use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};

fn main() {
    let socket = env::args_os().nth(1).expect("an argument: the bus's socket");
    let stream = UnixStream::connect(socket).unwrap();
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    let descriptors = [stream.as_fd()];
    assert!(control.push(SendAncillaryMessage::ScmRights(&descriptors)));
    sendmsg(stdin(), &[IoSlice::new(b"c")], &mut control, SendFlags::empty()).unwrap();

    let mut line = String::new();
    BufReader::with_capacity(1, stdin()).read_line(&mut line).unwrap();
    let mut words = line.split_whitespace();
    if let Some(program) = words.next() {
        panic!("{program}: {}", Command::new(program).args(words).exec());
    }
}
