//! A model of the commit order, explored whole: every prefix of the stores of a moment, each last store whole or torn at each
//! byte (a tenth of the torn ones, unless `SELFSAME_FULL` is 1), is a state in which a crash can leave page and history. From each the lineage goes on, with no second body under a
//! pledge that was opened, and no head handed out that is not remembered.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    io,
    rc::Rc,
};

use selfsame::{
    Birth, Entry, Evidence, EvidenceFields, Lineage, Memory, Origin, Reason, Salt, Secrets, Step,
};

use super::{
    history::{Bytes, HistoryError, Kind, Log},
    slots::{PAGE_WORDS, SCRATCH, SECRET_WORDS, Slots, Words},
};

/// One store of 8 bytes.
#[derive(Clone, Copy)]
enum Store {
    Page { at: usize, value: u64 },
    History { at: u64, value: u64 },
}

/// Page and history, as they are after some stores.
#[derive(Clone, Default)]
struct Image {
    page: BTreeMap<usize, u64>,
    history: BTreeMap<u64, u64>,
}

impl Image {
    fn store(&mut self, store: Store) {
        match store {
            Store::Page { at, value } => drop(self.page.insert(at, value)),
            Store::History { at, value } => drop(self.history.insert(at, value)),
        }
    }

    /// The store as it is when only the first `bytes` bytes of it are there.
    fn tear(&mut self, store: Store, bytes: u32) {
        let mask = (1_u64 << (8 * bytes)) - 1;
        let torn = |old: u64, new: u64| new & mask | old & !mask;
        match store {
            Store::Page { at, value } => {
                let old = self.page.get(&at).copied().unwrap_or(0);
                self.page.insert(at, torn(old, value));
            }
            Store::History { at, value } => {
                let old = self.history.get(&at).copied().unwrap_or(0);
                self.history.insert(at, torn(old, value));
            }
        }
    }
}

/// What both files write to: the image, and a list of all stores.
#[derive(Clone, Default)]
struct Tape(Rc<RefCell<(Image, Vec<Store>)>>);

impl Tape {
    fn of(image: Image) -> Self {
        Self(Rc::new(RefCell::new((image, Vec::new()))))
    }

    fn store(&self, store: Store) {
        let (image, stores) = &mut *self.0.borrow_mut();
        image.store(store);
        stores.push(store);
    }

    fn image(&self) -> Image {
        self.0.borrow().0.clone()
    }

    /// The stores since this was last asked.
    fn take(&self) -> Vec<Store> {
        std::mem::take(&mut self.0.borrow_mut().1)
    }
}

/// The page. Its scratch is what the closure of a change works in.
struct Page {
    tape: Tape,
}

impl Words for Page {
    fn load(&self, at: usize) -> u64 {
        self.tape.0.borrow().0.page.get(&at).copied().unwrap_or(0)
    }

    fn store(&mut self, at: usize, value: u64) {
        self.tape.store(Store::Page { at, value });
    }
}

struct File {
    tape: Tape,
}

impl Bytes for File {
    fn read_at(&self, out: &mut [u8], at: u64) -> io::Result<usize> {
        assert!(at.is_multiple_of(8), "whole words");
        out.fill(0);
        let (first, words) = (at / 8, out.len().div_ceil(8) as u64);
        for (place, word) in self.tape.0.borrow().0.history.range(first..first + words) {
            let from = ((place - first) * 8) as usize;
            let bytes = word.to_le_bytes();
            out.iter_mut().skip(from).zip(bytes).for_each(|(to, byte)| *to = byte);
        }
        Ok(out.len())
    }

    fn write_at(&mut self, bytes: &[u8], at: u64) -> io::Result<()> {
        assert!(at.is_multiple_of(8) && bytes.len().is_multiple_of(8), "whole words");
        for (place, word) in (at / 8..).zip(bytes.as_chunks::<8>().0) {
            self.tape.store(Store::History { at: place, value: u64::from_le_bytes(*word) });
        }
        Ok(())
    }

    fn clear(&mut self, at: u64, length: u64) -> io::Result<()> {
        let places: Vec<u64> = self
            .tape
            .0
            .borrow()
            .0
            .history
            .range(at / 8..(at + length) / 8)
            .map(|(place, _)| *place)
            .collect();
        places.into_iter().for_each(|at| self.tape.store(Store::History { at, value: 0 }));
        Ok(())
    }
}

/// The agent's memory, on the tape. Its secrets are looked at through copies, since the tape holds words.
struct Model {
    slots: Slots<Page>,
    history: Log<File>,
    now: Box<Secrets>,
    long: bool,
}

