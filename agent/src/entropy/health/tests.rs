//! What the health tests see, and what they can't.

mod expected;
mod streams;

use super::*;

const CUTOFF_REPETITION: u32 = 5;
const CUTOFF_PROPORTION: u32 = 16;
const REPETITION: Alarm = Alarm::Repetition { cutoff: CUTOFF_REPETITION };
const PROPORTION: Alarm = Alarm::Proportion { cutoff: CUTOFF_PROPORTION, window: 512 };

/// So many bytes of which none comes twice in 256 places.
fn counting(length: usize) -> Vec<u8> {
    (0..=u8::MAX).cycle().take(length).collect()
}

/// Tests of a source of 8 bits that has just passed its start-up test: a window has just ended.
fn started() -> HealthTests {
    let mut tests = HealthTests::new(Claim::FULL);
    tests.start_up(&counting(START_UP_SAMPLES)).unwrap();
    tests
}

#[test]
fn a_claim_is_more_than_nothing_and_at_most_a_byte() {
    assert_eq!(Claim::from_millibits(0), None);
    assert_eq!(Claim::from_millibits(1).map(|claim| claim.millibits), Some(1));
    assert_eq!(Claim::from_millibits(8000), Some(Claim::FULL));
    assert_eq!(Claim::from_millibits(8001), None);
}

#[test]
fn a_run_of_one_under_the_cutoff_passes_and_one_of_the_cutoff_does_not() {
    let run = |length: usize| {
        let mut samples = vec![1, 2, 3];
        samples.extend(vec![200; length]);
        samples.extend([4, 5, 6]);
        started().watch(&samples)
    };
    assert_eq!(run(4), Ok(()));
    assert_eq!(run(5), Err(REPETITION));

    // The first samples of all count like any other, zeros too.
    for byte in [0, 1] {
        let mut samples = counting(START_UP_SAMPLES);
        samples[..4].fill(byte);
        samples[4] = 77;
        assert_eq!(HealthTests::new(Claim::FULL).start_up(&samples), Ok(()));
        samples[4] = byte;
        assert_eq!(HealthTests::new(Claim::FULL).start_up(&samples), Err(REPETITION));
    }
}

#[test]
fn a_run_goes_on_from_one_draw_to_the_next() {
    let mut tests = started();
    assert_eq!(tests.watch(&[1, 9, 9, 9]), Ok(()));
    assert_eq!(tests.watch(&[]), Ok(()));
    assert_eq!(tests.watch(&[9, 1]), Ok(()), "four of them");
    assert_eq!(tests.watch(&[9, 9, 9]), Ok(()));
    assert_eq!(tests.watch(&[9]), Ok(()), "four of them");
    assert_eq!(tests.watch(&[9]), Err(REPETITION));

    // From the start-up test into the first draw, too.
    let mut tests = started();
    assert_eq!(counting(START_UP_SAMPLES).last(), Some(&255));
    assert_eq!(tests.watch(&[255; 4]), Err(REPETITION));
    assert_eq!(started().watch(&[255; 3]), Ok(()));
}

/// A window in which byte 0 is the first and comes `often` times, never twice in a row; the last time is at `last`.
fn window(often: usize, last: usize) -> Vec<u8> {
    let mut samples: Vec<u8> = (0..512).map(|place| u8::try_from(1 + place % 255).unwrap()).collect();
    samples.iter_mut().step_by(2).take(often - 1).for_each(|sample| *sample = 0);
    samples[last] = 0;
    samples
}

#[test]
fn one_under_the_cutoff_in_a_window_passes_and_the_cutoff_does_not() {
    for last in [40, 510, 511] {
        let samples = window(15, last);
        assert_eq!(samples.iter().filter(|sample| **sample == 0).count(), 15);
        assert_eq!(started().watch(&samples), Ok(()), "{last}");
        assert_eq!(started().watch(&window(16, last)), Err(PROPORTION), "{last}");
    }
}

