//! The screens, held against the files in `snapshots/`: what is on them, and in which style.
//!
//! After a change that is meant, `SELFSAME_SNAPSHOTS=write cargo test -p selfsame-command watch` writes the files anew; read
//! what `git diff` says then. A file `SCENE-COLUMNSxLINES.txt` is the screen itself, the same with and without colours;
//! `.styles` lists the runs that have a style, `line:from-to style`, first with colours, then without.

use std::fs;
use std::path::Path;

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::{Buffer, Cell};
use ratatui::style::Color;
use selfsame_dbus::{CallerCount, Origin, Source};

use super::model::{At, Callers, Event, Model};
use super::render::render;
use crate::colour::Colours;
use crate::host::Status;

const LINEAGE: &str = "selfsame1qyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqsxxxxxx";
const SUCCESSOR: &str = "selfsame1zg69v7y6hn00qy352euf40x77qfrg4ncn27dauqjx3t83x4ummcpyyyyyy";
const BORN_MS: u64 = 1_798_761_600_000;

fn at(second: u64) -> At {
    At { wall_ms: BORN_MS + (273_600 + second) * 1000, up_ms: second * 1000 }
}

fn source(name: &str, class: &str, healthy: bool) -> Source {
    Source { name: name.into(), class: class.into(), healthy }
}

fn status(second: u64) -> Status {
    let age = 273_600 + second;
    Status {
        lineage: LINEAGE.into(),
        born_ms: BORN_MS,
        index: age / 8 * 8 * 4096,
        moments: 34_200 + second / 4,
        foreign_anchors: 0,
        condition: "steady".into(),
        sources: vec![
            source("tpm", "tpm", true),
            source("hwrng:optee-rng", "tee", true),
            source("rdseed", "cpu", true),
            source("kernel", "kernel", true),
        ],
        memory: "secret".into(),
        // what a quiet host does, and a busy minute
        drift: Some(match second {
            300..360 => 0.35 + (second % 60) as f64 / 200.0,
            second => (second * 7919 % 97) as f64 / 700.0,
        }),
        origin: Origin { reason: "boot".into(), predecessor: SUCCESSOR.into() },
        version: "0.1.0".into(),
    }
}

fn callers() -> Callers {
    let caller =
        |uid, unit: &str, exe: &str, proofs| CallerCount { uid, unit: unit.into(), exe: exe.into(), proofs };
    Callers::Told(vec![
        caller(1000, "web.service", "/usr/bin/web", 8123),
        caller(0, "", "/usr/bin/selfsame", 2),
        caller(33, "a-unit-with-a-very-long-name-that-has-no-room.service", "", 77),
    ])
}

/// Ten minutes of a host as it should be.
fn calm() -> Model {
    let mut model = Model::new("the system bus".into());
    for second in 0..=600 {
        model.take(at(second), Event::Read(Box::new(status(second))));
        model.take(at(second), Event::Callers(callers()));
    }
    model
}

/// All that can go wrong.
fn alarmed() -> Model {
    let mut model = calm();
    let mut bad = status(601);
    bad.foreign_anchors = 1;
    bad.condition = "degraded".into();
    bad.sources[0].healthy = false;
    bad.drift = Some(0.8125);
    model.take(at(601), Event::Read(Box::new(bad.clone())));
    model.take(at(601), Event::DriftExceeded { drift: 0.8125 });
    model.take(at(602), Event::ForkFound { peer: "web\u{1b}[2J 1".into() });
    let [lineage, successor] = [LINEAGE, SUCCESSOR].map(str::to_owned);
    model.take(at(604), Event::LineageEnded { lineage, reason: "clone".into(), successor });
    bad.lineage = SUCCESSOR.into();
    bad.moments = 3;
    bad.index = 4096;
    model.take(at(605), Event::Read(Box::new(bad)));
    let why = "only root and members of group selfsame are told who has proofs of this host";
    model.take(at(605), Event::Callers(Callers::Untold(why.into())));
    model
}

fn gone() -> Model {
    let mut model = calm();
    for second in 601..613 {
        let why = "nobody on the bus is org.selfsame.Agent1".into();
        model.take(at(second), Event::Gone { why });
    }
    model
}

