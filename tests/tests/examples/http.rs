//! A relying party over HTTP: the server and its client as processes, real sockets, and one in the middle.

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Command, Stdio},
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use selfsame_dbus::{Bytes, CallError, Error, Options};
use selfsame_tests::{Output, Process, Run, binary};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use crate::scene::Host;

/// The server, on a port of its own.
struct Door {
    // in this order they are dropped: first who uses the other
    _process: Process,
    origin: String,
    folder: TempDir,
}

impl Door {
    fn start(options: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut command = Command::new(binary("selfsame-example-server"));
        command.arg("--store").arg(folder.path().join("door.db")).args(["--listen", "127.0.0.1:0"]);
        command.args(options).stdout(Stdio::piped());
        let mut process = Process::start(command, &folder.path().join("stderr")).unwrap();
        let mut origin = String::new();
        BufReader::new(process.take_stdout().unwrap()).read_line(&mut origin).unwrap();
        assert!(origin.starts_with("http://127.0.0.1:"), "{origin:?}: {}", process.stderr());
        Self { _process: process, origin: origin.trim_end().to_owned(), folder }
    }

    /// One that takes whoever comes first.
    fn open() -> Self {
        Self::start(&["--trust-on-first-use"])
    }

    fn url(&self, name: &str) -> String {
        format!("{}/hosts/{name}", self.origin)
    }

    async fn get(&self, name: &str, token: Option<&str>) -> Answer {
        let token = token.map_or_else(String::new, |token| format!("Authorization: Selfsame {token}\r\n"));
        self.request("GET", name, &token, b"").await
    }

    async fn post(&self, name: &str, proof: &[u8]) -> Answer {
        self.request("POST", name, "Content-Type: application/octet-stream\r\n", proof).await
    }

    async fn request(&self, method: &str, name: &str, headers: &str, body: &[u8]) -> Answer {
        let authority = self.origin.strip_prefix("http://").unwrap();
        let mut stream = TcpStream::connect(authority).await.unwrap();
        let head = format!(
            "{method} /hosts/{name} HTTP/1.1\r\nHost: {authority}\r\nConnection: close\r\nContent-Length: {}\r\n{headers}\r\n",
            body.len()
        );
        stream.write_all(&[head.as_bytes(), body].concat()).await.unwrap();
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).await.unwrap();
        Answer(String::from_utf8(bytes).unwrap())
    }

    /// A challenge for this name.
    async fn challenge(&self, name: &str) -> Vec<u8> {
        let refused = self.get(name, None).await;
        assert_eq!(refused.status(), 401, "{refused:?}");
        let offer = refused.header("www-authenticate").unwrap();
        let (challenge, audience) = offer
            .strip_prefix("Selfsame challenge=\"")
            .and_then(|rest| rest.strip_suffix('"')?.split_once("\", audience=\""))
            .unwrap_or_else(|| panic!("{offer}"));
        assert_eq!((audience, refused.header("cache-control")), (&*self.origin, Some("no-store")));
        URL_SAFE_NO_PAD.decode(challenge).unwrap()
    }

    /// A proof, as the client of this name would get it.
    async fn proof(&self, host: &Host, name: &str) -> Vec<u8> {
        let challenge = self.challenge(name).await;
        prove(host, &self.origin, &challenge, &format!("POST {}", self.url(name))).await.unwrap()
    }

    /// What `selfsame` knows of its peers, from the same file.
    async fn selfsame(&self, arguments: &[&str]) -> Output {
        Run::selfsame().arg("--store").arg(self.folder.path().join("door.db")).args(arguments).run().await
    }
}

/// An answer, head and body.
#[derive(Debug)]
struct Answer(String);

impl Answer {
    fn status(&self) -> u16 {
        self.0.split(' ').nth(1).unwrap().parse().unwrap()
    }

