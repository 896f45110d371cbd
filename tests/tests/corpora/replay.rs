//! A test a target: each of its inputs in turn.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use selfsame::{Challenge, Fork, Genesis, Hop, HopAnswer, Introduction, Moment, Proof, Statement};

use crate::subjects::{self, Outcome};

/// Bytes that an input of the corpus has at most: larger ones add little, and the repository carries them for ever.
const MAX_BYTES: u64 = 64 * 1024;

#[test]
fn proof() {
    replay("proof", subjects::proof);
}

#[test]
fn moment() {
    replay("moment", subjects::moment);
}

#[test]
fn statement() {
    replay("statement", subjects::statement);
}

#[test]
fn challenge() {
    replay("challenge", subjects::challenge);
}

#[test]
fn introduction() {
    replay("introduction", subjects::introduction);
}

#[test]
fn fork() {
    replay("fork", subjects::fork);
}

#[test]
fn hop_answer() {
    replay("hop_answer", subjects::hop_answer);
}

#[test]
fn verify() {
    replay("verify", subjects::verify);
}

#[test]
fn every_target_is_replayed() {
    let targets = names(&fuzz().join("fuzz_targets"));
    let targets: Vec<_> = targets.iter().filter_map(|name| name.strip_suffix(".rs")).collect();
    let here = include_str!("replay.rs");
    for target in &targets {
        assert!(
            here.contains(&format!("replay(\"{target}\", subjects::{target})")),
            "{target} is not replayed"
        );
    }
    for folder in ["corpus", "crashes"] {
        for of in names(&fuzz().join(folder)) {
            assert!(targets.contains(&&of[..]), "{folder}/{of} is of no target");
        }
    }
    assert_eq!(targets.len(), 8);
}

/// A corpus is worth its replay where it reaches what lies beyond the parser: right messages, and wrong ones.
#[test]
fn the_corpora_hold_right_messages_and_wrong_ones() {
    let share = |target: &str, is_right: &dyn Fn(&[u8]) -> bool| {
        let files = inputs(target);
        let mut right = 0;
        run(&files, |data| right += usize::from(is_right(data)));
        println!("{target}: {right} of {} are right", files.len());
        assert!(right > 0 && right < files.len(), "{target}: {right} of {} are right", files.len());
    };
    share("proof", &|data| Proof::parse(data).is_ok());
    share("moment", &|data| Moment::parse(data).is_ok());
    share("moment", &|data| Genesis::parse(data).is_ok());
    share("moment", &|data| Hop::parse(data).is_ok());
    share("statement", &|data| Statement::parse(data).is_ok());
    share("challenge", &|data| Challenge::parse(data).is_ok());
    share("introduction", &|data| Introduction::parse(data).is_ok());
    share("fork", &|data| Fork::parse(data).is_ok());
    share("fork", &|data| Fork::parse(data).is_ok_and(|fork| fork.check([]).is_ok()));
    share("hop_answer", &|data| HopAnswer::parse(data).is_ok());
}

/// The same of `verify`, whose inputs are choices: what they come to is accepted, and refused by checks of each kind.
#[test]
fn the_corpus_of_verify_comes_to_every_outcome() {
    let mut outcomes = Vec::new();
    run(&inputs("verify"), |data| outcomes.extend(subjects::outcomes(data)));
    for outcome in [Outcome::Accepted, Outcome::Refused, Outcome::Forked, Outcome::Contradiction] {
        let count = outcomes.iter().filter(|found| **found == outcome).count();
        println!("verify: {outcome:?} {count} of {}", outcomes.len());
        assert!(count > 0, "{outcome:?}: none of {}", outcomes.len());
    }
}

/// What the subjects hold forks and answers against is a real copy: some are for anyone, some for who was there.
#[test]
fn a_copy_gives_forks_and_answers() {
    let forks: Vec<Fork> = subjects::forks().iter().map(|bytes| Fork::parse(bytes).expect("right")).collect();
    for is_for_anyone in [true, false] {
        let of_kind = forks.iter().filter(|fork| fork.is_for_anyone() == is_for_anyone);
        assert!(
            of_kind.clone().count() > 0
                && of_kind.clone().all(|fork| fork.check([]).is_ok() == is_for_anyone)
        );
    }
    subjects::forks().iter().for_each(|bytes| subjects::fork(bytes));
    let answers = subjects::answers();
    assert!(answers.len() > forks.len(), "some are to questions about what was before the copy");
    answers.iter().for_each(|bytes| subjects::hop_answer(bytes));
}

/// Every input gets to its subject, and one that panics is named.
#[test]
fn a_replay_bites() {
    let files = inputs("challenge");
    let mut seen = Vec::new();
    run(&files, |data| seen.push(data.to_vec()));
    assert_eq!(seen.len(), files.len());
    let last = seen.last().expect("there are some").clone();
    let panicked = catch_unwind(|| run(&files, |data| assert!(data != last, "found")));
    let message = panicked.expect_err("the last input panics");
    let message = message.downcast_ref::<String>().expect("it says which");
    let name = files.last().and_then(|file| file.file_name()?.to_str()).expect("it has a name");
    assert!(message.contains(name), "{message}");
}

fn replay(target: &str, subject: impl Fn(&[u8])) {
    let files = inputs(target);
    let bytes = run(&files, subject);
    println!("{target}: {} files replayed, {bytes} bytes", files.len());
}

/// Gives each of these to the subject; the bytes of all.
fn run(files: &[PathBuf], mut subject: impl FnMut(&[u8])) -> u64 {
    let mut bytes = 0;
    for file in files {
        let data = fs::read(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        bytes += data.len() as u64;
        if catch_unwind(AssertUnwindSafe(|| subject(&data))).is_err() {
            panic!("{}: it panics, as said above", file.display());
        }
    }
    bytes
}

/// The inputs of a target: those of the corpus, of which there are some, and those that once made it panic.
fn inputs(target: &str) -> Vec<PathBuf> {
    let of = |folder: &str| {
        let folder = fuzz().join(folder).join(target);
        names(&folder).into_iter().map(|name| folder.join(name)).collect::<Vec<_>>()
    };
    let corpus = of("corpus");
    assert!(!corpus.is_empty(), "corpus/{target} has no file");
    for file in &corpus {
        let bytes = fs::metadata(file).expect("it is there").len();
        assert!(bytes <= MAX_BYTES, "{}: {bytes} bytes, at most {MAX_BYTES}", file.display());
    }
    [corpus, of("crashes")].concat()
}

/// The names in a folder, ascending; none where it isn't there.
fn names(folder: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let names = entries.map(|entry| entry.expect("it can be listed").file_name());
    let mut names: Vec<String> = names.map(|name| name.into_string().expect("plain names")).collect();
    names.sort();
    names
}

fn fuzz() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz")
}
