//! A host whose agent reaches its TPM over a wire that is tapped.

use std::{
    io::{Read, Write},
    os::unix::net::UnixStream,
    time::Duration,
};

use selfsame_tpm_sim::{Simulator, Tap};
use tempfile::NamedTempFile;

use crate::{Agent, AgentOptions, Host, PrivateBus, processes};

/// A host, and the tap between its agent and its TPM.
pub struct Tapped {
    /// The host.
    pub host: Host,
    /// The tap.
    pub tap: Tap,
    _config: NamedTempFile,
}

impl Tapped {
    /// A host whose agent draws from its TPM every second, the shortest time that the configuration allows, and from
    /// the processor and the kernel at every beat. A birth waits for the TPM.
    pub async fn start() -> Self {
        let tpm = Simulator::start().unwrap();
        let tap = Tap::start(&tpm).unwrap();
        let bus = PrivateBus::start();
        let config = NamedTempFile::new().unwrap();
        let settings =
            "tpm_interval_s = 1\nrequire = [\"tpm\"]\nsources = [\"tpm\", \"rdseed\", \"kernel\"]\n";
        std::fs::write(config.path(), settings).unwrap();
        let options = AgentOptions {
            tcti: Some(tap.tcti().to_owned()),
            config: Some(config.path().to_owned()),
            ..Host::options(&bus, &tpm)
        };
        let agent = Agent::start(options).await.unwrap();
        Self { host: Host::of(agent, bus, tpm).await, tap, _config: config }
    }

    /// Whether all of the agent's sources work. Its condition says more: a TPM that came back reset is marked.
    pub async fn works(&self) -> bool {
        self.host.identity().await.sources().await.unwrap().iter().all(|source| source.healthy)
    }

    /// Waits until all of the agent's sources work, or one does not.
    ///
    /// # Panics
    /// Where that is not so after a minute and a half: longer than any back-off.
    pub async fn wait_until_it_works(&self, works: bool) {
        let reached = async {
            while self.works().await != works {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let in_time = tokio::time::timeout(Duration::from_secs(90), reached).await.is_ok();
        assert!(in_time, "never works: {works}; the agent said: {}", self.host.agent.stderr());
    }

    /// The process id of the TPM's helper.
    ///
    /// # Panics
    /// Where there is not just one.
    pub fn helper(&self) -> u32 {
        let helpers = self.helpers();
        let [helper] = helpers[..] else { panic!("{helpers:?}: not one helper") };
        helper
    }

    /// The process ids of all TPM helpers that run, or hang, or wait to be waited for.
    pub fn helpers(&self) -> Vec<u32> {
        processes::children(self.host.agent.pid()).iter().map(|found| found.pid).collect()
    }
}

/// The handles that are in use in `tpm`, of the kind of `first`: asked for directly, so nobody else may be connected.
///
/// # Panics
/// Where the TPM does not answer within a minute, or with what is no such list.
pub fn handles(tpm: &Simulator, first: u32) -> Vec<u32> {
    let path = tpm.tcti().strip_prefix("swtpm:path=").unwrap();
    let mut stream = UnixStream::connect(path).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    // TPM2_GetCapability(TPM_CAP_HANDLES, first, 254): TPM 2.0 Part 3, 30.2
    let words = [0x0000_0016, 0x0000_017a, 0x0000_0001, first, 254].map(u32::to_be_bytes);
    stream.write_all(&[&[0x80, 0x01][..], words.as_flattened()].concat()).unwrap();
    let mut header = [0; 10];
    stream.read_exact(&mut header).unwrap();
    let word = |bytes: &[u8]| u32::from_be_bytes(bytes.try_into().unwrap());
    assert_eq!(word(&header[6..]), 0, "GetCapability is refused");
    let mut rest = vec![0; word(&header[2..6]) as usize - header.len()];
    stream.read_exact(&mut rest).unwrap();
    // moreData, the capability's kind, a count, and the handles
    let list = &rest[9..];
    assert_eq!(list.len(), word(&rest[5..9]) as usize * 4);
    list.chunks(4).map(word).collect()
}

/// The first handle of each kind that lives in a TPM. Source: TPM 2.0 Part 2, 7.2.
pub mod kind {
    /// NV indices.
    pub const NV: u32 = 0x0100_0000;
    /// Sessions that are loaded.
    pub const LOADED_SESSION: u32 = 0x0200_0000;
    /// Sessions that are saved elsewhere.
    pub const SAVED_SESSION: u32 = 0x0300_0000;
    /// Transient objects.
    pub const TRANSIENT: u32 = 0x8000_0000;
    /// Persistent objects.
    pub const PERSISTENT: u32 = 0x8100_0000;
}
