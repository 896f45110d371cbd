//! The agent, followed: once a second its properties and callers, and its signals as they come.
//!
//! An agent that is gone is waited for, and never started: a view must not undo a person's `systemctl stop`. So the bus is
//! asked who has the agent's name before the agent is.

use std::time::{Duration, Instant, SystemTime};

use futures_util::stream::{self, BoxStream, StreamExt};
use selfsame_dbus::{AGENT_BUS_NAME, Bus, CallError, Error, Identity1Proxy, Verifier1Proxy};
use tokio::sync::mpsc::Sender;
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};
use zbus::Connection;
use zbus::fdo::DBusProxy;
use zbus::names::BusName;

use super::model::{At, Callers, Event};
use crate::failure::chain;
use crate::host::Status;

/// What was heard, and when.
#[derive(Debug)]
pub(super) struct Heard {
    pub(super) at: At,
    pub(super) event: Event,
}

/// Nobody listens any more.
struct Over;

/// Follows the agent on this bus until nobody listens. A bus that goes is connected to again.
pub(super) async fn follow(bus: &Bus, tell: Sender<Heard>) {
    let teller = Teller { tell, began: Instant::now() };
    loop {
        let ended = match timeout(PATIENCE, connect(bus)).await {
            Ok(Ok(agent)) => agent.follow(&teller).await,
            Ok(Err(error)) => teller.gone(&error).await,
            Err(_) => teller.tell(Event::Gone { why: "the bus does not answer".to_owned() }).await,
        };
        if ended.is_err() {
            return;
        }
        sleep(ROUND).await;
    }
}

/// Tells what is heard.
struct Teller {
    tell: Sender<Heard>,
    began: Instant,
}

impl Teller {
    async fn tell(&self, event: Event) -> Result<(), Over> {
        let wall = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
        let ms = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        let at = At { wall_ms: ms(wall), up_ms: ms(self.began.elapsed()) };
        self.tell.send(Heard { at, event }).await.map_err(|_| Over)
    }

    async fn gone(&self, error: &CallError) -> Result<(), Over> {
        self.tell(Event::Gone { why: chain(error) }).await
    }
}

/// A connection to the bus, and what is asked over it.
struct Agent {
    names: DBusProxy<'static>,
    identity: Identity1Proxy<'static>,
    signals: BoxStream<'static, Event>,
}

async fn connect(bus: &Bus) -> Result<Agent, CallError> {
    let connection: Connection = bus.builder().method_timeout(PATIENCE).build().await?;
    let identity = Identity1Proxy::uncached(&connection).await?;
    let verifier = Verifier1Proxy::to(&connection).await?;
    let ended = identity.receive_lineage_ended().await?.filter_map(async |signal| {
        let args = signal.args().ok()?;
        let [lineage, reason, successor] = [args.lineage, args.reason, args.successor].map(str::to_owned);
        Some(Event::LineageEnded { lineage, reason, successor })
    });
    let drifted = identity
        .receive_drift_exceeded()
        .await?
        .filter_map(async |signal| Some(Event::DriftExceeded { drift: signal.args().ok()?.drift }));
    let forked = verifier
        .receive_fork_found()
        .await?
        .filter_map(async |signal| Some(Event::ForkFound { peer: signal.args().ok()?.peer.to_owned() }));
    let signals = stream::select_all([ended.boxed(), drifted.boxed(), forked.boxed()]).boxed();
    Ok(Agent { names: DBusProxy::new(&connection).await?, identity, signals })
}

impl Agent {
    /// Follows the agent; `Ok`: the bus has gone.
    async fn follow(mut self, teller: &Teller) -> Result<(), Over> {
        let mut round = interval(ROUND);
        round.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut callers_refused: Option<(Instant, String)> = None;
        loop {
            tokio::select! {
                biased;
                signal = self.signals.next() => match signal {
                    Some(event) => teller.tell(event).await?,
                    None => return Ok(()),
                },
                _ = round.tick() => match self.is_there().await {
                    Ok(true) => {
                        match Status::read(&self.identity).await {
                            Ok(status) => teller.tell(Event::Read(Box::new(status))).await?,
                            Err(error) => {
                                teller.gone(&error).await?;
                                continue;
                            }
                        }
                        let callers = self.callers(&mut callers_refused).await;
                        teller.tell(Event::Callers(callers)).await?;
                    }
                    Ok(false) => {
                        let why = format!("nobody on the bus is {AGENT_BUS_NAME}");
                        teller.tell(Event::Gone { why }).await?;
                    }
                    Err(error) => {
                        teller.gone(&error).await?;
                        return Ok(());
                    }
                },
            }
        }
    }

    async fn is_there(&self) -> Result<bool, CallError> {
        let name = BusName::try_from(AGENT_BUS_NAME)?;
        self.names.name_has_owner(name).await.map_err(|error| zbus::Error::from(error).into())
    }

    /// For whom it has made proofs. Who has no right to know it does not ask every second, which the journal would tell.
    async fn callers(&self, refused: &mut Option<(Instant, String)>) -> Callers {
        if let Some((_, why)) = refused.as_ref().filter(|(then, _)| then.elapsed() < ASK_AGAIN) {
            return Callers::Untold(why.clone());
        }
        let why = match self.identity.callers().await {
            Ok(callers) => {
                *refused = None;
                return Callers::Told(callers);
            }
            Err(CallError::Refused(Error::NotAuthorized(_), _) | CallError::Denied { .. }) => {
                "only root and members of group selfsame are told who has proofs of this host".to_owned()
            }
            Err(CallError::Unreachable(_)) => return Callers::Unasked,
            Err(error) => format!("this agent does not tell them: {}", chain(&error)),
        };
        *refused = Some((Instant::now(), why.clone()));
        Callers::Untold(why)
    }
}

/// How often the agent is asked.
const ROUND: Duration = Duration::from_secs(1);

/// How long the bus, or the agent, may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// When callers are asked for again after a refusal.
const ASK_AGAIN: Duration = Duration::from_secs(60);
