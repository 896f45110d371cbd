//! Messages with generated values: each as what it says, and as the CBOR that says it.

use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use selfsame::{
    Behaviour, Condition, Digest, EvidenceFields, Head, LineageId, OPENING_BYTES, Pledge, Predecessor,
    Reason, Salt, Subject, TpmClock,
};

use crate::item::{self, Item, bytes, map, text, uint};

/// Indices, counts and wall times: below 2^63.
pub fn below_limit() -> impl Strategy<Value = u64> {
    (1u32..=63, any::<u64>()).prop_map(|(bits, r)| r % (1 << bits))
}

pub fn digest() -> impl Strategy<Value = Digest> {
    any::<[u8; 32]>().prop_map(Digest::new)
}

pub fn lineage() -> impl Strategy<Value = LineageId> {
    any::<[u8; 32]>().prop_map(LineageId::new)
}

pub fn pledges() -> impl Strategy<Value = [Pledge; 16]> {
    any::<[[u8; 32]; 16]>().prop_map(|pledges| pledges.map(Pledge::new))
}

/// A text of 1 to `most` bytes.
pub fn a_text(most: usize) -> impl Strategy<Value = String> {
    vec(any::<char>(), 1..=most / 4).prop_map(String::from_iter)
}

/// 1 to 64 heads, ascending, none of them a genesis.
pub fn since() -> impl Strategy<Value = Vec<Head>> {
    vec((1u64..1 << 57, digest()), 1..=64).prop_map(|heads| {
        let ascending = heads.into_iter().scan(0, |index, (gap, digest)| {
            *index += gap;
            Some(Head { index: *index, digest })
        });
        ascending.collect()
    })
}

/// An evidence's fields, and what a later version may have written beside them.
pub fn evidence() -> impl Strategy<Value = (EvidenceFields, Vec<(u64, Item)>)> {
    let behaviour = (of(any::<u64>()), of(any::<u64>()), of(digest()))
        .prop_map(|(samples, drift, commitment)| Behaviour { samples, drift, commitment });
    let tpm_clock = (of(any::<u64>()), of(any::<u64>()), of(any::<u64>()), of(any::<bool>())).prop_map(
        |(clock_ms, reset_count, restart_count, safe)| TpmClock {
            clock_ms,
            reset_count,
            restart_count,
            safe,
        },
    );
    let condition = prop_oneof![Just(Condition::Steady), Just(Condition::Warming), Just(Condition::Degraded)];
    let fields = (of(vec(a_text(40), 0..6)), of(behaviour), of(tpm_clock), of(condition)).prop_map(
        |(sources, behaviour, tpm_clock, condition)| EvidenceFields {
            sources,
            behaviour,
            tpm_clock,
            condition,
        },
    );
    (fields, unknown(5))
}

/// Up to two keys from `first` on that this version does not know, with values up to three deep.
fn unknown(first: u64) -> impl Strategy<Value = Vec<(u64, Item)>> {
    let leaf = prop_oneof![
        any::<u64>().prop_map(Item::Uint),
        vec(any::<u8>(), 0..20).prop_map(Item::Bytes),
        a_text(20).prop_map(Item::Text),
        any::<bool>().prop_map(Item::Bool),
    ];
    let value = leaf.prop_recursive(3, 6, 3, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..3).prop_map(Item::Array),
            vec((any::<u64>(), inner), 0..3).prop_map(ascending),
        ]
    });
    vec(value, 0..=2).prop_map(move |values| (first..).zip(values).collect())
}

fn ascending(mut entries: Vec<(u64, Item)>) -> Item {
    entries.sort_by_key(|(key, _)| *key);
    entries.dedup_by_key(|(key, _)| *key);
    Item::Map(entries)
}

/// The CBOR of an evidence.
pub fn evidence_item(fields: &EvidenceFields, unknown: &[(u64, Item)]) -> Item {
    let behaviour = |of: &Behaviour| {
        map([
            (1, of.samples.map(uint)),
            (2, of.drift.map(uint)),
            (3, of.commitment.map(|digest| bytes(digest.as_bytes()))),
        ])
    };
    let clock = |of: &TpmClock| {
        map([
            (1, of.clock_ms.map(uint)),
            (2, of.reset_count.map(uint)),
            (3, of.restart_count.map(uint)),
            (4, of.safe.map(Item::Bool)),
        ])
    };
    let known = map([
        (1, fields.sources.as_ref().map(|names| Item::Array(names.iter().map(|name| text(name)).collect()))),
        (2, fields.behaviour.as_ref().map(behaviour)),
        (3, fields.tpm_clock.as_ref().map(clock)),
        (4, fields.condition.map(|condition| text(condition.as_str()))),
    ]);
    and(known, unknown)
}

fn and(known: Item, unknown: &[(u64, Item)]) -> Item {
    match known {
        Item::Map(entries) => Item::Map(entries.into_iter().chain(unknown.iter().cloned()).collect()),
        other => other,
    }
}

pub fn subject() -> impl Strategy<Value = Subject> {
    let numbers = (of(any::<u32>()), of(any::<u32>()), of(any::<u32>()));
    let texts = (of(a_text(60)), of(a_text(60)), of(a_text(60)), of(a_text(60)));
    (numbers, texts, of(any::<[u8; 16]>())).prop_map(
        |((uid, gid, pid), (unit, exe, label, app), invocation)| Subject {
            uid,
            gid,
            pid,
            unit,
            exe,
            label,
            app,
            invocation,
        },
    )
}

