//! The signals that tell of changed properties.

use futures_util::StreamExt;
use selfsame_dbus::{AGENT_BUS_NAME, AGENT_PATH};
use tokio::time::timeout;
use zbus::{
    Variant,
    fdo::{PropertiesChangedStream, PropertiesProxy},
};

use crate::host::{Host, LIMIT};

/// The changes since it was made.
pub struct Changes(PropertiesChangedStream);

/// A property with its new value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    Condition(String),
    /// Name, class, and whether healthy, of each.
    Sources(Vec<(String, String, bool)>),
}

impl Changes {
    pub async fn of(host: &Host) -> Self {
        let proxy = PropertiesProxy::builder(&host.connection)
            .destination(AGENT_BUS_NAME)
            .path(AGENT_PATH)
            .build()
            .await
            .unwrap();
        Self(proxy.receive_properties_changed().await.unwrap())
    }

    /// Waits for signals until one of them told of `wanted`.
    pub async fn wait_for(&mut self, wanted: impl Fn(&Change) -> bool) {
        let wait = async {
            loop {
                let signal = self.0.next().await.expect("the bus goes on");
                let arguments = signal.args().unwrap();
                if arguments.changed_properties().iter().filter_map(change).any(|change| wanted(&change)) {
                    return;
                }
            }
        };
        timeout(LIMIT, wait).await.expect("the signal comes");
    }

    /// Waits until a signal says that the condition is this.
    pub async fn condition(&mut self, condition: &str) {
        self.wait_for(|change| *change == Change::Condition(condition.to_owned())).await;
    }

    /// Waits until a signal says that a source is healthy, or is not.
    pub async fn source(&mut self, name: &str, healthy: bool) {
        self.wait_for(|change| match change {
            Change::Sources(sources) => {
                sources.iter().any(|(found, _, is_healthy)| found == name && *is_healthy == healthy)
            }
            Change::Condition(_) => false,
        })
        .await;
    }
}

fn change((name, value): (&&str, &Variant<'_>)) -> Option<Change> {
    let value = value.try_clone().unwrap();
    match *name {
        "Condition" => Some(Change::Condition(value.try_into().unwrap())),
        "Sources" => Some(Change::Sources(value.try_into().unwrap())),
        _ => None,
    }
}
