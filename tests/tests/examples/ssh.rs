//! ssh, either way: a real sshd on loopback, a host on each side with an agent of its own, and the scripts as they are.

use std::{fs, net::TcpListener, path::Path, process::Command, time::Duration};

use nix::sys::signal::Signal;
use selfsame_dbus::{Bytes, Options};
use selfsame_tests::{Output, Process, Run, binary, write_program};
use tokio::{net::TcpStream, time::timeout};

use crate::scene::{Host, LIMIT, SYSTEM_BUS, project};

/// A host that logs in, with a key of its own.
struct Laptop {
    host: Host,
    /// Options for the relying party's side of `selfsame`: none, where its agent keeps its peers.
    party: String,
}

/// A host that is logged in to.
struct Server {
    // in this order they are dropped: first who uses the other
    _sshd: Process,
    host: Host,
    port: u16,
}

impl Laptop {
    async fn start() -> Self {
        let host = Host::start().await;
        key(&host.folder.path().join("key"), "ed25519").await;
        Self { host, party: String::new() }
    }

    /// Its peers are in a file.
    async fn with_a_file() -> Self {
        let laptop = Self::start().await;
        let party = format!("--store {}", laptop.folder().join("peers.db").display());
        Self { party, ..laptop }
    }

    fn folder(&self) -> &Path {
        self.host.folder.path()
    }

    /// Its key, as `authorized_keys` has it.
    fn public_key(&self) -> String {
        fs::read_to_string(self.folder().join("key.pub")).unwrap()
    }

    /// Knows the host key of this server, and will find it under the name `server`.
    fn knows(&self, server: &Server) {
        let key = fs::read_to_string(server.folder().join("ssh_host_ed25519_key.pub")).unwrap();
        fs::write(self.folder().join("known_hosts"), format!("server {key}")).unwrap();
        let (folder, port) = (self.folder().display(), server.port);
        let config = format!(
            "Host server\n  HostName 127.0.0.1\n  Port {port}\n  User root\n  HostKeyAlias server\n  \
             IdentityFile {folder}/key\n  IdentitiesOnly yes\n  IdentityAgent none\n  BatchMode yes\n  \
             UserKnownHostsFile {folder}/known_hosts\n  GlobalKnownHostsFile /dev/null\n  \
             StrictHostKeyChecking yes\n  UpdateHostKeys no\n"
        );
        fs::write(self.folder().join("ssh_config"), config).unwrap();
    }

    /// `selfsame-ssh` on it.
    async fn selfsame_ssh(&self, arguments: &[&str]) -> Output {
        self.selfsame_ssh_with(arguments, "").await
    }

    /// The same, with this on its standard input.
    async fn selfsame_ssh_with(&self, arguments: &[&str], input: &str) -> Output {
        let ssh = format!("ssh -F {}", self.folder().join("ssh_config").display());
        self.run(project("dbus/examples/ssh/selfsame-ssh").to_str().unwrap())
            .env("SELFSAME_SSH", ssh)
            .env("SELFSAME_PARTY", &self.party)
            .args(arguments)
            .stdin(input)
            .run()
            .await
    }

    /// Plain `ssh` on it.
    async fn ssh(&self, command: &str) -> Output {
        self.run("ssh").arg("-F").arg(self.folder().join("ssh_config")).args(["server", command]).run().await
    }

    fn run(&self, program: &str) -> Run {
        self.host.run(program).env("PATH", path()).env("TMPDIR", self.folder())
    }
}

impl Server {
    /// One that lets a key in, by this line of `authorized_keys`.
    async fn start(authorized: &str) -> Self {
        Self::with(authorized, &path(), None).await
    }

    /// One whose commands are found in `path`, and which says that its host keys are those of another.
    async fn with(authorized: &str, path: &str, keys_of: Option<&Self>) -> Self {
        let host = Host::start().await;
        let folder = host.folder.path();
        key(&folder.join("ssh_host_ed25519_key"), "ed25519").await;
        key(&folder.join("ssh_host_ecdsa_key"), "ecdsa").await;
        fs::write(folder.join("authorized_keys"), authorized).unwrap();
        let keys = keys_of.map_or(folder, Self::folder);
        loop {
            let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
            let config = config(&host, port, path, keys);
            fs::write(folder.join("sshd_config"), config).unwrap();
            let mut sshd = sshd(folder);
            match answers(&mut sshd, port).await {
                true => return Self { _sshd: sshd, host, port },
                // somebody else was quicker to take the port
                false => assert!(sshd.stderr().contains("Address already in use"), "{}", sshd.stderr()),
            }
        }
    }