pub fn subject_item(of: &Subject) -> Item {
    let said = |value: &Option<String>| value.as_deref().map(text);
    map([
        (1, of.uid.map(uint)),
        (2, of.gid.map(uint)),
        (3, of.pid.map(uint)),
        (4, said(&of.unit)),
        (5, said(&of.exe)),
        (6, said(&of.label)),
        (7, said(&of.app)),
        (8, of.invocation.map(bytes)),
    ])
}

/// What a genesis says, and its body.
#[derive(Clone, Debug)]
pub struct SaidGenesis {
    pub pledges: [Pledge; 16],
    pub wall_ms: u64,
    pub evidence: EvidenceFields,
    pub salt: Salt,
    pub reason: Reason,
    pub predecessor: Option<Predecessor>,
    pub body: Vec<u8>,
}

pub fn genesis() -> impl Strategy<Value = SaidGenesis> {
    use Reason::{Boot, Clone, Ended, Hibernate, Install, Lost, Reset, Rollback};
    let reason = prop::sample::select(vec![Install, Boot, Lost, Clone, Rollback, Reset, Hibernate, Ended]);
    let predecessor = (lineage(), below_limit(), digest())
        .prop_map(|(lineage, index, digest)| Predecessor { lineage, head: Head { index, digest } });
    let salt = any::<[u8; 32]>().prop_map(Salt::new);
    (pledges(), below_limit(), evidence(), salt, reason, of(predecessor), unknown(3)).prop_map(
        |(pledges, wall_ms, (evidence, beside), salt, reason, predecessor, later)| {
            let origin = map([
                (1, Some(text(reason.as_str()))),
                (
                    2,
                    predecessor.map(|Predecessor { lineage, head }| {
                        let Head { index, digest } = head;
                        Item::Array(vec![bytes(lineage.as_bytes()), uint(index), bytes(digest.as_bytes())])
                    }),
                ),
            ]);
            let origin = and(origin, if predecessor.is_some() { &later } else { &[] });
            // an origin has 256 bytes at most
            let origin =
                if origin.encode().len() > 256 { map([(1, Some(text(reason.as_str())))]) } else { origin };
            let predecessor =
                predecessor.filter(|_| matches!(&origin, Item::Map(entries) if entries.len() > 1));
            let body = map([
                (1, Some(uint(1u8))),
                (3, Some(uint(0u8))),
                (5, Some(item::pledges(&pledges))),
                (7, Some(uint(wall_ms))),
                (8, Some(evidence_item(&evidence, &beside))),
                (9, Some(bytes(salt.as_bytes()))),
                (10, Some(origin)),
            ])
            .encode();
            SaidGenesis { pledges, wall_ms, evidence, salt, reason, predecessor, body }
        },
    )
}

/// What a moment says, and its body.
#[derive(Clone, Debug)]
pub struct SaidMoment {
    pub lineage: LineageId,
    pub index: u64,
    pub previous: Head,
    pub pledges: [Pledge; 16],
    pub statements: Option<(u64, Digest)>,
    pub wall_ms: u64,
    pub evidence: EvidenceFields,
    pub body: Vec<u8>,
}

pub fn moment(lineage: LineageId) -> impl Strategy<Value = SaidMoment> {
    let head = (below_limit(), 1u64..1 << 20, digest()).prop_map(|(index, gap, digest)| {
        let index = index.min((1 << 63) - 1 - gap);
        (index + gap, Head { index, digest })
    });
    (head, pledges(), of((1u64..=65_536, digest())), below_limit(), evidence()).prop_map(
        move |((index, previous), pledges, statements, wall_ms, (evidence, beside))| {
            let batch = |(count, root): (u64, Digest)| Item::Array(vec![uint(count), bytes(root.as_bytes())]);
            let body = map([
                (1, Some(uint(1u8))),
                (2, Some(bytes(lineage.as_bytes()))),
                (3, Some(uint(index))),
                (4, Some(item::head(&previous))),
                (5, Some(item::pledges(&pledges))),
                (6, statements.map(batch)),
                (7, Some(uint(wall_ms))),
                (8, Some(evidence_item(&evidence, &beside))),
            ])
            .encode();
            SaidMoment { lineage, index, previous, pledges, statements, wall_ms, evidence, body }
        },
    )
}

/// A hop's tier, opening and moment: nothing in it need fit.
pub fn hop() -> impl Strategy<Value = (u8, Vec<u8>, SaidMoment)> {
    let opening = any::<u64>().prop_map(|seed| {
        let mut opening = vec![0; OPENING_BYTES];
        blake3::Hasher::new().update(&seed.to_le_bytes()).finalize_xof().fill(&mut opening);
        opening
    });
    (0u8..16, opening, lineage().prop_flat_map(moment))
}

pub fn hop_item((tier, opening, moment): &(u8, Vec<u8>, SaidMoment)) -> Item {
    Item::Array(vec![uint(*tier), bytes(opening), bytes(&moment.body)])
}
