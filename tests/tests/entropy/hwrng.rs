//! The kernel's generator, whichever it is: a stand-in of the test's.

use crate::{
    history::{History, genesis, sources},
    host::{Host, Setting, has_rdseed},
    machine::Machine,
    relying::Relying,
    stream::Stream,
};

/// All sources but those that every machine here has.
async fn generators(host: &Host) -> Vec<(String, String, bool)> {
    let others = ["kernel", "rdseed", "tpm"];
    host.sources().await.into_iter().filter(|(name, ..)| !others.contains(&name.as_str())).collect()
}

#[tokio::test]
async fn each_generator_is_a_source_of_its_class() {
    for (name, class) in [
        ("optee-rng", "tee"),
        ("ccp-1-rng", "tee"),
        ("smccc_trng", "tee"),
        ("virtio_rng.0", "platform"),
        ("3f104000.rng", "platform"),
    ] {
        let (machine, _feed) = Machine::fed(name, Stream::good(1));
        let source = format!("hwrng:{name}");
        let host = Setting::new("sources = [\"hwrng\"]\nrequire = []\n").on(&machine).start().await;
        host.wait_for(&source, true).await;
        assert_eq!(generators(&host).await, [(source.clone(), class.to_owned(), true)]);
        // where the birth did not wait for it, it came later
        if !sources(genesis(&host).await.evidence().fields()).contains(&source) {
            History::from_genesis(&host).await.next_with(&host, &source).await;
        }
    }
}

#[tokio::test]
async fn a_tpm_is_not_counted_twice_and_none_is_none() {
    for name in ["tpm-rng-0", "none"] {
        let (machine, feed) = Machine::fed(name, Stream::good(1));
        let host = Setting::new("require = []\n").on(&machine).start().await;
        assert_eq!(generators(&host).await, [], "{name}");
        let rdseed = has_rdseed().then_some("rdseed");
        let names: Vec<String> = host.sources().await.into_iter().map(|(name, ..)| name).collect();
        assert_eq!(names, ["kernel", "tpm"].into_iter().chain(rdseed).collect::<Vec<_>>());
        History::from_genesis(&host).await.next(&host).await;
        assert_eq!(feed.taken(), 0, "nobody reads from {name}");
    }
}

#[tokio::test]
async fn one_that_is_named_and_not_there_has_failed() {
    let machine = Machine::with_generator("none");
    let host = Setting::new("sources = [\"hwrng\"]\nrequire = []\n").on(&machine).start().await;
    host.agent.logged("no hardware generator").await;
    assert_eq!(generators(&host).await, [("hwrng".to_owned(), "platform".to_owned(), false)]);
    assert_eq!(host.condition().await, "degraded");
}

#[tokio::test]
async fn another_generator_behind_the_device_is_not_taken_for_this_one() {
    let (machine, _feed) = Machine::fed("optee-rng", Stream::good(1));
    let configuration = "sources = [\"hwrng\"]\nrequire = [\"tee\"]\ntpm_interval_s = 1\n";
    let host = Setting::new(configuration).on(&machine).start().await;
    assert_eq!(host.is_healthy("hwrng:optee-rng").await, Some(true));
    machine.switch_generator("virtio_rng.0");
    host.wait_for("hwrng:optee-rng", false).await;
    host.agent.logged("expected optee-rng, found virtio_rng.0").await;
    machine.switch_generator("optee-rng");
    host.wait_for("hwrng:optee-rng", true).await;
    assert_eq!(generators(&host).await.len(), 1);
}

#[tokio::test]
async fn one_that_blocks_keeps_nobody_waiting_and_comes_back() {
    let (machine, feed) = Machine::fed("virtio_rng.0", Stream::none());
    let host = Setting::new("sources = [\"hwrng\"]\nrequire = []\n").on(&machine).start().await;
    assert_eq!(host.condition().await, "warming");
    let mut relying = Relying::that_met(&host).await;
    host.wait_until("killed", async || {
        relying.verify(&host).await;
        host.agent.stderr().contains("the helper process was killed")
    })
    .await;
    assert_eq!(host.is_healthy("hwrng:virtio_rng.0").await, Some(false));
    assert_eq!(host.condition().await, "degraded");
    feed.give(Stream::good(1));
    host.wait_for("hwrng:virtio_rng.0", true).await;
    host.wait_until_steady().await;
}
