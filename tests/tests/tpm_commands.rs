//! The full list of commands that a TPM ever gets from the agent: over a birth, draws at the shortest interval, a TPM
//! that hangs and one that is reset, and the end. **The TPM holds nothing of ours.**
// All of this is test code: a panic here is a failed test, and its text is the report.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::{collections::BTreeMap, time::Duration};

use selfsame_tests::{
    Tapped,
    tapped::{handles, kind},
};
use selfsame_tpm_sim::{CommandCode, Exchange, How, Simulator, Tap, When};

/// What the agent may send. Source: architecture, the invariant on the TPM. (Startup and SelfTest are for a bare TPM
/// that nobody has started: not one of these, which swtpm starts by itself.)
const ALLOWED: [CommandCode; 7] = [
    CommandCode::GET_RANDOM,
    CommandCode::START_AUTH_SESSION,
    CommandCode::CREATE_PRIMARY,
    CommandCode::FLUSH_CONTEXT,
    CommandCode::READ_CLOCK,
    CommandCode::GET_CAPABILITY,
    CommandCode::READ_PUBLIC,
];

/// TPM_RH_NULL. Source: TPM 2.0 Part 2, 7.4.
const NULL_HIERARCHY: u32 = 0x4000_0007;

/// What is wrong with a command; none: it is one that the agent may send.
fn objection(exchange: &Exchange) -> Option<&'static str> {
    let code = exchange.code();
    if !ALLOWED.contains(&code) {
        return Some("not on the list");
    }
    let sessions = exchange.sessions();
    match code {
        CommandCode::GET_RANDOM => {
            let [session] = &sessions[..] else { return Some("not in one session") };
            if session.is_password() || !session.encrypts_answer() {
                return Some("random bytes that the wire can read");
            }
        }
        CommandCode::CREATE_PRIMARY if exchange.handles() != [NULL_HIERARCHY] => {
            return Some("a primary outside the null hierarchy");
        }
        CommandCode::START_AUTH_SESSION => {
            let handles = exchange.handles();
            let salted = handles.first().is_some_and(|key| key >> 24 == kind::TRANSIENT >> 24);
            if !salted || handles.get(1) != Some(&NULL_HIERARCHY) {
                return Some("a session that is not salted to the primary, or is bound to something");
            }
        }
        _ => {}
    }
    None
}

fn assert_allowed(exchanges: &[Exchange]) {
    for exchange in exchanges {
        assert_eq!(objection(exchange), None, "{exchange}");
    }
}

fn codes(exchanges: &[Exchange]) -> Vec<CommandCode> {
    exchanges.iter().map(Exchange::code).collect()
}

/// What a start takes: who the TPM is, what was left behind in it, a salted session, a start-up test, the clock.
fn is_a_start(exchanges: &[Exchange]) -> bool {
    const FRONT: [CommandCode; 7] = [
        CommandCode::GET_CAPABILITY,
        CommandCode::GET_CAPABILITY,
        CommandCode::GET_CAPABILITY,
        CommandCode::GET_CAPABILITY,
        CommandCode::CREATE_PRIMARY,
        CommandCode::START_AUTH_SESSION,
        CommandCode::FLUSH_CONTEXT,
    ];
    let codes = codes(exchanges);
    let Some(rest) = codes.strip_prefix(&FRONT[..]) else { return false };
    let Some((last, randoms)) = rest.split_last() else { return false };
    *last == CommandCode::READ_CLOCK && randoms.iter().all(|code| *code == CommandCode::GET_RANDOM)
}

