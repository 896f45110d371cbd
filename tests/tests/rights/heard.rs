//! What polkit is asked, as a monitor on the bus hears it.

use futures_util::StreamExt;
use tokio::time::timeout;
use zbus::{Connection, MatchRule, MessageStream, fdo, message::Type};

use crate::scene::{LIMIT, Scene};

/// Hears all questions to polkit from when it is made.
pub struct Heard {
    messages: MessageStream,
    /// By which a mark is made.
    connection: Connection,
}

impl Heard {
    pub async fn on(scene: &Scene) -> Self {
        let monitor = scene.bus.connect().await;
        let messages = MessageStream::from(&monitor);
        let call = |member| MatchRule::builder().msg_type(Type::MethodCall).member(member).build().unwrap();
        let rules = [call("CheckAuthorization"), call(MARK)];
        fdo::MonitoringProxy::new(&monitor).await.unwrap().become_monitor(&rules, 0).await.unwrap();
        Self { messages, connection: scene.bus.connect().await }
    }

    /// How many there were since the last call of this.
    pub async fn questions(&mut self) -> usize {
        // the bus has heard this after all that came before
        let mark = self.connection.call_method(
            Some("org.freedesktop.DBus"),
            "/",
            Some("org.selfsame.Test"),
            MARK,
            &(),
        );
        assert!(mark.await.is_err(), "there is no such method");
        let mut questions = 0;
        loop {
            let message =
                timeout(LIMIT, self.messages.next()).await.expect("the mark is heard").unwrap().unwrap();
            match message.header().member().map(|member| member.as_str().to_owned()).as_deref() {
                Some("CheckAuthorization") => questions += 1,
                Some(MARK) => return questions,
                _ => {}
            }
        }
    }
}

const MARK: &str = "HeardSoFar";
