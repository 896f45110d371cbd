//! The peers' store: whether it can be used, and what is in it. It is looked at by SQLite alone, as another connection of the
//! process that has it open: opened and closed by other means it would lose its locks.

use std::{fs, io, os::unix::fs::MetadataExt, path::Path};

use selfsame_dbus::Check;
use selfsame_store::Look;

use super::{State, check};
use crate::verifier::remedy;

/// Looks at the file, without making or changing one.
pub(super) fn look(file: &Path) -> Check {
    let shown = file.display();
    let metadata = match fs::metadata(file) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let finding = format!("no {shown}: the first call of the verifier makes it");
            return check(NAME, State::Info, finding, "");
        }
        Err(error) => {
            let remedy = "look again as root, or as the agent's user";
            return check(NAME, State::Warn, format!("{shown} can't be looked at: {error}"), remedy);
        }
    };
    let look = match Look::at(file, WHOLE_BYTES) {
        Ok(look) => look,
        Err(error) => {
            let remedy = remedy(&error).unwrap_or("report this as a bug");
            return check(NAME, State::Fail, format!("{shown} can't be used: {}", error.text()), remedy);
        }
    };
    let Look { version, bytes, peers, forks } = look;
    let whole = if bytes <= WHOLE_BYTES { "read whole" } else { "not read whole" };
    let finding = format!("{shown}: version {version}, {peers} peers, {forks} forks, {bytes} bytes, {whole}");
    if !is_owners(file, metadata.uid()) {
        let remedy = format!("chown --reference={} {shown}", directory(file).display());
        return check(
            NAME,
            State::Fail,
            format!("{finding}; it is another user's than its directory"),
            remedy,
        );
    }
    if forks > 0 {
        let remedy = "`selfsame forks` shows the proofs that a host was copied: a person has to look";
        return check(NAME, State::Warn, finding, remedy);
    }
    check(NAME, State::Ok, finding, "")
}

/// Whether the file belongs to whom its directory does: root may have made it by `selfsame --store`, and then the agent can't
/// write it.
fn is_owners(file: &Path, uid: u32) -> bool {
    fs::metadata(directory(file)).map_or(true, |directory| directory.uid() == uid)
}

fn directory(file: &Path) -> &Path {
    file.parent().unwrap_or(file)
}

const NAME: &str = "peers";

/// A file up to this size is read whole: some tenths of a second.
const WHOLE_BYTES: u64 = 64 << 20;

#[cfg(test)]
mod tests {
    use std::os::unix::fs::chown;

    use selfsame_store::Store;

    use super::*;

    #[test]
    fn what_is_there_is_told_and_nothing_is_made() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("peers.db");
        let found = look(&file);
        assert_eq!((&*found.state, file.exists()), ("info", false), "{found:?}");
        drop(Store::open(&file).unwrap());
        let found = look(&file);
        assert_eq!(found.state, "ok", "{found:?}");
        assert!(found.finding.contains("version 2, 0 peers, 0 forks, "), "{found:?}");
        assert!(found.finding.ends_with("read whole"), "{found:?}");
    }

    #[test]
    fn what_is_wrong_is_told_with_what_mends_it() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("peers.db");
        fs::write(&file, "something else").unwrap();
        let found = look(&file);
        assert_eq!(found.state, "fail", "{found:?}");
        assert!(found.remedy.contains("something else is in its place"), "{found:?}");
        assert_eq!(fs::read_to_string(&file).unwrap(), "something else");

        fs::remove_file(&file).unwrap();
        drop(Store::open(&file).unwrap());
        let bytes = fs::read(&file).unwrap();
        fs::write(&file, [&bytes[..4096], &vec![0xa5; bytes.len() - 4096]].concat()).unwrap();
        let found = look(&file);
        assert!(found.state == "fail" && found.remedy.contains("keep the damaged one"), "{found:?}");
        let nowhere = look(&file.join("below"));
        assert_eq!(nowhere.state, "warn", "{nowhere:?}");
    }

    /// Needs root, as the tests of the bus do.
    #[test]
    fn one_that_root_has_made_is_told() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("peers.db");
        drop(Store::open(&file).unwrap());
        if chown(&file, Some(7), None).is_err() {
            assert!(!nix::unistd::geteuid().is_root(), "root may give it away");
            return;
        }
        let found = look(&file);
        assert_eq!(found.state, "fail", "{found:?}");
        assert!(found.remedy.starts_with("chown --reference="), "{found:?}");
    }
}
