//! The store, through its public API: hosts are lineages in ordinary memory, and each test has a file of its own.

mod store {
    mod challenge;
    mod child;
    mod crashes;
    mod drills;
    mod dump;
    mod enrol;
    mod file;
    mod forks;
    mod hex;
    mod host;
    mod meet;
    mod races;
    mod succession;
    mod vectors;
    mod verify;
    mod versions;
}
