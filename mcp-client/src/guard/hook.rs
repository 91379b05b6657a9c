//! What the agent's hooks call: before a tool is used, the guard says no or nothing; after it, values that came
//! out all the same are taken out of what the model is shown.
//!
//! The hook says yes to one thing alone: a line with secrets that it has run in our sandbox, once the person's
//! own rules were looked at. All else stays with those rules.

#![allow(clippy::indexing_slicing, reason = "a JSON value that lacks a field gives null, and never panics")]

use super::{
    agents,
    judge::{judge_command, judge_path, mentions_session_file, refused, without_quotes},
    line::{self, Refusal},
    output,
    rules::{self, Decision},
    script,
};
use crate::{profile::Profile, ticket};
use serde_json::{Value, json};
use std::{
    collections::HashSet,
    io::Read,
    path::{Path, PathBuf},
};

/// The commands of ours that are let out of the agent's sandbox, which reaches neither vault nor key.
pub const LET_OUT: [&str; 2] = ["run", "list"];

/// Answers one call of a hook: JSON in, JSON out. Nothing to say is an empty answer.
pub fn answer(input: &str) -> Result<Option<Value>, String> {
    let call: Value = serde_json::from_str(input).map_err(|_| "the hook's input is not JSON".to_owned())?;
    match call["hook_event_name"].as_str() {
        Some("PreToolUse") => {
            if let Some(session) = call["session_id"].as_str() {
                agents::note(session).map_err(|error| error.to_string())?;
            }
            Ok(before(&call))
        }
        Some("PostToolUse") => after(&call),
        _ => Ok(None),
    }
}

/// Reads a call from standard input and answers it. Whatever fails refuses the tool: exit code 2 is the one that
/// agents obey.
pub fn run() -> std::process::ExitCode {
    let mut input = String::new();
    let read = std::io::stdin().read_to_string(&mut input).map_err(|error| error.to_string());
    match read.and_then(|_| answer(&input)) {
        Ok(Some(answer)) => {
            println!("{answer}");
            std::process::ExitCode::SUCCESS
        }
        Ok(None) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            eprintln!(
                "securecode: the guard failed, so nothing was done: {error}\n  to do now: ask the user to run: securecode check"
            );
            std::process::ExitCode::from(2)
        }
    }
}

fn before(call: &Value) -> Option<Value> {
    let tool = call["tool_name"].as_str().unwrap_or_default();
    let input = &call["tool_input"];
    let folder = PathBuf::from(call["cwd"].as_str().unwrap_or("."));
    if tool == "Bash" {
        return before_command(input, &folder);
    }
    // What is searched for is no path; names of files are no secrets, but for those of our own.
    let paths = match tool {
        "Grep" => &["path", "glob"][..],
        "Glob" => &["path"],
        _ => &["file_path", "path", "notebook_path"],
    };
    paths
        .iter()
        .filter_map(|field| input[*field].as_str())
        .try_for_each(|path| judge_path(&folder.join(path)))
        .and_then(|()| judge_content(tool, &folder, input))
        .err()
        .map(|refusal| decided("deny", &refusal.0))
}

fn before_command(input: &Value, folder: &Path) -> Option<Value> {
    let command = input["command"].as_str().unwrap_or_default();
    let sandboxed = Profile::of_this_machine().ok() == Some(Profile::Sandbox);
    let uses_secrets = mentions_session_file(command);
    let judged = judge_command(command, folder)
        .and_then(|()| if sandboxed && !uses_secrets { judge_our_own(command) } else { Ok(()) })
        .and_then(|()| {
            if uses_secrets { line::guard(command, "guard", &HashSet::new()).map(drop) } else { Ok(()) }
        });
    match judged {
        Err(refusal) => Some(decided("deny", &refusal.0)),
        Ok(()) if sandboxed && (uses_secrets || works_on_git(command)) => {
            Some(in_our_sandbox(command, folder, input))
        }
        Ok(()) => None,
    }
}

fn decided(decision: &str, reason: &str) -> Value {
    json!({ "hookSpecificOutput": {
        "hookEventName": "PreToolUse", "permissionDecision": decision, "permissionDecisionReason": format!("SecureCode: {reason}"),
    }})
}

/// Whether a line changes or lists what git tracks, on this machine alone. In the agent's sandbox git finds files
/// that only stand for what may not be made there (`.gitconfig`, `.vscode`, …), lists them, and fails to add them.
fn works_on_git(command: &str) -> bool {
    const TRIPPED: [&str; 3] = ["add", "stash", "clean"];
    const REMOTE: [&str; 8] =
        ["push", "pull", "fetch", "clone", "ls-remote", "submodule", "remote", "config"];
    let parts = command.split([';', '&', '|', '\n', '(', ')', '`']);
    let commands = parts.map(|part| part.split_whitespace().collect::<Vec<_>>());
    let moves = command.split_whitespace().any(|word| word == "cd");
    let mut local = false;
    for words in commands.filter(|words| words.contains(&"git")) {
        let verb =
            words.iter().skip_while(|word| **word != "git").skip(1).find(|word| !word.starts_with('-'));
        if verb.is_some_and(|verb| REMOTE.contains(verb)) {
            return false;
        }
        // Where the agent is afterwards, it only knows of what runs in its own sandbox.
        local |= words.first() == Some(&"git") && (!moves || words.iter().any(|word| TRIPPED.contains(word)));
    }
    local
}

