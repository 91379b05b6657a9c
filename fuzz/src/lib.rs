//! What reads bytes that others wrote, each as a function of bytes. `cargo xtask fuzz` gives them what an engine finds
//! out; `tests/corpus.rs` what is kept, and variations of it, wherever tests run.
//!
//! A target fails by a panic: the code's own, or one of these that says what must hold of whatever was read.

mod agent;
mod files;
mod http;
mod sealed;
mod words;

/// A target: its name, which is that of its corpus and its program, and the function.
pub type Target = (&'static str, fn(&[u8]));

/// All of them.
pub const TARGETS: [Target; 15] = [
    ("address", words::address),
    ("assignments", files::assignments),
    ("audit", words::audit),
    ("blob", sealed::blob),
    ("body", words::body),
    ("config", files::config),
    ("dotenv", files::dotenv),
    ("hook", agent::hook),
    ("http", http::http),
    ("line", agent::line),
    ("masker", agent::masker),
    ("opened", sealed::opened),
    ("pairing", sealed::pairing),
    ("problem", words::problem),
    ("token", words::token),
];

/// Gives a target its bytes.
///
/// # Panics
/// When there is no such target, and as the target does.
pub fn run(name: &str, data: &[u8]) {
    let target = TARGETS.iter().find(|(known, _)| *known == name);
    (target.unwrap_or_else(|| panic!("there is no target {name}")).1)(data);
}
