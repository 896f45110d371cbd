//! Section 6: a statement.

use selfsame::{Statement, Subject};

use super::item::{Item, bytes, map, text, uint};

/// Bytes of a statement at most.
const MAX_BYTES: usize = 16 * 1024;

/// Any bytes as a statement.
pub fn statement(data: &[u8]) {
    if let Ok(statement) = Statement::parse(data) {
        is_statement(&statement, data);
    }
}

/// What holds for every statement that was parsed from these bytes.
pub fn is_statement(statement: &Statement, data: &[u8]) {
    assert!(data.len() <= MAX_BYTES);
    assert!((1..=255).contains(&statement.audience().len()));
    assert!(statement.payload().is_none_or(|payload| payload.len() <= 4096));
    let Subject { unit, exe, label, app, .. } = statement.subject();
    let mut texts = [unit, exe, label, app].into_iter().flatten();
    assert!(texts.all(|text| (1..=4096).contains(&text.len())));
    assert_eq!(item(statement).encode(), data, "the bytes say this, and in one form");
    assert_eq!(Statement::parse(data).as_ref(), Ok(statement));
}

/// What the statement says, written anew.
fn item(statement: &Statement) -> Item {
    map([
        (1, Some(text(statement.audience()))),
        (2, Some(bytes(statement.challenge().as_bytes()))),
        (3, Some(subject(statement.subject()))),
        (4, statement.payload().map(bytes)),
        (5, statement.known().map(Item::Bool)),
    ])
}

fn subject(subject: &Subject) -> Item {
    let Subject { uid, gid, pid, unit, exe, label, app, invocation } = subject;
    let words = |words: &Option<String>| words.as_deref().map(text);
    map([
        (1, uid.map(uint)),
        (2, gid.map(uint)),
        (3, pid.map(uint)),
        (4, words(unit)),
        (5, words(exe)),
        (6, words(label)),
        (7, words(app)),
        (8, invocation.as_ref().map(bytes)),
    ])
}
