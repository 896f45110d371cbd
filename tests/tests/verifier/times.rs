//! Step 6: a host that is ahead of time, and one that lags.

use std::time::Duration;

use selfsame_dbus::Options;
use selfsame_store::{ChallengeOptions, EnrolOptions};
use zbus::Variant;

use crate::{
    host::{DOOR, Member, ticks},
    scene::{Door, ago, cause, pair, text},
};

fn time() -> Options<'static> {
    Options::from([("time", Variant::Bool(true))])
}

#[tokio::test]
async fn who_is_ahead_of_time_passes_where_a_person_says_so() {
    let (door, mut host) = (Door::start().await, Member::born(1));
    door.enrolled("web", &mut host).await;
    host.ahead = ticks(Duration::from_secs(30));
    let proof = host.prove(&door.challenge("web").await);
    let refused = door.verify("web", &proof).await;
    let (_, details) = &**refused.as_ref().unwrap_err();
    assert_eq!((details.check, details.alarm), (Some(6), false), "{details:?}");
    // beside a second of slack
    let ahead_ms = details.ahead_ms.unwrap();
    assert!((20_000..=29_100).contains(&ahead_ms), "{ahead_ms}");
    assert_eq!(cause(refused), pair("Clock", "ahead"));
    door.verify_with("web", &proof, &time()).await.unwrap();
    // the pairs start anew with its head
    door.ask("web", &mut host).await.unwrap();
}

#[tokio::test]
async fn who_lags_for_more_than_a_minute_passes_where_a_person_says_so() {
    let (door, mut host) = (Door::start().await, Member::born(1));
    // it was met 100 s ago, and has grown by less since
    let then = ago(Duration::from_secs(100));
    let mut store = door.store();
    let challenge = store.challenge("web", DOOR, &[1; 32], &then, &ChallengeOptions::default()).unwrap();
    store.enrol("web", &host.prove(&challenge), &then, &EnrolOptions::default()).unwrap();

    let proof = host.prove(&door.challenge("web").await);
    let refused = door.verify("web", &proof).await;
    let (_, details) = &**refused.as_ref().unwrap_err();
    assert_eq!((details.check, details.alarm, details.max_ms), (Some(6), false, Some(60_000)));
    let lag_ms = details.lag_ms.unwrap();
    assert!((90_000..110_000).contains(&lag_ms), "{lag_ms}");
    assert!(text(refused.clone()).contains("it lags by 1 min"), "{refused:?}");
    assert_eq!(cause(refused), pair("Stalled", "lags"));
    let verdict = door.verify_with("web", &proof, &time()).await.unwrap();
    assert!(verdict.stalled_ms >= lag_ms, "it is told all the same: {verdict:?}");
    assert_eq!(door.ask("web", &mut host).await.unwrap().stalled_ms, 0);
}