fn waiting() -> Model {
    let mut model = Model::new("the bus at unix:path=/run/user/1000/a-bus".into());
    model.take(at(0), Event::Gone { why: "agent not reachable".into() });
    model
}

/// What a screen shows, and what it is called.
type Scene = (&'static str, fn() -> Model);

const SCENES: [Scene; 4] = [("calm", calm), ("alarmed", alarmed), ("gone", gone), ("waiting", waiting)];

fn drawn(model: &Model, (columns, lines): (u16, u16), colours: Colours) -> Buffer {
    let mut terminal = Terminal::new(TestBackend::new(columns, lines)).unwrap();
    terminal.draw(|frame| render(frame, model, colours)).unwrap();
    terminal.backend().buffer().clone()
}

fn lines(buffer: &Buffer) -> Vec<Vec<&Cell>> {
    buffer.content().chunks(usize::from(buffer.area.width)).map(|line| line.iter().collect()).collect()
}

fn text(buffer: &Buffer) -> String {
    let lines = lines(buffer).into_iter().map(|line| {
        let line: String = line.iter().map(|cell| cell.symbol()).collect();
        format!("{}\n", line.trim_end())
    });
    lines.collect()
}

/// The runs of a style, without those that have none.
fn styles(buffer: &Buffer) -> String {
    let mut told = String::new();
    for (number, line) in lines(buffer).iter().enumerate() {
        for run in line.iter().enumerate().collect::<Vec<_>>().chunk_by(|(_, a), (_, b)| style(a) == style(b))
        {
            let ((from, cell), (to, _)) = (run[0], run[run.len() - 1]);
            if let Some(style) = style(cell) {
                told += &format!("{number}:{from}-{to} {style}\n");
            }
        }
    }
    told
}

fn style(cell: &Cell) -> Option<String> {
    let mut words = Vec::new();
    for (what, colour) in [("", cell.fg), ("on ", cell.bg)] {
        if colour != Color::Reset {
            words.push(format!("{what}{colour}").to_lowercase());
        }
    }
    if !cell.modifier.is_empty() {
        words.push(format!("{:?}", cell.modifier).to_lowercase());
    }
    (!words.is_empty()).then(|| words.join(" "))
}

/// Holds a text against a file, or writes it.
fn compare(name: &str, found: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/watch/snapshots").join(name);
    if std::env::var_os("SELFSAME_SNAPSHOTS").is_some_and(|what| what == "write") {
        fs::write(&file, found).unwrap();
    }
    let kept = fs::read_to_string(&file).unwrap_or_default();
    assert!(
        kept == found,
        "{name} is another now, see this file's first lines.\n--- was\n{kept}\n--- is\n{found}"
    );
}

#[test]
fn the_screens_are_those_of_the_snapshots() {
    for (scene, model) in SCENES {
        let model = model();
        for size in [(80, 24), (200, 50)] {
            let [coloured, plain] = [Colours::On, Colours::Off].map(|colours| drawn(&model, size, colours));
            let name = format!("{scene}-{}x{}", size.0, size.1);
            assert_eq!(text(&coloured), text(&plain), "{name}: colours change what is said");
            compare(&format!("{name}.txt"), &text(&coloured));
            let both = format!("with colours\n{}without\n{}", styles(&coloured), styles(&plain));
            compare(&format!("{name}.styles"), &both);
        }
    }
}

#[test]
fn without_colours_there_is_none() {
    for (scene, model) in SCENES {
        let buffer = drawn(&model(), (80, 24), Colours::Off);
        let coloured =
            buffer.content().iter().filter(|cell| (cell.fg, cell.bg) != (Color::Reset, Color::Reset));
        assert_eq!(coloured.count(), 0, "{scene}");
    }
}

#[test]
fn a_screen_of_any_size_is_drawn() {
    for (scene, model) in SCENES {
        let model = model();
        for columns in (1..=30).chain([58, 59, 60, 61, 79, 119, 120, 121, 500]) {
            for lines in (1..=26).chain([120]) {
                let text = text(&drawn(&model, (columns, lines), Colours::On));
                let has_room = columns >= 24 && lines >= 6;
                if has_room && scene == "alarmed" {
                    assert!(text.contains("ALARM"), "{columns}×{lines}: {text}");
                }
                if has_room && scene == "gone" {
                    assert!(text.contains("AGENT GONE"), "{columns}×{lines}: {text}");
                }
            }
        }
    }
}

#[test]
fn what_the_bus_says_moves_no_cursor() {
    let mut model = alarmed();
    let mut wild = status(700);
    for text in [&mut wild.lineage, &mut wild.condition, &mut wild.memory, &mut wild.version] {
        *text = "\u{1b}[2J\nx\u{202e}".into();
    }
    wild.sources = vec![source("a\rb", "\u{7}", true)];
    wild.origin = Origin { reason: "\u{1b}c".into(), predecessor: "\u{9b}1m".into() };
    model.take(at(700), Event::Read(Box::new(wild)));
    let caller = CallerCount { uid: 1, unit: "\u{1b}]0;x\u{7}".into(), exe: "\n".into(), proofs: 1 };
    model.take(at(700), Event::Callers(Callers::Told(vec![caller])));
    for size in [(80, 24), (200, 50), (30, 20)] {
        let text = text(&drawn(&model, size, Colours::On));
        assert!(text.chars().all(|char| char == '\n' || !char.is_control() && char != '\u{202e}'), "{text}");
    }
}

#[test]
fn an_agent_that_comes_back_with_another_lineage_is_an_alarm_and_with_the_same_a_note() {
    let mut model = gone();
    model.take(at(620), Event::Read(Box::new(status(620))));
    assert_eq!(model.alarms.count(), 0);
    let kinds = |model: &Model| model.alarms.newest().map(|entry| entry.kind).collect::<Vec<_>>();
    assert_eq!(kinds(&model), ["AgentBack", "AgentGone"]);
    model.take(at(621), Event::Gone { why: "x".into() });
    let mut other = status(622);
    other.lineage = SUCCESSOR.into();
    model.take(at(622), Event::Read(Box::new(other)));
    assert_eq!(kinds(&model)[..2], ["LineageEnded", "AgentBack"]);
    assert_eq!(model.alarms.count(), 1);
}

#[test]
fn a_signal_and_what_is_read_after_it_are_one_alarm() {
    let model = alarmed();
    let ended = model.alarms.newest().filter(|entry| entry.kind == "LineageEnded");
    assert_eq!(ended.count(), 1);
    let mut model = calm();
    let mut found = status(601);
    found.foreign_anchors = 2;
    for second in 601..610 {
        model.take(at(second), Event::Read(Box::new(found.clone())));
    }
    assert_eq!(model.alarms.count(), 1, "the same two are told once");
}

#[test]
fn a_signal_that_comes_after_what_it_tells_was_read_is_no_second_alarm() {
    let ended = || Event::LineageEnded {
        lineage: status(0).lineage,
        reason: "ended".into(),
        successor: SUCCESSOR.into(),
    };
    let mut other = status(601);
    other.lineage = SUCCESSOR.into();
    let mut model = calm();
    model.take(at(601), Event::Read(Box::new(other.clone())));
    model.take(at(601), ended());
    assert_eq!(model.alarms.count(), 1);
    // where nothing was read of the one before, only the signal tells
    let mut model = Model::new("x".into());
    model.take(at(601), Event::Read(Box::new(other)));
    model.take(at(601), ended());
    assert_eq!(model.alarms.count(), 1);
}

#[test]
fn a_drill_is_an_alarm_that_says_so() {
    let mut model = calm();
    model.take(at(601), Event::ForkFound { peer: "drill-1".into() });
    let entry = model.alarms.newest().next().unwrap();
    assert_eq!(entry.level, super::alarms::Level::Alarm);
    assert!(entry.text.starts_with("peer drill-1 was copied: that is a drill's name"), "{}", entry.text);
}

#[test]
fn an_object_has_all_of_it() {
    let object = calm().json();
    assert_eq!((&object["reachable"], &object["why"]), (&true.into(), &serde_json::Value::Null));
    assert_eq!((&object["status"]["moments"], &object["moments_per_minute"]), (&34_350.into(), &15.0.into()));
    assert_eq!(object["callers"][1]["unit"], serde_json::Value::Null);
    let object = gone().json();
    assert_eq!((&object["reachable"], &object["callers"]), (&false.into(), &serde_json::Value::Null));
    assert_eq!(object["alarms"][0]["kind"], "AgentGone");
}
