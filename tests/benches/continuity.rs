//! What a proof costs: a steady one, and one after a year away; against an Ed25519 signature's check in the same run.
//!
//! `cargo bench -p selfsame-tests --bench continuity`
// A program that prints; a panic is a failed run.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::print_stdout)]

use std::time::Instant;

use ed25519_dalek::{Signer, SigningKey};
use selfsame::{
    Birth, Boot, Condition, Evidence, EvidenceFields, Lineage, Now, Ordinary, Origin, Peer, Policy, Reason,
    Request, Salt, Step, Subject, Wanted, verify,
};

/// Ticks of a beat of 8 s.
const BEAT: u64 = 8 * 4096;

/// Ticks of a year of 365 days.
const YEAR: u64 = 365 * 24 * 3600 * 4096;

fn evidence() -> Evidence {
    let sources = Some(["behaviour", "kernel", "rdseed", "tpm"].map(str::to_owned).to_vec());
    let condition = Some(Condition::Steady);
    Evidence::new(EvidenceFields { sources, condition, ..EvidenceFields::default() }).unwrap()
}

fn born() -> Lineage<Ordinary> {
    let birth = Birth {
        contributions: &[("bench", b"no entropy")],
        randomness: &[1; 32],
        salt: Salt::new([2; 32]),
        wall_ms: 0,
        evidence: evidence(),
        origin: Origin::new(Reason::Install, None),
    };
    Lineage::born(Ordinary::default(), birth).unwrap()
}

fn step(index: u64) -> Step<'static> {
    Step { index, wall_ms: index * 1000 / 4096, randomness: &[3; 32], evidence: evidence() }
}

fn at(ticks: u64) -> Now {
    Now { boot: Boot([0; 16]), ticks, wall_ms: ticks * 1000 / 4096 }
}

fn request(peer: &mut Peer, now: &Now) -> Request {
    let nonce: [u8; 32] = std::array::from_fn(|byte| (now.ticks >> (8 * (byte % 8))) as u8);
    Request {
        audience: "bench".into(),
        challenge: peer.challenge("bench", &nonce, now).unwrap(),
        subject: Subject { uid: Some(1000), unit: Some("bench.service".into()), ..Subject::default() },
        payload: None,
    }
}

/// One honest answer at `index`, taken by the peer.
fn answer(lineage: &mut Lineage<Ordinary>, peer: &mut Peer, index: u64) -> Vec<u8> {
    let asked = request(peer, &at(index - 1));
    let proof = lineage.prove(step(index), vec![asked]).unwrap().remove(0).unwrap().encode();
    peer.take(&proof, &at(index), &Policy::default()).unwrap();
    proof
}

/// Median of so many runs, in microseconds.
fn median(runs: usize, mut run: impl FnMut()) -> f64 {
    let mut times: Vec<_> = (0..runs)
        .map(|_| {
            let start = Instant::now();
            run();
            start.elapsed().as_secs_f64() * 1e6
        })
        .collect();
    times.sort_by(f64::total_cmp);
    times[runs / 2]
}

/// The indices of the moments on the one way from `anchor` to `head`, of a lineage with a beat of 8 s.
fn way(anchor: u64, head: u64) -> Vec<u64> {
    use selfsame::hazmat::{cap, tier};
    let (mut x, mut way) = (anchor, Vec::new());
    while x < head {
        let k = u32::from(cap(head - anchor).min(tier(x, head)));
        let boundary = ((x >> (2 * k)) + 1) << (2 * k);
        // the first beat at or after it; the head is no beat
        x = (boundary.div_ceil(BEAT) * BEAT).min(head);
        way.push(x);
    }
    way
}

/// Medians of two things run in turn, so that what disturbs one disturbs the other, in microseconds.
fn medians(runs: usize, mut one: impl FnMut(), mut other: impl FnMut()) -> (f64, f64) {
    let (mut ones, mut others) = (Vec::new(), Vec::new());
    for _ in 0..runs {
        ones.push(median(1, &mut one));
        others.push(median(1, &mut other));
    }
    ones.sort_by(f64::total_cmp);
    others.sort_by(f64::total_cmp);
    (ones[runs / 2], others[runs / 2])
}

