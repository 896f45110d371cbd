//! Others who use the same folder, and the same entry, which only root can.

use std::fs;

use selfsame_tests::tsm::{Asked, Attribute, Tee, Tsm, snp_report};
use selfsame_tsm_report::{Answer, RefusalKind};

use crate::{DATA, nothing_is_left, refusal, report};

#[test]
fn a_second_writer_costs_a_round_and_the_report_is_ours() {
    let tsm = Tsm::start(Some(Tee::sev_guest()));
    // once between our writing and the report, once between the report and what is beside it
    for attribute in [Attribute::Outblob, Attribute::Auxblob] {
        let before = tsm.made();
        let held = tsm.hold(attribute);
        let asked = Asked::with(&tsm.root(), &DATA);
        Tsm::write(&tsm.root(), &held.reached(), &[8; 64]).unwrap();
        drop(held);
        assert_eq!(report(&tsm, asked.answered()).report, snp_report(&DATA));
        assert_eq!(tsm.made() - before, 2, "{attribute:?}");
    }
}

#[test]
fn the_same_bytes_by_another_are_another_writing() {
    let tsm = Tsm::start(Some(Tee::sev_guest()));
    let held = tsm.hold(Attribute::Provider);
    let asked = Asked::with(&tsm.root(), &DATA);
    Tsm::write(&tsm.root(), &held.reached(), &DATA).unwrap();
    drop(held);
    report(&tsm, asked.answered());
    assert_eq!(tsm.made(), 2);
}

#[test]
fn one_that_writes_again_and_again_is_given_up() {
    let tsm = Tsm::start(Some(Tee::sev_guest()));
    let mut held = tsm.hold(Attribute::Auxblob);
    let asked = Asked::with(&tsm.root(), &DATA);
    for _ in 0..4 {
        let entry = held.reached();
        Tsm::write(&tsm.root(), &entry, &[8; 64]).unwrap();
        // the one that is set before the other is let go meets the next round
        held = tsm.hold(Attribute::Auxblob);
    }
    let text = refusal(&tsm, asked.answered(), RefusalKind::Busy);
    assert_eq!(text, "others wrote to the same place in configfs-tsm, 4 times");
    assert_eq!(tsm.made(), 4);
}

#[test]
fn an_entry_that_is_removed_costs_a_round() {
    let tsm = Tsm::start(Some(Tee::sev_guest()));
    for attribute in [Attribute::Outblob, Attribute::Auxblob, Attribute::Provider] {
        let before = tsm.made();
        let held = tsm.hold(attribute);
        let asked = Asked::with(&tsm.root(), &DATA);
        fs::remove_dir(tsm.root().join(held.reached())).unwrap();
        drop(held);
        assert_eq!(report(&tsm, asked.answered()).report, snp_report(&DATA));
        assert_eq!(tsm.made() - before, 2, "{attribute:?}");
    }
}

#[test]
fn names_that_are_taken_are_passed_over_and_left_alone() {
    let tsm = Tsm::start(Some(Tee::sev_guest()));
    let asked = Asked::start(&tsm.root());
    let mut taken: Vec<_> = (0..3).map(|number| format!("selfsame-{}-{number}", asked.pid())).collect();
    taken.push("another-tool".into());
    for name in &taken {
        fs::create_dir(tsm.root().join(name)).unwrap();
        Tsm::write(&tsm.root(), name, &[8; 64]).unwrap();
    }
    let answered = asked.ask(&DATA).answered();
    let Some(Answer::Report(report)) = answered.answer else { panic!("{answered:?}") };
    assert_eq!(report.report, snp_report(&DATA));
    let mut left = tsm.entries();
    left.sort();
    taken.sort();
    assert_eq!(left, taken);
    for name in &taken {
        assert_eq!(fs::read_to_string(tsm.root().join(name).join("generation")).unwrap(), "1\n");
        fs::remove_dir(tsm.root().join(name)).unwrap();
    }
    nothing_is_left(&tsm);
}
