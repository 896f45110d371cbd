//! The source against a real swtpm, with a man in the middle where it matters.

use std::{
    io::{Read, Write},
    os::unix::net::UnixStream,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Instant,
};

use selfsame_tpm_sim::{CommandCode, Device, Exchange, How, Simulator, Tap, When};
use tss_esapi::constants::tss;

use super::*;
use crate::entropy::{DrawError, EntropySource, Remarks};

/// The TPM at `tcti`, whose progress nobody is told of.
fn tpm(tcti: Tcti) -> TpmSource {
    TpmSource::new(tcti, Path::new("/nonexistent"), Progress::new(|| {}))
}

/// A source behind a tap.
fn tapped(simulator: &Simulator) -> (Tap, TpmSource) {
    let tap = Tap::start(simulator).unwrap();
    let source = tpm(tap.tcti().parse().unwrap());
    (tap, source)
}

fn draw(source: &mut TpmSource) -> Result<[u8; 32], DrawError> {
    let mut bytes = [0; 32];
    source.draw(&mut bytes).map(|()| bytes)
}

fn handles(simulator: &Simulator, first: u32) -> usize {
    let tcti: Tcti = simulator.tcti().parse().unwrap();
    esys::Esys::open(tcti.as_c_str(), Progress::new(|| {})).unwrap().handles(first).unwrap().len()
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle)
}

#[test]
fn draws_differ_and_any_length_is_filled() {
    let simulator = Simulator::start().unwrap();
    let mut source = tpm(simulator.tcti().parse().unwrap());
    assert_eq!((source.name(), source.class().as_str()), ("tpm", "tpm"));
    let first = draw(&mut source).unwrap();
    let second = draw(&mut source).unwrap();
    assert_ne!(first, [0; 32]);
    assert_ne!(first, second);

    // Longer than any TPM's longest digest, so that it takes several commands.
    let mut long = [0; 200];
    source.draw(&mut long).unwrap();
    assert!(long.chunks(8).all(|chunk| chunk != [0; 8]), "each part was filled");
    source.draw(&mut []).unwrap();
}

#[test]
fn the_wire_never_shows_what_was_drawn() {
    let simulator = Simulator::start().unwrap();
    let (tap, mut source) = tapped(&simulator);
    let drawn = draw(&mut source).unwrap();
    for exchange in tap.take() {
        for part in drawn.chunks(8) {
            assert!(!contains(&exchange.answer, part) && !contains(&exchange.command, part));
        }
    }
}

#[test]
fn only_the_listed_commands_go_out_and_a_later_draw_is_two() {
    let simulator = Simulator::start().unwrap();
    let (tap, mut source) = tapped(&simulator);
    draw(&mut source).unwrap();
    let codes = || tap.take().iter().map(Exchange::code).collect::<Vec<_>>();
    assert_eq!(
        codes(),
        [
            CommandCode::GET_CAPABILITY,
            CommandCode::GET_CAPABILITY,
            CommandCode::GET_CAPABILITY,
            CommandCode::GET_CAPABILITY,
            CommandCode::CREATE_PRIMARY,
            CommandCode::START_AUTH_SESSION,
            CommandCode::FLUSH_CONTEXT,
            CommandCode::GET_RANDOM,
            CommandCode::READ_CLOCK
        ]
    );
    draw(&mut source).unwrap();
    assert_eq!(codes(), [CommandCode::GET_RANDOM, CommandCode::READ_CLOCK]);
    drop(source);
    assert_eq!(codes(), [CommandCode::FLUSH_CONTEXT]);
}

#[test]
fn the_primary_is_the_kernels_own_to_the_byte() {
    let simulator = Simulator::start().unwrap();
    let (tap, mut source) = tapped(&simulator);
    draw(&mut source).unwrap();
    let exchanges = tap.take();
    let create = exchanges.iter().find(|exchange| exchange.code() == CommandCode::CREATE_PRIMARY).unwrap();

    // As `tpm2_create_primary` of Linux 6.10 and later puts it together.
    let expected: Vec<u8> = [
        &[0x40, 0x00, 0x00, 0x07][..],            // TPM_RH_NULL
        &[0, 0, 0, 9],                            // length of the authorization
        &[0x40, 0x00, 0x00, 0x09, 0, 0, 0, 0, 0], // TPM_RS_PW, empty
        &[0, 4, 0, 0, 0, 0],                      // sensitive: empty
        &[0, 26],                                 // length of the template
        &[0x00, 0x23],                            // ECC
        &[0x00, 0x0b],                            // SHA-256
        &[0x00, 0x03, 0x04, 0x72],                // TPM2_OA_NULL_KEY
        &[0, 0],                                  // no policy
        &[0x00, 0x06, 0x00, 0x80, 0x00, 0x43],    // AES, 128, CFB
        &[0x00, 0x10],                            // no scheme
        &[0x00, 0x03],                            // P-256
        &[0x00, 0x10],                            // no KDF
        &[0, 0, 0, 0],                            // unique: two empty points
        &[0, 0],                                  // outside info: empty
        &[0, 0, 0, 0],                            // no PCRs
    ]
    .concat();
    let got: String = create.command[10..].iter().map(|byte| format!("{byte:02x}")).collect();
    let expected: String = expected.iter().map(|byte| format!("{byte:02x}")).collect();
    // Where the attributes of the password authorization stand, ESYS may say "continue", which means nothing there.
    assert_eq!(got.replacen("400000090000010000", "400000090000000000", 1), expected);
}

