//! Reading one entry of the file: its type, its range, and where it stands.

use std::path::Path;

use toml::{
    Spanned,
    de::{DeString, DeValue},
};

use super::{
    error::{ConfigError, Problem, line_of},
    settings::Word,
};

/// A key and its value, with where they stand.
pub(super) struct Entry<'a> {
    path: &'a Path,
    text: &'a str,
    key: &'a Spanned<DeString<'a>>,
    value: &'a Spanned<DeValue<'a>>,
}

impl<'a> Entry<'a> {
    pub(super) fn new(
        path: &'a Path,
        text: &'a str,
        key: &'a Spanned<DeString<'a>>,
        value: &'a Spanned<DeValue<'a>>,
    ) -> Self {
        Self { path, text, key, value }
    }

    /// The key.
    pub(super) fn key(&self) -> &str {
        self.key.get_ref()
    }

    /// The line, from 1, in which the key stands.
    pub(super) fn line(&self) -> usize {
        line_of(self.text, self.key.span().start)
    }

    /// The value, where it is a text; `expected` says what it should be.
    pub(super) fn text(&self, expected: &str) -> Result<&'a str, ConfigError> {
        match self.value.get_ref() {
            DeValue::String(text) => Ok(text),
            other => Err(self.unexpected(format!("{expected} (a string)"), other)),
        }
    }

    /// The value, where it is a whole number from `least` to `most`.
    pub(super) fn integer(&self, least: u64, most: u64) -> Result<u64, ConfigError> {
        let expected = || format!("a whole number from {least} to {most}");
        match self.value.get_ref() {
            DeValue::Integer(number) => u64::from_str_radix(number.as_str(), number.radix())
                .ok()
                .filter(|number| (least..=most).contains(number))
                .ok_or_else(|| self.refuse(Problem::Value { expected: expected(), found: self.literal() })),
            other => Err(self.unexpected(expected(), other)),
        }
    }

    /// The value, where it is one of the words in `choices`.
    pub(super) fn choice<T: Word>(&self, choices: &[T]) -> Result<T, ConfigError> {
        let found = self.text("one of a few words")?;
        choices.iter().copied().find(|choice| choice.as_str() == found).ok_or_else(|| {
            let expected = choices.iter().map(|choice| choice.as_str()).collect();
            self.refuse(Problem::Choice { found: found.to_owned(), expected })
        })
    }

    /// The value in thousandths, at least one, where it is a number above 0 and up to 1.
    pub(super) fn thousandths(&self) -> Result<u32, ConfigError> {
        let number = match self.value.get_ref() {
            DeValue::Float(number) => number.as_str().parse::<f64>().ok(),
            DeValue::Integer(number) => {
                u64::from_str_radix(number.as_str(), number.radix()).ok().map(|n| n as f64)
            }
            other => return Err(self.unexpected(PART.to_owned(), other)),
        };
        match number.filter(|number| *number > 0.0 && *number <= 1.0) {
            Some(number) => Ok(((number * 1000.0).round() as u32).max(1)),
            None => Err(self.refuse(Problem::Value { expected: PART.to_owned(), found: self.literal() })),
        }
    }

    /// The value, where it is a list of texts that `read` takes.
    pub(super) fn each<T>(&self, read: impl Fn(&str) -> Result<T, Problem>) -> Result<Vec<T>, ConfigError> {
        let expected = || "a list of strings".to_owned();
        let DeValue::Array(list) = self.value.get_ref() else {
            return Err(self.unexpected(expected(), self.value.get_ref()));
        };
        list.iter()
            .map(|element| {
                let line = line_of(self.text, element.span().start);
                let problem = match element.get_ref() {
                    DeValue::String(text) => match read(text) {
                        Ok(value) => return Ok(value),
                        Err(problem) => problem,
                    },
                    other => {
                        Problem::Value { expected: expected(), found: format!("{} in it", other.type_str()) }
                    }
                };
                Err(ConfigError::at(self.path, Some(line), self.key(), problem))
            })
            .collect()
    }

    /// An error about this entry.
    pub(super) fn refuse(&self, problem: Problem) -> ConfigError {
        ConfigError::at(self.path, Some(self.line()), self.key(), problem)
    }

    fn unexpected(&self, expected: String, found: &DeValue<'_>) -> ConfigError {
        self.refuse(Problem::Value { expected, found: format!("{} {}", found.type_str(), self.literal()) })
    }

    /// The value as it stands in the file; long ones cut.
    fn literal(&self) -> String {
        let whole = self.text.get(self.value.span()).unwrap_or_default();
        let mut cut: String = whole.chars().take(LITERAL_MOST_CHARS).collect();
        if cut.len() < whole.len() {
            cut.push('…');
        }
        cut
    }
}

/// The name in `names` that is most like `found`, if one is at all like it.
pub(super) fn nearest(found: &str, names: &[&'static str]) -> Option<&'static str> {
    let found: String = found.chars().take(LITERAL_MOST_CHARS).collect();
    let (distance, name) =
        names.iter().map(|name| (distance(&found, name), *name)).min_by_key(|(distance, _)| *distance)?;
    let half = name.chars().count().max(found.chars().count()) / 2;
    (distance <= half).then_some(name)
}

/// Levenshtein's distance: how many letters to put in, leave out or replace.
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (at, letter) in one.chars().enumerate() {
        let mut next = Vec::with_capacity(row.len());
        let mut left = at + 1;
        next.push(left);
        for ((pair, theirs), above_left) in row.iter().skip(1).zip(&other).zip(&row) {
            left = (left + 1).min(pair + 1).min(above_left + usize::from(letter != *theirs));
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}

/// What [`Entry::thousandths`] takes.
const PART: &str = "a number above 0 and up to 1";

/// As much of a value as an error shows, or of a key as is compared.
const LITERAL_MOST_CHARS: usize = 60;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_levenshteins() {
        for (one, other, expected) in
            [("", "", 0), ("", "abc", 3), ("abc", "", 3), ("kitten", "sitting", 3), ("beat", "beat_s", 2)]
        {
            assert_eq!(distance(one, other), expected, "{one} {other}");
        }
    }

    #[test]
    fn only_a_name_that_is_like_it_is_offered() {
        let names = ["beat_s", "tcti", "log"];
        assert_eq!(nearest("beats", &names), Some("beat_s"));
        assert_eq!(nearest("tpm_tcti", &names), Some("tcti"));
        assert_eq!(nearest("colour", &names), None);
        assert_eq!(nearest("", &names), None);
    }
}
