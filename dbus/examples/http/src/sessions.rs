//! Sessions: who has shown who it is, for a while, and the tokens that say so.

use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use blake3::Hash;

/// Sessions that may be under way at once: our own bound.
const MOST: usize = 1024;

/// Who a token is of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// The peer.
    pub peer: String,
    /// Whose statement it was there, by the word of the agent there.
    pub uid: Option<u32>,
}

/// The sessions that are under way. Tokens themselves are not kept: their hashes are, which compare in constant time.
#[derive(Debug)]
pub struct Sessions {
    lifetime: Duration,
    under_way: Vec<(Hash, Instant, Session)>,
}

impl Sessions {
    /// None yet; each will last so long.
    pub fn lasting(lifetime: Duration) -> Self {
        Self { lifetime, under_way: Vec::new() }
    }

    /// Begins a session at `now`, with a token of `random` bytes that are fresh. `None`: too many are under way.
    pub fn begin(&mut self, session: Session, random: [u8; 32], now: Instant) -> Option<String> {
        self.under_way.retain(|(_, end, _)| now < *end);
        if self.under_way.len() >= MOST {
            return None;
        }
        self.under_way.push((blake3::hash(&random), now + self.lifetime, session));
        Some(URL_SAFE_NO_PAD.encode(random))
    }

    /// Whose token this is at `now`.
    pub fn of(&self, token: &str, now: Instant) -> Option<&Session> {
        let token = blake3::hash(&URL_SAFE_NO_PAD.decode(token).ok()?);
        // `==` of these hashes takes as long for a near miss as for a far one
        let found = self.under_way.iter().find(|(hash, end, _)| *hash == token && now < *end);
        found.map(|(.., session)| session)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn web() -> Session {
        Session { peer: "web1".into(), uid: Some(0) }
    }

    #[test]
    fn a_token_is_good_until_its_session_ends() {
        let (lifetime, began) = (Duration::from_secs(60), Instant::now());
        let mut sessions = Sessions::lasting(lifetime);
        let token = sessions.begin(web(), [7; 32], began).unwrap();
        assert_eq!(sessions.of(&token, began + lifetime - Duration::from_nanos(1)), Some(&web()));
        assert_eq!(sessions.of(&token, began + lifetime), None);
    }

    #[test]
    fn another_token_is_nobodys() {
        let now = Instant::now();
        let mut sessions = Sessions::lasting(Duration::from_secs(60));
        let token = sessions.begin(web(), [7; 32], now).unwrap();
        let mut near = [7; 32];
        near[31] ^= 1;
        for other in [URL_SAFE_NO_PAD.encode(near), token[1..].to_owned(), String::new(), "?".into()] {
            assert_eq!(sessions.of(&other, now), None, "{other:?}");
        }
        assert_eq!(sessions.of(&token, now), Some(&web()));
    }

    #[test]
    fn there_are_so_many_at_most_and_those_that_ended_do_not_count() {
        let (lifetime, now) = (Duration::from_secs(60), Instant::now());
        let mut sessions = Sessions::lasting(lifetime);
        for _ in 0..MOST {
            assert!(sessions.begin(web(), [7; 32], now).is_some());
        }
        assert_eq!(sessions.begin(web(), [7; 32], now), None);
        assert!(sessions.begin(web(), [7; 32], now + lifetime).is_some());
    }
}
