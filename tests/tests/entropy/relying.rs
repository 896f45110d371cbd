//! A relying party, to see that proofs go on, and are of one lineage.

use selfsame_dbus::{Bytes, Options};

use crate::host::Host;

/// One that has met its host.
pub struct Relying(selfsame_tests::Relying);

impl Relying {
    /// Takes whoever comes.
    pub async fn that_met(host: &Host) -> Self {
        let mut relying = Self(selfsame_tests::Relying::new("door"));
        let proof = relying.proof(host).await;
        relying.0.enrol(&proof).unwrap();
        relying
    }

    /// Asks the host, which is the same as before: another lineage's proof would be refused.
    pub async fn verify(&mut self, host: &Host) {
        let proof = self.proof(host).await;
        let verdict = self.0.verify(&proof).unwrap();
        assert_eq!(verdict.known, Some(true), "{verdict:?}");
    }

    async fn proof(&mut self, host: &Host) -> Vec<u8> {
        let challenge = self.0.challenge();
        let challenge = Bytes::new(challenge.as_bytes());
        let proof = host.identity.prove(&self.0.audience, challenge, Bytes::new(b""), &Options::new()).await;
        proof.unwrap_or_else(|error| panic!("{error}: {}", host.agent.stderr())).into_vec()
    }
}