#[tokio::test]
async fn the_full_list_of_commands_that_a_tpm_ever_gets() {
    let full = std::env::var_os("SELFSAME_FULL").is_some_and(|value| value == "1");
    let draws: usize = if full { 60 } else { 6 };
    let mut tapped = Tapped::start().await;
    let mut counts = BTreeMap::<String, usize>::new();
    let mut taken = |exchanges: Vec<Exchange>| {
        assert_allowed(&exchanges);
        for exchange in &exchanges {
            *counts.entry(exchange.code().to_string()).or_default() += 1;
        }
        exchanges
    };

    // a birth: it has waited for the TPM; the first draw after it may be in the list already
    let clock = |exchange: &Exchange| exchange.code() == CommandCode::READ_CLOCK;
    assert!(tapped.tap.wait_for(LONG, clock));
    let birth = taken(tapped.tap.take());
    let start = birth.iter().position(clock).unwrap() + 1;
    assert!(is_a_start(&birth[..start]), "{birth:?}");

    // draws, each of which is a command for bytes and one for the clock: one session does for all of them
    let mut drawn = birth[start..].to_vec();
    while drawn.len() < 2 * draws {
        assert!(tapped.tap.wait_for(LONG, clock));
        drawn.extend(taken(tapped.tap.take()));
    }
    let expected = [CommandCode::GET_RANDOM, CommandCode::READ_CLOCK];
    assert!(drawn.chunks(2).all(|pair| codes(pair) == expected), "{:?}", codes(&drawn));

    // faults: an answer that is refused, a TPM that hangs, one that is reset. Each is followed by a start.
    tapped.tap.disturb(When::Next(CommandCode::GET_RANDOM), How::Flip { byte: 20 });
    tapped.wait_until_it_works(false).await;
    tapped.wait_until_it_works(true).await;
    tapped.tap.disturb(When::Every, How::Freeze);
    tapped.wait_until_it_works(false).await;
    tapped.tap.calm();
    tapped.wait_until_it_works(true).await;
    tapped.host.tpm.restart().unwrap();
    tapped.wait_until_it_works(false).await;
    tapped.wait_until_it_works(true).await;
    let faults = taken(tapped.tap.take());
    assert!(faults.iter().filter(|exchange| exchange.code() == CommandCode::CREATE_PRIMARY).count() >= 3);

    // the end: what is ours in the TPM is flushed
    let Tapped { host, tap, .. } = tapped;
    let selfsame_tests::Host { agent, tpm, .. } = host;
    let exit = agent.terminate().await;
    assert_eq!(exit.status.code(), Some(0), "{}", exit.stderr);
    let end = taken(tap.take());
    assert_eq!(end.last().map(Exchange::code), Some(CommandCode::FLUSH_CONTEXT), "{end:?}");
    drop(tap);
    for (name, first) in [
        ("NV indices", kind::NV),
        ("loaded sessions", kind::LOADED_SESSION),
        ("saved sessions", kind::SAVED_SESSION),
        ("transient objects", kind::TRANSIENT),
        ("persistent objects", kind::PERSISTENT),
    ] {
        assert_eq!(handles(&tpm, first), [0; 0], "{name}");
    }
    println!("commands over a birth, {draws} draws, three faults and the end: {counts:?}");
}

#[test]
fn a_command_that_is_not_on_the_list_or_not_as_it_should_be_is_objected_to() {
    let simulator = Simulator::start().unwrap();
    let tap = Tap::start(&simulator).unwrap();
    let send = |command: &[u8]| {
        use std::io::{Read, Write};
        let path = tap.tcti().strip_prefix("swtpm:path=").unwrap();
        let mut stream = std::os::unix::net::UnixStream::connect(path).unwrap();
        stream.write_all(command).unwrap();
        stream.read_exact(&mut [0; 10]).unwrap();
        let exchanges = tap.take();
        objection(exchanges.last().unwrap())
    };
    let hex = |text: &str| -> Vec<u8> {
        let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
        digits
            .chunks(2)
            .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
            .collect()
    };
    // TPM2_GetRandom(32) without a session
    assert_eq!(send(&hex("8001 0000000c 0000017b 0020")), Some("not in one session"));
    // the same, authorized by an empty password, which encrypts nothing
    let password = hex("8002 00000019 0000017b 00000009 40000009 0000 00 0000 0020");
    assert_eq!(send(&password), Some("random bytes that the wire can read"));
    // TPM2_CreatePrimary in the owner's hierarchy (its parameters are cut off: the TPM refuses it too)
    let owner = hex("8002 0000001b 00000131 40000001 00000009 40000009 0000 00 0000");
    assert_eq!(send(&owner), Some("a primary outside the null hierarchy"));
    // TPM2_StartAuthSession, neither salted nor bound
    let unsalted = hex("8001 0000001d 00000176 40000007 40000007 0002 0000 0000 00 0010 000b");
    assert_eq!(
        send(&unsalted),
        Some("a session that is not salted to the primary, or is bound to something")
    );
    // TPM2_SelfTest(full) and TPM2_NV_ReadPublic are not on the list
    assert_eq!(send(&hex("8001 0000000b 00000143 01")), Some("not on the list"));
    assert_eq!(send(&hex("8001 0000000e 00000169 01000000")), Some("not on the list"));
    // TPM2_ReadClock is
    assert_eq!(send(&hex("8001 0000000a 00000181")), None);
}

/// Longer than anything that is waited for here takes on a loaded machine.
const LONG: Duration = Duration::from_secs(60);
