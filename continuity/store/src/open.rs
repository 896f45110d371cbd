//! Opening the file: what is refused, and what is made of a new one.

use std::io;
use std::path::{Path, absolute};
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::stat::{Mode, SFlag, mknod};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior};

use crate::error::StoreError;
use crate::schema::{APPLICATION_ID, VERSION, added, objects};
use crate::store::Store;

/// How long a transaction waits for others.
pub(crate) const PATIENCE: Duration = Duration::from_secs(5);

/// What a file is.
pub(crate) enum Kind {
    /// Nothing yet: it has no bytes.
    Empty,
    /// A store of an older version.
    Older(i64),
    /// A store of this version.
    Ours,
    /// Something else.
    Other,
}

impl Store {
    /// Opens the store at `path`, and makes one where there is no file, or an empty one. A store of an older version
    /// is brought up to this one: the older program refuses it from then on.
    ///
    /// # Errors
    ///
    /// Why it can't be opened; then the file is as it was.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        // absolute: SQLite has other uses for `:memory:`, and for an empty path
        let path = absolute(path)?;
        create(&path)?;
        let metadata = path.metadata()?;
        // SQLite takes one of a single byte for an empty one
        if !metadata.is_file() || metadata.len() == 1 {
            return Err(StoreError::NotAStore { path });
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut connection = Connection::open_with_flags(&path, flags)?;
        connection.busy_timeout(PATIENCE)?;
        defend(&connection)?;
        let kind = identify(&mut connection)?;
        if matches!(kind, Kind::Other) {
            return Err(StoreError::NotAStore { path });
        }
        // of the connection alone; only now, since SQLite reads the file for some of these
        connection.pragma_update(None, "foreign_keys", true)?;
        connection.pragma_update(None, "cell_size_check", true)?;
        connection.pragma_update(None, "temp_store", "memory")?;
        connection.pragma_update(None, "synchronous", "extra")?;
        let is_behind = matches!(kind, Kind::Empty | Kind::Older(_));
        if is_behind && matches!(bring_up(&mut connection)?, Kind::Other) {
            return Err(StoreError::NotAStore { path });
        }
        // in the file: a person, or another program, may have chosen another
        let mode = connection
            .pragma_update_and_check(None, "journal_mode", "delete", |row| row.get::<_, String>(0))?;
        if mode != "delete" {
            let why = io::Error::other(format!("journal mode {mode} instead of delete"));
            return Err(StoreError::Unavailable { source: Box::new(why) });
        }
        Ok(Self { connection })
    }
}

/// Creates an empty file with mode 0600, where there is none.
///
/// Not by opening it: to close it again would drop the locks that another `Store` of this process may have on it
/// by then.
fn create(path: &Path) -> Result<(), StoreError> {
    match mknod(path, SFlag::S_IFREG, Mode::S_IRUSR | Mode::S_IWUSR, 0) {
        Ok(()) | Err(Errno::EEXIST) => Ok(()),
        Err(error) => Err(io::Error::from(error).into()),
    }
}

/// A file may be anybody's.
pub(crate) fn defend(connection: &Connection) -> Result<(), StoreError> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    Ok(())
}

/// Tells what the file is, in one read transaction.
fn identify(connection: &mut Connection) -> Result<Kind, StoreError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Deferred)?;
    kind(&transaction)
}

/// Makes a store of this version of an empty file, or of an older version's, in one transaction; another may have done
/// so meanwhile.
fn bring_up(connection: &mut Connection) -> Result<Kind, StoreError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let older = match kind(&transaction)? {
        Kind::Empty => 0,
        Kind::Older(version) => version,
        kind @ (Kind::Ours | Kind::Other) => return Ok(kind),
    };
    for object in added(older, VERSION) {
        transaction.execute(object, [])?;
    }
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", VERSION)?;
    transaction.commit()?;
    Ok(Kind::Ours)
}

pub(crate) fn kind(connection: &Connection) -> Result<Kind, StoreError> {
    let number = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let application = match number("application_id") {
        Ok(application) => application,
        // found before anything else is read: it is no SQLite file at all
        Err(rusqlite::Error::SqliteFailure(failure, _)) if failure.code == ErrorCode::NotADatabase => {
            return Ok(Kind::Other);
        }
        Err(error) => return Err(error.into()),
    };
    let version = number("user_version")?;
    if application != APPLICATION_ID {
        // no table was ever made, and no number set
        let is_empty = application == 0 && version == 0 && number("schema_version")? == 0;
        return Ok(if is_empty { Kind::Empty } else { Kind::Other });
    }
    if !(1..=VERSION).contains(&version) {
        return Err(StoreError::Version { found: version, known: VERSION });
    }
    let mut statement =
        connection.prepare("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY sql")?;
    let texts: Result<Vec<String>, _> = statement.query_map([], |row| row.get(0))?.collect();
    let mut objects: Vec<_> = objects(version).collect();
    objects.sort_unstable();
    if texts? != objects {
        return Err(StoreError::damaged("its tables are not those of its version"));
    }
    Ok(if version < VERSION { Kind::Older(version) } else { Kind::Ours })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_committed_is_on_the_disk_and_in_one_file() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let store = Store::open(folder.path().join("peers")).expect("a new file");
        let value = |name| {
            let value = store
                .connection
                .pragma_query_value(None, name, |row| row.get::<_, rusqlite::types::Value>(0));
            value.expect("a value")
        };
        // 3: EXTRA, https://www.sqlite.org/pragma.html#pragma_synchronous
        assert_eq!(value("synchronous"), 3.into());
        assert_eq!(value("journal_mode"), "delete".to_owned().into());
        assert_eq!(value("busy_timeout"), 5_000.into());
        assert_eq!(value("foreign_keys"), 1.into());
        assert_eq!(value("trusted_schema"), 0.into());
    }
}
