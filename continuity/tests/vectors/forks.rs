//! Sections forks and hop_answers.

use selfsame::hazmat;
use selfsame::{Fork, ForkRefusal, Genesis, Hop, HopAnswer};

use super::file::{anchor, bytes, entries, number, section, text};
use super::proofs;

#[test]
fn forks() {
    for entry in entries("forks") {
        let evidence = bytes(&entry["evidence"]);
        let held = anchor(&entry["held"]);
        let checked = Fork::parse(&evidence).map_err(|error| proofs::malformed(&error)).and_then(|fork| {
            assert_eq!(fork.encode(), evidence);
            fork.check(&held).map_err(|refusal| reason(&refusal))
        });
        assert_eq!(checked.is_ok(), entry["fork"] == true, "{}: {checked:?}", entry["why"]);
        if let Err(ours) = checked {
            assert!(proofs::same_reason(&ours, text(&entry["refused_as"])), "{}: {ours}", entry["why"]);
        }
    }
}

fn reason(refusal: &ForkRefusal) -> String {
    match refusal {
        ForkRefusal::OtherLineage { .. } => "another lineage".into(),
        ForkRefusal::NoStart => "no moment to start from".into(),
        ForkRefusal::TwoPledges { .. } => "two tiers are two pledges".into(),
        ForkRefusal::OneMoment => "one and the same moment".into(),
        ForkRefusal::Way { why, .. } | ForkRefusal::Hop { why, .. } => proofs::hop(why).into(),
        other => other.to_string(),
    }
}

#[test]
fn hop_answers() {
    let genesis = Genesis::parse(&bytes(section("genesis"))).expect("well-formed");
    for entry in entries("hop_answers") {
        let way: Vec<Hop> = entry["way"]
            .as_array()
            .expect("an array")
            .iter()
            .map(|hop| Hop::parse(&bytes(hop)).expect("well-formed"))
            .collect();
        let hop = Hop::parse(&bytes(&entry["hop"])).expect("well-formed");
        assert_eq!(hop.encode(), bytes(&entry["hop"]));
        assert_eq!(u64::from(hop.tier()), number(&entry["tier"]));
        let made = hazmat::walk(&genesis, &way).expect("the way leads from the genesis");
        assert_eq!(made.index(), number(&entry["made"]));
        let next = hazmat::hop(&made, &hop).expect("the hop passes from there");
        assert!(next.index() > number(&entry["index"]));
        let answer = HopAnswer { hop, way };
        assert_eq!(HopAnswer::parse(&answer.encode()), Ok(answer));
    }
}