/// Has a line run in our sandbox: what the agent runs in its place is let out of its own.
fn in_our_sandbox(command: &str, folder: &Path, input: &Value) -> Value {
    // The agent will judge the new command by the person's rules, so the old one is judged here.
    match rules::of_the_person(command, folder) {
        Decision::Deny => return decided("deny", "your permission rules deny this command"),
        Decision::Ask => return decided("ask", "your permission rules ask about this command"),
        Decision::Allow => {}
    }
    match script::write(command, folder) {
        Ok(id) => {
            let mut input = input.clone();
            if let Some(input) = input.as_object_mut() {
                input.insert("command".to_owned(), json!(format!("securecode run --id {id}")));
            }
            // It runs in a sandbox, so it is allowed as the agent allows what runs in its own.
            json!({ "hookSpecificOutput": { "hookEventName": "PreToolUse", "permissionDecision": "allow", "updatedInput": input } })
        }
        Err(error) => decided("deny", &error.to_string()),
    }
}

/// What is let out of the agent's sandbox stands alone or not at all.
fn judge_our_own(command: &str) -> Result<(), Refusal> {
    let plain = without_quotes(command);
    let words: Vec<&str> = plain.split_whitespace().collect();
    let verb = words.windows(2).find_map(|pair| match pair {
        [program, verb] if program.rsplit('/').next() == Some("securecode") && LET_OUT.contains(verb) => {
            Some(*verb)
        }
        _ => None,
    });
    let Some(verb) = verb else { return Ok(()) };
    let alone = words.starts_with(&["securecode", verb])
        && !command.contains([';', '&', '|', '\n', '<', '>', '`', '(', ')', '$']);
    if alone && !words.contains(&"--id") {
        return Ok(());
    }
    Err(refused(match verb {
        "run" => "`securecode run -- COMMAND` must be the whole command line; better: source FILE && COMMAND",
        _ => "in the sandbox, `securecode list` must be the whole command line; or call list-secrets",
    }))
}

/// A file that holds a value of a living session is not read into the conversation.
fn judge_content(tool: &str, folder: &Path, input: &Value) -> Result<(), Refusal> {
    const LARGEST: u64 = 64 << 20;
    if tool != "Read" {
        return Ok(());
    }
    let path = folder.join(input["file_path"].as_str().unwrap_or_default());
    if !path.metadata().is_ok_and(|metadata| metadata.is_file() && metadata.len() <= LARGEST) {
        return Ok(());
    }
    let Some(masker) = living_masker().map_err(Refusal)? else { return Ok(()) };
    let names = masker.find(&std::fs::read(path).unwrap_or_default());
    if names.is_empty() {
        return Ok(());
    }
    Err(Refusal(format!(
        "this file holds the value of {}; read the part that you need with grep or sed in a command, which is masked",
        names.join(", ")
    )))
}

/// The masker of what living sessions hold, if they hold anything.
fn living_masker() -> Result<Option<masker::Masker>, String> {
    let sessions = ticket::living();
    if sessions.iter().all(|session| session.secrets.is_empty()) {
        return Ok(None);
    }
    output::masker(&sessions).map(Some).map_err(|error| error.to_string())
}

/// Takes values out of what a tool answered.
fn after(call: &Value) -> Result<Option<Value>, String> {
    let Some(masker) = living_masker()? else { return Ok(None) };
    let mut shown = call["tool_response"].clone();
    if !mask(&mut shown, &masker) {
        return Ok(None);
    }
    Ok(Some(json!({ "hookSpecificOutput": { "hookEventName": "PostToolUse", "updatedToolOutput": shown } })))
}

/// Masks every text in a value, which keeps its shape; whether there was anything to mask.
fn mask(value: &mut Value, masker: &masker::Masker) -> bool {
    match value {
        Value::String(text) => {
            let masked = masker.mask(text.as_bytes());
            let differs = masked != text.as_bytes();
            if differs {
                *text = String::from_utf8_lossy(&masked).into_owned();
            }
            differs
        }
        Value::Array(items) => items.iter_mut().fold(false, |any, item| mask(item, masker) | any),
        Value::Object(fields) => fields.values_mut().fold(false, |any, field| mask(field, masker) | any),
        _ => false,
    }
}
