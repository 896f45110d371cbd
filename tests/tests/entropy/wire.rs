//! What TPM commands and answers say, and a second client of a simulator.

use std::{
    io::{Read, Write},
    os::unix::net::UnixStream,
};

use selfsame::TpmClock;
use selfsame_tests::Run;
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
    [TRANSIENT_FIRST, LOADED_SESSION_FIRST].into_iter().flat_map(|first| handles(tpm, first)).collect()
}

/// TPM2_GetCapability(TPM_CAP_HANDLES), TPM 2.0 Part 3, 30.2.
fn handles(tpm: &Simulator, first: u32) -> Vec<u32> {
    let socket = tpm.tcti().strip_prefix("swtpm:path=").unwrap();
    let mut stream = UnixStream::connect(socket).unwrap();
    let mut command = vec![0x80, 0x01, 0, 0, 0, 22];
    for number in [CommandCode::GET_CAPABILITY.0, CAP_HANDLES, first, HANDLES_MOST] {
        command.extend(number.to_be_bytes());
    }
    stream.write_all(&command).unwrap();
    let mut header = [0; HEADER_BYTES];
    stream.read_exact(&mut header).unwrap();
    assert_eq!(number(&header[6..]), 0, "GetCapability");
    let mut answer = vec![0; number(&header[2..]) as usize - HEADER_BYTES];
    stream.read_exact(&mut answer).unwrap();
    // moreData, the capability, and the list with its length
    assert_eq!((answer[0], number(&answer[1..])), (0, CAP_HANDLES));
    let list = &answer[9..];
    assert_eq!(list.len(), 4 * number(&answer[5..]) as usize);
    list.chunks(4).map(number).collect()
}

fn number(bytes: &[u8]) -> u32 {
    u32::from_be_bytes(bytes[..4].try_into().unwrap())
}

/// Tag, length, code. Source: TPM 2.0 Part 1, 18.1.
const HEADER_BYTES: usize = 10;

/// Source: TPM 2.0 Part 2, 6.3.
const TPM_ALG_SHA256: u16 = 0x000b;

/// TPM_CAP_HANDLES. Source: TPM 2.0 Part 2, 6.12.
const CAP_HANDLES: u32 = 1;

/// TRANSIENT_FIRST and LOADED_SESSION_FIRST. Source: TPM 2.0 Part 2, 7.5.
const TRANSIENT_FIRST: u32 = 0x8000_0000;
const LOADED_SESSION_FIRST: u32 = 0x0200_0000;

/// What is loaded in a TPM that was left as it was found.
pub const NOTHING: [u32; 0] = [];

/// More than a simulator has room for.
const HANDLES_MOST: u32 = 64;
