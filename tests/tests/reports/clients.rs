//! What clients do: the helper takes 64 bytes and the end, and nothing else.

use std::{io::Write, net::Shutdown, os::unix::process::ExitStatusExt};

use nix::sys::signal::Signal;
use selfsame_tests::{
    Run, binary,
    tsm::{Asked, Attribute, Blobs, Tee, Tsm, snp_report},
};
use selfsame_tsm_report::{REPORT_MAX_BYTES, RefusalKind};

use crate::{DATA, ask, nothing_is_left, refusal, report};

#[test]
fn fewer_or_more_than_64_bytes_are_refused_and_nobody_is_asked() {
    let tsm = Tsm::start(Some(Tee::sev_guest()));
    for (have, expected) in [
        (0, "0 bytes asked, and the end: expected 64"),
        (63, "63 bytes asked, and the end: expected 64"),
        (65, "more than 64 bytes asked"),
        (4096, "more than 64 bytes asked"),
    ] {
        let answered = Asked::with(&tsm.root(), &vec![7; have]).answered();
        assert_eq!(refusal(&tsm, answered, RefusalKind::Asked), expected);
    }
    assert_eq!(tsm.made(), 0);
}

#[test]
fn what_comes_byte_by_byte_is_one_question() {
    let tsm = Tsm::start(Some(Tee::sev_guest()));
    let mut asked = Asked::start(&tsm.root());
    for byte in 0..64 {
        asked.client().write_all(&[byte]).unwrap();
    }
    asked.client().shutdown(Shutdown::Write).unwrap();
    let data = std::array::from_fn(|place| place as u8);
    assert_eq!(report(&tsm, asked.answered()).report, snp_report(&data));
}

#[test]
fn a_client_that_vanishes_leaves_nothing() {
    let tsm = Tsm::start(Some(Tee::sev_guest()));
    let answered = Asked::start(&tsm.root()).hang_up();
    assert_eq!(answered.status.code(), Some(74), "{answered:?}");
    assert_eq!(tsm.made(), 0);

    let held = tsm.hold(Attribute::Outblob);
    let asked = Asked::with(&tsm.root(), &DATA);
    held.reached();
    let ended = std::thread::spawn(|| asked.hang_up());
    drop(held);
    let answered = ended.join().unwrap();
    assert_eq!(tsm.made(), 1);
    nothing_is_left(&tsm);
    assert!(answered.status.code().is_some(), "it was not killed by the pipe: {answered:?}");
    report(&tsm, ask(&tsm));
}

/// It takes the five seconds that a client has.
#[test]
fn a_client_that_does_not_finish_is_given_up() {
    let tsm = Tsm::start(Some(Tee::sev_guest()));
    let mut asked = Asked::start(&tsm.root());
    // all that is needed, but not the end
    asked.client().write_all(&DATA).unwrap();
    let text = refusal(&tsm, asked.answered(), RefusalKind::Asked);
    assert_eq!(text, "64 bytes asked in 5s: expected 64, and the end");
    assert_eq!(tsm.made(), 0);
}

/// It takes the five seconds that a client has.
#[test]
fn a_client_that_does_not_read_is_given_up() {
    let tsm = Tsm::start(Some(Tee::of("other", Attribute::ALL, |_| {
        Ok(Blobs { out: vec![1; REPORT_MAX_BYTES], aux: Vec::new() })
    })));
    let answered = Asked::with(&tsm.root(), &DATA).unread();
    assert_eq!(answered.status.code(), Some(74), "{answered:?}");
    nothing_is_left(&tsm);
}

#[test]
fn told_to_end_it_ends_when_it_has_answered() {
    let tsm = Tsm::start(Some(Tee::sev_guest()));
    let held = tsm.hold(Attribute::Outblob);
    let asked = Asked::with(&tsm.root(), &DATA);
    held.reached();
    asked.signal(Signal::SIGTERM);
    drop(held);
    assert_eq!(report(&tsm, asked.answered()).report, snp_report(&DATA));
}

#[test]
fn one_that_is_killed_does_not_hold_up_the_next() {
    let tsm = Tsm::start(Some(Tee::sev_guest()));
    let held = tsm.hold(Attribute::Auxblob);
    let asked = Asked::with(&tsm.root(), &DATA);
    let left = held.reached();
    asked.signal(Signal::SIGKILL);
    // in FUSE a process dies when its request has come back
    drop(held);
    let answered = asked.answered();
    assert_eq!((answered.status.signal(), answered.answer), (Some(9), None));
    let left = [left];
    assert_eq!(tsm.entries(), left);
    let answered = ask(&tsm);
    assert!(answered.answer.is_some(), "{answered:?}");
    assert_eq!(tsm.entries(), left);
}

#[tokio::test]
async fn without_a_connection_nobody_is_answered_and_a_wrong_line_is_64() {
    let helper = || Run::program(binary("selfsame-tsm-report"));
    let output = helper().run().await;
    assert_eq!((output.code(), &*output.stdout), (Some(74), ""), "{output:?}");
    assert!(output.stderr.starts_with("nobody is answered: "), "{output:?}");
    assert_eq!(helper().arg("--boot").run().await.code(), Some(64));
    assert_eq!(helper().arg("--version").run().await.code(), Some(0));
}
