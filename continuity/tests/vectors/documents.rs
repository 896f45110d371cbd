//! The examples of `docs/protocol.md`, held against the vectors and the code: what the document shows is so.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use selfsame::hazmat::{self, Purpose};
use selfsame::{Challenge, Proof, Wanted, verify};
use serde_json::Value;

use super::file::{bytes, text};

const PROTOCOL: &str = include_str!("../../../docs/protocol.md");

/// The sequence whose second exchange is the document's example: its challenge and proof are steps 2 and 3, the
/// exchange before is 0 and 1.
const EXAMPLE: &str = "met again and again";

/// The repository's own vectors, which the document is about, whatever `SELFSAME_VECTORS` names.
fn vectors() -> &'static Value {
    static FILE: OnceLock<Value> = OnceLock::new();
    FILE.get_or_init(|| {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/vectors/v1.json");
        let bytes = std::fs::read(path).unwrap_or_else(|error| panic!("{path}: {error}"));
        serde_json::from_slice(&bytes).unwrap_or_else(|error| panic!("{path}: {error}"))
    })
}

fn entries(section: &str) -> &'static [Value] {
    vectors()[section].as_array().unwrap_or_else(|| panic!("no section `{section}`"))
}

/// The lines of the one fenced block with this info string.
fn block(info: &str) -> Vec<&'static str> {
    let fence = format!("```{info}");
    let mut lines = PROTOCOL.lines().skip_while(|line| *line != fence);
    assert!(lines.next().is_some(), "the document has no block `{fence}`");
    let mut block = Vec::new();
    for line in lines.by_ref() {
        if line == "```" {
            assert!(lines.all(|line| line != fence), "the document has two blocks `{fence}`");
            return block;
        }
        block.push(line);
    }
    panic!("the block `{fence}` has no end");
}

/// A line without its comment.
fn code(line: &str) -> &str {
    line.split(';').next().unwrap_or_default().trim()
}

fn hex(text: &str) -> Vec<u8> {
    bytes(&Value::from(text))
}

fn step(number: usize, of: &str) -> Vec<u8> {
    let sequence = entries("sequences").iter().find(|entry| entry["name"] == EXAMPLE);
    let value = sequence.and_then(|sequence| sequence.pointer(&format!("/steps/{number}/{of}")));
    bytes(value.expect("the example is there"))
}

fn example() -> (Challenge, Proof) {
    let challenge = Challenge::parse(&step(2, "challenge")).expect("well-formed");
    (challenge, Proof::parse(&step(3, "proof")).expect("well-formed"))
}

/// Reads a dump along `actual`: hex, and `..N..` for any N bytes. Gives how many bytes were shown.
fn compare(info: &str, actual: &[u8]) -> usize {
    let (mut at, mut shown) = (0, 0);
    for line in block(info) {
        assert!(line.contains(';'), "{info}: a line without a comment: {line}");
        for token in code(line).split_whitespace() {
            if let Some(elided) = token.strip_prefix("..") {
                let elided = elided.strip_suffix("..").and_then(|count| count.parse::<usize>().ok());
                at += elided.unwrap_or_else(|| panic!("{info}: {token}"));
                continue;
            }
            let expected = hex(token);
            let have = actual.get(at..at + expected.len());
            assert_eq!(have, Some(&expected[..]), "{info}, byte {at}: {line}");
            (at, shown) = (at + expected.len(), shown + expected.len());
        }
    }
    assert_eq!(at, actual.len(), "{info}: bytes in all");
    shown
}

