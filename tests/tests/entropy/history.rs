//! All moments of an agent, one after the other: each names the one before.

use selfsame::{Condition, EvidenceFields, Genesis, Hop, LineageId, Moment};
use selfsame_dbus::{CallError, Error};
use tokio::time::timeout;

use crate::host::{Host, LIMIT, POLL};

/// Where in a lineage one has got to.
pub struct History {
    lineage: LineageId,
    index: u64,
}

impl History {
    /// From the genesis on.
    pub async fn from_genesis(host: &Host) -> Self {
        Self { lineage: genesis(host).await.lineage(), index: 0 }
    }

    /// From the newest moment on.
    pub async fn from_now(host: &Host) -> Self {
        let index = host.identity.index().await.unwrap();
        Self { index, ..Self::from_genesis(host).await }
    }

    /// The next moment, once there is one.
    pub async fn next(&mut self, host: &Host) -> Moment {
        let next = timeout(LIMIT, async {
            loop {
                match host.identity.hop(self.index, 0, false).await {
                    Ok(reply) => return Hop::parse(&reply.hop).unwrap().moment().clone(),
                    Err(CallError::Refused(Error::NotKept(_), _)) => tokio::time::sleep(POLL).await,
                    Err(error) => panic!("{error}: {}", host.agent.stderr()),
                }
            }
        });
        let moment = next.await.expect("there is a next moment");
        assert_eq!((moment.lineage(), moment.previous().index), (&self.lineage, self.index));
        self.index = moment.index();
        moment
    }

    /// Goes on to a moment that lists `source` as mixed in.
    pub async fn next_with(&mut self, host: &Host, source: &str) -> Moment {
        let found = timeout(LIMIT, async {
            loop {
                let moment = self.next(host).await;
                if sources(moment.evidence().fields()).iter().any(|listed| listed == source) {
                    return moment;
                }
            }
        });
        found.await.unwrap_or_else(|_| panic!("no moment lists {source}: {}", host.agent.stderr()))
    }
}

/// The lineage's first moment.
pub async fn genesis(host: &Host) -> Genesis {
    Genesis::parse(&host.identity.genesis().await.unwrap()).unwrap()
}

/// The sources that an evidence lists, in order.
pub fn sources(evidence: &EvidenceFields) -> Vec<String> {
    let mut sources = evidence.sources.clone().expect("the agent lists its sources");
    sources.sort_unstable();
    sources
}

/// The condition that a moment tells of.
pub fn condition(moment: &Moment) -> Condition {
    moment.evidence().fields().condition.expect("the agent tells its condition")
}
