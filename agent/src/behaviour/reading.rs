//! One look at procfs: counters and levels, typed. What is missing is left out.

use std::{
    fs::File,
    io::{Cursor, Read},
    path::{Path, PathBuf},
};

use procfs::{
    CpuPressure, CpuTime, DiskStats, FromRead, FromReadSI, IoPressure, KernelStats, Meminfo, MemoryPressure,
    PressureRecord, VmStat,
    net::{DeviceStatus, InterfaceDeviceStatus},
};

use super::programs::Programs;

/// What the host was doing at one time. Counters count from the boot.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Reading {
    /// CPU time by mode, all processors, in USER_HZ: user, nice, system, idle, and up to six more (proc_stat(5)).
    pub(crate) cpu: Option<Vec<u64>>,
    /// Context switches.
    pub(crate) switches: Option<u64>,
    /// Interrupts served.
    pub(crate) interrupts: Option<u64>,
    /// Forks.
    pub(crate) forks: Option<u64>,
    /// Tasks that are runnable, and blocked on I/O.
    pub(crate) run_queue: Option<[u64; 2]>,
    /// Pressure on the processors: µs in which some, and all, tasks waited.
    pub(crate) pressure_cpu: Option<[u64; 2]>,
    /// Pressure on I/O, likewise.
    pub(crate) pressure_io: Option<[u64; 2]>,
    /// Pressure on memory, likewise.
    pub(crate) pressure_memory: Option<[u64; 2]>,
    /// Memory in bytes: free, available, buffers, cached, free swap, dirty, under writeback, anonymous, slab.
    pub(crate) memory: Option<[u64; 9]>,
    /// Paging, see [`PAGING`].
    pub(crate) paging: Option<[u64; PAGING.len()]>,
    /// All disks together: reads, sectors read, writes, sectors written, ms busy.
    pub(crate) disks: Option<[u64; 5]>,
    /// All network interfaces but the loopback: bytes and packets received, then sent.
    pub(crate) network: Option<[u64; 4]>,
    /// The loopback interface, likewise.
    pub(crate) loopback: Option<[u64; 4]>,
    /// The programs that run.
    pub(crate) programs: Option<Programs>,
}

/// Lines of /proc/vmstat that are read.
pub(crate) const PAGING: [&str; 6] = ["pgpgin", "pgpgout", "pswpin", "pswpout", "pgfault", "pgmajfault"];

/// Reads procfs. What its files mean is crate `procfs`'s to know.
#[derive(Debug)]
pub(super) struct Procfs {
    root: PathBuf,
}

impl Procfs {
    /// The procfs that is mounted at `root`.
    pub(super) fn new(root: PathBuf) -> Self {
        Self { root }
    }

    /// One look.
    pub(super) fn read(&mut self) -> Reading {
        let mut reading = Reading::default();
        if let Some(text) = self.file("stat") {
            stat(&text, &mut reading);
        }
        reading.pressure_cpu =
            self.parsed("pressure/cpu").map(|CpuPressure { some, full }| totals(&some, &full));
        reading.pressure_io =
            self.parsed("pressure/io").map(|IoPressure { some, full }| totals(&some, &full));
        reading.pressure_memory =
            self.parsed("pressure/memory").map(|MemoryPressure { some, full }| totals(&some, &full));
        reading.memory = self.parsed("meminfo").map(|info| memory(&info));
        reading.paging = self.parsed("vmstat").and_then(|stat| paging(&stat));
        reading.disks = self.parsed("diskstats").map(|DiskStats(disks)| {
            add(disks.iter().map(|disk| {
                let busy = disk.time_in_progress;
                [disk.reads, disk.sectors_read, disk.writes, disk.sectors_written, busy]
            }))
        });
        if let Some(InterfaceDeviceStatus(devices)) = self.parsed("net/dev") {
            let (loopback, others): (Vec<_>, Vec<_>) =
                devices.values().partition(|device| device.name == "lo");
            reading.network = Some(add(others.into_iter().map(traffic)));
            reading.loopback = loopback.first().map(|device| traffic(device));
        }
        reading.programs = Programs::read(&self.root).ok();
        reading
    }

    fn parsed<T: FromRead>(&self, name: &str) -> Option<T> {
        T::from_read(Cursor::new(self.file(name)?)).ok()
    }

    /// The text of a file, cut at [`FILE_MOST_BYTES`]; none if it can't be read.
    fn file(&self, name: &str) -> Option<String> {
        let mut text = String::new();
        let file = File::open(Path::new(&self.root).join(name)).ok()?;
        file.take(FILE_MOST_BYTES).read_to_string(&mut text).ok()?;
        Some(text)
    }
}

fn stat(text: &str, reading: &mut Reading) {
    if let Ok(stats) = KernelStats::from_read(Cursor::new(text), procfs::current_system_info()) {
        reading.cpu = Some(modes(&stats.total));
        reading.switches = Some(stats.ctxt);
        reading.forks = Some(stats.processes);
        let queue = stats.procs_running.zip(stats.procs_blocked);
        reading.run_queue = queue.map(|(running, blocked)| [running.into(), blocked.into()]);
    }
    // the crate leaves these out; the first number is the sum of all that follow
    let interrupts = text.lines().find_map(|line| line.strip_prefix("intr "));
    reading.interrupts = interrupts.and_then(|line| line.split(' ').next()?.parse().ok());
}

