//! Text of others, made fit for a terminal: what a host, a peer or a file says can't move the cursor.

/// The text with what does not print, line breaks included, as escapes; all in one line.
pub(crate) fn printable(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut line, char| {
        match char {
            '"' | '\'' | '\\' => line.push(char),
            _ => line.extend(char.escape_debug()),
        }
        line
    })
}

/// Whether it prints as it is.
pub(crate) fn is_printable(text: &str) -> bool {
    printable(text) == text
}

/// A word as a shell takes it, for a command line that is shown to be run.
pub(crate) fn quoted(word: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./:=@%+,".contains(&byte);
    if !word.is_empty() && word.bytes().all(is_plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_moves_the_cursor_is_escaped_and_the_rest_stays() {
        assert_eq!(printable("a \"b\" \\ ü\n\u{1b}[2J\u{202e}"), "a \"b\" \\ ü\\n\\u{1b}[2J\\u{202e}");
        assert!(is_printable("wéb 1"));
        assert!(!is_printable("web\r"));
    }

    #[test]
    fn a_shell_reads_back_what_was_quoted() {
        for word in ["web", "/var/lib/x.db", "two words", "it's", "", "$HOME", "-"] {
            let script = format!("printf %s {}", quoted(word));
            let output = std::process::Command::new("/bin/sh").args(["-c", &script]).output().unwrap();
            assert_eq!(String::from_utf8(output.stdout).unwrap(), word);
        }
        assert_eq!(quoted("/var/lib/x.db"), "/var/lib/x.db");
    }
}
