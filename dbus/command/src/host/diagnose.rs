//! `selfsame-agent diagnose`: what the agent's program finds where no agent runs.

use std::env;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use selfsame_dbus::Check;

/// Why the program says nothing.
#[derive(Debug, thiserror::Error)]
pub(super) enum DiagnoseError {
    /// It is nowhere.
    #[error("no program `{AGENT}` beside this one, in PATH, or in {}", SYSTEM.join(", "))]
    NoProgram,
    /// It can't be run.
    #[error("{} can't be run: {why}", program.display())]
    Unstartable { program: PathBuf, why: io::Error },
    /// It takes too long.
    #[error("{} takes more than {PATIENCE:?}", program.display())]
    Slow { program: PathBuf },
    /// It ended without a diagnosis.
    #[error("{} could not diagnose ({status}): {said}", program.display())]
    Ended { program: PathBuf, status: ExitStatus, said: String },
    /// What it wrote is no list of checks.
    #[error("{} gives no list of checks: {why}", program.display())]
    Malformed { program: PathBuf, why: serde_json::Error },
}

/// What it finds.
///
/// # Errors
///
/// Where there is no such program, or it says nothing that can be understood.
pub(super) fn checks() -> Result<Vec<Check>, DiagnoseError> {
    let program = program().ok_or(DiagnoseError::NoProgram)?;
    let Output { status, stdout, stderr } = match run(&program) {
        Ok(Some(output)) => output,
        Ok(None) => return Err(DiagnoseError::Slow { program }),
        Err(why) => return Err(DiagnoseError::Unstartable { program, why }),
    };
    if !status.success() {
        let said = String::from_utf8_lossy(&stderr);
        let said = said.trim_end().lines().next_back().unwrap_or("it said nothing").to_owned();
        return Err(DiagnoseError::Ended { program, status, said });
    }
    serde_json::from_slice(&stdout).map_err(|why| DiagnoseError::Malformed { program, why })
}

/// Where it is: what `SELFSAME_AGENT` says, or the first of the usual places that has it.
fn program() -> Option<PathBuf> {
    if let Some(path) = env::var_os(VARIABLE) {
        return Some(path.into());
    }
    let beside = env::current_exe().ok().and_then(|path| path.parent().map(Path::to_owned));
    let path = env::var_os("PATH").unwrap_or_default();
    let folders = beside.into_iter().chain(env::split_paths(&path)).chain(SYSTEM.map(PathBuf::from));
    folders.map(|folder| folder.join(AGENT)).find(|program| program.is_file())
}

/// Runs it to its end; `None`: it takes too long.
fn run(program: &Path) -> io::Result<Option<Output>> {
    let mut command = Command::new(program);
    command.arg("diagnose").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn()?;
    let (stdout, stderr) = (read(child.stdout.take()), read(child.stderr.take()));
    let until = Instant::now() + PATIENCE;
    let said = |pipe: Receiver<Vec<u8>>| pipe.recv_timeout(until.saturating_duration_since(Instant::now()));
    match (said(stdout), said(stderr)) {
        (Ok(stdout), Ok(stderr)) => Ok(Some(Output { status: child.wait()?, stdout, stderr })),
        _ => kill(child).map(|()| None),
    }
}

/// Reads a pipe to its end, on a thread of its own.
fn read(pipe: Option<impl Read + Send + 'static>) -> Receiver<Vec<u8>> {
    let (tell, told) = mpsc::channel();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(pipe) = pipe {
            // what there was until then has to do
            let _ = pipe.take(OUTPUT_MAX_BYTES).read_to_end(&mut bytes);
        }
        // nobody listens where it took too long
        let _ = tell.send(bytes);
    });
    told
}

fn kill(mut child: Child) -> io::Result<()> {
    child.kill()?;
    child.wait().map(drop)
}

/// What the agent's program is called.
const AGENT: &str = "selfsame-agent";

/// The environment variable that says where it is.
const VARIABLE: &str = "SELFSAME_AGENT";

/// Where packages put programs that are not in everybody's PATH.
const SYSTEM: [&str; 3] = ["/usr/sbin", "/usr/libexec", "/usr/local/sbin"];

/// How long it may take: a TPM is measured, and a slow one takes half a second a command.
const PATIENCE: Duration = Duration::from_secs(60);

/// Bytes that are read of what it writes: some dozens of checks have a few KiB.
const OUTPUT_MAX_BYTES: u64 = 1 << 20;