#[test]
fn the_dumps_are_the_vectors_bytes() {
    let (challenge, proof) = (step(2, "challenge"), step(3, "proof"));
    assert_eq!(compare("hex challenge", &challenge), challenge.len(), "the challenge is shown whole");
    let elided = 2144 - 16 + 16 * 16;
    assert_eq!(compare("hex proof", &proof), proof.len() - elided, "all but what is said to be left out");
    let words: Vec<_> = PROTOCOL.split_whitespace().collect();
    let words = words.join(" ");
    let said = [(challenge.len(), "all 138 bytes of it"), (proof.len(), "this proof of 2,953 bytes")];
    for (bytes, said) in said {
        let digits: String = said.chars().filter(char::is_ascii_digit).collect();
        assert_eq!(digits, bytes.to_string());
        assert!(words.contains(said), "the document does not say {said:?}");
    }
}

#[test]
fn the_values_are_what_the_code_computes() {
    let ((challenge, proof), before) = (example(), step(0, "challenge"));
    let before = Challenge::parse(&before).expect("well-formed");
    let met = verify(None, &before, &step(1, "proof"), &Wanted::default()).expect("the exchange before");
    verify(Some(&met.head), &challenge, &step(3, "proof"), &Wanted::default()).expect("the example's");

    let hop = &proof.hops()[0];
    let digest = hop.moment().digest();
    let opened = hazmat::opened(hop.opening(), met.head.salt(), digest);
    assert_eq!(opened, met.head.pledges()[7]);
    let checksum: String = hazmat::digits(digest)[64..].iter().map(|digit| format!("{digit:x}")).collect();
    let show = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let expected = BTreeMap::from([
        ("challenge digest", challenge.digest().to_string()),
        ("moment digest", digest.to_string()),
        ("checksum", checksum),
        ("salt", show(met.head.salt().as_bytes())),
        ("pledge opened", show(opened.as_bytes())),
        ("statement leaf", show(&Purpose::Statement.hash(proof.statement_bytes()))),
    ]);
    let values = block("values").into_iter().map(|line| {
        let (name, value) = code(line).split_once('=').unwrap_or_else(|| panic!("no value: {line}"));
        (name.trim(), value.trim().to_owned())
    });
    assert_eq!(values.collect::<BTreeMap<_, _>>(), expected);

    // and what the text around them says
    let (a, h) = (met.head.index(), hop.moment().index());
    assert_eq!((a, base4(a), h, base4(h)), (4097, "1000001".into(), 36867, "21000003".into()));
    assert_eq!((hop.tier(), hazmat::tier(a, h), hazmat::cap(h - a), h - a), (7, 7, 7, 32770));
    let new = (0..16).filter(|k| hop.moment().pledges()[*k] != met.head.pledges()[*k]);
    assert_eq!(new.collect::<Vec<_>>(), (0..8).collect::<Vec<_>>());
    assert_eq!(hazmat::digits(digest)[0], 7);
}

fn base4(mut number: u64) -> String {
    let mut digits = String::new();
    while number > 0 {
        digits.insert(0, char::from(b'0' + (number % 4) as u8));
        number /= 4;
    }
    digits
}

/// A moment of section 4's small example: its index, and where the pledges of tiers 0 to 3 were made.
struct Row {
    index: u64,
    tier: u8,
    made: Vec<u64>,
}

/// The rows of the table that begins with this header.
fn table(header: &str) -> impl Iterator<Item = Vec<&'static str>> {
    let mut lines = PROTOCOL.lines().skip_while(move |line| !line.starts_with(header)).peekable();
    assert!(lines.peek().is_some(), "the document has no table `{header}`");
    lines
        .skip(2)
        .take_while(|line| line.starts_with('|'))
        .map(|line| line.trim_matches('|').split('|').map(str::trim).collect())
}

