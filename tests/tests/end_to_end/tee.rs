//! `Report` over the bus: the real agent, the real helper, a stand-in for configfs-tsm.

use std::path::Path;

use selfsame_dbus::{Bytes, CallError, Error, ReportReply};
use selfsame_tests::{
    Agent, AgentOptions, Host, PrivateBus,
    tsm::{Attribute, Blobs, Tee, Tsm, TsmHelper, snp_report},
};
use selfsame_tpm_sim::Simulator;

/// A host whose agent asks for reports at this socket.
async fn host(socket: &Path) -> Host {
    let (tpm, bus) = (Simulator::start().unwrap(), PrivateBus::start());
    let extra_args = vec!["--tsm-report-socket".into(), socket.into()];
    let options = AgentOptions { extra_args, ..Host::options(&bus, &tpm) };
    let agent = Agent::start(options).await.unwrap();
    Host::of(agent, bus, tpm).await
}

async fn report(host: &Host, nonce: &[u8]) -> Result<ReportReply, Error> {
    match host.identity().await.report(Bytes::new(nonce)).await {
        Ok(reply) => Ok(reply),
        Err(CallError::Refused(error, _)) => Err(error),
        Err(other) => panic!("{other:?}; the agent said: {}", host.agent.stderr()),
    }
}

#[tokio::test]
async fn a_report_is_over_the_lineage_and_the_callers_nonce() {
    let tsm = Tsm::start(Some(Tee::sev_guest()));
    let helper = TsmHelper::listen(&tsm.root());
    let host = host(helper.socket()).await;
    let nonce = [9; 32];
    let ReportReply { provider, report: bytes, aux } = report(&host, &nonce).await.unwrap();
    let mut data = [0; 64];
    data[..32].copy_from_slice(host.lineage().await.as_bytes());
    data[32..].copy_from_slice(&nonce);
    assert_eq!((&*provider, &bytes[..], &aux[..]), ("sev_guest", &*snp_report(&data), &[0xce; 3000][..]));
    assert_eq!((tsm.made(), tsm.entries()), (1, Vec::new()));
}

#[tokio::test]
async fn one_at_a_time_is_made_and_a_nonce_has_32_bytes() {
    let tsm = Tsm::start(Some(Tee::tdx_guest()));
    let helper = TsmHelper::listen(&tsm.root());
    let host = host(helper.socket()).await;
    for have in [0, 31, 33, 64] {
        let refused = report(&host, &vec![9; have]).await;
        assert!(
            matches!(&refused, Err(Error::InvalidArgument(why)) if why.contains(&format!("{have} bytes"))),
            "{refused:?}"
        );
    }
    let held = tsm.hold(Attribute::Outblob);
    let identity = host.identity().await;
    let first = tokio::spawn(async move { identity.report(Bytes::new(&[1; 32])).await });
    let reached = tokio::task::spawn_blocking(move || (held.reached(), held));
    let (_, held) = reached.await.unwrap();
    assert!(matches!(report(&host, &[2; 32]).await, Err(Error::Busy(_))));
    drop(held);
    first.await.unwrap().unwrap();
    assert_eq!(tsm.made(), 1, "whoever was refused, nobody was asked for");
}

#[tokio::test]
async fn without_a_helper_or_a_tee_it_is_unsupported() {
    let folder = tempfile::tempdir().unwrap();
    let without = host(&folder.path().join("socket")).await;
    let refused = report(&without, &[9; 32]).await;
    assert!(
        matches!(&refused, Err(Error::Unsupported(why)) if why.contains("systemctl enable --now")),
        "{refused:?}"
    );

    let tsm = Tsm::start(None);
    let helper = TsmHelper::listen(&tsm.root());
    let refused = report(&host(helper.socket()).await, &[9; 32]).await;
    assert!(matches!(&refused, Err(Error::Unsupported(why)) if why.contains("modprobe")), "{refused:?}");
}

#[tokio::test]
async fn a_report_over_another_nonce_does_not_come_through() {
    let tsm = Tsm::start(Some(Tee::of("sev_guest", Attribute::ALL, |data| {
        let mut data: [u8; 64] = data.try_into().unwrap();
        data[63] ^= 1;
        Ok(Blobs { out: snp_report(&data), aux: Vec::new() })
    })));
    let helper = TsmHelper::listen(&tsm.root());
    let refused = report(&host(helper.socket()).await, &[9; 32]).await;
    assert!(matches!(&refused, Err(Error::Failed(why)) if why.contains("other data")), "{refused:?}");
}
