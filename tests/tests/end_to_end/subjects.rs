//! Who is asking: the bus's word and the kernel's.

use selfsame_tests::{Host, Relying};

#[tokio::test]
async fn the_subject_is_this_very_process() {
    let host = Host::start().await;
    let mut door = Relying::new("door");
    let subject = door.meet_first(&host).await.verdict.statement.subject().clone();
    assert_eq!(subject.uid, Some(nix::unistd::geteuid().as_raw()));
    assert_eq!(subject.gid, Some(nix::unistd::getegid().as_raw()));
    assert_eq!(subject.pid, Some(std::process::id()));
    assert_eq!(subject.exe.as_deref(), std::env::current_exe().unwrap().to_str());
    assert_eq!(subject.app, None, "this is no sandboxed app");
}
