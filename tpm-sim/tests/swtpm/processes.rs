//! What runs, as /proc tells it.

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

/// The processes that have `directory` in their command line: swtpm and its watcher. Zombies have none.
pub fn naming(directory: &Path) -> Vec<u32> {
    let needle = directory.as_os_str().as_bytes();
    fs::read_dir("/proc")
        .unwrap()
        .filter_map(|entry| entry.unwrap().file_name().to_str()?.parse().ok())
        .filter(|pid: &u32| {
            let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            line.windows(needle.len()).any(|window| window == needle)
        })
        .collect()
}

/// The one among them that is swtpm.
pub fn swtpm(directory: &Path) -> u32 {
    let name = |pid: &u32| fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
    naming(directory).into_iter().find(|pid| name(pid) == "swtpm\n").expect("a running swtpm")
}

/// Nothing runs that names `directory`, and it does not exist.
pub fn nothing_left(directory: &Path) -> bool {
    naming(directory).is_empty() && !directory.exists()
}

/// Waits until `condition` holds: for what ends by itself and tells nobody.
pub fn until(condition: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while !condition() {
        assert!(Instant::now() < deadline, "it did not come to this in 10 s");
        thread::sleep(Duration::from_millis(2));
    }
}
