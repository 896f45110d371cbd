//! One line on how the agent is, for whoever looks at its unit: `systemctl status` shows it.

use std::{future::pending, time::Duration};

use tokio::{sync::watch, time::timeout};

use crate::{
    entropy::{Health, Status},
    notify,
};

/// Tells it to the service manager, now and whenever `changes` says that something has changed; for ever. Why a source
/// fails may change, too, and nobody is told of that: so it is looked at now and then.
pub(crate) async fn keep(mut changes: watch::Receiver<()>, status: Status) {
    let mut told = String::new();
    loop {
        let line = line(&status);
        if line != told {
            notify::status(&line);
            told = line;
        }
        if let Ok(Err(_)) = timeout(LOOK_EVERY, changes.changed()).await {
            // nothing changes any more
            return pending().await;
        }
    }
}

/// The condition, and what makes it so.
fn line(status: &Status) -> String {
    let failed = status.sources().into_iter().filter_map(|source| match source.health {
        Health::Failed(why) => Some(format!("source {}: {why}", source.name)),
        Health::Healthy | Health::Waiting => None,
    });
    let settings = (!status.is_by_present_settings()).then(|| "the present settings are refused".to_owned());
    let head = (!status.is_head_kept()).then(|| "the last head can't be written".to_owned());
    let why: Vec<String> = settings.into_iter().chain(head).chain(status.marks()).chain(failed).collect();
    let condition = status.condition().as_str();
    let line = if why.is_empty() { condition.to_owned() } else { format!("{condition}: {}", why.join("; ")) };
    // a line of the manager's protocol each
    line.replace(char::is_control, " ")
}

/// As long as a person would wait for it to change.
const LOOK_EVERY: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::entropy::{Gathering, Pace, Require, Sources};

    #[test]
    fn it_says_the_condition_and_all_that_degrades_it_in_one_line() {
        let pace = Pace::new(Duration::from_secs(1), None);
        let none = Sources { names: Vec::new(), chosen: true };
        let sources = none.attach(&"swtpm:path=/nonexistent".parse().unwrap(), None);
        let mut gathering = Gathering::begin(sources, Require::Each(Vec::new()), pace).unwrap();
        let status = gathering.status();
        gathering.birth().unwrap();
        assert_eq!(line(&status), "steady");
        status.set_head_kept(false);
        status.mark("the TPM\nwas reset".to_owned());
        assert_eq!(line(&status), "degraded: the last head can't be written; the TPM was reset");
        status.set_head_kept(true);
        status.unmark();
        status.set_by_last_settings();
        assert_eq!(line(&status), "degraded: the present settings are refused");
    }
}