#[test]
fn a_window_ends_after_512_samples_and_only_its_first_byte_counts() {
    // One short of the cutoff at the end of one window, and again from the start of the next.
    let samples = [window(15, 511), window(15, 511)].concat();
    assert_eq!(started().watch(&samples), Ok(()));

    // The 16th is the first of the next window.
    let mut samples = window(15, 511);
    samples.extend([0, 1, 0, 1]);
    assert_eq!(started().watch(&samples), Ok(()));

    // Another byte than the first may come as often as it likes, in this window.
    let mut samples = window(16, 511);
    samples[0] = 255;
    samples.iter_mut().skip(1).filter(|sample| **sample == 255).for_each(|sample| *sample = 254);
    assert_eq!(started().watch(&samples), Ok(()));
}

#[test]
fn a_window_goes_on_from_one_draw_to_the_next() {
    for draw in [1, 2, 31, 32, 33, 511] {
        let mut tests = started();
        let samples = window(16, 511);
        let mut draws = samples.chunks(draw);
        let last = draws.next_back().unwrap();
        assert!(draws.all(|samples| tests.watch(samples).is_ok()), "{draw}");
        assert_eq!(tests.watch(last), Err(PROPORTION), "{draw}");
    }
}

#[test]
fn a_source_is_out_until_its_start_up_test_has_passed_and_again_after_an_alarm() {
    let good = counting(START_UP_SAMPLES);
    let mut tests = HealthTests::new(Claim::FULL);
    assert_eq!(tests.watch(&[1, 2, 3]), Err(Alarm::Out));
    assert_eq!(tests.start_up(&[7; START_UP_SAMPLES]), Err(REPETITION));
    assert_eq!(tests.watch(&[1, 2, 3]), Err(Alarm::Out));
    tests.start_up(&good).unwrap();
    assert_eq!(tests.watch(&[1, 2, 3]), Ok(()));
    assert_eq!(tests.watch(&[9; 5]), Err(REPETITION));
    assert_eq!(tests.watch(&[1, 2, 3]), Err(Alarm::Out));

    // A start-up test begins anew: nothing that was seen before counts.
    let mut nines = good.clone();
    nines[..4].fill(9);
    nines[4] = 77;
    tests.start_up(&nines).unwrap();
    assert_eq!(tests.watch(&[1, 2, 3]), Ok(()));

    let mut tests = started();
    assert_eq!(tests.watch(&window(15, 40)[..42]), Ok(()));
    assert_eq!(good[0], 0, "the 16th, were the window to go on");
    assert_eq!(tests.start_up(&good), Ok(()));

    // It can be asked for at any time, and its failing is an alarm like any other.
    let few = Alarm::TooFew { need: 1024, have: 1023 };
    assert_eq!(tests.start_up(&good[..1023]), Err(few));
    assert_eq!(tests.watch(&[1, 2, 3]), Err(Alarm::Out));
}

#[test]
fn a_start_up_test_looks_at_both_tests_and_at_all_samples() {
    let mut samples = counting(START_UP_SAMPLES);
    samples[1019..].fill(9);
    assert_eq!(HealthTests::new(Claim::FULL).start_up(&samples), Err(REPETITION));
    let samples = [counting(512), window(16, 511)].concat();
    assert_eq!(HealthTests::new(Claim::FULL).start_up(&samples), Err(PROPORTION));
    let mut samples = counting(2 * START_UP_SAMPLES);
    samples[2043..].fill(9);
    assert_eq!(HealthTests::new(Claim::FULL).start_up(&samples), Err(REPETITION), "more than the least");
}

#[test]
fn an_alarm_names_its_test_and_no_byte() {
    for (alarm, text) in [
        (REPETITION, "repetition count test: expected fewer than 5 equal bytes in a row, found 5"),
        (
            PROPORTION,
            "adaptive proportion test: expected a window's first byte fewer than 16 times in 512, found it 16 times",
        ),
        (Alarm::TooFew { need: 1024, have: 3 }, "start-up test: expected 1024 bytes or more, found 3"),
        (Alarm::Out, "start-up test: not passed yet"),
    ] {
        assert_eq!(alarm.to_string(), text);
    }
}
