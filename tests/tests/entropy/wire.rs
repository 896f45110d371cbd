//! What TPM commands and answers say, and what is loaded in a simulator.

use selfsame::TpmClock;
use selfsame_tests::{
    Run,
    tapped::{handles, kind},
};
use selfsame_tpm_sim::{CommandCode, Exchange, Simulator};

/// The clock that an exchange of TPM2_ReadClock told; none for any other.
pub fn clock(exchange: &Exchange) -> Option<TpmClock> {
    if exchange.code() != CommandCode::READ_CLOCK || exchange.response_code() != 0 {
        return None;
    }
    // TPMS_TIME_INFO, TPM 2.0 Part 2, 10.11.6: time, and then TPMS_CLOCK_INFO
    let info = &exchange.told[HEADER_BYTES + 8..];
    Some(TpmClock {
        clock_ms: Some(u64::from_be_bytes(info[..8].try_into().unwrap())),
        reset_count: Some(number(&info[8..]).into()),
        restart_count: Some(number(&info[12..]).into()),
        safe: Some(info[16] == 1),
    })
}

/// The Name of the key that an exchange of TPM2_CreatePrimary told, as the kernel shows it; none for any other.
pub async fn name(exchange: &Exchange) -> Option<String> {
    if exchange.code() != CommandCode::CREATE_PRIMARY || exchange.response_code() != 0 {
        return None;
    }
    // the object's handle, the length of the parameters, and outPublic, a TPM2B: TPM 2.0 Part 3, 24.1
    let public = &exchange.told[HEADER_BYTES + 8..];
    let length = u16::from_be_bytes(public[..2].try_into().unwrap()).into();
    let digest = sha256(&public[2..][..length]).await;
    // a Name is the algorithm and the digest: TPM 2.0 Part 1, 16
    Some(format!("{TPM_ALG_SHA256:04x}{digest}"))
}

/// SHA-256, in hex, by coreutils.
async fn sha256(bytes: &[u8]) -> String {
    let output = Run::program("sha256sum").stdin(bytes).run().await;
    assert_eq!(output.code(), Some(0), "{output:?}");
    output.stdout.split_whitespace().next().unwrap().to_owned()
}

/// What is loaded in a simulator whom nobody else is connected to: transient objects and sessions.
pub fn loaded(tpm: &Simulator) -> Vec<u32> {
    [kind::TRANSIENT, kind::LOADED_SESSION].into_iter().flat_map(|first| handles(tpm, first)).collect()
}

fn number(bytes: &[u8]) -> u32 {
    u32::from_be_bytes(bytes[..4].try_into().unwrap())
}

/// Tag, length, code. Source: TPM 2.0 Part 1, 18.1.
const HEADER_BYTES: usize = 10;

/// Source: TPM 2.0 Part 2, 6.3.
const TPM_ALG_SHA256: u16 = 0x000b;

/// What is loaded in a TPM that was left as it was found.
pub const NOTHING: [u32; 0] = [];
