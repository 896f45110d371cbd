//! A sample, read: `agent/src/behaviour/sample.rs` says how it is encoded, and `reading.rs` beside it what its numbers are.

use serde_json::{Map, Value, json};

use crate::printable::printable;
use crate::text::hex;

/// A sample's fields, as they stand in it.
#[derive(Debug)]
pub(super) struct Sample(Vec<Field>);

#[derive(Debug)]
enum Field {
    /// Numbers of a field that is known.
    Numbers(&'static Known, Vec<u64>),
    /// The processes, and the names of their programs.
    Programs { processes: u64, names: Vec<Vec<u8>> },
    /// A field of a later version.
    Unknown { number: u8, bytes: Vec<u8> },
}

/// A field of numbers.
#[derive(Debug)]
struct Known {
    number: u8,
    /// What it is called, for people.
    name: &'static str,
    /// What it is called in JSON.
    key: &'static str,
    /// What its numbers are.
    columns: &'static [&'static str],
}

/// Why bytes are no sample.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum SampleError {
    /// It is of a version that is not known here.
    #[error("version {found:?}, this command knows 1")]
    Version { found: Option<u8> },
    /// It ends inside a field.
    #[error("it ends inside field {number}")]
    Truncated { number: u8 },
    /// A field's length is none that its numbers can have.
    #[error("field {number} has {bytes} bytes")]
    Length { number: u8, bytes: usize },
}

impl Sample {
    /// Reads a sample.
    ///
    /// # Errors
    ///
    /// Why it is none.
    pub(super) fn parse(sample: &[u8]) -> Result<Self, SampleError> {
        let mut rest = match sample {
            [VERSION, rest @ ..] => rest,
            other => return Err(SampleError::Version { found: other.first().copied() }),
        };
        let mut fields = Vec::new();
        while let [number, after @ ..] = rest {
            let number = *number;
            let truncated = SampleError::Truncated { number };
            let (length, after) = after.split_first_chunk::<4>().ok_or(truncated.clone())?;
            let length = usize::try_from(u32::from_le_bytes(*length)).map_err(|_| truncated.clone())?;
            let (bytes, after) = after.split_at_checked(length).ok_or(truncated)?;
            fields.push(Field::parse(number, bytes)?);
            rest = after;
        }
        Ok(Self(fields))
    }

    /// For people: a line a field, the programs by name.
    pub(super) fn lines(&self) -> Vec<String> {
        let width = KNOWN.iter().map(|known| known.name.len()).max().unwrap_or(0);
        self.0.iter().map(|field| format!("  {:width$}  {}", field.name(), field.text())).collect()
    }

    /// For programs: what is known by its name, null where the host did not tell it.
    pub(super) fn json(&self) -> Value {
        let mut object: Map<_, _> = KNOWN.iter().map(|known| (known.key.to_owned(), Value::Null)).collect();
        object.insert("programs".to_owned(), Value::Null);
        for field in &self.0 {
            let (key, value) = field.json();
            object.insert(key, value);
        }
        Value::Object(object)
    }
}

impl Field {
    fn parse(number: u8, bytes: &[u8]) -> Result<Self, SampleError> {
        let length = || SampleError::Length { number, bytes: bytes.len() };
        if number == PROGRAMS {
            let (processes, mut rest) = bytes.split_first_chunk::<8>().ok_or_else(length)?;
            let mut names = Vec::new();
            while let [length_byte, after @ ..] = rest {
                let (name, after) = after.split_at_checked(usize::from(*length_byte)).ok_or_else(length)?;
                names.push(name.to_vec());
                rest = after;
            }
            return Ok(Self::Programs { processes: u64::from_le_bytes(*processes), names });
        }
        let Some(known) = KNOWN.iter().find(|known| known.number == number) else {
            return Ok(Self::Unknown { number, bytes: bytes.to_vec() });
        };
        let (numbers, rest) = bytes.as_chunks::<8>();
        if !rest.is_empty() || numbers.len() > known.columns.len() {
            return Err(length());
        }
        Ok(Self::Numbers(known, numbers.iter().map(|number| u64::from_le_bytes(*number)).collect()))
    }

    fn name(&self) -> String {
        match self {
            Self::Numbers(known, _) => known.name.to_owned(),
            Self::Programs { .. } => "programs".to_owned(),
            Self::Unknown { number, .. } => format!("field {number}"),
        }
    }

    fn text(&self) -> String {
        match self {
            Self::Numbers(known, numbers) => {
                let pairs = known.columns.iter().zip(numbers);
                let pairs = pairs.map(|(column, number)| match *column {
                    "" => number.to_string(),
                    column => format!("{} {number}", column.replace('_', " ")),
                });
                pairs.collect::<Vec<_>>().join(", ")
            }
            Self::Programs { processes, names } => {
                let names = names.iter().map(|name| printable(&String::from_utf8_lossy(name)));
                let names = names.collect::<Vec<_>>().join(", ");
                format!("{processes} processes: {names}")
            }
            Self::Unknown { bytes, .. } => format!("{} bytes, unknown to this version", bytes.len()),
        }
    }