fn rows() -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    for cells in table("| index | in base 4 |") {
        let [index, in_base_4, of_tier, opens, made] = cells[..] else { panic!("five cells: {cells:?}") };
        let index: u64 = index.parse().expect("an index");
        assert_eq!(format!("{:0>4}", base4(index)), in_base_4);
        let made: Vec<u64> = made.split(' ').map(|index| index.parse().expect("an index")).collect();
        let Some(previous) = rows.last() else {
            assert_eq!((index, of_tier, &made), (0, "–", &vec![0; 4]));
            rows.push(Row { index, tier: 15, made });
            continue;
        };
        let tier = hazmat::tier(previous.index, index);
        assert_eq!(of_tier, tier.to_string(), "at {index}");
        assert_eq!(opens, if tier == 0 { "0".to_owned() } else { format!("0 to {tier}") }, "at {index}");
        let expected = (0..4u8).zip(&previous.made).map(|(k, made)| if k <= tier { index } else { *made });
        assert_eq!(made, expected.collect::<Vec<_>>(), "at {index}");
        rows.push(Row { index, tier, made });
    }
    assert!(rows.len() > 5, "the small example has {} moments", rows.len());
    rows
}

#[test]
fn the_small_odometer_turns_as_the_code_does() {
    let rows = rows();
    let ways = block("ways");
    assert!(!ways.is_empty());
    for line in ways {
        let (between, _) = line.split_once(',').expect("from a to h, …");
        let ends: Vec<u64> = between.split(' ').filter_map(|word| word.parse().ok()).collect();
        let [a, h] = ends[..] else { panic!("from a to h: {line}") };
        let cap = hazmat::cap(h - a);
        let (mut way, mut x) = (format!("from {a} to {h}, gap {}, cap {cap}: {a}", h - a), a);
        while x < h {
            let k = cap.min(hazmat::tier(x, h));
            x = rows.iter().find(|row| row.index > x && row.tier >= k).expect("it leads on").index;
            way += &format!(" -{k}-> {x}");
        }
        assert_eq!(way, line);
    }
    // the theft: whoever copied 18's list has what the hop by tier 2 from 27 opens, not what the one by tier 1 does
    let list = |index: u64| &rows.iter().find(|row| row.index == index).expect("it is there").made;
    assert_eq!((list(27)[1], list(27)[2]), (27, 18));
    let drawn: Vec<_> = PROTOCOL.lines().skip_while(|line| !line.starts_with("    index   ")).collect();
    let numbers = |line: &str| line.split_whitespace().skip(1).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(numbers(drawn[0]), rows.iter().map(|row| row.index.to_string()).collect::<Vec<_>>());
    assert_eq!(numbers(drawn[1])[1..], rows[1..].iter().map(|row| row.tier.to_string()).collect::<Vec<_>>());
}

/// Section 10 names every group of the vectors, and every word that they refuse with.
#[test]
fn the_vectors_format_is_told_whole() {
    let told: Vec<&str> = table("| group | each entry |").map(|cells| cells[0]).collect();
    for group in vectors().as_object().expect("an object").keys() {
        assert!(told.iter().any(|cell| cell.contains(&format!("`{group}`"))), "group `{group}` is not told");
    }
    let words: String = table("| check | `refused_as` |").map(|cells| cells.concat()).collect();
    let steps = entries("sequences").iter().flat_map(|entry| entry["steps"].as_array().expect("an array"));
    let refused = ["bad_proofs", "crafted", "forks"].into_iter().flat_map(entries).chain(steps);
    for word in refused.map(|entry| &entry["refused_as"]).filter(|word| word.is_string()).map(text) {
        let told = match word.split_once(": ") {
            Some((word, _)) => format!("`{word}: …`"),
            None => format!("`{word}`"),
        };
        assert!(words.contains(&told), "{told} is not told");
    }
}

#[test]
fn the_table_of_how_often_a_copy_can_be_shown_is_there() {
    let mut lines =
        PROTOCOL.lines().skip_while(|line| !line.starts_with("| time since use / age when used |"));
    let columns = lines.next().expect("the table of `copies`").matches('|').count();
    let rows: Vec<_> = lines.skip(1).take_while(|line| line.starts_with('|')).collect();
    assert_eq!((columns, rows.len()), (6, 7));
    for row in rows {
        assert_eq!((row.matches('|').count(), row.matches(" % of ").count()), (6, 4), "{row}");
    }
}
