//! Sources that are known to be bad, and for each what the two tests make of it: seen, when, or not at all.

use crate::entropy::{Class, DrawError, EntropySource, health::tests::*};

/// A source that gives what an iterator gives.
struct Known<I>(I);

impl<I: Iterator<Item = u8> + Send> EntropySource for Known<I> {
    fn name(&self) -> &str {
        "known"
    }

    fn class(&self) -> Class {
        Class::Platform
    }

    fn draw(&mut self, out: &mut [u8]) -> Result<(), DrawError> {
        out.fill_with(|| self.0.next().unwrap());
        Ok(())
    }
}

/// What becomes of a source that is drawn 32 bytes at a time.
#[derive(Debug, PartialEq, Eq)]
enum Fate {
    /// Its start-up test fails.
    AtStartUp(Alarm),
    /// Draw so many after the start-up test, counted from 1, gives an alarm.
    AtDraw(usize, Alarm),
    /// Nothing is found in `DRAWS` draws.
    Unseen,
}

/// 3.2 million bytes.
const DRAWS: usize = 100_000;

fn fate(millibits: u32, stream: impl Iterator<Item = u8> + Send) -> Fate {
    let mut source = Known(stream);
    let mut tests = HealthTests::new(Claim::from_millibits(millibits).unwrap());
    let mut samples = Vec::new();
    let mut draw = [0; 32];
    while samples.len() < START_UP_SAMPLES {
        source.draw(&mut draw).unwrap();
        samples.extend(draw);
    }
    if let Err(alarm) = tests.start_up(&samples) {
        return Fate::AtStartUp(alarm);
    }
    for number in 1..=DRAWS {
        source.draw(&mut draw).unwrap();
        if let Err(alarm) = tests.watch(&draw) {
            return Fate::AtDraw(number, alarm);
        }
    }
    Fate::Unseen
}

/// A stream with nothing wrong: blake3's output for a key of `seed`.
fn good(seed: u8) -> impl Iterator<Item = u8> + Send {
    let mut reader = blake3::Hasher::new_keyed(&[seed; 32]).finalize_xof();
    let mut block = [0; 4096];
    std::iter::repeat_with(move || {
        reader.fill(&mut block);
        block
    })
    .flatten()
}

#[test]
fn a_good_source_goes_unremarked() {
    assert_eq!(fate(8000, good(1)), Fate::Unseen);
}

#[test]
fn a_stuck_source_fails_its_start_up_test() {
    for byte in [0, 1, 0x55, 0xff] {
        assert_eq!(fate(8000, std::iter::repeat(byte)), Fate::AtStartUp(REPETITION));
        // Even where hardly anything is claimed.
        let a_tenth_of_a_bit = Alarm::Repetition { cutoff: 301 };
        assert_eq!(fate(100, std::iter::repeat(byte)), Fate::AtStartUp(a_tenth_of_a_bit));
    }
}

#[test]
fn a_source_that_gets_stuck_is_out_at_once() {
    let stuck_after = |bytes: usize| good(2).take(bytes).chain(std::iter::repeat(0xa5));
    assert_eq!(fate(8000, stuck_after(1024)), Fate::AtDraw(1, REPETITION));
    assert_eq!(fate(8000, stuck_after(1024 + 32 * 500)), Fate::AtDraw(501, REPETITION));
    // In the last four bytes of a draw it can't be told yet.
    assert_eq!(fate(8000, stuck_after(1024 + 32 * 500 + 28)), Fate::AtDraw(502, REPETITION));
    assert_eq!(fate(8000, stuck_after(1024 + 32 * 500 + 27)), Fate::AtDraw(501, REPETITION));
}

#[test]
fn an_alternating_source_is_for_the_proportion_test() {
    let alternating = [0x00, 0xff].into_iter().cycle();
    assert_eq!(fate(8000, alternating.clone()), Fate::AtStartUp(PROPORTION));
    let after_good = good(3).take(1024 + 32 * 7).chain(alternating);
    assert!(matches!(fate(8000, after_good), Fate::AtDraw(8..=24, PROPORTION)));
}

#[test]
fn a_source_of_4_bits_is_seen_where_8_are_claimed_and_not_where_4_are() {
    let nibbles = |seed| good(seed).map(|byte| byte & 0x0f);
    assert!(matches!(fate(8000, nibbles(4)), Fate::AtStartUp(_)));
    assert_eq!(fate(4000, nibbles(4)), Fate::Unseen);
    let loses_half = good(5).take(1024).chain(nibbles(5));
    assert!(matches!(fate(8000, loses_half), Fate::AtDraw(1..=32, _)));
}

#[test]
fn a_source_that_prefers_one_byte_is_seen_the_sooner_the_more_it_does() {
    // The byte comes besides with its share of the rest: with a chance of 1/2, 1/4, 1/8 and 1/16, and 1/256 more.
    let biased = |seed, one_in: u8| {
        let mut bytes = good(seed);
        std::iter::repeat_with(move || {
            let (which, byte) = (bytes.next().unwrap(), bytes.next().unwrap());
            if which % one_in == 0 { 0x42 } else { byte }
        })
    };
    // A window sees it only where the byte is its first: in one window of `one_in`, a window being 16 draws.
    for (one_in, draws_most) in [(2, 100), (4, 500), (8, 1000), (16, 3000)] {
        let stream = good(6).take(1024).chain(biased(7, one_in));
        let fate = fate(8000, stream);
        assert!(matches!(fate, Fate::AtDraw(draw, _) if draw <= draws_most), "1/{one_in}: {fate:?}");
    }
    // An eighth more of one byte than its share is far below what either test is for.
    let slightly = good(8)
        .zip(good(9).zip(good(10)))
        .map(|(byte, (a, b))| if u16::from_le_bytes([a, b]) < 32 { 0x42 } else { byte });
    assert_eq!(fate(8000, slightly), Fate::Unseen);
}

/// A block of `length` bytes, over and over; no byte in it twice where it is of 256 or fewer.
fn repeating(length: usize) -> impl Iterator<Item = u8> + Send {
    counting(length).into_iter().cycle()
}

#[test]
fn a_block_that_repeats_is_seen_if_it_has_34_bytes_or_fewer_and_not_if_it_has_more() {
    for length in 2..=34 {
        assert_eq!(fate(8000, repeating(length)), Fate::AtStartUp(PROPORTION), "{length}");
    }
    // 512 places hold the first byte of such a block 15 times at most: one under the cutoff.
    for length in [35, 64, 255, 256] {
        assert_eq!(fate(8000, repeating(length)), Fate::Unseen, "{length}");
    }
    // With a lower claim, less.
    let proportion = Alarm::Proportion { cutoff: 71, window: 512 };
    assert_eq!(fate(4000, repeating(7)), Fate::AtStartUp(proportion));
    assert_eq!(fate(4000, repeating(8)), Fate::Unseen);
}

#[test]
fn a_draw_that_is_always_the_same_is_seen_and_a_long_one_is_not() {
    // What a source gives whose buffer is never filled again, or a generator that is set up anew for each draw.
    let same = |length: usize| good(11).take(length).collect::<Vec<_>>().into_iter().cycle();
    assert!(matches!(fate(8000, same(32)), Fate::AtStartUp(_)));
    for length in [512, 4096] {
        assert_eq!(fate(8000, same(length)), Fate::Unseen, "{length}");
    }
}

#[test]
fn a_counter_goes_unseen() {
    assert_eq!(fate(8000, repeating(256)), Fate::Unseen);
}