    fn folder(&self) -> &Path {
        self.host.folder.path()
    }

    /// The fingerprint of its host key.
    async fn fingerprint(&self) -> String {
        let shown = Run::program("ssh-keygen")
            .arg("-lf")
            .arg(self.folder().join("ssh_host_ed25519_key.pub"))
            .run()
            .await;
        shown.stdout.split(' ').nth(1).unwrap().to_owned()
    }
}

/// The line that makes a key good only from the host that is known as `laptop`.
fn gated(key: &str) -> String {
    format!(r#"restrict,pty,command="exec selfsame-ssh-host gate laptop" {key}"#)
}

/// `host` meets `other` under this name, by an introduction that comes over a channel that is trusted.
async fn meet(host: &Host, name: &str, other: &Host) {
    let introduction = other.identity().await.introduce().await.unwrap();
    host.verifier().await.meet(name, Bytes::new(&introduction), &Options::new()).await.unwrap();
}

async fn key(file: &Path, kind: &str) {
    let made = Run::program("ssh-keygen").args(["-q", "-t", kind, "-N", "", "-f"]).arg(file).run().await;
    assert_eq!(made.code(), Some(0), "{made:?}");
}

/// Where the programs are that are installed on either host, and the system's.
fn path() -> String {
    let programs = binary("selfsame").parent().unwrap().display().to_string();
    format!("{}:{programs}:/usr/sbin:/usr/bin:/sbin:/bin", project("dbus/examples/ssh").display())
}

/// What the documentation has first, and then what keeps this sshd by itself.
fn config(host: &Host, port: u16, path: &str, keys: &Path) -> String {
    let (folder, keys, bus) = (host.folder.path().display(), keys.display(), host.bus.address());
    format!(
        "ExposeAuthInfo yes\n\
         ListenAddress 127.0.0.1\nPort {port}\nPidFile none\n\
         HostKey {folder}/ssh_host_ed25519_key\nHostKey {folder}/ssh_host_ecdsa_key\n\
         AuthorizedKeysFile {folder}/authorized_keys\nStrictModes no\nPermitRootLogin yes\n\
         PasswordAuthentication no\nKbdInteractiveAuthentication no\nUsePAM no\n\
         SetEnv {SYSTEM_BUS}={bus} PATH={path} XDG_RUNTIME_DIR={folder} SELFSAME_SSH_KEYS={keys}\n"
    )
}

/// An sshd with its own /run, and with its own processes: they end with it.
fn sshd(folder: &Path) -> Process {
    let script = "mount -t tmpfs none /run && mkdir -m 755 /run/sshd && exec /usr/sbin/sshd -D -e -f \"$0\"";
    let mut command = Command::new("unshare");
    command.args(["--mount", "--propagation", "private", "--pid", "--fork", "--kill-child", "--mount-proc"]);
    command.args(["/bin/sh", "-c", script]).arg(folder.join("sshd_config"));
    Process::start(command, &folder.join("sshd")).unwrap()
}

/// Waits until it answers; false: it has ended.
async fn answers(sshd: &mut Process, port: u16) -> bool {
    let connected = async {
        while TcpStream::connect(("127.0.0.1", port)).await.is_err() {
            if sshd.ended(Duration::from_millis(20)).await {
                return false;
            }
        }
        true
    };
    timeout(LIMIT, connected).await.expect("sshd answers or ends")
}

/// A folder of programs in which `selfsame-ssh-host` is this script, and a path with it first.
fn instead(folder: &Path, script: &str) -> String {
    let programs = folder.join("instead");
    fs::create_dir(&programs).unwrap();
    let file = programs.join("selfsame-ssh-host");
    write_program(&file, &format!("#!/bin/sh\n{script}\n"));
    format!("{}:{}", programs.display(), path())
}

#[tokio::test]
async fn a_host_shows_who_logs_in_that_it_is_still_itself() {
    is_met_and_still_the_same(Laptop::start().await).await;
}

#[tokio::test]
async fn whoever_logs_in_may_keep_the_hosts_in_a_file() {
    is_met_and_still_the_same(Laptop::with_a_file().await).await;
}

async fn is_met_and_still_the_same(laptop: Laptop) {
    let server = Server::start(&laptop.public_key()).await;
    laptop.knows(&server);
    // whom it does not know it does not go in to
    let unknown = laptop.selfsame_ssh(&["server", "echo in"]).await;
    assert_eq!((unknown.code(), &*unknown.stdout), (Some(1), ""), "{unknown:?}");
    assert!(unknown.stderr.contains("UnknownPeer"), "{unknown:?}");
    let first = laptop.selfsame_ssh(&["--first", "server", "echo in"]).await;
    assert_eq!((first.code(), &*first.stdout), (Some(0), "in\n"), "{first:?}");
    let again = laptop.selfsame_ssh_with(&["server", "cat; exit 7"], "for cat").await;
    assert_eq!((again.code(), &*again.stdout), (Some(7), "for cat"), "{again:?}");
    // what is left behind: nothing
    let left: Vec<_> = fs::read_dir(laptop.folder()).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(!left.iter().any(|path| path.join("c").exists() || path.join("log").exists()), "{left:?}");
}

#[tokio::test]
async fn a_machine_that_has_only_the_host_key_is_refused_before_anything_runs_there() {
    let laptop = Laptop::start().await;
    let server = Server::start(&laptop.public_key()).await;
    laptop.knows(&server);
    // what the laptop has met is another machine than the one that has the key now
    meet(&laptop.host, "server", &Host::start().await).await;
    let refused = laptop.selfsame_ssh(&["server", "echo in"]).await;
    assert_eq!((refused.code(), &*refused.stdout), (Some(4), ""), "{refused:?}");
    assert!(refused.stderr.contains("the challenge is for lineage"), "{refused:?}");
}

#[tokio::test]
async fn one_in_between_with_a_host_key_of_its_own_is_found() {
    let laptop = Laptop::start().await;
    let server = Server::start(&laptop.public_key()).await;
    meet(&laptop.host, "server", &server.host).await;
    // the laptop has taken the host key of somebody else, who has the server answer
    let on_server = format!("{SYSTEM_BUS}={} exec selfsame", server.host.bus.address());
    let honest = format!("{}/selfsame-ssh-host", project("dbus/examples/ssh").display());
    let real = server.fingerprint().await;
    let folder = tempfile::tempdir().unwrap();

    // by the server's own script: that sees that the key is none of the server's
    let between = Server::with(&laptop.public_key(), &path(), Some(&server)).await;
    laptop.knows(&between);
    let refused = laptop.selfsame_ssh(&["server", "echo in"]).await;
    assert_eq!((refused.code(), &*refused.stdout), (Some(77), ""), "{refused:?}");
    assert!(refused.stderr.contains("is no host key of this host"), "{refused:?}");

    // by telling the server that its own key was seen: the laptop saw another
    let lie = format!("{SYSTEM_BUS}={} exec {honest} prove {real} \"$3\"", server.host.bus.address());
    let lying = instead(folder.path(), &lie);
    let between = Server::with(&laptop.public_key(), &lying, Some(&server)).await;
    laptop.knows(&between);
    let refused = laptop.selfsame_ssh(&["server", "echo in"]).await;
    assert_eq!((refused.code(), &*refused.stdout), (Some(6), ""), "{refused:?}");
    assert!(refused.stderr.contains("somebody is in between"), "{refused:?}");

    // by logging in with a key of its own: the server proves that to whoever has that key, and not to the laptop
    let folder = tempfile::tempdir().unwrap();
    let own = format!("{on_server} prove --audience ssh:SHA256:another --payload \"$2\" \"$3\"");
    let between = Server::with(&laptop.public_key(), &instead(folder.path(), &own), None).await;
    laptop.knows(&between);
    let refused = laptop.selfsame_ssh(&["server", "echo in"]).await;
    assert_eq!((refused.code(), &*refused.stdout), (Some(4), ""), "{refused:?}");
    assert!(refused.stderr.contains("another"), "{refused:?}");
}

#[tokio::test]
async fn a_key_is_good_only_from_the_host_that_shows_it_is_the_one() {
    let laptop = Laptop::start().await;
    let server = Server::start(&gated(&laptop.public_key())).await;
    laptop.knows(&server);
    meet(&laptop.host, "server", &server.host).await;
    meet(&server.host, "laptop", &laptop.host).await;
    let with_the_key_alone = laptop.ssh("echo in").await;
    assert_eq!((with_the_key_alone.code(), &*with_the_key_alone.stdout), (Some(77), ""));
    for _ in 0..2 {
        let shown = laptop.selfsame_ssh(&["server", "echo 'in  '*; exit 7"]).await;
        assert_eq!((shown.code(), shown.stdout.starts_with("in  ")), (Some(7), true), "{shown:?}");
    }
    // on a terminal it is a login, with a terminal there
    let shell = format!("{} server", project("dbus/examples/ssh/selfsame-ssh").display());
    let login = laptop.run("script").args(["-qec", &shell, "/dev/null"]);
    let ssh = format!("ssh -F {}", laptop.folder().join("ssh_config").display());
    let login = login.env("SELFSAME_SSH", ssh).env("TERM", "dumb").stdin("tty\nexit 7\n").run().await;
    assert_eq!((login.code(), login.stdout.contains("/dev/pts/")), (Some(7), true), "{login:?}");
    // and the connection that has shown it opens no other, not even while it lasts
    let (started, done) = (server.folder().join("started"), server.folder().join("done"));
    let wait = format!("touch {0}; until [ -e {1} ]; do sleep 0.02; done", started.display(), done.display());
    let waiting = ["server", &wait];
    let (shown, beside) = tokio::join!(laptop.selfsame_ssh(&waiting), async {
        while !started.exists() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let beside = laptop.ssh("echo in").await;
        fs::write(done, "").unwrap();
        beside
    });
    assert_eq!(shown.code(), Some(0), "{shown:?}");
    assert_eq!((beside.code(), &*beside.stdout), (Some(77), ""), "{beside:?}");
}

#[tokio::test]
async fn a_key_that_was_stolen_opens_nothing_from_another_host() {
    let (laptop, thief) = (Laptop::start().await, Laptop::start().await);
    let server = Server::start(&gated(&laptop.public_key())).await;
    for name in ["key", "key.pub"] {
        fs::copy(laptop.folder().join(name), thief.folder().join(name)).unwrap();
    }
    thief.knows(&server);
    meet(&thief.host, "server", &server.host).await;
    // not while the server knows no laptop, nor when it knows the real one
    let nobody = thief.selfsame_ssh(&["server", "echo in"]).await;
    assert_eq!((nobody.code(), &*nobody.stdout), (Some(1), ""), "{nobody:?}");
    meet(&server.host, "laptop", &laptop.host).await;
    let stolen = thief.selfsame_ssh(&["server", "echo in"]).await;
    assert!(stolen.code() != Some(0) && stolen.stdout.is_empty(), "{stolen:?}");
    assert!(stolen.stderr.contains("lineage"), "{stolen:?}");
    let plain = thief.ssh("echo in").await;
    assert_eq!((plain.code(), &*plain.stdout), (Some(77), ""), "{plain:?}");
}

#[tokio::test]
async fn a_challenge_that_another_server_passes_on_is_refused_by_the_laptops_own_agent() {
    let laptop = Laptop::start().await;
    let server = Server::start(&gated(&laptop.public_key())).await;
    meet(&server.host, "laptop", &laptop.host).await;
    // the laptop logs in to a server that it knows, and which asks what the other server wants to know
    let folder = tempfile::tempdir().unwrap();
    let real = server.fingerprint().await;
    let bus = server.host.bus.address();
    let ask = format!("selfsame --bus-address {bus} challenge laptop --audience ssh:{real}");
    let honest = format!("{}/selfsame-ssh-host", project("dbus/examples/ssh").display());
    let script = format!("[ \"$1\" = challenge ] && exec {ask}\nexec {honest} \"$@\"");
    let other = Server::with(&laptop.public_key(), &instead(folder.path(), &script), None).await;
    meet(&laptop.host, "server", &other.host).await;
    laptop.knows(&other);
    let refused = laptop.selfsame_ssh(&["server", "echo in"]).await;
    assert_eq!((refused.code(), &*refused.stdout), (Some(4), ""), "{refused:?}");
    assert!(refused.stderr.contains(&real), "{refused:?}");
}

#[tokio::test]
async fn a_server_whose_agent_is_gone_lets_nobody_in() {
    let laptop = Laptop::start().await;
    let server = Server::start(&gated(&laptop.public_key())).await;
    laptop.knows(&server);
    meet(&laptop.host, "server", &server.host).await;
    meet(&server.host, "laptop", &laptop.host).await;
    server.host.agent.signal(Signal::SIGKILL);
    let refused = laptop.selfsame_ssh(&["server", "echo in"]).await;
    assert!(refused.code() != Some(0) && refused.stdout.is_empty(), "{refused:?}");
}
