//! Writes the first inputs of every target to `corpus/`: messages of the vectors, and of real lineages.

use std::error::Error;
use std::fs;
use std::path::Path;

use selfsame::hazmat::Purpose;
use selfsame::{
    Behaviour, Birth, Challenge, Condition, Digest, Evidence, EvidenceFields, Head, HopAnswer, Lineage,
    LineageId, Now, Ordinary, Origin, Peer, Policy, Predecessor, Proof, Reason, Request, Salt, Step, Subject,
    TpmClock,
};
use serde_json::Value;

type Result<T> = core::result::Result<T, Box<dyn Error>>;

/// Inputs over this are left out: they add little, and slow every run.
const MAX_BYTES: usize = 64 * 1024;

/// Inputs of `verify` that are written, of growing length.
const CHOICES: u64 = 400;

fn main() -> Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let vectors = fs::read(folder.join("../vectors/v1.json"))?;
    let vectors = serde_json::from_slice(&vectors)?;
    let mut seeds = Vec::new();
    of_vectors(&vectors, &mut seeds)?;
    of_lineages(&mut seeds)?;
    seeds.extend(subjects::forks().into_iter().map(|bytes| ("fork", bytes)));
    // a fork that says it is another lineage's: the id begins after six bytes
    seeds.extend(subjects::forks().into_iter().map(|mut bytes| {
        bytes.iter_mut().skip(6).take(1).for_each(|byte| *byte ^= 1);
        ("fork", bytes)
    }));
    seeds.extend(subjects::answers().into_iter().map(|bytes| ("hop_answer", bytes)));
    seeds.extend((0..CHOICES).map(|number| ("verify", choices(number))));
    for (target, bytes) in seeds.iter().filter(|(_, bytes)| bytes.len() <= MAX_BYTES) {
        let name: String =
            Purpose::Sample.hash(bytes).iter().take(20).map(|byte| format!("{byte:02x}")).collect();
        let folder = folder.join("corpus").join(target);
        fs::create_dir_all(&folder)?;
        fs::write(folder.join(name), bytes)?;
    }
    println!("{} inputs", seeds.len());
    Ok(())
}

