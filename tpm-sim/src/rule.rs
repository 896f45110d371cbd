//! A disturbance as a line of text.

use std::num::ParseIntError;
use std::str::FromStr;
use std::time::Duration;

use crate::{CommandCodeError, How, When};

/// What to disturb, and how: `WHEN=HOW`, such as `GetRandom=delay:1s` or `next:ReadClock=freeze`.
///
/// `WHEN` is `every`, a command, or `next:` and a command; a command is its name or its code in hex. `HOW` is one of
/// `delay:TIME`, `drop`, `hang-up`, `freeze`, `code:RC`, `flip:BYTE`, `truncate:BYTES`, `cut:BYTES`, `garbage:SEED` and
/// `replace:HEX`. A `TIME` is a whole number and `ms`, `s` or `min`; the other numbers are decimal, or hex after `0x`.
#[derive(Debug)]
pub struct Rule {
    /// Which commands.
    pub when: When,
    /// What happens to them.
    pub how: How,
}

impl FromStr for Rule {
    type Err = RuleError;

    fn from_str(text: &str) -> Result<Self, RuleError> {
        let (when, how) = text.split_once('=').ok_or_else(|| RuleError::Shape { found: text.to_owned() })?;
        Ok(Self { when: read_when(when)?, how: read_how(how)? })
    }
}

/// Why a text is no rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RuleError {
    /// There is no `=`.
    #[error("expected WHEN=HOW such as `GetRandom=delay:1s`, found `{found}`")]
    Shape {
        /// The text.
        found: String,
    },
    /// What stands before the `=` names no commands.
    #[error(
        "expected `every`, a TPM command such as `GetRandom` or `0x17b`, or `next:` and one, found `{found}`"
    )]
    When {
        /// The text.
        found: String,
    },
    /// What stands after the `=` is no disturbance.
    #[error(
        "expected delay:TIME, drop, hang-up, freeze, code:RC, flip:BYTE, truncate:BYTES, cut:BYTES, garbage:SEED or \
         replace:HEX, found `{found}`"
    )]
    How {
        /// The text.
        found: String,
    },
    /// A disturbance has a number that is none, or too large.
    #[error("expected a number in `{found}`, such as `16` or `0x10`")]
    Number {
        /// The disturbance.
        found: String,
    },
    /// A delay has a time that is none.
    #[error("expected a time in `{found}`, such as `300ms`, `1s` or `2min`")]
    Time {
        /// The disturbance.
        found: String,
    },
    /// A replacement has bytes that are none.
    #[error("expected pairs of hex digits in `{found}`")]
    Hex {
        /// The disturbance.
        found: String,
    },
}

fn read_when(text: &str) -> Result<When, RuleError> {
    let wrong = |CommandCodeError { .. }| RuleError::When { found: text.to_owned() };
    match text.strip_prefix("next:") {
        _ if text == "every" => Ok(When::Every),
        Some(command) => command.parse().map(When::Next).map_err(wrong),
        None => text.parse().map(When::Command).map_err(wrong),
    }
}

fn read_how(text: &str) -> Result<How, RuleError> {
    let (name, value) = text.split_once(':').unwrap_or((text, ""));
    let number = || number(value).map_err(|_| RuleError::Number { found: text.to_owned() });
    let size = || usize::try_from(number()?).map_err(|_| RuleError::Number { found: text.to_owned() });
    Ok(match name {
        "delay" => How::Delay(time(value).ok_or_else(|| RuleError::Time { found: text.to_owned() })?),
        "code" => {
            How::Code(u32::try_from(number()?).map_err(|_| RuleError::Number { found: text.to_owned() })?)
        }
        "flip" => How::Flip { byte: size()? },
        "truncate" => How::Truncate(size()?),
        "cut" => How::Cut(size()?),
        "garbage" => How::Garbage(number()?),
        "replace" => How::Replace(hex(value).ok_or_else(|| RuleError::Hex { found: text.to_owned() })?),
        _ => match text {
            "drop" => How::Drop,
            "hang-up" => How::HangUp,
            "freeze" => How::Freeze,
            _ => return Err(RuleError::How { found: text.to_owned() }),
        },
    })
}

