//! What all looks at one agent come to: a row for each place.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use crate::look::Look;

/// All looks at one agent.
#[derive(Default)]
pub struct Tally {
    /// Every value that was ever in the page, in hex.
    pub values: BTreeSet<String>,
    /// Stops in which the keeper waited, and in which it worked.
    pub stops: [u64; 2],
    /// The deepest that anything was on the keeper's stack, in bytes: where nothing wipes it, how much it uses.
    pub depth: u64,
    rows: BTreeMap<String, Row>,
}

/// What was found in one place.
#[derive(Default)]
struct Row {
    looks: u64,
    bytes: u64,
    /// Finds in stops in which the keeper waited, and in which it worked.
    hits: [u64; 2],
}

impl Tally {
    /// Adds a look into processes.
    pub fn add(&mut self, look: Look) {
        // S, and the secrets of the pledges that stand, are always there
        assert!(look.values.len() >= 17, "only {} values were in the page", look.values.len());
        let how = usize::from(!look.keeper_waits);
        self.stops[how] += 1;
        self.depth = self.depth.max(look.depth);
        self.count(&look, how);
        self.values.extend(look.values);
    }

    /// Adds a look into files, under a place of its own.
    pub fn add_files(&mut self, place: &str, mut look: Look) {
        look.searched = look.searched.into_values().map(|bytes| (place.to_owned(), bytes)).collect();
        look.hits = look.hits.into_values().map(|hits| (place.to_owned(), hits)).collect();
        assert!(look.searched.values().all(|bytes| *bytes > 0), "nothing to look at in {place}");
        self.count(&look, 0);
    }

    fn count(&mut self, look: &Look, how: usize) {
        for (place, bytes) in &look.searched {
            let row = self.rows.entry(place.clone()).or_default();
            row.looks += 1;
            row.bytes += bytes;
        }
        for (place, values) in &look.hits {
            self.rows.entry(place.clone()).or_default().hits[how] += values.len() as u64;
        }
    }

    /// Finds in stops in which the keeper waited: none of these may be.
    pub fn left_behind(&self) -> u64 {
        self.rows.values().map(|row| row.hits[0]).sum()
    }

    /// Finds in other stops, elsewhere than with the keeper itself.
    pub fn strayed(&self) -> u64 {
        let own = |place: &str| ["stack:keeper", "general:keeper", "vector:keeper"].contains(&place);
        self.rows.iter().filter(|(place, _)| !own(place)).map(|(_, row)| row.hits[1]).sum()
    }

    /// Whether this place was looked at.
    pub fn has(&self, place: &str) -> bool {
        self.rows.get(place).is_some_and(|row| row.bytes > 0)
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [waits, works] = self.stops;
        let (values, depth) = (self.values.len(), self.depth);
        write!(f, "{waits} stops in which the keeper waits, {works} in which it works; {values} values; ")?;
        writeln!(f, "something on {depth} bytes of the keeper's stack at most")?;
        writeln!(f, "| place | looks | MiB | finds: keeper waits | keeper works |")?;
        for (place, Row { looks, bytes, hits: [waits, works] }) in &self.rows {
            writeln!(f, "| {place} | {looks} | {:.1} | {waits} | {works} |", *bytes as f64 / 1_048_576.0)?;
        }
        Ok(())
    }
}
