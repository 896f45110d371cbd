//! Where the log goes: to the journal where the agent runs as a unit, else to standard error.

use std::{env, io};

use nix::sys::stat::fstat;
use tracing_subscriber::{EnvFilter, Layer, Registry, layer::SubscriberExt, util::SubscriberInitExt};

/// Starts logging what `filter` lets pass; it was checked when the configuration was read.
pub(crate) fn start(filter: Option<&str>) {
    let filter = EnvFilter::builder().parse_lossy(filter.unwrap_or(DEFAULT_FILTER));
    let journal = is_journal().then(tracing_journald::layer).and_then(Result::ok);
    let layer: Box<dyn Layer<Registry> + Send + Sync> = match journal {
        // without the prefix, that MESSAGE_ID and the fields that the catalog names are found by their names
        Some(journal) => {
            journal.with_field_prefix(None).with_syslog_identifier("selfsame-agent".into()).boxed()
        }
        None => tracing_subscriber::fmt::layer().with_writer(io::stderr).with_ansi(false).boxed(),
    };
    // a second start, after a configuration that could not be read, changes nothing
    let _ = tracing_subscriber::registry().with(layer.with_filter(filter)).try_init();
}

/// Whether standard error is a stream to the journal: the variable names the device and inode of one, and is inherited
/// by programs whose standard error is another (systemd.exec(5), `$JOURNAL_STREAM`).
fn is_journal() -> bool {
    let stream = env::var("JOURNAL_STREAM").ok();
    let named = stream.as_deref().and_then(|stream| stream.split_once(':'));
    let named = named.and_then(|(device, inode)| Some((device.parse().ok()?, inode.parse().ok()?)));
    let actual = fstat(io::stderr()).ok().map(|stat| (stat.st_dev, stat.st_ino));
    named.is_some() && named == actual
}

/// What is logged where the configuration says nothing.
const DEFAULT_FILTER: &str = "info";