impl Model {
    fn create(tape: &Tape) -> Self {
        let slots = Slots::blank(Page { tape: tape.clone() });
        let history = Log::begin(File { tape: tape.clone() }).unwrap();
        let mut model = Self { slots, history, now: Box::new(Secrets::blank()), long: false };
        model.look();
        model
    }

    fn adopt(image: Image) -> Result<Self, String> {
        let tape = Tape::of(image);
        let history =
            Log::open(File { tape: tape.clone() }).map_err(|error: HistoryError| error.to_string())?;
        let slots = Slots::load(Page { tape }).map_err(|error| error.to_string())?;
        let mut model = Self { slots, history, now: Box::new(Secrets::blank()), long: false };
        model.look();
        Ok(model)
    }

    /// Reads the state out of its words.
    fn look(&mut self) {
        let words = (0..SECRET_WORDS).map(|word| self.slots.words().load(self.slots.active() + word));
        let bytes: Vec<u8> = words.flat_map(u64::to_le_bytes).collect();
        *self.now = selfsame::hazmat::secrets_of(&bytes).expect("of that size");
    }
}

impl Memory for Model {
    type Error = io::Error;

    fn secrets(&self) -> &Secrets {
        &self.now
    }

    fn update(&mut self, change: impl FnOnce(&mut Secrets)) -> io::Result<()> {
        self.slots.begin();
        change(&mut self.now);
        let bytes = selfsame::hazmat::bytes_of(&self.now);
        for (at, word) in (SCRATCH..).zip(bytes.as_chunks::<8>().0) {
            self.slots.words_mut().store(at, u64::from_le_bytes(*word));
        }
        self.slots.commit();
        self.look();
        Ok(())
    }

    fn record(&mut self, entry: &Entry<'_>) -> io::Result<()> {
        self.history.append(Kind::Lineage, &entry.encode())
    }

    fn is_long(&self) -> bool {
        self.long
    }

    fn rewrite<'a>(&mut self, entries: impl Iterator<Item = Entry<'a>>) -> io::Result<()> {
        self.history.rewrite(entries.map(|entry| entry.encode()))
    }
}

fn evidence() -> Evidence {
    Evidence::new(EvidenceFields::default()).unwrap()
}

fn step(index: u64, salt: u8) -> Step<'static> {
    const RANDOM: [[u8; 32]; 2] = [[5; 32], [6; 32]];
    Step { index, wall_ms: u64::from(salt), randomness: &RANDOM[usize::from(salt % 2)], evidence: evidence() }
}

fn born(tape: &Tape) -> Lineage<Model> {
    let birth = Birth {
        contributions: &[("test", b"x")],
        randomness: &[1; 32],
        salt: Salt::new([2; 32]),
        wall_ms: 0,
        evidence: evidence(),
        origin: Origin::new(Reason::Install, None),
    };
    Lineage::born(Model::create(tape), birth).unwrap()
}

/// Goes on from an image.
fn resumed(image: Image) -> Result<Lineage<Model>, String> {
    let model = Model::adopt(image)?;
    let entries: Vec<_> = model.history.lineage().collect();
    Lineage::resumed(model, entries).map_err(|error| error.to_string())
}

/// Goes through every state in which a crash during `stores` can leave `before`, and gives each to `look`, with how many
/// stores are whole.
fn every_crash(before: &Image, stores: &[Store], mut look: impl FnMut(Image, usize)) -> usize {
    let full = std::env::var_os("SELFSAME_FULL").is_some_and(|value| value == "1");
    let (mut image, mut states) = (before.clone(), 0);
    for (done, store) in stores.iter().enumerate() {
        look(image.clone(), done);
        states += 1;
        // of the torn ones a tenth, where not all are asked for: and all of those near the end
        if full || done % 10 == 0 || done + 20 > stores.len() {
            for bytes in 1..8 {
                let mut torn = image.clone();
                torn.tear(*store, bytes);
                look(torn, done);
                states += 1;
            }
        }
        image.store(*store);
    }
    look(image, stores.len());
    states + 1
}

/// What a lineage would go on from: the state in the page, and the entries of the history.
type Left = (Vec<u8>, Vec<Vec<u8>>);

fn left(image: Image) -> Left {
    let model = Model::adopt(image).unwrap_or_else(|error| panic!("it does not go on: {error}"));
    (selfsame::hazmat::bytes_of(&model.now), model.history.lineage().collect())
}

