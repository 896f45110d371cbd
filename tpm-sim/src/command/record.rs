//! The file with a line for each command.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use selfsame_tpm_sim::Exchange;

/// Makes the file, or empties it, and gives what writes to it.
pub(crate) fn create(path: &Path) -> Result<impl FnMut(&Exchange) + Send + 'static, RecordError> {
    let mut file =
        File::create(path).map_err(|source| RecordError { path: path.display().to_string(), source })?;
    let path = path.display().to_string();
    Ok(move |exchange: &Exchange| {
        // One write a line, so that whoever follows the file sees whole ones.
        if let Err(error) = file.write_all(format!("{exchange}\n").as_bytes()) {
            eprintln!("tpm-sim: {path}: a line is lost: {error}");
        }
    })
}

/// Why there is no record.
#[derive(Debug, thiserror::Error)]
#[error("{path} not made")]
pub(crate) struct RecordError {
    path: String,
    source: io::Error,
}
