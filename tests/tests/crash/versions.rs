//! Pages of other versions, and pages that are damaged: they are never written to, and a new lineage says so.

use std::{
    fs::File,
    io::{Seek, SeekFrom, Write},
    os::fd::{AsFd, OwnedFd},
};

use selfsame_tests::manager::{HISTORY, PAGE, bytes_of};

use crate::unit::{PLAIN, Unit};

/// Writes `bytes` at `at` of a memory file.
fn overwrite(file: OwnedFd, at: u64, bytes: &[u8]) {
    let mut file = File::from(file);
    file.seek(SeekFrom::Start(at)).unwrap();
    file.write_all(bytes).unwrap();
}

/// Changes one of the two files of a lineage, starts the agent again, and looks at what became of both.
async fn changed(name: &str, at: u64, bytes: &[u8], says: &str) {
    let mut unit = Unit::start(&format!("{PLAIN}memory = \"locked\"\n")).await;
    let lineage = unit.lineage().await;
    unit.wait_for_last_head().await;
    unit.process.end();
    overwrite(unit.manager.kept(name).unwrap(), at, bytes);
    let (page, history) = (unit.manager.kept(PAGE).unwrap(), unit.manager.kept(HISTORY).unwrap());
    let before = (bytes_of(page.as_fd()), bytes_of(history.as_fd()));
    unit.start_again().await;
    unit.manager.logged(says).await;
    let origin = unit.identity().await.origin().await.unwrap();
    assert_eq!((origin.reason.as_str(), origin.predecessor), ("lost", lineage.to_string()));
    assert_eq!(before, (bytes_of(page.as_fd()), bytes_of(history.as_fd())), "never written to");
    // the new lineage is what is kept from now on
    let (lineage, kept) = (unit.lineage().await, unit.manager.kept(PAGE).unwrap());
    assert_ne!(bytes_of(kept.as_fd()), before.0);
    unit.crash().await;
    assert_eq!(unit.lineage().await, lineage);
}

#[tokio::test]
async fn a_page_of_a_newer_version_is_left_alone() {
    changed(PAGE, 8, &2_u64.to_le_bytes(), "a secret page of version 2: this agent knows 1").await;
}

#[tokio::test]
async fn a_history_of_a_newer_version_is_left_alone() {
    changed(HISTORY, 8, &2_u64.to_le_bytes(), "a history of version 2: this agent knows 1").await;
}

#[tokio::test]
async fn what_is_no_page_is_left_alone() {
    changed(PAGE, 0, b"somebody", "no secret page: its first word is not the magic number").await;
}

#[tokio::test]
async fn what_is_no_history_is_left_alone() {
    changed(HISTORY, 0, b"somebody", "no history: it does not begin with its magic number").await;
}

#[tokio::test]
async fn a_page_whose_checksum_is_wrong_is_left_alone() {
    // both slots: whichever is the state
    changed(PAGE, 64, &[0xff; 3000], "a damaged secret page").await;
}

#[tokio::test]
async fn a_page_of_another_size_is_left_alone() {
    let mut unit = Unit::start(&format!("{PLAIN}memory = \"locked\"\n")).await;
    unit.process.end();
    let page = File::from(unit.manager.kept(PAGE).unwrap());
    page.set_len(8192).unwrap();
    unit.start_again().await;
    unit.manager.logged("no secret page: 8192 bytes, expected 4096").await;
    assert_eq!(unit.identity().await.origin().await.unwrap().reason, "lost");
}