#[test]
fn every_crash_in_a_moment_leaves_the_state_before_or_after_and_no_second_body() {
    let (mut states, mut different) = (0, 0);
    for (tier, ahead) in [(0, false), (0, true), (3, false), (3, true)] {
        let tape = Tape::default();
        let mut lineage = born(&tape);
        lineage.moment(step(3, 0)).unwrap();
        if ahead {
            lineage.prepare(&[9; 32], 4).unwrap();
        }
        let (before, index) = (tape.image(), if tier == 0 { 3 + 1 } else { 64 });
        // 4 ends a span of tier 1: the lowest that a moment after 3 has here
        tape.take();
        let head_before = lineage.head();
        let moment = lineage.moment(step(index, 0)).unwrap();
        let stores = tape.take();
        // many states of a crash are the same to who comes after
        let mut seen = BTreeSet::<Left>::new();
        states += every_crash(&before, &stores, |image, _| {
            if !seen.insert(left(image.clone())) {
                return;
            }
            let mut after = resumed(image).unwrap_or_else(|error| panic!("it does not go on: {error}"));
            if after.head() == head_before {
                // the moment is gone, and nothing of it ever left: another may be made
                after.moment(step(index + 1, 1)).unwrap();
                return;
            }
            assert_eq!(after.head(), moment.head(), "it is the very moment, or none");
            // what it opened can't be opened again: the next moment opens what it pledged
            let next = after.moment(step(index + 70, 1)).unwrap();
            assert_eq!(next.previous(), &moment.head());
        });
        different += seen.len();
        assert!(seen.len() >= 3, "before, recorded, and after");
    }
    println!("{states} states of a crash in a moment, {different} of them different");
}

#[test]
fn once_the_last_store_is_made_the_moment_stands() {
    let tape = Tape::default();
    let mut lineage = born(&tape);
    lineage.prepare(&[9; 32], 4).unwrap();
    tape.take();
    let moment = lineage.moment(step(9, 0)).unwrap();
    // what leaves after this has its state committed, and is remembered
    assert_eq!(resumed(tape.image()).unwrap().head(), moment.head());
    // the state in the page is the one after it, not one that still has to step
    let model = Model::adopt(tape.image()).unwrap();
    let entries: Vec<_> = model.history.lineage().collect();
    assert!(Lineage::resumed(Model::adopt(tape.image()).unwrap(), &entries[..entries.len() - 1]).is_err());
}

#[test]
fn a_head_that_was_introduced_is_remembered_after_every_crash() {
    let tape = Tape::default();
    let mut lineage = born(&tape);
    lineage.moment(step(9, 0)).unwrap();
    let before = tape.image();
    tape.take();
    let introduction = lineage.introduce();
    let stores = tape.take();
    let head = introduction.moment().unwrap().head();
    let states = every_crash(&before, &stores, |image, done| {
        let judged = resumed(image).unwrap().judge(&[head]);
        let known = judged == selfsame::Judgement::Known;
        // before the last store it has not been handed out
        assert!(known || done < stores.len(), "{judged:?} after {done} stores");
    });
    println!("{states} states of a crash in an introduction");
}

#[test]
fn every_crash_while_the_history_is_written_anew_leaves_all_of_it() {
    let tape = Tape::default();
    let mut lineage = born(&tape);
    for index in 1..=3 {
        lineage.moment(step(index, 0)).unwrap();
        lineage.introduce();
    }
    let before = tape.image();
    tape.take();
    lineage.rewrite_record().unwrap();
    let stores = tape.take();
    let head = lineage.head();
    let mut sampled = 0;
    let states = every_crash(&before, &stores, |image, done| {
        // each state is opened; what is in it is looked at closely wherever a mark or a frame's end is near
        let model =
            Model::adopt(image.clone()).unwrap_or_else(|error| panic!("after {done} stores: {error}"));
        let entries = model.history.lineage().count();
        assert!(entries >= 7, "after {done} stores of {}: {entries} entries", stores.len());
        if done % 397 == 0 || done + 40 > stores.len() {
            sampled += 1;
            let after = resumed(image).unwrap_or_else(|error| panic!("after {done} stores: {error}"));
            assert_eq!((after.head(), after.kept()), (head, lineage.kept()));
            assert_eq!(after.judge(&[head]), selfsame::Judgement::Known);
        }
    });
    println!("{states} states of a crash in a rewrite, {sampled} of them gone on from");
}

#[test]
fn nothing_of_an_old_state_is_left_in_the_page() {
    let tape = Tape::default();
    let mut lineage = born(&tape);
    lineage.moment(step(5, 0)).unwrap();
    let image = tape.image();
    let used: usize = (0..PAGE_WORDS).filter(|at| image.page.get(at).is_some_and(|word| *word != 0)).count();
    assert!(used <= SECRET_WORDS + 4, "one slot, the magic number and the version: {used} words");
}