fn steady() {
    let key = SigningKey::from_bytes(&[7; 32]);
    let message = [9; 64];
    let signature = key.sign(&message);
    let (mut lineage, mut peer) = (born(), Peer::unknown());
    let mut index = 4096;
    answer(&mut lineage, &mut peer, index);
    let (mut proofs, mut hops) = (Vec::new(), Vec::new());
    for _ in 0..500 {
        // a relying party that asks again within a second: one hop
        index += 997;
        let anchor = peer.anchor().unwrap().clone();
        let asked = request(&mut peer, &at(index - 1));
        let challenge = asked.challenge.clone();
        let proof = lineage.prove(step(index), vec![asked]).unwrap().remove(0).unwrap().encode();
        let verdict = peer.take(&proof, &at(index), &Policy::default()).unwrap();
        hops.push(verdict.hops);
        proofs.push((anchor, challenge, proof));
    }
    assert!(hops.iter().all(|hops| *hops == 1), "a steady proof has one hop");
    let mut next = proofs.iter().cycle();
    let check_proof = || {
        let (anchor, challenge, proof) = next.next().unwrap();
        verify(Some(anchor), challenge, proof, &Wanted::default()).unwrap();
    };
    let check_signature =
        || key.verifying_key().verify_strict(std::hint::black_box(&message), &signature).unwrap();
    let (check, ed25519) = medians(4000, check_proof, check_signature);
    let prove = |lineage: &mut Lineage<Ordinary>, index: &mut u64, is_ahead: bool| {
        let mut peer = Peer::introduced(&lineage.introduce(), &at(*index));
        let mut times = Vec::new();
        for _ in 0..500 {
            *index += 997;
            let asked = request(&mut peer, &at(*index));
            if is_ahead {
                lineage.prepare(&[4; 32], 4).unwrap();
            }
            let start = Instant::now();
            let proof = lineage.prove(step(*index), vec![asked]).unwrap().remove(0).unwrap();
            times.push(start.elapsed().as_secs_f64() * 1e6);
            std::hint::black_box(proof);
            peer = Peer::introduced(&lineage.introduce(), &at(*index));
        }
        times.sort_by(f64::total_cmp);
        times[times.len() / 2]
    };
    let ahead = prove(&mut lineage, &mut index, true);
    let cold = prove(&mut lineage, &mut index, false);
    println!("steady: 1 hop, {} bytes", proofs[0].2.len());
    println!(
        "  check:  {check:.1} us, {:.2} x Ed25519 verify_strict ({ed25519:.1} us); ceiling 1.2",
        check / ed25519
    );
    println!("  answer: {ahead:.1} us with pledges made ahead, {cold:.1} us without");
}

fn year_away() {
    let head_after = |anchor: u64| anchor + YEAR + 1234;
    // where in the odometer one leaves decides how many hops there are
    let mut counts: Vec<usize> =
        (1..=2000).map(|n| way(n * 7919 * BEAT, head_after(n * 7919 * BEAT)).len()).collect();
    counts.sort_unstable();
    let (median_hops, most) = (counts[counts.len() / 2], counts[counts.len() - 1]);
    let anchor = (1..=2000)
        .map(|n| n * 7919 * BEAT)
        .find(|anchor| way(*anchor, head_after(*anchor)).len() == most)
        .unwrap();

    let (mut lineage, mut peer) = (born(), Peer::unknown());
    answer(&mut lineage, &mut peer, anchor);
    let known = peer.anchor().unwrap().clone();
    let head = head_after(anchor);
    for index in way(anchor, head).into_iter().filter(|index| *index < head) {
        lineage.moment(step(index)).unwrap();
    }
    let asked = request(&mut peer, &at(head - 1));
    let challenge = asked.challenge.clone();
    let proof = lineage.prove(step(head), vec![asked]).unwrap().remove(0).unwrap().encode();
    let verdict = peer.take(&proof, &at(head), &Policy::default()).unwrap();
    assert_eq!(verdict.hops, most);
    let check = median(50, || drop(verify(Some(&known), &challenge, &proof, &Wanted::default()).unwrap()));
    println!(
        "a year away, beat 8 s: {median_hops} hops at the median of 2,000 anchors, {most} at most (ceiling 170)"
    );
    println!("  bytes: {} ({} KiB; ceiling 600 KiB)", proof.len(), proof.len() / 1024);
    println!("  check: {:.2} ms (ceiling 20 ms)", check / 1000.0);
}

fn main() {
    steady();
    year_away();
}
