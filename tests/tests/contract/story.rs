//! Two apps that know only D-Bus, on two hosts, go through all that can happen: a first meeting, proofs, refusals, a
//! reboot, a stolen memory, and a new beginning. `docs/dbus.md` has the transcript, as this test prints it.

use std::{fs, time::Duration};

use futures_util::StreamExt;
use selfsame_dbus::{AGENT_BUS_NAME, Identity1Proxy, Verifier1Proxy};
use selfsame_tests::{Agent, AgentOptions, Manager, PrivateBus, Process, Stolen, wait_for_name};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::app::{App, Refused, Transcript, bytes};

/// The host that is met: its agent can be started anew, and its memory be stolen.
struct Web {
    agent: Agent,
    bus: PrivateBus,
    state: TempDir,
    config: tempfile::NamedTempFile,
}

impl Web {
    async fn start() -> Self {
        let config = tempfile::NamedTempFile::new().unwrap();
        fs::write(config.path(), "require = []\nsources = [\"kernel\"]\nmemory = \"locked\"\n").unwrap();
        let (bus, state) = (PrivateBus::start(), tempfile::tempdir().unwrap());
        let agent = Agent::start(options(&bus, config.path(), state.path())).await.unwrap();
        Self { agent, bus, state, config }
    }

    /// Ends its agent, lets what that left be another boot's, and starts another.
    async fn reboot(self) -> Self {
        let Self { agent, bus, state, config } = self;
        let ended = agent.terminate().await;
        assert_eq!(ended.status.code(), Some(0), "{}", ended.stderr);
        let file = state.path().join("last-head.json");
        let mut record: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
        record["boot_id"] = json!("another boot");
        fs::write(&file, record.to_string()).unwrap();
        let agent = Agent::start(options(&bus, config.path(), state.path())).await.unwrap();
        Self { agent, bus, state, config }
    }
}

fn options(bus: &PrivateBus, config: &std::path::Path, state: &std::path::Path) -> AgentOptions {
    AgentOptions {
        beat: Duration::from_millis(100),
        config: Some(config.to_owned()),
        state_dir: Some(state.to_owned()),
        ..AgentOptions::new(bus.address())
    }
}

/// What both sides do again and again.
struct Story {
    written: Transcript,
}

type Answer = Result<Vec<Value>, Refused>;

impl Story {
    async fn call(&mut self, app: &App<'_>, method: &str, arguments: &[&str]) -> Answer {
        app.call(&mut self.written, method, arguments).await
    }

    /// A call with bytes between other arguments.
    async fn with(
        &mut self,
        app: &App<'_>,
        method: &str,
        before: &[&str],
        given: &Value,
        after: &[&str],
    ) -> Answer {
        let given = bytes(given);
        let arguments: Vec<&str> = before
            .iter()
            .copied()
            .chain(given.iter().map(String::as_str))
            .chain(after.iter().copied())
            .collect();
        self.call(app, method, &arguments).await
    }

    async fn challenge(&mut self, door: &App<'_>, options: &[&str]) -> Value {
        let arguments = [&["ssa{sv}", "door", "web01"], options].concat();
        self.call(door, "Verifier1.Challenge", &arguments).await.unwrap().remove(0)
    }

    async fn prove(&mut self, web: &App<'_>, challenge: &Value, audience: &str) -> Answer {
        // a payload of two bytes, and no options
        self.with(web, "Identity1.Prove", &["sayaya{sv}", audience], challenge, &["2", "104", "105", "0"])
            .await
    }

    async fn answered(&mut self, web: &App<'_>, door: &App<'_>) -> Value {
        let challenge = self.challenge(door, &["0"]).await;
        self.prove(web, &challenge, "door").await.unwrap().remove(0)
    }

    async fn verify(&mut self, door: &App<'_>, proof: &Value, options: &[&str]) -> Answer {
        self.with(door, "Verifier1.Verify", &["saya{sv}", "web01"], proof, options).await
    }
}

fn named(answer: Answer) -> String {
    answer.expect_err("it is refused").name
}