    fn json(&self) -> (String, Value) {
        match self {
            // the only number of a field is its value
            Self::Numbers(Known { key, columns: [""], .. }, numbers) => {
                ((*key).to_owned(), json!(numbers.first()))
            }
            Self::Numbers(known, numbers) => {
                let pairs = known.columns.iter().zip(numbers);
                let object: Map<_, _> = pairs.map(|(column, n)| ((*column).to_owned(), json!(n))).collect();
                (known.key.to_owned(), Value::Object(object))
            }
            Self::Programs { processes, names } => {
                let names: Vec<_> = names.iter().map(|name| String::from_utf8_lossy(name)).collect();
                ("programs".to_owned(), json!({ "processes": processes, "names": names }))
            }
            Self::Unknown { number, bytes } => (format!("field_{number}"), json!(hex(bytes))),
        }
    }
}

const VERSION: u8 = 1;
const PROGRAMS: u8 = 14;

const PRESSURE: &[&str] = &["some_us", "full_us"];
const NETWORK: &[&str] = &["received_bytes", "received_packets", "sent_bytes", "sent_packets"];

const fn known(number: u8, name: &'static str, key: &'static str, columns: &'static [&'static str]) -> Known {
    Known { number, name, key, columns }
}

/// The fields of numbers. CPU time is in USER_HZ (proc_stat(5)), all counters are since the boot.
const KNOWN: [Known; 13] = [
    known(
        1,
        "CPU time",
        "cpu",
        &["user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal", "guest", "guest_nice"],
    ),
    known(2, "context switches", "context_switches", &[""]),
    known(3, "interrupts", "interrupts", &[""]),
    known(4, "forks", "forks", &[""]),
    known(5, "run queue", "run_queue", &["runnable", "blocked"]),
    known(6, "pressure on CPUs", "pressure_cpu", PRESSURE),
    known(7, "pressure on I/O", "pressure_io", PRESSURE),
    known(8, "pressure on memory", "pressure_memory", PRESSURE),
    known(
        9,
        "memory in bytes",
        "memory_bytes",
        &["free", "available", "buffers", "cached", "swap_free", "dirty", "writeback", "anonymous", "slab"],
    ),
    known(10, "paging", "paging", &["pgpgin", "pgpgout", "pswpin", "pswpout", "pgfault", "pgmajfault"]),
    known(11, "disks", "disks", &["reads", "sectors_read", "writes", "sectors_written", "busy_ms"]),
    known(12, "network", "network", NETWORK),
    known(13, "loopback", "loopback", NETWORK),
];

#[cfg(test)]
mod tests {
    use super::*;

    /// A sample of these fields.
    fn sample(fields: &[(u8, &[u8])]) -> Vec<u8> {
        let mut bytes = vec![1];
        for (number, content) in fields {
            bytes.push(*number);
            bytes.extend((content.len() as u32).to_le_bytes());
            bytes.extend(*content);
        }
        bytes
    }

    fn numbers(numbers: &[u64]) -> Vec<u8> {
        numbers.iter().flat_map(|number| number.to_le_bytes()).collect()
    }

    #[test]
    fn the_fields_have_their_names_and_what_was_not_told_is_null() {
        let programs = [&numbers(&[3])[..], b"\x04init\x03s\x1bh"].concat();
        let bytes = sample(&[
            (1, &numbers(&[5, 6, 7, 8])),
            (4, &numbers(&[258])),
            (5, &numbers(&[1, 2])),
            (14, &programs),
            (77, b"new"),
        ]);
        let sample = Sample::parse(&bytes).unwrap();
        let lines = sample.lines();
        assert_eq!(lines[0], "  CPU time            user 5, nice 6, system 7, idle 8");
        assert_eq!(lines[1], "  forks               258");
        assert_eq!(lines[2], "  run queue           runnable 1, blocked 2");
        assert_eq!(lines[3], "  programs            3 processes: init, s\\u{1b}h");
        assert_eq!(lines[4], "  field 77            3 bytes, unknown to this version");
        let object = sample.json();
        assert_eq!(object["cpu"], json!({ "user": 5, "nice": 6, "system": 7, "idle": 8 }));
        assert_eq!((&object["forks"], &object["interrupts"]), (&json!(258), &Value::Null));
        assert_eq!(object["programs"], json!({ "processes": 3, "names": ["init", "s\u{1b}h"] }));
        assert_eq!(object["field_77"], "6e6577");
        assert_eq!(Sample::parse(&[1]).unwrap().lines(), [""; 0]);
    }

    #[test]
    fn what_is_no_sample_says_why() {
        let of = |bytes: &[u8]| Sample::parse(bytes).unwrap_err();
        assert_eq!(of(&[]), SampleError::Version { found: None });
        assert_eq!(of(&[2]), SampleError::Version { found: Some(2) });
        assert_eq!(of(&[1, 4, 8, 0, 0]), SampleError::Truncated { number: 4 });
        assert_eq!(of(&[1, 4, 8, 0, 0, 0, 1]), SampleError::Truncated { number: 4 });
        assert_eq!(of(&[1, 4, 255, 255, 255, 255]), SampleError::Truncated { number: 4 });
        assert_eq!(of(&sample(&[(4, b"1234567")])), SampleError::Length { number: 4, bytes: 7 });
        assert_eq!(of(&sample(&[(4, &numbers(&[1, 2]))])), SampleError::Length { number: 4, bytes: 16 });
        let cut = [&numbers(&[3])[..], b"\x05init"].concat();
        assert_eq!(of(&sample(&[(14, &cut)])), SampleError::Length { number: 14, bytes: 13 });
    }
}
