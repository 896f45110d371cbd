//! Lines of a table: a name, and what it is.

/// Rows of two columns, the second aligned.
#[derive(Debug, Default)]
pub(crate) struct Table(Vec<(&'static str, String)>);

impl Table {
    /// Adds a row.
    pub(crate) fn row(&mut self, name: &'static str, value: impl Into<String>) -> &mut Self {
        self.0.push((name, value.into()));
        self
    }

    /// Its lines, without the last line break.
    pub(crate) fn text(&self) -> String {
        let width = self.0.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
        let lines = self.0.iter().map(|(name, value)| format!("{name:width$}  {value}"));
        lines.collect::<Vec<_>>().join("\n")
    }
}
