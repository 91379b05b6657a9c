//! Keeps values from the agent while its commands use them. The principle: *the shell never holds a value*.
//!
//! - `hook.rs` is called by the agent's hooks (`securecode guard`); `judge.rs` says no to what the agent is about to do.
//! - `shell.rs` receives every command line of the agent (`CLAUDE_CODE_SHELL_PREFIX`), has `line.rs` put this
//!   program before each external command of a line that uses secrets, and masks what the line prints.
//! - `exec.rs` is what was put there: it turns placeholders into values for that one process, if `program.rs`
//!   trusts it with them (`arguments.rs`, `interpreters.rs`, `consumers/`, `steering.rs`: what it is told; `reach.rs`,
//!   `changes.rs`: unchanged since the session began), and masks what it prints. `command_line.rs` keeps values off the arguments that
//!   other processes see. Where no session lives, `agents.rs`
//!   knows since when agents are there.
//! - `reach.rs` says what a program runs, and `follow.rs` follows it there, with the arguments that the agent gives it
//!   (`follow/handed.rs`): `texts.rs`, `commands.rs`, `makefile.rs`, `recipes.rs`, `modules.rs` and
//!   `packages.rs` know where a text leads, `configuration.rs` what tools read by themselves, `project.rs` which files
//!   there are, `search_path.rs` which programs are new in PATH, and `dependencies.rs` whether a
//!   dependency names one.
//! - `trusted.rs` is a program's code once it was judged, and `signs.rs` what the system tells of changes to it.
//! - `apart.rs` keeps programs without secrets from looking into those with.
//! - `script.rs` is the sandbox profile's way: the hook has a line with secrets run in a sandbox of ours, once the
//!   person's own `rules.rs` were looked at.

pub mod agents;
mod apart;
mod arguments;
pub mod changes;
mod command_line;
mod commands;
mod configuration;
mod consumers;
mod dependencies;
pub mod exec;
mod follow;
pub mod hook;
mod interpreters;
pub mod judge;
pub mod line;
mod makefile;
mod modules;
mod names;
pub mod output;
mod packages;
pub mod program;
pub mod project;
pub mod reach;
mod recipes;
pub mod rules;
pub mod script;
mod search_path;
pub mod shell;
#[cfg(target_os = "linux")]
mod signs;
pub mod steering;
mod texts;
pub mod trusted;
