//! The words of a text: which may be paths, and which of those it loads.

use crate::guard::{project::is_code, texts::Language};
use std::{collections::HashSet, path::Path};

/// The words of a text that may be paths, and those of them that stand in quotes.
pub(super) struct Tokens<'a> {
    pub all: HashSet<&'a str>,
    pub quoted: HashSet<&'a str>,
}

impl<'a> Tokens<'a> {
    pub fn of(text: &'a str) -> Self {
        let is_of_token = |c: char| c.is_alphanumeric() || "_-./@".contains(c);
        let is_quote = |c: Option<char>| c.is_some_and(|c| ['"', '\'', '`'].contains(&c));
        let (mut all, mut quoted) = (HashSet::new(), HashSet::new());
        let mut before = None;
        let mut rest = text;
        while !rest.is_empty() {
            let end = rest.find(|c| !is_of_token(c)).unwrap_or(rest.len());
            let (token, behind) = rest.split_at(end);
            let mut behind = behind.chars();
            let after = behind.next();
            if !token.is_empty() {
                all.insert(token);
                if is_quote(before) && is_quote(after) {
                    quoted.insert(token);
                }
            }
            before = after;
            rest = behind.as_str();
        }
        Self { all, quoted }
    }
}

/// What a text may load by a part of its path, or by the name of a module.
pub(super) fn names_in(tokens: &HashSet<&str>, quoted: &HashSet<&str>, language: Language) -> Vec<String> {
    let paths = if language == Language::JavaScript { quoted } else { tokens };
    let is_path = |token: &&&str| language.has_modules() || token.contains('/') || is_code(Path::new(token));
    let parts = paths.iter().filter(is_path).flat_map(|token| token.split(['/', '.']));
    parts.filter(|part| !part.is_empty()).map(str::to_owned).collect()
}

/// Whether a text of JavaScript loads what it names so, rather than writing it.
pub(super) fn is_loaded(text: &str, token: &str) -> bool {
    text.match_indices(token).any(|(at, _)| {
        let before = text.get(..at).unwrap_or_default().trim_end_matches(['"', '\'', '`']);
        let before = before.trim_end().trim_end_matches('(').trim_end();
        ["require", "import", "from"].iter().any(|word| before.ends_with(word))
    })
}
