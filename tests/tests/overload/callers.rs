//! Callers of several users, all in this process, and all in group `selfsame`.

use selfsame::{Boot, Challenge, Now, Peer, Policy, Proof};
use selfsame_dbus::{Bytes, CallError, Error, Identity1Proxy, Options};
use selfsame_tests::{MEMBERS, connect_as};
use zbus::Connection;

/// Users that every Debian has (base-passwd): the bus lets in nobody whom the system does not know.
pub const USERS: [u32; 10] = [1, 2, 3, 5, 6, 7, 8, 9, 10, 13];

/// One more.
pub const NOBODY: u32 = 65_534;

/// A connection of this user's.
pub async fn connect(address: &str, uid: u32) -> Connection {
    connect_as(address, uid, &[MEMBERS]).await
}

/// What a call came to.
#[derive(Debug)]
pub enum Answer {
    /// A proof that a relying party takes: its head's index.
    Moment(u64),
    /// Too much is waiting.
    Busy,
}

/// A relying party's one question.
pub struct Question {
    peer: Peer,
    challenge: Challenge,
    now: Now,
}

impl Question {
    pub fn new(lineage: selfsame::LineageId) -> Self {
        let now = Now { boot: Boot([0; 16]), ticks: 0, wall_ms: 0 };
        let mut peer = Peer::expecting(lineage);
        let challenge = peer.challenge("door", &[7; 32], &now).unwrap();
        Self { peer, challenge, now }
    }

    /// Asks by this connection, and looks at the answer as the relying party does.
    pub async fn ask(mut self, identity: &Identity1Proxy<'_>) -> Answer {
        let (challenge, none) = (Bytes::new(self.challenge.as_bytes()), Options::new());
        match identity.prove("door", challenge, Bytes::new(b""), &none).await {
            Ok(proof) => {
                self.peer.take(&proof, &self.now, &Policy::default()).unwrap();
                Answer::Moment(Proof::parse(&proof).unwrap().head().unwrap().head().index)
            }
            Err(CallError::Refused(Error::Busy(_), _)) => Answer::Busy,
            Err(other) => panic!("{other:?}"),
        }
    }
}
