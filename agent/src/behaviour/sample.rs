//! The sample: a reading as bytes, to be stirred into the state.
//!
//! One byte, the version, 1; then the fields that were there, in ascending order of their number, each as
//! `number (1 byte) ‖ length (u32le) ‖ bytes`. Numbers in a field are u64le, one after the other.
//!
//! | number | field | holds |
//! | --- | --- | --- |
//! | 1 | CPU time by mode | up to 10 numbers |
//! | 2 | context switches | 1 |
//! | 3 | interrupts | 1 |
//! | 4 | forks | 1 |
//! | 5 | run queue | 2: runnable, blocked |
//! | 6, 7, 8 | pressure on processors, I/O, memory | 2 each: some, full |
//! | 9 | memory | 9, see `Reading::memory` |
//! | 10 | paging | 6, see `PAGING` |
//! | 11 | disks | 5, see `Reading::disks` |
//! | 12, 13 | network, loopback | 4 each, see `Reading::network` |
//! | 14 | programs | 1, the processes; then each name, in ascending order, as `length (1 byte) ‖ bytes` |

use std::{fmt, path::PathBuf};

use super::{
    programs::Programs,
    reading::{Procfs, Reading},
};

/// Reads what samples are made of.
#[derive(Debug)]
pub(super) struct Sampler(Procfs);

impl Sampler {
    /// Samples this host.
    pub(super) fn new() -> Self {
        Self::at("/proc".into())
    }

    fn at(root: PathBuf) -> Self {
        Self(Procfs::new(root))
    }

    /// One look, now. It takes under 3 ms, for the most part in the kernel.
    pub(super) fn read(&mut self) -> Reading {
        self.0.read()
    }
}

/// What the host was doing, as bytes: 9 KiB at most.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Sample {
    bytes: Vec<u8>,
}

impl Sample {
    /// The encoding of `reading`: equal readings have equal bytes.
    pub(super) fn encode(reading: &Reading) -> Self {
        let mut frame = Frame { bytes: vec![VERSION] };
        frame.numbers(1, reading.cpu.as_deref());
        frame.numbers(2, reading.switches.as_ref().map(std::slice::from_ref));
        frame.numbers(3, reading.interrupts.as_ref().map(std::slice::from_ref));
        frame.numbers(4, reading.forks.as_ref().map(std::slice::from_ref));
        frame.numbers(5, reading.run_queue.as_ref().map(<[u64; _]>::as_slice));
        frame.numbers(6, reading.pressure_cpu.as_ref().map(<[u64; _]>::as_slice));
        frame.numbers(7, reading.pressure_io.as_ref().map(<[u64; _]>::as_slice));
        frame.numbers(8, reading.pressure_memory.as_ref().map(<[u64; _]>::as_slice));
        frame.numbers(9, reading.memory.as_ref().map(<[u64; _]>::as_slice));
        frame.numbers(10, reading.paging.as_ref().map(<[u64; _]>::as_slice));
        frame.numbers(11, reading.disks.as_ref().map(<[u64; _]>::as_slice));
        frame.numbers(12, reading.network.as_ref().map(<[u64; _]>::as_slice));
        frame.numbers(13, reading.loopback.as_ref().map(<[u64; _]>::as_slice));
        frame.programs(14, reading.programs.as_ref());
        Self { bytes: frame.bytes }
    }

    /// The bytes.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

impl fmt::Debug for Sample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sample({} bytes)", self.bytes.len())
    }
}

struct Frame {
    bytes: Vec<u8>,
}

impl Frame {
    fn numbers(&mut self, field: u8, numbers: Option<&[u64]>) {
        if let Some(numbers) = numbers {
            let bytes: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
            self.field(field, &bytes);
        }
    }

