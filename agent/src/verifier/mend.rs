//! What is wrong with a store's file, and what mends it.

use selfsame_store::StoreError;

/// Whether the file can't be used, whatever is asked.
pub(crate) fn is_unusable(error: &StoreError) -> bool {
    remedy(error).is_some()
}

/// What mends a file that can't be used; none where that is not what is wrong.
pub(crate) fn remedy(error: &StoreError) -> Option<&'static str> {
    match error {
        StoreError::Unavailable { .. } => Some(
            "see that its directory is there, on a disk with room, and that the agent's user may write to both; or end the \
             program that holds it",
        ),
        StoreError::NotAStore { .. } => Some(
            "something else is in its place: move that away, and put the store back, or let a new one be made",
        ),
        StoreError::Version { .. } => {
            Some("a newer version of selfsame has used it: install that, or put back a copy from before it")
        }
        StoreError::Damaged { .. } => Some(
            "move it away, with a file of the same name and -journal where there is one, and put a backup in its place, or \
             let a new one be made; keep the damaged one, it may hold evidence of forks",
        ),
        _ => None,
    }
}