/// Waits until the agent on this bus has made so many moments more: each opens pledges, and a fork is two openings.
async fn moments(bus: &PrivateBus, more: u64) {
    let identity = Identity1Proxy::uncached(&bus.connect().await).await.unwrap();
    let from = identity.moments().await.unwrap();
    while identity.moments().await.unwrap() < from + more {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// A member of a verdict.
fn member<'v>(verdict: &'v Value, name: &str) -> &'v Value {
    &verdict[name]["data"]
}

#[tokio::test]
async fn two_apps_that_know_only_dbus_go_through_all_of_it() {
    let mut host = Web::start().await;
    let (door_bus, door_state) = (PrivateBus::start(), tempfile::tempdir().unwrap());
    let _door = Agent::start(options(&door_bus, host.config.path(), door_state.path())).await.unwrap();
    let web = App { name: "web01", address: host.bus.address().to_owned() };
    let door = App { name: "door", address: door_bus.address().to_owned() };
    let verifier = Verifier1Proxy::to(&door_bus.connect().await).await.unwrap();
    let mut forks = verifier.receive_fork_found().await.unwrap();
    let mut story = Story { written: Transcript::default() };

    story
        .written
        .say("**First meeting.** door issues a challenge; web01 answers it; door enrols who answered.");
    let proof = story.answered(&web, &door).await;
    let verdict = story.with(&door, "Verifier1.Enrol", &["saya{sv}", "web01"], &proof, &["0"]).await.unwrap();
    assert_eq!(member(&verdict[0], "first"), true);
    assert_eq!(member(&verdict[0], "payload"), &json!([104, 105]));
    assert_eq!(member(&verdict[0], "subject")["uid"]["data"], 0);
    let first = member(&verdict[0], "lineage").as_str().unwrap().to_owned();

    story.written.say(
        "**Verification.** From now on door knows web01. It may say whom the statement must be of: user 0.",
    );
    let proof = story.answered(&web, &door).await;
    let verdict =
        story.verify(&door, &proof, &["1", "subject", "a{sv}", "1", "uid", "u", "0"]).await.unwrap();
    assert_eq!((member(&verdict[0], "lineage"), member(&verdict[0], "moved")), (&json!(first), &json!(true)));

    story.written.say("**Refusals.** The same proof again; one of another user than is wanted; a challenge that somebody passes on.");
    assert_eq!(named(story.verify(&door, &proof, &["0"]).await), "UnknownChallenge");
    let proof = story.answered(&web, &door).await;
    let wanted = ["1", "subject", "a{sv}", "1", "uid", "u", "1000"];
    assert_eq!(named(story.verify(&door, &proof, &wanted).await), "WrongSubject");
    let challenge = story.challenge(&door, &["0"]).await;
    assert_eq!(named(story.prove(&web, &challenge, "gate").await), "WrongAudience");

    story.written.say("**Reboot and succession.** web01 is started anew: its lineage has ended. door asks whoever comes, looks at what speaks for it, and lets it succeed.");
    host = host.reboot().await;
    let challenge = story.challenge(&door, &["0"]).await;
    assert_eq!(named(story.prove(&web, &challenge, "door").await), "OtherLineage");
    let challenge = story.challenge(&door, &["1", "anew", "b", "true"]).await;
    let proof = story.prove(&web, &challenge, "door").await.unwrap().remove(0);
    let enrol = &["saya{sv}", "web01"][..];
    assert_eq!(named(story.with(&door, "Verifier1.Enrol", enrol, &proof, &["0"]).await), "Succession");
    let look = ["2", "succeeds", "b", "true", "dry_run", "b", "true"];
    let found = story.with(&door, "Verifier1.Enrol", enrol, &proof, &look).await.unwrap();
    assert_eq!(
        (member(&found[0], "reason"), member(&found[0], "predecessor")),
        (&json!("boot"), &json!(first))
    );
    assert_eq!(member(&found[0], "succeeds"), &json!(first));
    let take = ["1", "succeeds", "b", "true"];
    let verdict = story.with(&door, "Verifier1.Enrol", enrol, &proof, &take).await.unwrap();
    let second = member(&verdict[0], "lineage").as_str().unwrap().to_owned();
    assert_ne!(first, second);
    let peers = story.call(&door, "Verifier1.Peers", &[]).await.unwrap();
    assert_eq!(peers[0][0][1], json!(second));

    story.written.say("**A stolen memory.** Somebody copies web01's memory, and answers door in its name. It passes: nobody can tell.");
    let manager = Manager::start();
    let (thief_bus, thief_state) = (PrivateBus::start(), tempfile::tempdir().unwrap());
    let thief_options = options(&thief_bus, host.config.path(), thief_state.path());
    let copy: Process = Stolen::from(host.agent.pid()).unwrap().run(&manager, &thief_options);
    let limit = Duration::from_secs(60);
    wait_for_name(&thief_bus.connect().await, AGENT_BUS_NAME, Some(copy.pid()), limit).await.unwrap();
    let thief = App { name: "thief", address: thief_bus.address().to_owned() };
    moments(&thief_bus, 3).await;
    let proof = story.answered(&thief, &door).await;
    story.verify(&door, &proof, &["0"]).await.unwrap();
    moments(&host.bus, 3).await;

    story.written.say(
        "**The alarm.** The next challenge that web01 itself gets names a head that is none of its own.",
    );
    let challenge = story.challenge(&door, &["0"]).await;
    assert_eq!(named(story.prove(&web, &challenge, "door").await), "ForeignAnchor");

    story.written.say("**Questions.** door asks what to ask web01, and holds each answer against what it keeps, until one is a fork: a proof, for anyone, that web01 was copied.");
    let questions = story.call(&door, "Verifier1.Questions", &["s", "web01"]).await.unwrap();
    let mut fork = Value::Null;
    for question in questions[0].as_array().unwrap() {
        let (index, tier) = (question[0].to_string(), question[1].to_string());
        let Ok(answer) = story.call(&web, "Identity1.Hop", &["tyb", &index, &tier, "true"]).await else {
            continue;
        };
        let way: Vec<String> = answer[1].as_array().unwrap().iter().flat_map(bytes).collect();
        let count = answer[1].as_array().unwrap().len().to_string();
        let after: Vec<&str> =
            std::iter::once(count.as_str()).chain(way.iter().map(String::as_str)).collect();
        let shown =
            story.with(&door, "Verifier1.Confront", &["sayaay", "web01"], &answer[0], &after).await.unwrap();
        fork = shown[0].clone();
        if fork.as_array().is_some_and(|fork| !fork.is_empty()) {
            break;
        }
    }
    assert!(fork.as_array().is_some_and(|fork| !fork.is_empty()), "no answer shows a fork");
    let told = tokio::time::timeout(limit, forks.next()).await.expect("ForkFound is told").unwrap();
    assert_eq!(told.args().unwrap().peer, "web01");
    let proof = story.answered(&thief, &door).await;
    assert_eq!(named(story.verify(&door, &proof, &["0"]).await), "Forked");

    story.written.say("**A new beginning.** A person makes sure which of the two is web01, ends the lineage there, and brings an introduction of the new one over a channel that is trusted.");
    story.call(&web, "Identity1.End", &["s", "ended"]).await.unwrap();
    story.call(&door, "Verifier1.Forget", &["s", "web01"]).await.unwrap();
    let introduction = story.call(&web, "Identity1.Introduce", &[]).await.unwrap().remove(0);
    story.with(&door, "Verifier1.Meet", &["saya{sv}", "web01"], &introduction, &["0"]).await.unwrap();
    let proof = story.answered(&web, &door).await;
    let verdict = story.verify(&door, &proof, &["0"]).await.unwrap();
    let third = member(&verdict[0], "lineage").as_str().unwrap();
    assert!(third != second && third != first);
    let kept = story.call(&door, "Verifier1.Forks", &["s", ""]).await.unwrap();
    assert_eq!(kept[0].as_array().unwrap().len(), 1, "Forget keeps the fork");
    println!("{}", story.written.text());
}