    fn programs(&mut self, field: u8, programs: Option<&Programs>) {
        if let Some(programs) = programs {
            let mut bytes = programs.processes.to_le_bytes().to_vec();
            for name in &programs.names {
                bytes.push(u8::try_from(name.len()).expect("a name is at most 15 bytes long"));
                bytes.extend(name);
            }
            self.field(field, &bytes);
        }
    }

    fn field(&mut self, field: u8, bytes: &[u8]) {
        self.bytes.push(field);
        self.bytes.extend(u32::try_from(bytes.len()).expect("a field is a few KiB long").to_le_bytes());
        self.bytes.extend(bytes);
    }
}

const VERSION: u8 = 1;

/// No sample is longer: a version, 14 frames of 5 bytes, 50 numbers,
/// and 512 names of 16 bytes with their length.
#[cfg(test)]
const SAMPLE_MOST_BYTES: usize = 9 * 1024;

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::{
        super::programs::{NAME_MOST_BYTES, READ_MOST},
        *,
    };

    #[test]
    fn an_empty_reading_is_its_version() {
        assert_eq!(Sample::encode(&Reading::default()).bytes(), [1]);
    }

    #[test]
    fn fields_are_framed_in_order_and_missing_ones_left_out() {
        let programs = Programs { processes: 3, names: [b"sh".to_vec(), b"init".to_vec()].into() };
        let reading = Reading {
            forks: Some(258),
            run_queue: Some([1, 2]),
            programs: Some(programs),
            ..Reading::default()
        };
        let mut expected = vec![1];
        expected.extend([4, 8, 0, 0, 0, 2, 1, 0, 0, 0, 0, 0, 0]);
        expected.extend([5, 16, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0]);
        expected.extend([14, 16, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0]);
        expected.extend(b"\x04init\x02sh");
        assert_eq!(Sample::encode(&reading).bytes(), expected);
    }

    #[test]
    fn the_longest_sample_fits_its_bound() {
        let names =
            (0..READ_MOST).map(|at| format!("{at:0width$}", width = NAME_MOST_BYTES).into_bytes()).collect();
        let reading = Reading {
            cpu: Some(vec![0; 10]),
            switches: Some(0),
            interrupts: Some(0),
            forks: Some(0),
            run_queue: Some([0; _]),
            pressure_cpu: Some([0; _]),
            pressure_io: Some([0; _]),
            pressure_memory: Some([0; _]),
            memory: Some([0; _]),
            paging: Some([0; _]),
            disks: Some([0; _]),
            network: Some([0; _]),
            loopback: Some([0; _]),
            programs: Some(Programs { processes: u64::MAX, names }),
        };
        let length = Sample::encode(&reading).bytes().len();
        assert!(length <= SAMPLE_MOST_BYTES, "{length}");
    }

    #[test]
    fn samples_differ_where_something_has_happened() {
        let mut sampler = Sampler::new();
        let mut sample = || Sample::encode(&sampler.read());
        let first = sample();
        std::process::Command::new("true").status().unwrap();
        assert_ne!(first, sample(), "a process was forked");
    }

    /// Prints what a sample costs: `cargo test -- --nocapture cost`. No bound: the machine may be busy.
    #[test]
    fn what_a_sample_costs() {
        fn micros(mut what: impl FnMut()) -> [u128; 2] {
            let mut micros: Vec<u128> = (0..51)
                .map(|_| {
                    let begun = Instant::now();
                    what();
                    begun.elapsed().as_micros()
                })
                .collect();
            micros.sort_unstable();
            [micros[25], micros[50]]
        }
        let mut sampler = Sampler::new();
        let [median, worst] = micros(|| drop(Sample::encode(&sampler.read())));
        let [names, _] = micros(|| drop(Programs::read("/proc".as_ref())));
        let processes = sampler.0.read().programs.unwrap().processes;
        let bytes = Sample::encode(&sampler.read()).bytes().len();
        println!(
            "a sample: median {median} µs, worst {worst} µs, {bytes} bytes; \
             of it the names of {processes} processes: {names} µs"
        );
    }
}
