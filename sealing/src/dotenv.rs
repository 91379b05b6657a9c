//! Reading `.env` files as npm's `dotenv` does.
//!
//! The grammar is dotenv's own regular expression, matched by a kept engine; `tests/dotenv` compares the two on
//! a corpus. No Rust crate agrees: `dotenvy` expands `$NAME`, ends values at spaces and refuses what dotenv
//! reads. Where dotenv would silently lose or alter a secret, this reader refuses the line instead:
//!
//! - a line that is neither assignment, comment nor blank (dotenv skips it);
//! - a name that no shell takes, such as `my-key` or `a.b` (dotenv keeps it);
//! - a quote that is never closed, or text after the closing one (dotenv takes the line, quotes and all);
//! - bytes that are not UTF-8 (dotenv replaces them), NUL, and values over 512 KiB;
//! - U+2028 and U+2029 end no line here (in JavaScript they do).

use crate::{
    SecretValue,
    assignments::{Assignment, Assignments, BadLine, BadLineCause},
};
use protocol::SecretName;
use regex_lite::Regex;
use zeroize::Zeroizing;

/// JavaScript's `\s` and `\w`, which are not this engine's.
const SPACE: &str =
    r"[\t\n\x0b\x0c\r \u{a0}\u{1680}\u{2000}-\u{200a}\u{2028}\u{2029}\u{202f}\u{205f}\u{3000}\u{feff}]";
const WORD: &str = "[A-Za-z0-9_.-]";

/// dotenv 18's `LINE`, with its classes written out.
fn line_pattern() -> Option<Regex> {
    let pattern = format!(
        r#"(?m)^{SPACE}*(?:export{SPACE}+)?({WORD}+)(?:{SPACE}*={SPACE}*?|:{SPACE}+?)({SPACE}*'(?:\\'|[^'])*'|{SPACE}*"(?:\\"|[^"])*"|{SPACE}*`(?:\\`|[^`])*`|[^#\r\n]+)?{SPACE}*(?:#[^\n]*)?$"#
    );
    Regex::new(&pattern).ok()
}

/// Reads a file's bytes.
pub fn parse(bytes: &[u8]) -> Assignments {
    let mut read = Assignments::default();
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => Zeroizing::new(text.replace("\r\n", "\n").replace('\r', "\n")),
        Err(error) => {
            let before = bytes.get(..error.valid_up_to()).unwrap_or_default();
            read.bad_lines.push(BadLine { line: line_at(before), cause: BadLineCause::NotUtf8 });
            return read;
        }
    };
    let Some(pattern) = line_pattern() else { return read };
    let mut end = 0;
    for found in pattern.captures_iter(&text) {
        let (Some(whole), Some(name)) = (found.get(0), found.get(1)) else { continue };
        read.note_skipped(&text, end, whole.start());
        end = whole.end();
        let line = line_at(text.as_bytes().get(..name.start()).unwrap_or_default());
        let raw = found.get(2).map_or("", |value| value.as_str());
        read.add(line, assignment(name.as_str(), raw));
    }
    read.note_skipped(&text, end, text.len());
    read
}

/// The line that assigns this value, which [`parse`] and dotenv read back byte for byte. Nothing, where dotenv has no
/// spelling of the value: it is not UTF-8, or has every kind of quote.
pub fn write(name: &SecretName, value: &SecretValue) -> Option<Zeroizing<String>> {
    let text = std::str::from_utf8(value.expose()).ok()?;
    let escaped = Zeroizing::new(text.replace('\n', "\\n").replace('\r', "\\r"));
    [("'", text), ("`", text), ("\"", &escaped)].into_iter().find_map(|(quote, text)| {
        let line = Zeroizing::new(format!("{name}={quote}{text}{quote}\n"));
        let read = parse(line.as_bytes());
        let same = |one: &Assignment| one.name == *name && one.value.expose() == value.expose();
        (read.bad_lines.is_empty() && matches!(&*read.assignments, [one] if same(one))).then_some(line)
    })
}

fn assignment(name: &str, raw: &str) -> Result<(SecretName, SecretValue), BadLineCause> {
    let value = trim(raw);
    let quote = value.chars().next().filter(|c| ['\'', '"', '`'].contains(c));
    let mut value = match quote {
        None => Zeroizing::new(value.to_owned()),
        Some(quote) => {
            let inner = value.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote));
            Zeroizing::new(inner.ok_or(BadLineCause::OpenQuote)?.to_owned())
        }
    };
    if quote == Some('"') {
        value = Zeroizing::new(value.replace("\\n", "\n"));
        value = Zeroizing::new(value.replace("\\r", "\r"));
    }
    let value = SecretValue::new(Zeroizing::new(value.as_bytes().to_vec()))?;
    Ok((name.parse()?, value))
}

/// JavaScript's `trim`.
fn trim(text: &str) -> &str {
    text.trim_matches(|c: char| (c.is_whitespace() && c != '\u{85}') || c == '\u{feff}')
}

/// The number of the line that follows `before`, from 1.
pub(crate) fn line_at(before: &[u8]) -> usize {
    before.iter().filter(|byte| **byte == b'\n').count() + 1
}

impl Assignments {
    /// Notes the lines between two assignments that are neither blank nor comments.
    fn note_skipped(&mut self, text: &str, from: usize, to: usize) {
        let first = line_at(text.as_bytes().get(..from).unwrap_or_default());
        let skipped = text.get(from..to).unwrap_or_default();
        for (offset, line) in skipped.split('\n').enumerate() {
            let line = trim(line);
            if !line.is_empty() && !line.starts_with('#') {
                self.bad_lines.push(BadLine { line: first + offset, cause: BadLineCause::NoAssignment });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<(String, String)> {
        let read = parse(text.as_bytes());
        assert_eq!(read.bad_lines, [], "{text}");
        read.assignments
            .iter()
            .map(|one| (one.name.to_string(), String::from_utf8(one.value.expose().to_vec()).unwrap()))
            .collect()
    }

    #[test]
    fn the_last_assignment_of_a_name_wins() {
        assert_eq!(read("A=1\nB=2\nA=3\n"), [("B".into(), "2".into()), ("A".into(), "3".into())]);
    }

    #[test]
    fn a_value_may_span_lines_and_hold_hashes() {
        assert_eq!(
            read("KEY=\"one\ntwo # no comment\n\" # comment"),
            [("KEY".into(), "one\ntwo # no comment\n".into())]
        );
    }

    #[test]
    fn bad_lines_are_named_by_number_and_cause() {
        let bad = parse(b"A=1\n\nnonsense here\n# comment\nmy-key=2\nB=\"open\nC='x\0y'\n").bad_lines;
        let told: Vec<String> = bad.iter().map(BadLine::to_string).collect();
        assert_eq!(
            told,
            [
                "line 3: it is neither `NAME=value`, nor a comment, nor blank",
                "line 5: a secret's name is a letter or `_`, then letters, digits or `_`, at most 128 in all",
                "line 6: a quote is never closed, or text follows the closing quote",
                "line 7: the value holds a NUL byte, which no environment variable can carry; store it encoded, as base64 for example",
            ]
        );
        assert_eq!(parse(b"A=1\nB=\xff\n").bad_lines, [BadLine { line: 2, cause: BadLineCause::NotUtf8 }]);
    }
}
