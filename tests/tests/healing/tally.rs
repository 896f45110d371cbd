//! Which check refused how many, by the tier of the time between theft and anchor.

use std::collections::BTreeMap;

use selfsame::{HopRefusal, Refusal, VerifyRefusal};

/// Refusals by check and tier.
#[derive(Debug, Default)]
pub struct Tally(BTreeMap<&'static str, BTreeMap<u8, u64>>);

impl Tally {
    pub fn count(&mut self, check: &'static str, tier: u8) {
        *self.0.entry(check).or_default().entry(tier).or_default() += 1;
    }

    pub fn print(&self, what: &str) {
        let tiers: Vec<u8> =
            (0..16).filter(|tier| self.0.values().any(|row| row.contains_key(tier))).collect();
        let columns = |of: &dyn Fn(u8) -> String| {
            tiers.iter().map(|tier| format!(" {} |", of(*tier))).collect::<String>()
        };
        println!("{what}: refusals by check, and by the tier k with 4^k ≤ a − t < 4^(k+1)");
        println!("| check |{} all |", columns(&|tier| tier.to_string()));
        println!("| --- |{} --- |", columns(&|_| "---".to_owned()));
        for (check, row) in &self.0 {
            let counts = columns(&|tier| row.get(&tier).copied().unwrap_or(0).to_string());
            println!("| {check} |{counts} {} |", row.values().sum::<u64>());
        }
    }
}

/// The check that a relying party names.
pub fn check(refusal: &Refusal) -> &'static str {
    match refusal {
        Refusal::Verify(refusal) => check_of_proof(refusal),
        Refusal::Clock { .. } => "6 Clock",
        Refusal::Stalled { .. } => "6 Stalled",
        Refusal::Forked { .. } => "7 Forked",
        Refusal::Contradiction { .. } => "8 Contradiction",
        other => panic!("no check refuses it: {other}"),
    }
}

/// Which of the checks 1 to 5.
pub fn check_of_proof(refusal: &VerifyRefusal) -> &'static str {
    match refusal {
        VerifyRefusal::Hop { why, .. } => check_of_hop(why),
        VerifyRefusal::OtherStart { .. } => "2 OtherStart",
        VerifyRefusal::NotInHead => "5 NotInHead",
        other => panic!("a thief does better: {other}"),
    }
}

/// Which part of check 3.
pub fn check_of_hop(refusal: &HopRefusal) -> &'static str {
    match refusal {
        HopRefusal::OtherLineage => "3 OtherLineage",
        HopRefusal::NotForward { .. } => "3 NotForward",
        HopRefusal::BeyondHead { .. } => "3 BeyondHead",
        HopRefusal::TierTooOld { .. } => "3 TierTooOld",
        HopRefusal::NotTheWay { .. } => "3 NotTheWay",
        HopRefusal::Between { .. } => "3 Between",
        HopRefusal::OtherPrevious { .. } => "3 OtherPrevious",
        HopRefusal::NotTurned { .. } => "3 NotTurned",
        HopRefusal::Opening { .. } => "3 Opening",
        HopRefusal::PledgeChanged { .. } => "3 PledgeChanged",
        HopRefusal::PledgeStands { .. } => "3 PledgeStands",
        other => panic!("a part of check 3 that this test does not know: {other}"),
    }
}
