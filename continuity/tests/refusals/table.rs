//! A table of refusals: one rule a row, broken and kept.

use std::collections::BTreeSet;
use std::fmt::Debug;

/// One rule: what breaks just it, and the same with the rule kept.
pub struct Row {
    /// The refusal as `Debug` shows it, or its beginning.
    refusal: String,
    broken: Result<(), String>,
    kept: Result<(), String>,
}

/// A row: with the rule broken, and with it kept.
pub fn row<T, U>(refusal: &str, broken: Result<T, impl Debug>, kept: Result<U, impl Debug>) -> Row {
    let shown = |error: &dyn Debug| format!("{error:?}");
    Row {
        refusal: refusal.to_owned(),
        broken: broken.map(drop).map_err(|error| shown(&error)),
        kept: kept.map(drop).map_err(|error| shown(&error)),
    }
}

/// Holds the rows against what they say; and all variants of `of`, as `source` lists them, against the rows: each has
/// one, but for those that can't happen.
pub fn hold(of: &str, source: &str, unreachable: &[&str], rows: Vec<Row>) {
    for Row { refusal, broken, kept } in &rows {
        match broken {
            Err(shown) => {
                assert!(shown.starts_with(refusal.as_str()), "refused as {shown}, not as {refusal}")
            }
            Ok(()) => panic!("{of}::{refusal}: accepted with the rule broken"),
        }
        assert_eq!(*kept, Ok(()), "{of}::{refusal}: refused with the rule kept");
    }
    let variants = variants(of, source);
    let shown: BTreeSet<String> = rows.iter().map(|row| name(&row.refusal)).collect();
    let listed: BTreeSet<String> =
        variants.iter().filter(|name| !unreachable.contains(&&name[..])).cloned().collect();
    assert_eq!(shown, listed, "variants of {of}: with a row, and listed");
    println!("{of}: {} variants, {} rows", variants.len(), rows.len());
}

fn name(shown: &str) -> String {
    shown.chars().take_while(char::is_ascii_alphanumeric).collect()
}

/// The variants of an enum, from its source: the names that begin a line of four blanks.
fn variants(of: &str, source: &str) -> BTreeSet<String> {
    let start = [format!("pub enum {of} {{\n"), format!("pub enum {of}<")];
    let from = start.iter().find_map(|start| source.find(start.as_str())).expect("the enum is in its source");
    let body = &source[from..];
    let body = &body[..body.find("\n}").expect("it ends")];
    let lines = body.lines().skip(1).filter_map(|line| line.strip_prefix("    "));
    lines.filter(|line| line.starts_with(char::is_uppercase)).map(name).collect()
}
