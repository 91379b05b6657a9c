//! The project's `.gitignore`.

/// The text with a line that names this file, unless one names it already. What is there stays.
pub fn with(text: &str, name: &str) -> String {
    let named = [name.to_owned(), format!("/{name}"), format!("**/{name}")];
    if text.lines().any(|line| named.iter().any(|named| line.trim() == named)) {
        return text.to_owned();
    }
    let newline = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
    format!("{text}{newline}{name}\n")
}
