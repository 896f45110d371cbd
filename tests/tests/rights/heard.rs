//! What the agent asks of others, as a monitor on the bus hears it.

use futures_util::StreamExt;
use selfsame_dbus::AGENT_BUS_NAME;
use tokio::time::timeout;
use zbus::{Connection, MatchRule, MessageStream, fdo, message::Type, names::OwnedUniqueName};

use crate::scene::{LIMIT, Scene};

/// Hears the agent's calls from when it is made.
pub struct Heard {
    messages: MessageStream,
    /// By which a mark is made.
    connection: Connection,
    agent: OwnedUniqueName,
}

impl Heard {
    pub async fn on(scene: &Scene) -> Self {
        let monitor = scene.bus.connect().await;
        let messages = MessageStream::from(&monitor);
        let agent = fdo::DBusProxy::new(&monitor).await.unwrap();
        let agent = agent.get_name_owner(AGENT_BUS_NAME.try_into().unwrap()).await.unwrap();
        let calls = || MatchRule::builder().msg_type(Type::MethodCall);
        let rules = [calls().sender(agent.clone()).build().unwrap(), calls().member(MARK).build().unwrap()];
        fdo::MonitoringProxy::new(&monitor).await.unwrap().become_monitor(&rules, 0).await.unwrap();
        Self { messages, connection: scene.bus.connect().await, agent }
    }

    /// What it has called since the last call of this.
    pub async fn calls(&mut self) -> Vec<String> {
        // the bus has heard this after all that came before
        let (bus, interface) = (Some("org.freedesktop.DBus"), Some("org.selfsame.Test"));
        let mark = self.connection.call_method(bus, "/", interface, MARK, &()).await;
        assert!(mark.is_err(), "there is no such method");
        let mut calls = Vec::new();
        loop {
            let message =
                timeout(LIMIT, self.messages.next()).await.expect("the mark is heard").unwrap().unwrap();
            let header = message.header();
            // the answers to this connection's own calls have none
            let (Some(sender), Some(member)) = (header.sender(), header.member()) else { continue };
            if *sender == self.agent {
                calls.push(member.to_string());
            } else if *member == MARK {
                return calls;
            }
        }
    }

    /// How often it has asked polkit since the last call of this.
    pub async fn questions(&mut self) -> usize {
        self.calls().await.iter().filter(|call| *call == "CheckAuthorization").count()
    }
}

const MARK: &str = "HeardSoFar";
