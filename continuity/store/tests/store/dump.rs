//! All that is in a file, row by row, to see what a call has changed.

use std::path::Path;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags};
use selfsame::Behaviour;
use selfsame_store::{Store, StoreError};

use super::host::Party;

/// Another connection to the file.
pub fn connect(path: &Path) -> Connection {
    Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE).expect("the file can be opened")
}

/// All rows of all tables, each as a line that begins with its table's name.
pub fn dump(path: &Path) -> Vec<String> {
    lines(path, |_| true)
}

/// The same, without how often a challenge's proofs were refused.
pub fn dump_but_refusals(path: &Path) -> Vec<String> {
    lines(path, |column| column != "issued")
}

/// The rows of one table.
pub fn table(path: &Path, name: &str) -> Vec<String> {
    let mut lines = dump(path);
    lines.retain(|line| line.starts_with(&format!("{name}:")));
    lines
}

fn lines(path: &Path, wanted: impl Fn(&str) -> bool) -> Vec<String> {
    let connection = connect(path);
    let mut tables = connection.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name");
    let names = tables.as_mut().expect("a schema").query_map([], |row| row.get::<_, String>(0));
    let names: Vec<String> = names.expect("tables").collect::<Result<_, _>>().expect("names");
    let mut lines = Vec::new();
    for name in names {
        let mut statement = connection.prepare(&format!("SELECT * FROM {name} ORDER BY 1")).expect("a table");
        let columns: Vec<String> = statement.column_names().into_iter().map(str::to_owned).collect();
        let mut rows = statement.query([]).expect("rows");
        while let Some(row) = rows.next().expect("a row") {
            let mut line = format!("{name}:");
            for (place, column) in columns.iter().enumerate().filter(|(_, column)| wanted(column)) {
                line += &format!(" {column}={}", text(row.get_ref(place).expect("a value")));
            }
            lines.push(line);
        }
    }
    lines
}

/// A value, short enough to read: what is longer than a digest stands by its digest.
fn text(value: ValueRef<'_>) -> String {
    match value {
        ValueRef::Blob(bytes) if bytes.len() > 32 => {
            format!("{}:{}", bytes.len(), Behaviour::commitment_to(&[0; 32], bytes))
        }
        ValueRef::Blob(bytes) => bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
        ValueRef::Text(text) => format!("{:?}", String::from_utf8_lossy(text)),
        ValueRef::Integer(number) => number.to_string(),
        other => format!("{other:?}"),
    }
}

/// Makes a call that has to be refused, and leaves the file as it was.
pub fn refused<T>(party: &mut Party, call: impl FnOnce(&mut Store) -> Result<T, StoreError>) -> StoreError {
    let before = dump(&party.file.path);
    let error = call(&mut party.store).err().expect("it is refused");
    assert_eq!(dump(&party.file.path), before, "{error}: the file has changed");
    error
}

/// The same for a proof, which counts as one of its challenge's refusals.
pub fn refused_and_counted<T>(
    party: &mut Party,
    call: impl FnOnce(&mut Store) -> Result<T, StoreError>,
) -> StoreError {
    let (before, all) = (dump_but_refusals(&party.file.path), dump(&party.file.path));
    let error = call(&mut party.store).err().expect("it is refused");
    assert_eq!(dump_but_refusals(&party.file.path), before, "{error}: the file has changed");
    assert_ne!(dump(&party.file.path), all, "{error}: the refusal is not counted");
    error
}
