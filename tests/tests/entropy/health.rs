//! Health tests in the running agent: a generator that goes bad is out at once, and back when it is good again.

use selfsame::Condition;

use crate::{
    changes::Changes,
    history::{History, condition, genesis, sources},
    host::{Host, Setting},
    machine::Machine,
    relying::Relying,
    stream::Stream,
};

/// A TEE's generator is all that this agent has, besides the kernel's; it is drawn from each second.
const CONFIGURATION: &str = "sources = [\"hwrng\"]\nrequire = [\"tee\"]\ntpm_interval_s = 1\n";

const SOURCE: &str = "hwrng:optee-rng";

/// The kernel's generator gives `bad` after its start-up test, and is good again later.
async fn goes_bad_and_comes_back(bad: Stream, test: &str) {
    let (machine, feed) = Machine::fed("optee-rng", Stream::good(1).first(START_UP_BYTES, Stream::none()));
    let host = Setting::new(CONFIGURATION).on(&machine).start().await;
    let mut changes = Changes::of(&host).await;
    let lineage = host.identity.lineage().await.unwrap();
    assert!(sources(genesis(&host).await.evidence().fields()).contains(&SOURCE.to_owned()));
    let mut relying = Relying::that_met(&host).await;

    assert_eq!(feed.give(bad), START_UP_BYTES);
    changes.source(SOURCE, false).await;
    assert_eq!((host.is_healthy(SOURCE).await, host.condition().await.as_str()), (Some(false), "degraded"));
    let log = host.agent.stderr();
    let is_logged =
        |line: &str| line.contains(SOURCE) && line.contains("health test: ") && line.contains(test);
    assert!(log.lines().any(is_logged), "{log}");
    without_it(&host).await;
    relying.verify(&host).await;

    let before = feed.give(Stream::good(2));
    changes.source(SOURCE, true).await;
    let taken = feed.taken() - before;
    assert!(taken >= START_UP_BYTES, "it is back after {taken} bytes, which are no start-up test");
    let mut history = History::from_now(&host).await;
    host.wait_until_steady().await;
    let moment = history.next_with(&host, SOURCE).await;
    assert_ne!(condition(&moment), Condition::Degraded);
    relying.verify(&host).await;
    assert_eq!(host.identity.lineage().await.unwrap(), lineage);
}

/// Moments from now on say that the agent is degraded, and don't list the source.
async fn without_it(host: &Host) {
    let mut history = History::from_now(host).await;
    for _ in 0..4 {
        let moment = history.next(host).await;
        assert_eq!(condition(&moment), Condition::Degraded);
        let mixed = sources(moment.evidence().fields());
        assert!(!mixed.contains(&SOURCE.to_owned()), "{mixed:?}");
    }
}

#[tokio::test]
async fn a_generator_that_stands_still_is_out_until_it_is_good_again() {
    goes_bad_and_comes_back(Stream::stuck(), "repetition count test").await;
}

#[tokio::test]
async fn a_generator_that_gives_zeros_is_out_until_it_is_good_again() {
    goes_bad_and_comes_back(Stream::constant(), "repetition count test").await;
}

#[tokio::test]
async fn a_generator_that_repeats_itself_is_out_until_it_is_good_again() {
    goes_bad_and_comes_back(Stream::repeating(), "adaptive proportion test").await;
}

#[tokio::test]
async fn a_generator_that_is_bad_from_the_start_never_joins() {
    let (machine, feed) = Machine::fed("optee-rng", Stream::biased(1));
    let host = Setting::new(&CONFIGURATION.replace("\"tee\"", "")).on(&machine).start().await;
    let mut history = History::from_genesis(&host).await;
    host.wait_until("three attempts", async || {
        let mixed = sources(history.next(&host).await.evidence().fields());
        assert!(!mixed.contains(&SOURCE.to_owned()), "{mixed:?}");
        assert_eq!(host.is_healthy(SOURCE).await, Some(false));
        feed.taken() >= 3 * START_UP_BYTES
    })
    .await;
    assert!(!sources(genesis(&host).await.evidence().fields()).contains(&SOURCE.to_owned()));
    host.agent.logged("health test: ").await;
    assert_eq!(host.condition().await, "degraded");
}

#[tokio::test]
async fn each_kind_of_bad_generator_is_seen_and_a_good_one_is_not() {
    for (name, stream, test) in [
        ("constant", Stream::constant(), Some("repetition count test")),
        ("stuck", Stream::stuck(), Some("repetition count test")),
        ("repeating", Stream::repeating(), Some("adaptive proportion test")),
        ("biased", Stream::biased(1), Some("adaptive proportion test")),
        (
            "good, then constant",
            Stream::good(1).first(1000, Stream::constant()),
            Some("repetition count test"),
        ),
        ("good", Stream::good(1), None),
    ] {
        let (machine, _feed) = Machine::fed("optee-rng", stream);
        let setting = Setting::new("sources = [\"hwrng\"]\n").on(&machine);
        let found = setting.diagnose().await;
        let check = found.iter().find(|check| check.check == format!("source {SOURCE}")).unwrap();
        match test {
            Some(test) => assert!(check.state == "fail" && check.finding.contains(test), "{name}: {check:?}"),
            None => assert_eq!(check.state, "ok", "{name}: {check:?}"),
        }
    }
}

/// Source: SP 800-90B 4.3, requirement 4.
const START_UP_BYTES: usize = 1024;