#[test]
fn a_draw_brings_the_clock_its_cost_and_at_first_what_the_tpm_is() {
    let simulator = Simulator::start().unwrap();
    let mut source = tpm(simulator.tcti().parse().unwrap());
    draw(&mut source).unwrap();
    let first = source.remarks();
    draw(&mut source).unwrap();
    let second = source.remarks();
    let (before, after) = (first.clock.unwrap(), second.clock.unwrap());
    assert!(after.clock_ms >= before.clock_ms);
    assert_eq!(
        (after.reset_count, after.restart_count, after.safe),
        (before.reset_count, before.restart_count, before.safe)
    );
    assert_eq!((first.cost.unwrap().bytes, first.cost.unwrap().commands), (32, 1));
    let about: Vec<&str> = first.facts.iter().map(|fact| fact.about.as_str()).collect();
    assert_eq!(about, ["manufacturer", "model", "firmware", "specification", "null primary"]);
    assert_eq!(first.facts[0].text, "IBM", "swtpm's own word");
    assert_eq!(second.facts, []);
    assert_eq!(source.remarks(), Remarks::default(), "once");
}

#[test]
fn progress_is_told_after_each_command() {
    let simulator = Simulator::start().unwrap();
    let told = Arc::new(AtomicUsize::new(0));
    let counting = Arc::clone(&told);
    let progress = Progress::new(move || {
        counting.fetch_add(1, Ordering::SeqCst);
    });
    let mut source = TpmSource::new(simulator.tcti().parse().unwrap(), Path::new("/nonexistent"), progress);
    draw(&mut source).unwrap();
    assert_eq!(told.load(Ordering::SeqCst), 9, "each of the commands of a first draw");
    draw(&mut source).unwrap();
    assert_eq!(told.load(Ordering::SeqCst), 11);
}

#[test]
fn one_flipped_bit_anywhere_in_an_answer_is_refused_and_the_next_draw_recovers() {
    let simulator = Simulator::start().unwrap();
    let (tap, mut source) = tapped(&simulator);
    draw(&mut source).unwrap();

    // Past the header: length of the parameters, the bytes, the TPM's nonce, attributes and HMAC.
    // Each refusal leaves a session behind, of which swtpm holds three.
    for at in [15, 16, 40, 47, 50, 60, 85, 110] {
        tap.disturb(When::Command(CommandCode::GET_RANDOM), How::Flip { byte: at });
        let error = draw(&mut source).unwrap_err();
        assert!(
            matches!(error, DrawError::Tpm(TpmError::Command { command: "GetRandom", .. })),
            "{at}: {error}"
        );
        tap.calm();
        draw(&mut source).unwrap_or_else(|error| panic!("after byte {at}: {error}"));
    }
    drop(source);
    assert_eq!(handles(&simulator, tss::TPM2_LOADED_SESSION_FIRST), 0);
}

#[test]
fn a_bare_answer_in_place_of_the_encrypted_one_is_refused() {
    let simulator = Simulator::start().unwrap();
    let (tap, mut source) = tapped(&simulator);
    draw(&mut source).unwrap();
    let bare = [&[0x80, 0x01, 0, 0, 0, 10 + 2 + 32, 0, 0, 0, 0, 0, 32][..], &[0x55; 32]].concat();
    tap.disturb(When::Command(CommandCode::GET_RANDOM), How::Replace(bare));
    for _ in 0..2 {
        draw(&mut source).unwrap_err();
    }
    // No second attempt without the session.
    let randoms: Vec<_> =
        tap.take().into_iter().filter(|exchange| exchange.code() == CommandCode::GET_RANDOM).collect();
    assert!(randoms.iter().all(|exchange| exchange.command[..2] == [0x80, 0x02]), "always with a session");
}

#[test]
fn nothing_of_ours_is_left_in_the_tpm() {
    let simulator = Simulator::start().unwrap();
    let mut source = tpm(simulator.tcti().parse().unwrap());
    draw(&mut source).unwrap();
    drop(source);
    assert_eq!(handles(&simulator, tss::TPM2_TRANSIENT_FIRST), 0);
    assert_eq!(handles(&simulator, tss::TPM2_LOADED_SESSION_FIRST), 0);
}