fn number(text: &str) -> Result<u64, ParseIntError> {
    match text.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16),
        None => text.parse(),
    }
}

fn time(text: &str) -> Option<Duration> {
    let unit = text.trim_start_matches(|digit: char| digit.is_ascii_digit());
    let count: u64 = text.strip_suffix(unit)?.parse().ok()?;
    match unit {
        "ms" => Some(Duration::from_millis(count)),
        "s" => Some(Duration::from_secs(count)),
        "min" => count.checked_mul(60).map(Duration::from_secs),
        _ => None,
    }
}

fn hex(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u8> = text
        .chars()
        .map(|digit| digit.to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
        .collect::<Option<_>>()?;
    let (pairs, rest) = digits.as_chunks::<2>();
    rest.is_empty().then(|| pairs.iter().map(|[high, low]| high << 4 | low).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_read() {
        for (text, expected) in [
            ("GetRandom=delay:1s", "Command(CommandCode(379)) Delay(1s)"),
            ("every=delay:300ms", "Every Delay(300ms)"),
            ("next:0x17b=delay:2min", "Next(CommandCode(379)) Delay(120s)"),
            ("every=drop", "Every Drop"),
            ("every=hang-up", "Every HangUp"),
            ("TPM2_ReadClock=freeze", "Command(CommandCode(385)) Freeze"),
            ("every=code:0x922", "Every Code(0x922)"),
            ("every=code:257", "Every Code(0x101)"),
            ("next:GetRandom=flip:16", "Next(CommandCode(379)) Flip { byte: 16 }"),
            ("every=truncate:0x0b", "Every Truncate(11)"),
            ("every=cut:0", "Every Cut(0)"),
            ("every=garbage:7", "Every Garbage(7)"),
            ("every=replace:80fF", "Every Replace([128, 255])"),
            ("every=replace:", "Every Replace([])"),
        ] {
            let rule: Rule = text.parse().unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!(format!("{:?} {:?}", rule.when, rule.how), expected);
        }
    }

    #[test]
    fn what_is_no_rule_is_refused_for_its_reason() {
        use RuleError::{Hex, How, Number, Shape, Time, When};
        type Made = fn(String) -> RuleError;
        let (shape, when, how): (Made, Made, Made) =
            (|found| Shape { found }, |found| When { found }, |found| How { found });
        let (number, time, hex): (Made, Made, Made) =
            (|found| Number { found }, |found| Time { found }, |found| Hex { found });
        for (text, found, error) in [
            ("", "", shape),
            ("GetRandom", "GetRandom", shape),
            ("=drop", "", when),
            ("Every=drop", "Every", when),
            ("next:=drop", "next:", when),
            ("next:every=drop", "next:every", when),
            ("every=", "", how),
            ("every=dorp", "dorp", how),
            ("every=drop:1", "drop:1", how),
            ("every=freeze:", "freeze:", how),
            ("every=code", "code", number),
            ("every=code:0x100000000", "code:0x100000000", number),
            ("every=flip:-1", "flip:-1", number),
            ("every=garbage:1s", "garbage:1s", number),
            ("every=delay:", "delay:", time),
            ("every=delay:1", "delay:1", time),
            ("every=delay:s", "delay:s", time),
            ("every=delay:1.5s", "delay:1.5s", time),
            ("every=delay:99999999999999999999s", "delay:99999999999999999999s", time),
            ("every=delay:9999999999999999999min", "delay:9999999999999999999min", time),
            ("every=replace:abc", "replace:abc", hex),
            ("every=replace:é0", "replace:é0", hex),
        ] {
            assert_eq!(text.parse::<Rule>().unwrap_err(), error(found.to_owned()), "{text}");
        }
    }
}