    fn header(&self, name: &str) -> Option<&str> {
        let head = self.0.split("\r\n\r\n").next().unwrap();
        let mut headers = head.lines().skip(1).filter_map(|line| line.split_once(": "));
        headers.find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    fn body(&self) -> &str {
        self.0.split_once("\r\n\r\n").unwrap().1
    }
}

async fn prove(host: &Host, audience: &str, challenge: &[u8], payload: &str) -> Result<Vec<u8>, Error> {
    let (challenge, payload) = (Bytes::new(challenge), Bytes::new(payload.as_bytes()));
    match host.identity().await.prove(audience, challenge, payload, &Options::new()).await {
        Ok(proof) => Ok(proof.into_vec()),
        Err(CallError::Refused(error, _)) => Err(error),
        Err(other) => panic!("{other:?}"),
    }
}

/// A run of the client, on this host.
async fn client(host: &Host, url: &str) -> Output {
    host.run(binary("selfsame-example-client")).arg(url).run().await
}

#[tokio::test]
async fn a_host_that_shows_who_it_is_is_let_in() {
    let (host, door) = (Host::start().await, Door::open());
    for _ in 0..2 {
        let page = client(&host, &door.url("web1")).await;
        assert_eq!((page.code(), &*page.stdout), (Some(0), "welcome, user 0 of web1\n"), "{page:?}");
    }
    let peers = door.selfsame(&["--json", "peers"]).await.json();
    assert_eq!(peers["peers"][0]["lineage"], *host.identity().await.lineage().await.unwrap(), "{peers}");
    // it is still that one: another under its name is not
    let other = client(&Host::start().await, &door.url("web1")).await;
    assert_eq!((other.code(), &*other.stdout), (Some(1), ""), "{other:?}");
    assert!(other.stderr.contains("org.selfsame.Error.OtherLineage"), "{other:?}");
}

#[tokio::test]
async fn without_trust_on_first_use_a_host_has_to_be_introduced() {
    let (host, door) = (Host::start().await, Door::start(&[]));
    let page = client(&host, &door.url("web1")).await;
    assert_eq!((page.code(), &*page.stdout), (Some(1), ""), "{page:?}");
    assert!(page.stderr.contains("403") && page.stderr.contains("no peer \"web1\" is known"), "{page:?}");

    let introduction = URL_SAFE_NO_PAD.encode(host.identity().await.introduce().await.unwrap());
    let met = door.selfsame(&["meet", "web1", &introduction]).await;
    assert_eq!(met.code(), Some(0), "{met:?}");
    let page = client(&host, &door.url("web1")).await;
    assert_eq!((page.code(), &*page.stdout), (Some(0), "welcome, user 0 of web1\n"), "{page:?}");
}

#[tokio::test]
async fn a_proof_is_not_taken_twice() {
    let (host, door) = (Host::start().await, Door::open());
    let proof = door.proof(&host, "web1").await;
    let first = door.post("web1", &proof).await;
    assert_eq!((first.status(), first.header("cache-control")), (200, Some("no-store")), "{first:?}");
    let replayed = door.post("web1", &proof).await;
    assert_eq!(replayed.status(), 403, "{replayed:?}");
    // of a known peer, too
    let proof = door.proof(&host, "web1").await;
    assert_eq!(door.post("web1", &proof).await.status(), 200);
    let replayed = door.post("web1", &proof).await;
    assert_eq!(replayed.status(), 403, "{replayed:?}");
}

#[tokio::test]
async fn a_proof_for_another_audience_is_refused() {
    let (host, door, gate) = (Host::start().await, Door::open(), Door::open());
    // who asks is the door, so the host's own agent refuses to answer the gate so
    let challenge = door.challenge("web1").await;
    let payload = format!("POST {}", gate.url("web1"));
    let refused = prove(&host, &gate.origin, &challenge, &payload).await;
    assert!(matches!(refused, Err(Error::WrongAudience(_))), "{refused:?}");
    // what the door was answered is not the gate's
    let proof = prove(&host, &door.origin, &challenge, &payload).await.unwrap();
    let refused = gate.post("web1", &proof).await;
    assert_eq!(refused.status(), 403, "{refused:?}");
    // and nothing was spent by that
    let proof = prove(&host, &door.origin, &challenge, &format!("POST {}", door.url("web1"))).await.unwrap();
    assert_eq!(door.post("web1", &proof).await.status(), 200);
}

#[tokio::test]
async fn a_challenge_that_is_passed_on_is_refused_by_the_hosts_own_agent() {
    let (host, door) = (Host::start().await, Door::open());
    // the host opens a URL of somebody in between, who has asked the door
    let relay = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let own = format!("http://{}", relay.local_addr().unwrap());
    let offer = door.get("web1", None).await.header("www-authenticate").unwrap().to_owned();
    // as it came, and as if it were its own
    for offer in [offer.clone(), offer.replace(&door.origin, &own)] {
        let url = format!("{own}/hosts/web1");
        let (page, requests) = tokio::join!(client(&host, &url), async {
            let (mut stream, _) = relay.accept().await.unwrap();
            let mut request = vec![0; 4096];
            let read = stream.read(&mut request).await.unwrap();
            let answer = format!(
                "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: {offer}\r\nContent-Length: 0\r\n\r\n"
            );
            stream.write_all(answer.as_bytes()).await.unwrap();
            // whatever comes next, until the client is gone
            let mut rest = String::from_utf8(request[..read].to_vec()).unwrap();
            stream.read_to_string(&mut rest).await.unwrap();
            rest
        });
        assert_eq!((page.code(), &*page.stdout), (Some(1), ""), "{page:?}");
        assert!(page.stderr.contains("org.selfsame.Error.WrongAudience"), "{page:?}");
        assert!(requests.starts_with("GET /hosts/web1 ") && !requests.contains("POST"), "{requests}");
    }
}

#[tokio::test]
async fn a_proof_for_another_request_is_refused_and_makes_nobody_known() {
    let (host, door) = (Host::start().await, Door::open());
    for payload in [String::new(), format!("POST {}", door.url("web2")), format!("GET {}", door.url("web1"))]
    {
        let challenge = door.challenge("web1").await;
        let proof = prove(&host, &door.origin, &challenge, &payload).await.unwrap();
        let refused = door.post("web1", &proof).await;
        assert_eq!(refused.status(), 403, "{payload}: {refused:?}");
        assert!(refused.body().contains("the payload is not"), "{payload}: {refused:?}");
    }
    assert_eq!(door.selfsame(&["--json", "peers"]).await.json()["peers"].as_array().unwrap().len(), 0);
}

#[tokio::test]
async fn a_token_opens_what_is_its_peers_and_no_more() {
    let (host, other, door) = (Host::start().await, Host::start().await, Door::open());
    let token = door.post("web1", &door.proof(&host, "web1").await).await.body().to_owned();
    assert_eq!(door.post("web2", &door.proof(&other, "web2").await).await.status(), 200);
    assert_eq!(door.get("web1", Some(&token)).await.body(), "welcome, user 0 of web1\n");
    assert_eq!(door.get("web2", Some(&token)).await.status(), 401, "it is web1's");
    let mut bytes = URL_SAFE_NO_PAD.decode(&token).unwrap();
    assert_eq!(bytes.len(), 32);
    bytes[31] ^= 1;
    for wrong in [URL_SAFE_NO_PAD.encode(bytes), String::new(), "é".into()] {
        assert_eq!(door.get("web1", Some(&wrong)).await.status(), 401, "{wrong}");
    }
}

#[tokio::test]
async fn a_session_is_over_when_its_time_is() {
    let (host, door) = (Host::start().await, Door::start(&["--trust-on-first-use", "--session-s", "0"]));
    let token = door.post("web1", &door.proof(&host, "web1").await).await;
    assert_eq!(token.status(), 200, "{token:?}");
    assert_eq!(door.get("web1", Some(token.body())).await.status(), 401);
    let page = client(&host, &door.url("web1")).await;
    assert_eq!((page.code(), page.stderr.contains("401")), (Some(1), true), "{page:?}");
}

#[tokio::test]
async fn what_is_no_proof_or_has_no_name_is_refused() {
    let door = Door::open();
    assert_eq!(door.post("web1", b"not a proof").await.status(), 403);
    assert_eq!(door.post("web1", &vec![0; (4 << 20) + 1]).await.status(), 413);
    assert_eq!(door.get("%07", None).await.status(), 404);
    assert!(!Path::new(&door.folder.path().join("door.db-journal")).exists());
}

#[tokio::test]
async fn a_store_that_can_not_be_used_is_told_and_nobody_is_let_in() {
    let (host, door) = (Host::start().await, Door::open());
    let proof = door.proof(&host, "web1").await;
    std::fs::write(door.folder.path().join("door.db"), "no store").unwrap();
    let refused = door.post("web1", &proof).await;
    assert_eq!((refused.status(), refused.header("retry-after")), (503, Some("1")), "{refused:?}");
}