#[test]
fn what_a_dead_context_left_behind_is_flushed() {
    let simulator = Simulator::start().unwrap();
    let (tap, mut source) = tapped(&simulator);
    // The primary stays, and the session: its handle never reaches us.
    let refusal = vec![0x80, 0x01, 0, 0, 0, 10, 0, 0, 9, 1];
    tap.disturb(When::Command(CommandCode::START_AUTH_SESSION), How::Replace(refusal));
    draw(&mut source).unwrap_err();
    tap.calm();
    assert_eq!(handles(&simulator, tss::TPM2_TRANSIENT_FIRST), 1, "the test left a primary");
    draw(&mut source).unwrap();
    drop(source);
    assert_eq!(handles(&simulator, tss::TPM2_TRANSIENT_FIRST), 0);
    assert_eq!(handles(&simulator, tss::TPM2_LOADED_SESSION_FIRST), 0);
}

#[test]
fn a_tpm_that_nobody_started_is_started() {
    let simulator = Simulator::start().unwrap();
    // swtpm's CMD_INIT: a power cycle, without TPM2_Startup.
    let control = format!("{}.ctrl", simulator.tcti().strip_prefix("swtpm:path=").unwrap());
    let mut control = UnixStream::connect(control).unwrap();
    control.write_all(&[0, 0, 0, 2, 0, 0, 0, 0]).unwrap();
    let mut result = [0xff; 4];
    control.read_exact(&mut result).unwrap();
    assert_eq!(result, [0; 4]);
    drop(control);

    let (tap, mut source) = tapped(&simulator);
    draw(&mut source).unwrap();
    assert_eq!(tap.take().iter().filter(|exchange| exchange.code() == CommandCode::STARTUP).count(), 1);
}

#[test]
fn a_tpm_that_goes_and_comes_back_is_used_again() {
    let mut simulator = Simulator::start().unwrap();
    let mut source = tpm(simulator.tcti().parse().unwrap());
    draw(&mut source).unwrap();
    simulator.kill().unwrap();
    for _ in 0..3 {
        draw(&mut source).unwrap_err();
    }
    simulator.restart().unwrap();
    draw(&mut source).unwrap();
}

#[test]
fn a_device_is_drawn_from_and_left() {
    let simulator = Simulator::start().unwrap();
    let tap = Tap::start(&simulator).unwrap();
    let device = Device::start(tap.tcti()).unwrap();
    for _ in 0..10 {
        let mut source = tpm(format!("device:{}", device.path().display()).parse().unwrap());
        assert_ne!(draw(&mut source).unwrap(), draw(&mut source).unwrap());
    }
    let exchanges = tap.take();
    let randoms = exchanges.iter().filter(|exchange| exchange.code() == CommandCode::GET_RANDOM);
    let (drawn, probed): (Vec<_>, Vec<_>) =
        randoms.partition(|exchange| exchange.sessions().iter().any(|session| session.encrypts_answer()));
    // libtss2 itself finds out by a bare GetRandom whether the device's answers can be read in parts.
    assert_eq!(drawn.len(), 20);
    assert!(
        probed.len() <= 10 && probed.iter().all(|exchange| exchange.parameters() == [0, 8]),
        "{probed:?}"
    );
    assert_eq!(handles(&simulator, tss::TPM2_TRANSIENT_FIRST), 0);
    assert_eq!(handles(&simulator, tss::TPM2_LOADED_SESSION_FIRST), 0);
}

#[test]
fn a_tpm_that_is_not_there_is_named() {
    let mut missing = tpm("device:/nonexistent/tpmrm0".parse().unwrap());
    assert_eq!(draw(&mut missing).unwrap_err().to_string(), "/nonexistent/tpmrm0: No such file or directory");

    let mut nobody = tpm("swtpm:path=/nonexistent/s".parse().unwrap());
    let error = draw(&mut nobody).unwrap_err();
    assert!(
        matches!(&error, DrawError::Tpm(TpmError::Connection { tcti, .. }) if tcti == "swtpm:path=/nonexistent/s"),
        "{error:?}"
    );
}

/// Prints what a draw costs: `cargo test -- --nocapture what_a_draw_costs`. No bound: the machine may be busy.
#[test]
fn what_a_draw_costs() {
    let simulator = Simulator::start().unwrap();
    let millis = |source: &mut TpmSource| {
        let begun = Instant::now();
        draw(source).unwrap();
        begun.elapsed().as_secs_f64() * 1000.0
    };
    let mut firsts = Vec::new();
    let mut laters = Vec::new();
    for _ in 0..11 {
        let mut source = tpm(simulator.tcti().parse().unwrap());
        firsts.push(millis(&mut source));
        laters.extend((0..10).map(|_| millis(&mut source)));
    }
    firsts.sort_by(f64::total_cmp);
    laters.sort_by(f64::total_cmp);
    println!("a first draw: median {:.2} ms; a later one: {:.2} ms", firsts[5], laters[55]);
}
