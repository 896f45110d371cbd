//! A machine with the service's user and group on it, and other users: what programs see of /etc is the test's.
//!
//! They run in a mount namespace of their own. Nothing is mounted outside of it, and it goes with them. Needs root.

use std::{
    fmt::Write as _,
    fs,
    os::unix::{fs::PermissionsExt, net::UnixStream},
    path::{Path, PathBuf},
    thread,
};

use rustix::thread::{Gid, Uid, set_thread_groups, set_thread_res_gid, set_thread_res_uid};
use tempfile::TempDir;
use zbus::{Connection, connection};

use crate::write_program;

/// A user of the machine, and the group of the same name and number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct User {
    /// What it is called.
    pub name: &'static str,
    /// Its number. Those here are above what Debian gives to people (59999) and below what systemd takes (61184), so a machine has
    /// none of them.
    pub uid: u32,
}

/// The service's own, as packaging/sysusers has it.
pub const SERVICE: User = User { name: "_selfsame", uid: 60_001 };

/// Group `selfsame`: of those who may ask.
pub const MEMBERS: u32 = 60_002;

/// A machine whose users are the host's, [`SERVICE`], and those that it is given; it has group `selfsame`.
#[derive(Debug)]
pub struct Users {
    directory: TempDir,
    /// What is mounted, and over what.
    mounts: Vec<(PathBuf, PathBuf)>,
    programs: usize,
}

impl Users {
    /// A machine with these users besides.
    pub fn with(more: &[User]) -> Self {
        let mode = fs::Permissions::from_mode(0o755);
        let directory =
            tempfile::Builder::new().prefix("selfsame-users-").permissions(mode).tempdir().unwrap();
        let mut passwd = etc("passwd");
        let mut group = etc("group");
        for User { name, uid } in std::iter::once(&SERVICE).chain(more) {
            writeln!(passwd, "{name}:x:{uid}:{uid}::/nonexistent:/usr/sbin/nologin").unwrap();
            writeln!(group, "{name}:x:{uid}:").unwrap();
        }
        writeln!(group, "selfsame:x:{MEMBERS}:").unwrap();
        let mut users = Self { directory, mounts: Vec::new(), programs: 0 };
        for (name, text) in [("passwd", passwd), ("group", group)] {
            fs::write(users.path(name), text).unwrap();
            users.mount(&users.path(name), &Path::new("/etc").join(name));
        }
        users
    }

    /// Has those programs that are [made](Self::program) from now on see `file`, or the directory, in the place of `over`.
    pub fn mount(&mut self, file: &Path, over: &Path) {
        self.mounts.push((file.to_owned(), over.to_owned()));
    }

    /// A program on this machine. `shell` is what it does, with its arguments in `"$@"`: where that ends with an `exec`, the
    /// process id stays.
    pub fn program(&mut self, shell: &str) -> PathBuf {
        let mut mounts = String::new();
        for (file, over) in &self.mounts {
            writeln!(mounts, "mount --bind \"{}\" \"{}\"", file.display(), over.display()).unwrap();
        }
        assert!(!shell.contains('\''), "it is quoted by these: {shell}");
        let enter = "exec unshare --mount --propagation private /bin/sh -euc";
        let text = format!("#!/bin/sh\n{enter} '\n{mounts}{shell}\n' sh \"$@\"\n");
        self.programs += 1;
        let path = self.path(&format!("program-{}", self.programs));
        write_program(&path, &text);
        path
    }

    /// A path in a directory that anyone may read, and that goes with this.
    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }
}

/// The host's own file, without what a host has that the service is installed on: there it may have other numbers.
fn etc(name: &str) -> String {
    let text = fs::read_to_string(Path::new("/etc").join(name)).unwrap();
    let ours = |line: &&str| line.starts_with("_selfsame:") || line.starts_with("selfsame:");
    text.lines().filter(|line| !ours(line)).map(|line| format!("{line}\n")).collect()
}

/// A connection of this user's to the bus at `address`, with its own group and with these.
///
/// # Panics
/// Where this process may not become that user, or the bus does not let it in.
pub async fn connect_as(address: &str, uid: u32, groups: &[u32]) -> Connection {
    let path = address.strip_prefix("unix:path=").unwrap().to_owned();
    let groups: Vec<Gid> = groups.iter().map(|gid| Gid::from_raw(*gid)).collect();
    let connecting = thread::spawn(move || {
        let (user, group) = (Uid::from_raw(uid), Gid::from_raw(uid));
        // of this thread alone, which ends with it
        set_thread_groups(&groups).unwrap();
        set_thread_res_gid(group, group, group).unwrap();
        set_thread_res_uid(user, user, user).unwrap();
        UnixStream::connect(path).unwrap()
    });
    let stream = connecting.join().unwrap();
    connection::Builder::unix_stream(stream).user_id(uid).build().await.unwrap()
}
