//! A command line of the agent: parsed, and each external command of it put under the guard.
//!
//! Text is inserted into the original; the parser's tree is never printed. What is not reached (the text of an
//! `eval`, a sourced script, a variable in place of a name) runs without the guard's wrapper and so holds
//! placeholders: it fails safe.

use brush_parser::{
    Parser, ParserOptions, SourceSpan,
    ast::{
        AndOr, AndOrList, AssignmentValue, Command, CommandPrefixOrSuffixItem, CompoundCommand, CompoundList,
        IoFileRedirectTarget, IoRedirect, Pipeline, SimpleCommand, Word,
    },
    word::{self, WordPiece, WordPieceWithSource},
};
use std::collections::HashSet;

/// Why a line is not run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal(pub String);

/// What the wrapper is told of its standard input.
pub const SWAP_INPUT: &str = "--input";

/// Words that run the command behind them in the shell itself.
const PREFIXES: &[&str] = &["exec", "command", "time", "builtin", "noglob", "nocorrect"];

const BUILTINS: &[&str] = &[
    ".",
    ":",
    "[",
    "alias",
    "autoload",
    "bg",
    "bind",
    "break",
    "builtin",
    "caller",
    "cd",
    "command",
    "compgen",
    "complete",
    "compopt",
    "continue",
    "declare",
    "dirs",
    "disown",
    "echo",
    "emulate",
    "enable",
    "eval",
    "exec",
    "exit",
    "export",
    "false",
    "fc",
    "fg",
    "getopts",
    "hash",
    "help",
    "history",
    "jobs",
    "kill",
    "let",
    "local",
    "logout",
    "mapfile",
    "popd",
    "print",
    "printf",
    "pushd",
    "pwd",
    "read",
    "readarray",
    "readonly",
    "rehash",
    "return",
    "set",
    "setopt",
    "shift",
    "shopt",
    "source",
    "suspend",
    "test",
    "times",
    "trap",
    "true",
    "type",
    "typeset",
    "ulimit",
    "umask",
    "unalias",
    "unset",
    "unsetopt",
    "wait",
    "whence",
    "zmodload",
];

/// Puts `wrapper` before each external command of a line. `defined` are names that the agent's shell has as
/// functions or aliases.
///
/// # Errors
/// When the line is not understood.
pub fn guard(source: &str, wrapper: &str, defined: &HashSet<String>) -> Result<String, Refusal> {
    let mut insertions = Insertions { wrapper, defined: defined.clone(), at: Vec::new(), depth: 0 };
    insertions.source(source, 0)?;
    insertions.at.sort();
    insertions.at.dedup_by_key(|(at, _)| *at);
    let mut guarded = source.to_owned();
    for (at, text) in insertions.at.iter().rev() {
        if !guarded.is_char_boundary(*at) {
            return Err(not_understood());
        }
        guarded.insert_str(*at, text);
    }
    parse(&guarded).map(|_| guarded)
}

/// A text as one word of a shell.
pub fn quote(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

fn not_understood() -> Refusal {
    Refusal("this command line is not understood well enough to run it with secrets; write it in plain POSIX shell, or put it into a script and run that".into())
}

fn parse(source: &str) -> Result<brush_parser::ast::Program, Refusal> {
    let parsed = std::panic::catch_unwind(|| {
        Parser::new(std::io::Cursor::new(source.as_bytes()), &ParserOptions::default()).parse_program()
    });
    parsed.map_err(|_| not_understood())?.map_err(|_| not_understood())
}

struct Insertions<'a> {
    wrapper: &'a str,
    defined: HashSet<String>,
    at: Vec<(usize, String)>,
    depth: usize,
}

/// The text being read: as characters, for spans count those, and where it stands in the whole.
struct Source<'a> {
    text: &'a str,
    offset: usize,
    /// The byte at which each character begins.
    bytes: Vec<usize>,
}

impl Source<'_> {
    /// Where a word begins, in bytes of `text`. Spans end where the word ends, but may begin too early: before
    /// a line's continuation.
    fn start_of(&self, span: &SourceSpan, word: &str) -> Option<usize> {
        let end = *self.bytes.get(span.end.index)?;
        let start = end.checked_sub(word.len())?;
        (self.text.get(start..end)? == word).then_some(start)
    }
}