fn modes(time: &CpuTime) -> Vec<u64> {
    let later = [time.iowait, time.irq, time.softirq, time.steal, time.guest, time.guest_nice];
    [time.user, time.nice, time.system, time.idle].into_iter().chain(later.into_iter().flatten()).collect()
}

fn totals(some: &PressureRecord, full: &PressureRecord) -> [u64; 2] {
    [some.total, full.total]
}

fn memory(info: &Meminfo) -> [u64; 9] {
    [
        info.mem_free,
        info.mem_available.unwrap_or(0),
        info.buffers,
        info.cached,
        info.swap_free,
        info.dirty,
        info.writeback,
        info.anon_pages.unwrap_or(0),
        info.slab,
    ]
}

fn paging(VmStat(values): &VmStat) -> Option<[u64; PAGING.len()]> {
    let mut found = [0; PAGING.len()];
    for (value, name) in found.iter_mut().zip(PAGING) {
        *value = u64::try_from(*values.get(name)?).ok()?;
    }
    Some(found)
}

fn traffic(device: &DeviceStatus) -> [u64; 4] {
    [device.recv_bytes, device.recv_packets, device.sent_bytes, device.sent_packets]
}

fn add<const N: usize>(rows: impl Iterator<Item = [u64; N]>) -> [u64; N] {
    rows.fold([0; N], |mut sum, row| {
        for (sum, value) in sum.iter_mut().zip(row) {
            *sum = sum.wrapping_add(value);
        }
        sum
    })
}

/// As much of one file as is read: /proc/stat of a machine with 1,024 processors is a quarter of it.
const FILE_MOST_BYTES: u64 = 1 << 20;

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const STAT: &str = "cpu  10 1 5 900 3 0 2 0 0 0\ncpu0 10 1 5 900 3 0 2 0 0 0\nintr 4242 1 2 3\nctxt 777\n\
        btime 1700000000\nprocesses 99\nprocs_running 2\nprocs_blocked 1\nsoftirq 5 1 2\n";

    #[test]
    fn stat_is_read_by_key() {
        let mut reading = Reading::default();
        stat(STAT, &mut reading);
        assert_eq!(reading.cpu.unwrap(), [10, 1, 5, 900, 3, 0, 2, 0, 0, 0]);
        assert_eq!(reading.interrupts, Some(4242));
        assert_eq!(reading.switches, Some(777));
        assert_eq!(reading.forks, Some(99));
        assert_eq!(reading.run_queue, Some([2, 1]));
    }

    /// A procfs with these files.
    fn with(files: &[(&str, &[u8])]) -> Reading {
        let root = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = root.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        Procfs::new(root.path().to_owned()).read()
    }

    #[test]
    fn disks_and_interfaces_are_added_up() {
        let disks =
            "   8 0 sda 1 0 2 0 3 0 4 0 0 5 0\n 259 0 nvme0n1 10 0 20 0 30 0 40 0 0 50 0 0 0 0 0 0 0\n";
        let heads = "Inter-|   Receive  |  Transmit\n face |bytes packets|bytes packets\n";
        let rows = "    lo: 1 2 0 0 0 0 0 0 3 4 0 0 0 0 0 0\n  eth0: 10 20 0 0 0 0 0 0 30 40 0 0 0 0 0 0\n\
            eth1: 1 1 0 0 0 0 0 0 1 1 0 0 0 0 0 0\n";
        let dev = format!("{heads}{rows}");
        let reading = with(&[("diskstats", disks.as_bytes()), ("net/dev", dev.as_bytes())]);
        assert_eq!(reading.disks, Some([11, 22, 33, 44, 55]));
        assert_eq!(reading.loopback, Some([1, 2, 3, 4]));
        assert_eq!(reading.network, Some([11, 21, 31, 41]));
    }

    #[test]
    fn pressure_is_its_totals() {
        let record =
            |kind: &str, total: u64| format!("{kind} avg10=0.12 avg60=0.00 avg300=0.00 total={total}\n");
        let both = record("some", 123) + &record("full", 45);
        let files = [
            ("pressure/cpu", both.as_bytes()),
            ("pressure/io", both.as_bytes()),
            ("pressure/memory", b"no\n"),
        ];
        let reading = with(&files);
        assert_eq!(reading.pressure_cpu, Some([123, 45]));
        assert_eq!(reading.pressure_io, Some([123, 45]));
        assert_eq!(reading.pressure_memory, None);
    }

    #[test]
    fn a_missing_file_leaves_its_field_out_and_the_rest_stands() {
        let reading = with(&[("stat", STAT.as_bytes()), ("vmstat", &[0xff, 0xfe])]);
        assert_eq!(reading.forks, Some(99));
        assert_eq!(reading.paging, None, "not text");
        assert_eq!((reading.memory, reading.pressure_io, reading.disks), (None, None, None));
        assert_eq!(reading.programs, Some(Programs::default()));

        let nothing = Procfs::new("/nonexistent".into()).read();
        assert_eq!(nothing, Reading::default());
    }

    #[test]
    fn this_host_gives_all_but_pressure() {
        let reading = Procfs::new("/proc".into()).read();
        assert!(reading.cpu.is_some() && reading.run_queue.is_some() && reading.interrupts.is_some());
        assert!(reading.switches.is_some() && reading.forks.is_some());
        assert!(reading.memory.is_some() && reading.paging.is_some());
        assert!(reading.network.is_some() && reading.programs.is_some());
    }
}
