use std::sync::Mutex;

use super::*;

/// A page of the hypervisor's that a test writes.
#[derive(Clone, Default)]
pub(crate) struct Page(pub(crate) Arc<Mutex<Option<Generation>>>);

impl Generations for Page {
    fn read(&mut self) -> Option<Generation> {
        *self.0.lock().unwrap()
    }
}

impl Page {
    fn says(&self, counter: Option<u64>, disruption: u64) {
        *self.0.lock().unwrap() = Some(Generation { counter, disruption });
    }
}

fn breaks(counter: Option<u64>, on_change: OnChange) -> (Breaks, Page, Arc<AtomicU64>) {
    let (page, told) = (Page::default(), Arc::new(AtomicU64::new(0)));
    page.says(counter, 1);
    let config = Config { on_generation_change: on_change, on_tpm_reset: on_change, ..Config::default() };
    (Breaks::of(Some(Box::new(page.clone())), told.clone(), &config), page, told)
}

#[test]
fn a_changed_generation_counter_is_a_clone() {
    let (mut breaks, page, _) = breaks(Some(4), OnChange::End);
    assert_eq!(breaks.platform(), None);
    page.says(Some(5), 2);
    assert_eq!(breaks.platform(), Some(Found::End(Reason::Clone)));
    breaks.begin();
    assert_eq!(breaks.platform(), None, "the next lineage is not the copy's");
    assert_eq!(breaks.generation(), Some(5));
    // back is a change as well
    page.says(Some(4), 2);
    assert_eq!(breaks.platform(), Some(Found::End(Reason::Clone)));
}

#[test]
fn where_it_is_to_be_marked_it_is_marked_once() {
    let (mut breaks, page, told) = breaks(Some(4), OnChange::Mark);
    page.says(Some(5), 1);
    assert!(
        matches!(breaks.platform(), Some(Found::Mark(why)) if why.contains("VMClock's generation counter"))
    );
    assert_eq!(breaks.platform(), None);
    told.store(1, Ordering::Release);
    assert_eq!(breaks.platform(), None, "the same news by another way");
}

#[test]
fn a_disruption_is_marked_only_where_nothing_better_is_known() {
    let (mut counted, page, _) = breaks(Some(4), OnChange::End);
    page.says(Some(4), 2);
    assert!(matches!(counted.platform(), Some(Found::Note(what)) if what.contains("live migration")));
    assert_eq!(counted.platform(), None);

    let (mut uncounted, page, told) = breaks(None, OnChange::End);
    page.says(None, 2);
    assert!(matches!(uncounted.platform(), Some(Found::Mark(_))));
    assert_eq!(uncounted.platform(), None);
    told.store(1, Ordering::Release);
    assert_eq!(uncounted.platform(), Some(Found::End(Reason::Clone)), "the generation id's own word");
}

#[test]
fn a_new_generation_id_is_a_clone_where_there_is_no_counter() {
    let told = Arc::new(AtomicU64::new(3));
    let mut breaks = Breaks::of(None, told.clone(), &Config::default());
    assert_eq!(breaks.platform(), None, "what was told before the lineage began is none of it");
    told.store(4, Ordering::Release);
    assert_eq!(breaks.platform(), Some(Found::End(Reason::Clone)));
    assert_eq!(breaks.platform(), None);
}

#[test]
fn a_page_that_can_not_be_read_says_nothing() {
    let (mut breaks, page, _) = breaks(Some(4), OnChange::End);
    *page.0.lock().unwrap() = None;
    assert_eq!(breaks.platform(), None);
    page.says(Some(5), 1);
    assert_eq!(breaks.platform(), Some(Found::End(Reason::Clone)), "it is found when it can be read again");
}

#[test]
fn a_reset_of_the_tpm_is_marked_or_a_break() {
    let reading = |reset_count| ClockReading { clock_ms: 1, reset_count, restart_count: 0, safe: true };
    for (on_change, expected) in [(OnChange::End, true), (OnChange::Mark, false)] {
        let (mut breaks, _, _) = breaks(None, on_change);
        assert_eq!(breaks.tpm_clock(reading(1), 0), None);
        let found = breaks.tpm_clock(reading(2), 0);
        assert_eq!(found == Some(Found::End(Reason::Reset)), expected, "{found:?}");
        assert_eq!(matches!(found, Some(Found::Mark(_))), !expected, "{found:?}");
    }
}