impl Insertions<'_> {
    fn source(&mut self, text: &str, offset: usize) -> Result<(), Refusal> {
        self.depth += 1;
        if self.depth > 30 {
            return Err(not_understood());
        }
        let program = parse(text)?;
        let bytes = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
        let source = Source { text, offset, bytes };
        for list in &program.complete_commands {
            self.list(&source, list)?;
        }
        self.depth -= 1;
        Ok(())
    }

    fn list(&mut self, source: &Source<'_>, list: &CompoundList) -> Result<(), Refusal> {
        list.0.iter().try_for_each(|item| self.and_or(source, &item.0))
    }

    fn and_or(&mut self, source: &Source<'_>, list: &AndOrList) -> Result<(), Refusal> {
        self.pipeline(source, &list.first)?;
        list.additional.iter().try_for_each(|next| match next {
            AndOr::And(pipeline) | AndOr::Or(pipeline) => self.pipeline(source, pipeline),
        })
    }

    fn pipeline(&mut self, source: &Source<'_>, pipeline: &Pipeline) -> Result<(), Refusal> {
        pipeline
            .seq
            .iter()
            .enumerate()
            .try_for_each(|(stage, command)| self.command(source, command, stage > 0))
    }

    fn command(&mut self, source: &Source<'_>, command: &Command, fed: bool) -> Result<(), Refusal> {
        match command {
            Command::Simple(simple) => self.simple(source, simple, fed),
            Command::Compound(compound, redirects) => {
                self.redirects(source, redirects.iter().flat_map(|list| &list.0))?;
                self.compound(source, compound)
            }
            Command::Function(function) => {
                self.defined.insert(function.fname.value.clone());
                self.redirects(source, function.body.1.iter().flat_map(|list| &list.0))?;
                self.compound(source, &function.body.0)
            }
            Command::ExtendedTest(_, redirects) => {
                self.redirects(source, redirects.iter().flat_map(|list| &list.0))
            }
        }
    }

    fn compound(&mut self, source: &Source<'_>, compound: &CompoundCommand) -> Result<(), Refusal> {
        match compound {
            CompoundCommand::Arithmetic(_) => Ok(()),
            CompoundCommand::ArithmeticForClause(clause) => self.list(source, &clause.body.list),
            CompoundCommand::BraceGroup(group) => self.list(source, &group.list),
            CompoundCommand::Subshell(subshell) => self.list(source, &subshell.list),
            CompoundCommand::ForClause(clause) => {
                clause.values.iter().flatten().try_for_each(|word| self.word(source, word))?;
                self.list(source, &clause.body.list)
            }
            CompoundCommand::CaseClause(clause) => {
                self.word(source, &clause.value)?;
                clause
                    .cases
                    .iter()
                    .filter_map(|case| case.cmd.as_ref())
                    .try_for_each(|list| self.list(source, list))
            }
            CompoundCommand::IfClause(clause) => {
                self.list(source, &clause.condition)?;
                self.list(source, &clause.then)?;
                clause.elses.iter().flatten().try_for_each(|other| {
                    other.condition.iter().try_for_each(|list| self.list(source, list))?;
                    self.list(source, &other.body)
                })
            }
            CompoundCommand::WhileClause(clause) | CompoundCommand::UntilClause(clause) => {
                self.list(source, &clause.0)?;
                self.list(source, &clause.1.list)
            }
            CompoundCommand::Coprocess(coprocess) => self.command(source, &coprocess.body, true),
        }
    }

    fn simple(&mut self, source: &Source<'_>, command: &SimpleCommand, piped: bool) -> Result<(), Refusal> {
        let before = command.prefix.iter().flat_map(|list| &list.0);
        let after = || command.suffix.iter().flat_map(|list| &list.0);
        let items: Vec<&CommandPrefixOrSuffixItem> = before.chain(after()).collect();
        let fed = piped
            || items.iter().any(|item| {
                matches!(
                    item,
                    CommandPrefixOrSuffixItem::IoRedirect(
                        IoRedirect::HereDocument(None | Some(0), _)
                            | IoRedirect::HereString(None | Some(0), _)
                    )
                )
            });
        for item in &items {
            self.item(source, item)?;
        }
        let Some(name) = &command.word_or_name else { return Ok(()) };
        self.word(source, name)?;
        let words = after().filter_map(|item| match item {
            CommandPrefixOrSuffixItem::Word(word) | CommandPrefixOrSuffixItem::AssignmentWord(_, word) => {
                Some(word)
            }
            _ => None,
        });
        // `exec node`, `command node`, `time node`: the program is behind.
        let mut name = name;
        for word in words {
            if !PREFIXES.contains(&name.value.as_str()) {
                break;
            }
            if word.value.starts_with('-') {
                if word.value != "-p" || name.value != "time" {
                    return Ok(());
                }
                continue;
            }
            name = word;
        }
        if self.is_external(&name.value)
            && let Some(span) = &name.loc
            && let Some(start) = source.start_of(span, &name.value)
        {
            let input = if fed { format!("{SWAP_INPUT} ") } else { String::new() };
            self.at.push((source.offset + start, format!("{} {input}-- ", self.wrapper)));
        }
        Ok(())
    }

    /// Whether a command's name is that of a program: not the shell's own, not a function or alias, and no text
    /// that the shell is yet to make.
    fn is_external(&self, name: &str) -> bool {
        let plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-./+@%:,~".contains(&byte));
        let path = name.contains('/') && !name.contains(['`', '(']);
        (plain || path)
            && !BUILTINS.contains(&name)
            && !PREFIXES.contains(&name)
            && !self.defined.contains(name)
    }

    fn item(&mut self, source: &Source<'_>, item: &CommandPrefixOrSuffixItem) -> Result<(), Refusal> {
        match item {
            CommandPrefixOrSuffixItem::IoRedirect(redirect) => self.redirects(source, [redirect]),
            CommandPrefixOrSuffixItem::Word(word) => self.word(source, word),
            CommandPrefixOrSuffixItem::AssignmentWord(assignment, word) => match &assignment.value {
                AssignmentValue::Scalar(_) => self.word(source, word),
                // The words of an array have no place of their own: what they run holds placeholders.
                AssignmentValue::Array(_) => Ok(()),
            },
            CommandPrefixOrSuffixItem::ProcessSubstitution(_, subshell) => self.list(source, &subshell.list),
        }
    }

    fn redirects<'r>(
        &mut self,
        source: &Source<'_>,
        redirects: impl IntoIterator<Item = &'r IoRedirect>,
    ) -> Result<(), Refusal> {
        redirects.into_iter().try_for_each(|redirect| match redirect {
            IoRedirect::File(
                _,
                _,
                IoFileRedirectTarget::Filename(word) | IoFileRedirectTarget::Duplicate(word),
            ) => self.word(source, word),
            IoRedirect::File(_, _, IoFileRedirectTarget::ProcessSubstitution(_, subshell)) => {
                self.list(source, &subshell.list)
            }
            IoRedirect::File(_, _, IoFileRedirectTarget::Fd(_)) | IoRedirect::HereDocument(..) => Ok(()),
            IoRedirect::HereString(_, word) | IoRedirect::OutputAndError(word, _) => self.word(source, word),
        })
    }

    /// The command substitutions of a word.
    fn word(&mut self, source: &Source<'_>, word: &Word) -> Result<(), Refusal> {
        if !word.value.contains(['$', '`']) {
            return Ok(());
        }
        let Some(start) = word.loc.as_ref().and_then(|span| source.start_of(span, &word.value)) else {
            return Ok(());
        };
        let pieces = word::parse(&word.value, &ParserOptions::default()).map_err(|_| not_understood())?;
        self.pieces(&word.value, source.offset + start, &pieces)
    }

    fn pieces(&mut self, word: &str, offset: usize, pieces: &[WordPieceWithSource]) -> Result<(), Refusal> {
        for piece in pieces {
            let text = word.get(piece.start_index..piece.end_index).unwrap_or_default();
            match &piece.piece {
                WordPiece::CommandSubstitution(inner) if text == format!("$({inner})") => {
                    self.source(inner, offset + piece.start_index + 2)?;
                }
                // Without backslashes a backquoted text is what the shell will read.
                WordPiece::BackquotedCommandSubstitution(inner)
                    if text == format!("`{inner}`") && !inner.contains('\\') =>
                {
                    self.source(inner, offset + piece.start_index + 1)?;
                }
                WordPiece::DoubleQuotedSequence(inner) | WordPiece::GettextDoubleQuotedSequence(inner) => {
                    self.pieces(word, offset, inner)?;
                }
                _ => {}
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guarded(source: &str) -> String {
        guard(source, "W", &HashSet::from(["ll".to_owned()]))
            .unwrap_or_else(|refusal| format!("refused: {}", refusal.0))
    }

    #[test]
    fn the_wrapper_stands_before_each_external_command() {
        for (source, expected) in [
            ("node app.js", "W -- node app.js"),
            ("source F && node app.js", "source F && W -- node app.js"),
            (
                "A=1 B=\"$(date)\" node x | grep y; echo z",
                "A=1 B=\"$(W -- date)\" W -- node x | W --input -- grep y; echo z",
            ),
            ("cd sub && \\\n  node app.js \\\n  --flag", "cd sub && \\\n  W -- node app.js \\\n  --flag"),
            ("for i in $(seq 3); do curl $i; done", "for i in $(W -- seq 3); do W -- curl $i; done"),
            ("f() { ls; }; f; ll", "f() { W -- ls; }; f; ll"),
            (
                "exec node a; command -v node; command node b; time make",
                "exec W -- node a; command -v node; command W -- node b; time W -- make",
            ),
            ("cat <<< \"é $(./x)\"", "W --input -- cat <<< \"é $(W -- ./x)\""),
            (
                "diff <(sort a) <(sort b) > >(tee o)",
                "W -- diff <(W -- sort a) <(W -- sort b) > >(W -- tee o)",
            ),
            ("psql <<X\n$PW\nX\nnode b", "W --input -- psql <<X\n$PW\nX\nW -- node b"),
            (
                "if [[ -f x ]]; then make; else (npm test &) fi",
                "if [[ -f x ]]; then W -- make; else (W -- npm test &) fi",
            ),
            ("\"$HOME/bin/x\" a; $E b; \"$(echo env)\" c", "W -- \"$HOME/bin/x\" a; $E b; \"$(echo env)\" c"),
            ("x=`date`; case $x in *) id;; esac", "x=`W -- date`; case $x in *) W -- id;; esac"),
            ("! sh deploy.sh || true", "! W -- sh deploy.sh || true"),
        ] {
            assert_eq!(guarded(source), expected);
        }
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        for source in ["if then", "echo 'open", "a && && b", "for ((;;"] {
            assert!(guarded(source).starts_with("refused: "), "{source}");
        }
    }
}
