//! A machine that was loaded from a snapshot, as VMClock tells it.

use nix::sys::signal::Signal;
use selfsame_dbus::Error;
use selfsame_tests::{
    Relying,
    manager::{PAGE, bytes_of},
};
use std::os::fd::AsFd;

use crate::{
    machine::Machine,
    scene::{PLAIN, Scene, Setting, next_end},
};

#[tokio::test]
async fn a_copy_answers_as_another_lineage_that_names_the_one_before() {
    let machine = Machine::at_generation(7);
    let mut scene = Scene::start(Setting { program: Some(&machine.agent()), ..Setting::default() }).await;
    let check = scene.check("vmclock").await;
    assert_eq!(check.state, "ok", "{check:?}");
    let mut door = Relying::new("door");
    let challenge = door.challenge();
    door.enrol(&scene.prove(&challenge).await.unwrap()).unwrap();
    let old = scene.lineage().await.to_string();
    let mut ends = scene.ends().await;
    let page = scene.manager.kept(PAGE).unwrap();
    assert!(bytes_of(page.as_fd()).iter().any(|byte| *byte != 0));

    let challenge = door.challenge();
    machine.load(8);
    let refused = scene.prove(&challenge).await;
    let new = scene.lineage().await.to_string();
    assert_ne!(new, old);
    let Err(Error::OtherLineage(text)) = refused else { panic!("{refused:?}") };
    assert!(text.contains(&old) && text.contains(&new), "{text}");
    assert_eq!(next_end(&mut ends).await, (old.clone(), "clone".to_owned(), new.clone()));
    assert_eq!(scene.origin().await, ("clone".to_owned(), old.clone()));
    scene.wait_for_last_head(&new).await;
    assert!(
        bytes_of(page.as_fd()).iter().all(|byte| *byte == 0),
        "what was secret is erased, whoever has it"
    );

    // the new one is kept like any other, and the same generation is no news
    scene.end(Signal::SIGKILL).await;
    scene.start_again().await;
    assert_eq!(scene.lineage().await.to_string(), new);
    let mut gate = Relying::new("gate");
    let challenge = gate.challenge();
    assert_eq!(gate.enrol(&scene.prove(&challenge).await.unwrap()).unwrap().verdict.lineage.to_string(), new);
}

#[tokio::test]
async fn a_beat_notices_it_too() {
    let machine = Machine::at_generation(7);
    let scene = Scene::start(Setting { program: Some(&machine.agent()), ..Setting::default() }).await;
    let old = scene.lineage().await.to_string();
    let mut ends = scene.ends().await;
    machine.load(1);
    let (ended, reason, successor) = next_end(&mut ends).await;
    assert_eq!((ended, reason.as_str()), (old, "clone"));
    assert_eq!(scene.lineage().await.to_string(), successor);
}

#[tokio::test]
async fn one_that_happened_while_no_agent_ran_ends_the_lineage_that_was_handed_over() {
    let machine = Machine::at_generation(7);
    let mut scene = Scene::start(Setting { program: Some(&machine.agent()), ..Setting::default() }).await;
    let old = scene.lineage().await.to_string();
    scene.wait_for_last_head(&old).await;
    scene.end(Signal::SIGKILL).await;
    machine.load(8);
    scene.start_again().await;
    assert_eq!(scene.origin().await, ("clone".to_owned(), old.clone()));
    scene.manager.logged("counter was 7 and is 8").await;
}

#[tokio::test]
async fn where_it_is_to_be_marked_the_lineage_goes_on_degraded() {
    let machine = Machine::at_generation(7);
    let settings = format!("{PLAIN}on_generation_change = \"mark\"\n");
    let setting = Setting { program: Some(&machine.agent()), settings: &settings, ..Setting::default() };
    let scene = Scene::start(setting).await;
    let lineage = scene.lineage().await;
    let mut door = Relying::new("door");
    let challenge = door.challenge();
    let verdict = door.enrol(&scene.prove(&challenge).await.unwrap()).unwrap().verdict;
    let condition = |verdict: &selfsame::Verdict| verdict.evidence.fields().condition;
    assert_ne!(condition(&verdict), Some(selfsame::Condition::Degraded));
    machine.load(8);
    for _ in 0..2 {
        let challenge = door.challenge();
        let verdict = door.verify(&scene.prove(&challenge).await.unwrap()).unwrap();
        assert_eq!((verdict.lineage, condition(&verdict)), (lineage, Some(selfsame::Condition::Degraded)));
    }
    assert_eq!(scene.identity().await.condition().await.unwrap(), "degraded");
    let told = "VMClock's generation counter has changed: this machine may be a copy";
    assert_eq!(scene.check("lineage").await.finding, told);
    assert_eq!(scene.manager.stderr().matches(told).count(), 1, "{}", scene.manager.stderr());
}
