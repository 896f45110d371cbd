//! The vectors of an independent implementation: every section of `tests/vectors/v1.json`, or of the file that
//! `SELFSAME_VECTORS` names.

mod vectors {
    mod documents;
    pub mod file;
    mod forks;
    mod hashes;
    mod messages;
    mod proofs;
    mod sequences;
}
