//! A stand-in for logind: gives inhibitors, sees them let go, and says when the machine sleeps.

use std::{
    io::Read,
    sync::{Arc, Mutex},
};

use tokio::sync::mpsc;
use zbus::{Connection, OwnedFd, connection, interface, object_server::SignalEmitter};

use selfsame_tests::PrivateBus;

/// logind, on a bus.
pub struct Logind {
    connection: Connection,
    inhibitors: mpsc::UnboundedReceiver<Inhibitor>,
}

/// One that was given.
pub struct Inhibitor {
    pub arguments: [String; 4],
    let_go: std::io::PipeReader,
}

impl Inhibitor {
    /// Waits until whoever took it has closed it.
    pub async fn let_go(self) {
        let mut reader = self.let_go;
        let read = tokio::task::spawn_blocking(move || reader.read(&mut [0]));
        let read = tokio::time::timeout(crate::scene::LIMIT, read).await.expect("it is let go");
        assert_eq!(read.unwrap().unwrap(), 0);
    }
}

struct Served(Arc<Mutex<mpsc::UnboundedSender<Inhibitor>>>);

#[interface(name = "org.freedesktop.login1.Manager")]
impl Served {
    fn inhibit(&self, what: String, who: String, why: String, mode: String) -> OwnedFd {
        let (let_go, held) = std::io::pipe().unwrap();
        let given = Inhibitor { arguments: [what, who, why, mode], let_go };
        // a test that has ended asks no more
        let _ = self.0.lock().unwrap().send(given);
        std::os::fd::OwnedFd::from(held).into()
    }

    #[zbus(signal)]
    async fn prepare_for_sleep(emitter: &SignalEmitter<'_>, start: bool) -> zbus::Result<()>;
}

impl Logind {
    pub async fn start(bus: &PrivateBus) -> Self {
        let (given, inhibitors) = mpsc::unbounded_channel();
        let served = Served(Arc::new(Mutex::new(given)));
        let connection = connection::Builder::address(bus.address())
            .serve_at("/org/freedesktop/login1", served)
            .name("org.freedesktop.login1")
            .build()
            .await
            .unwrap();
        Self { connection, inhibitors }
    }

    /// The next inhibitor that is taken.
    pub async fn inhibitor(&mut self) -> Inhibitor {
        let next = tokio::time::timeout(crate::scene::LIMIT, self.inhibitors.recv()).await;
        next.expect("it is taken").unwrap()
    }

    /// Says that the machine is about to sleep, or is awake again.
    pub async fn say(&self, sleeps: bool) {
        let emitter = SignalEmitter::new(&self.connection, "/org/freedesktop/login1").unwrap();
        Served::prepare_for_sleep(&emitter, sleeps).await.unwrap();
    }
}
