//! The person's own permission rules for shell commands, where the agent cannot apply them to the command that
//! was written because it is shown another.

#![allow(clippy::indexing_slicing, reason = "a JSON value that lacks a field gives null, and never panics")]

use crate::check::settings;
use serde_json::Value;
use std::path::Path;

/// What the rules say.
#[derive(Debug, PartialEq, Eq)]
pub enum Decision {
    /// Nothing against it.
    Allow,
    /// A person is to be asked.
    Ask,
    /// No.
    Deny,
}

/// What the rules of the person and the project say of a command line.
pub fn of_the_person(command: &str, folder: &Path) -> Decision {
    let projects = folder.ancestors().map(|folder| folder.join(".claude"));
    let files = settings::folder()
        .into_iter()
        .chain(projects)
        .flat_map(|folder| ["settings.json", "settings.local.json"].map(|name| folder.join(name)));
    let texts = files.filter_map(|path| std::fs::read_to_string(path).ok());
    decide(command, &texts.map(|text| settings::read(&text)).collect::<Vec<_>>())
}

fn decide(command: &str, settings: &[Value]) -> Decision {
    let matched = |list: &str| {
        settings
            .iter()
            .flat_map(|settings| settings["permissions"][list].as_array().into_iter().flatten())
            .filter_map(Value::as_str)
            .any(|rule| matches(rule, command))
    };
    match (matched("deny"), matched("ask")) {
        (true, _) => Decision::Deny,
        (false, true) => Decision::Ask,
        (false, false) => Decision::Allow,
    }
}

/// Whether a rule such as `Bash(npm run *)` or `Bash(wget:*)` is for one of the line's commands.
fn matches(rule: &str, command: &str) -> bool {
    if rule == "Bash" || rule == "Bash(*)" {
        return true;
    }
    let Some(pattern) = rule.strip_prefix("Bash(").and_then(|rule| rule.strip_suffix(')')) else {
        return false;
    };
    let pattern =
        pattern.strip_suffix(":*").map_or_else(|| pattern.to_owned(), |prefix| format!("{prefix}*"));
    let parts = command.split([';', '&', '|', '\n', '(', ')', '`', '{', '}']).map(str::trim);
    parts.chain([command.trim()]).any(|part| {
        let words: Vec<&str> = part.split_whitespace().collect();
        // Behind assignments and launchers stands what the rule is about.
        (0..words.len().min(6))
            .any(|skipped| words.get(skipped..).is_some_and(|words| glob(&pattern, &words.join(" "))))
    })
}

/// Whether a text is of a pattern in which `*` stands for anything. `npm run *` is also for `npm run`.
pub(crate) fn glob(pattern: &str, text: &str) -> bool {
    if pattern.strip_suffix(" *") == Some(text) {
        return true;
    }
    let mut pieces = pattern.split('*');
    let Some(mut rest) = pieces.next().and_then(|first| text.strip_prefix(first)) else { return false };
    let mut last = None;
    for piece in pieces {
        last = Some(piece);
        match rest.find(piece) {
            Some(at) => rest = rest.get(at + piece.len()..).unwrap_or_default(),
            None => return false,
        }
    }
    last.map_or(rest.is_empty(), |last| last.is_empty() || text.ends_with(last))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn rules_are_for_each_command_of_a_line() {
        let settings = [
            json!({ "permissions": { "deny": ["Bash(wget *)", "Bash(rm:*)"], "ask": ["Bash(npm publish)"] } }),
        ];
        for (command, expected) in [
            ("source F && wget x", Decision::Deny),
            ("source F && timeout 5 wget x", Decision::Deny),
            ("source F; X=1 rm -r y", Decision::Deny),
            ("source F && npm publish", Decision::Ask),
            ("source F && npm test", Decision::Allow),
            ("source F && echo wgetter", Decision::Allow),
        ] {
            assert_eq!(decide(command, &settings), expected, "{command}");
        }
    }
}
