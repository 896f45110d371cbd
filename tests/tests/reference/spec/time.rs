//! Section 7, check 6, in one boot of the verifier: all by its age clock, but for a first meeting.

/// The verifier's clocks: its age clock's ticks, and Unix time.
#[derive(Clone, Copy, Debug)]
pub struct Clocks {
    pub ticks: u64,
    pub wall_ms: u64,
}

const TEN_MINUTES: i128 = 600 * 4096;

/// What a lineage's growth is held against: all of it, where the pairs that ask most would do.
#[derive(Clone, Debug, Default)]
pub struct Times {
    /// Of each head that a proof was accepted with: its index, and the ticks at which its challenge was issued.
    issued: Vec<(u64, u64)>,
    /// Of each such head, and of the introduced moment: its index, and the ticks at which it was accepted.
    accepted: Vec<(u64, u64)>,
    /// Index and wall time of the introduced moment or genesis, as long as no proof was accepted.
    introduced: Option<(u64, u64)>,
}

/// What time says of a head.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Judged {
    pub is_ahead: bool,
    /// Ahead at a first meeting: no refusal.
    pub is_first: bool,
    pub lag: u64,
}

impl Times {
    pub fn introduced(index: u64, wall_ms: u64, now: Clocks) -> Self {
        Self { accepted: vec![(index, now.ticks)], introduced: Some((index, wall_ms)), ..Self::default() }
    }

    /// `genesis`: the wall time in the genesis that came with the proof.
    pub fn judge(&self, h: u64, issue: Clocks, now: Clocks, genesis: Option<u64>) -> Judged {
        let h = i128::from(h);
        let mut is_ahead = false;
        for (i, issued) in &self.issued {
            let e = i128::from(now.ticks - issued);
            is_ahead |= h - i128::from(*i) > e + e / 1000 + 4096;
        }
        let mut is_first = false;
        if self.issued.is_empty()
            && let Some((i, wall_ms)) = self.introduced.or(genesis.map(|wall_ms| (0, wall_ms)))
        {
            let e = i128::from(now.wall_ms.saturating_sub(wall_ms)) * 4096 / 1000;
            is_first = h - i128::from(i) > e + e / 1000 + TEN_MINUTES;
        }
        let mut lag = 0;
        for (i, accepted) in &self.accepted {
            // below 0 where the challenge was issued before that head was accepted
            let d = i128::from(issue.ticks) - i128::from(*accepted);
            lag = lag.max(d - d.div_euclid(1000) - 4096 - (h - i128::from(*i)));
        }
        Judged { is_ahead, is_first, lag: lag as u64 }
    }

    /// A proof was accepted; let pass in spite of what was found, the pairs start anew.
    pub fn accept(&mut self, h: u64, issue: Clocks, now: Clocks, in_spite: bool) {
        if in_spite {
            *self = Self::default();
        }
        self.introduced = None;
        self.issued.push((h, issue.ticks));
        self.accepted.push((h, now.ticks));
    }
}