/// Inputs by their target.
type Seeds = Vec<(&'static str, Vec<u8>)>;

/// The messages that the vectors hold, right ones and wrong ones.
fn of_vectors(vectors: &Value, seeds: &mut Seeds) -> Result<()> {
    for (section, field, target) in [
        ("moments", "body", "moment"),
        ("geneses", "body", "moment"),
        ("challenges", "challenge", "challenge"),
        ("introductions", "introduction", "introduction"),
        ("proofs", "statement", "statement"),
        ("proofs", "proof", "proof"),
        ("bad_proofs", "proof", "proof"),
        ("crafted", "proof", "proof"),
        ("forks", "evidence", "fork"),
    ] {
        for entry in vectors[section].as_array().ok_or("an array")? {
            seeds.push((target, unhex(&entry[field])?));
        }
    }
    for entry in vectors["hop_answers"].as_array().ok_or("an array")? {
        let hop = unhex(&entry["hop"])?;
        let way = entry["way"].as_array().ok_or("an array")?.iter().map(unhex).collect::<Result<Vec<_>>>()?;
        let head = 0x80 + u8::try_from(way.len())?;
        seeds.push(("hop_answer", [&[0x82][..], &hop, &[head], &way.concat()].concat()));
        seeds.push(("moment", hop));
    }
    Ok(())
}

fn unhex(value: &Value) -> Result<Vec<u8>> {
    let text = value.as_str().ok_or("hex")?;
    let pairs = text.as_bytes().chunks(2).map(|pair| Ok(u8::from_str_radix(str::from_utf8(pair)?, 16)?));
    pairs.collect()
}

/// Messages with every field there is, and with few.
fn of_lineages(seeds: &mut Seeds) -> Result<()> {
    let now = Now { boot: selfsame::Boot([1; 16]), ticks: 1 << 30, wall_ms: 1 << 40 };
    for rich in [false, true] {
        let mut lineage = born(rich)?;
        seeds.push(("introduction", lineage.introduce().encode()));
        seeds.push(("moment", lineage.genesis().body().to_vec()));
        seeds.push(("challenge", lineage.id().to_string().into_bytes()));
        let mut peer = Peer::introduced(&lineage.introduce(), &now);
        for (number, index) in (0u8..).zip([1, 4, 5, 63, 4096, 70_000, 1 << 27]) {
            let challenges =
                [1, 2, 3].map(|other| peer.challenge("relying.example", &[number, other].repeat(16), &now));
            let challenges = challenges.into_iter().collect::<core::result::Result<Vec<_>, _>>()?;
            seeds.extend(challenges.iter().map(|challenge| ("challenge", challenge.as_bytes().to_vec())));
            let requests = challenges.into_iter().map(|challenge| request(challenge, rich)).collect();
            let proofs = lineage.prove(step(index, &[number; 32], rich)?, requests)?;
            let proofs = proofs.into_iter().collect::<core::result::Result<Vec<_>, _>>()?;
            seeds.push(("introduction", lineage.introduce().encode()));
            let head = proofs.first().and_then(Proof::head).ok_or("a head")?;
            seeds.extend([1019, 1020].map(|bytes| ("moment", with_evidence_of(head.body(), bytes))));
            for proof in &proofs {
                of_proof(proof, seeds);
            }
            let policy = Policy { pass_time: true, ..Policy::default() };
            peer.take(&proofs[0].encode(), &now, &policy)?;
        }
        let questions = peer.questions();
        let answers = questions.iter().filter_map(|(index, tier)| lineage.hop(*index, *tier, rich).ok());
        seeds.extend(answers.map(|answer: HopAnswer| ("hop_answer", answer.encode())));
    }
    Ok(())
}

/// A body that ends in empty evidence, with so many bytes in it under a key of the future, and five around them.
fn with_evidence_of(body: &[u8], bytes: u16) -> Vec<u8> {
    let [length, rest] = bytes.to_be_bytes();
    let before = body.strip_suffix(&[0xa0]).unwrap_or(body);
    [before, &[0xa1, 0x05, 0x59, length, rest], &vec![0; bytes.into()]].concat()
}

fn of_proof(proof: &Proof, seeds: &mut Seeds) {
    seeds.push(("proof", proof.encode()));
    seeds.push(("statement", proof.statement_bytes().to_vec()));
    for hop in proof.hops() {
        seeds.push(("moment", hop.moment().body().to_vec()));
        seeds.push(("moment", hop.encode()));
    }
}

fn born(rich: bool) -> Result<Lineage<Ordinary>> {
    let head = Head { index: 1 << 40, digest: Digest::new([9; 32]) };
    let before = Predecessor { lineage: LineageId::new([8; 32]), head };
    let origin =
        if rich { Origin::new(Reason::Boot, Some(before)) } else { Origin::new(Reason::Install, None) };
    let birth = Birth {
        contributions: &[("seed", &[u8::from(rich)])],
        randomness: &[1; 32],
        salt: Salt::new([2; 32]),
        wall_ms: 1 << 40,
        evidence: evidence(rich)?,
        origin,
    };
    Ok(Lineage::born(Ordinary::default(), birth)?)
}

fn step(index: u64, randomness: &[u8; 32], rich: bool) -> Result<Step<'_>> {
    Ok(Step { index, wall_ms: (1 << 40) + index / 4, randomness, evidence: evidence(rich)? })
}

fn evidence(rich: bool) -> Result<Evidence> {
    let full = EvidenceFields {
        sources: Some(["tpm", "rdseed", "kernel", "behaviour"].map(str::to_owned).to_vec()),
        behaviour: Some(Behaviour {
            samples: Some(300),
            drift: Some(17),
            commitment: Some(Behaviour::commitment_to(&[3; 32], b"sample")),
        }),
        tpm_clock: Some(TpmClock {
            clock_ms: Some(1 << 33),
            reset_count: Some(5),
            restart_count: Some(0),
            safe: Some(true),
        }),
        condition: Some(Condition::Degraded),
    };
    Ok(Evidence::new(if rich { full } else { EvidenceFields::default() })?)
}

fn request(challenge: Challenge, rich: bool) -> Request {
    let full = Subject {
        uid: Some(1000),
        gid: Some(100),
        pid: Some(70_000),
        unit: Some("a.service".to_owned()),
        exe: Some("/usr/bin/a".to_owned()),
        label: Some("unconfined".to_owned()),
        app: Some("org.example.App".to_owned()),
        invocation: Some([4; 16]),
    };
    let subject = if rich { full } else { Subject::default() };
    let payload = rich.then(|| challenge.nonce().to_vec());
    Request { audience: challenge.audience().to_owned(), challenge, subject, payload }
}

/// Choices for `verify`: what they come to is for it to say.
fn choices(number: u64) -> Vec<u8> {
    let block = |at: u64| Purpose::Sample.hash(&[number.to_le_bytes(), at.to_le_bytes()].concat());
    let bytes: Vec<u8> = (0..4).flat_map(block).collect();
    bytes.into_iter().take(4 + number as usize / 4).collect()
}
