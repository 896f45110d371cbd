//! What is answered, by what the TEE does.

use std::collections::HashSet;

use nix::errno::Errno;
use selfsame_tests::tsm::{Asked, Attribute, Blobs, Tee, Tsm, snp_report};
use selfsame_tsm_report::{Answer, REPORT_MAX_BYTES, RefusalKind, Report};

use crate::{DATA, ask, nothing_is_left, refusal, report};

#[test]
fn a_report_of_sev_snp_comes_with_its_certificates() {
    let tsm = Tsm::start(Some(Tee::sev_guest()));
    let answered = ask(&tsm);
    assert_eq!(answered.stderr, "");
    let expected = Report { provider: "sev_guest".into(), report: snp_report(&DATA), aux: vec![0xce; 3000] };
    assert_eq!(report(&tsm, answered), expected);
    assert_eq!(tsm.made(), 1);
}

#[test]
fn a_quote_of_tdx_has_nothing_beside_it() {
    let tsm = Tsm::start(Some(Tee::tdx_guest()));
    let Report { provider, report, aux } = report(&tsm, ask(&tsm));
    assert_eq!((&*provider, &report[568..632], aux.len()), ("tdx_guest", &DATA[..], 0));
}

#[test]
fn eight_at_once_get_each_their_own() {
    let tsm = Tsm::start(Some(Tee::sev_guest()));
    let asked: Vec<_> = (0..8).map(|number| (number, Asked::with(&tsm.root(), &[number; 64]))).collect();
    let mut reports = HashSet::new();
    for (number, asked) in asked {
        let answered = asked.answered();
        let Some(Answer::Report(report)) = answered.answer else { panic!("{answered:?}") };
        assert_eq!(report.report, snp_report(&[number; 64]));
        reports.insert(report.report);
    }
    assert_eq!((reports.len(), tsm.made()), (8, 8), "none needed a second round");
    nothing_is_left(&tsm);
}

#[test]
fn a_report_over_other_data_is_refused() {
    for place in [0, 31, 32, 63] {
        let tsm = Tsm::start(Some(Tee::of("sev_guest", Attribute::ALL, move |data| {
            let mut data: [u8; 64] = data.try_into().unwrap();
            data[place] ^= 1;
            Ok(Blobs { out: snp_report(&data), aux: Vec::new() })
        })));
        let text = refusal(&tsm, ask(&tsm), RefusalKind::Failed);
        assert_eq!(
            text,
            "the report of `sev_guest` is refused: SEV-SNP report over other data than was asked for"
        );
    }
}

#[test]
fn a_report_that_is_cut_short_is_refused() {
    let tsm = Tsm::start(Some(Tee::of("sev_guest", Attribute::ALL, |_| {
        Ok(Blobs { out: snp_report(&DATA)[..0x90].to_vec(), aux: Vec::new() })
    })));
    let text = refusal(&tsm, ask(&tsm), RefusalKind::Failed);
    assert!(text.ends_with("SEV-SNP report of 144 bytes: at least 1184"), "{text}");
}

#[test]
fn a_provider_that_is_not_known_is_passed_on_and_the_journal_says_unchecked() {
    let token = Blobs { out: vec![0xd9, 0x01, 0x8f], aux: Vec::new() };
    let expected = token.out.clone();
    let tsm = Tsm::start(Some(Tee::of("arm_cca_guest", Attribute::ALL, move |_| Ok(token.clone()))));
    let answered = ask(&tsm);
    assert!(
        answered.stderr.contains("`arm_cca_guest` is not known: its data is not checked"),
        "{answered:?}"
    );
    let Report { provider, report, aux } = report(&tsm, answered);
    assert_eq!((&*provider, report, aux.len()), ("arm_cca_guest", expected, 0));
}

#[test]
fn without_configfs_tsm_or_a_driver_it_is_said_what_is_missing() {
    let tsm = Tsm::start(None);
    let text = refusal(&tsm, ask(&tsm), RefusalKind::Unsupported);
    assert!(text.contains("modprobe sev-guest"), "{text}");
    assert_eq!(tsm.made(), 0);
    let nowhere = tsm.root().with_file_name("nowhere");
    let text = refusal(&tsm, Asked::with(&nowhere, &DATA).answered(), RefusalKind::Unsupported);
    assert!(text.starts_with(&format!("no {}: ", nowhere.display())), "{text}");
}

#[test]
fn reports_have_a_bound_and_the_kernels_too() {
    let of = |out: usize, aux: usize| {
        Tsm::start(Some(Tee::of("other", Attribute::ALL, move |_| {
            Ok(Blobs { out: vec![1; out], aux: vec![2; aux] })
        })))
    };
    let tsm = of(REPORT_MAX_BYTES, REPORT_MAX_BYTES);
    assert_eq!(report(&tsm, ask(&tsm)).report.len(), REPORT_MAX_BYTES);
    for (out, aux, expected) in [
        (REPORT_MAX_BYTES + 1, 0, "`outblob` of configfs-tsm has more than 1048576 bytes"),
        (1, REPORT_MAX_BYTES + 1, "`auxblob` of configfs-tsm has more than 1048576 bytes"),
        ((16 << 20) + 1, 0, "`outblob` of configfs-tsm: File too large (os error 27)"),
        (0, 0, "`outblob` of configfs-tsm is not a report: it is empty"),
    ] {
        let tsm = of(out, aux);
        assert_eq!(refusal(&tsm, ask(&tsm), RefusalKind::Failed), expected);
    }
}

#[test]
fn a_tee_that_is_busy_is_told_from_one_that_fails() {
    for (errno, kind) in [
        (Errno::EBUSY, RefusalKind::Busy),
        (Errno::ETIMEDOUT, RefusalKind::Busy),
        (Errno::EIO, RefusalKind::Failed),
        (Errno::EINVAL, RefusalKind::Failed),
        (Errno::ENOTTY, RefusalKind::Failed),
    ] {
        let tsm = Tsm::start(Some(Tee::of("sev_guest", Attribute::ALL, move |_| Err(errno))));
        let text = refusal(&tsm, ask(&tsm), kind);
        assert!(text.contains("`outblob`"), "{text}");
    }
}

#[test]
fn a_driver_that_is_unloaded_meanwhile_is_no_tee() {
    let tsm = Tsm::start(Some(Tee::sev_guest()));
    let held = tsm.hold(Attribute::Outblob);
    let asked = Asked::with(&tsm.root(), &DATA);
    held.reached();
    tsm.load(None);
    drop(held);
    refusal(&tsm, asked.answered(), RefusalKind::Unsupported);
}
