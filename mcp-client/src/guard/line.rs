//! A command line of the agent: parsed, and each external command of it put under the guard.
//!
//! Text is inserted into the original; the parser's tree is never printed. What is not reached (the text of an
//! `eval`, a sourced script, a variable in place of a name) runs without the guard's wrapper and so holds
//! placeholders: it fails safe.

use super::judge::without_quotes;
use brush_parser::{
    Parser, ParserOptions, SourceSpan,
    ast::{
        AndOr, AndOrList, AssignmentValue, Command, CommandPrefixOrSuffixItem, CompoundCommand, CompoundList,
        IoFileRedirectKind, IoFileRedirectTarget, IoRedirect, Pipeline, SimpleCommand, Word,
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
    if insertions.at.iter().any(|(_, text)| text == COMPUTED) {
        insertions.at.insert(0, (0, computed(wrapper)));
    }
    for (at, text) in insertions.at.iter().rev() {
        if !guarded.is_char_boundary(*at) {
            return Err(not_understood());
        }
        guarded.insert_str(*at, text);
    }
    parse(&guarded).map(|_| guarded)
}

/// What stands before a command whose name the shell is yet to make.
const COMPUTED: &str = "__securecode ";

/// The function that runs such a command: under the wrapper if it is a program, and as it is if it is the shell's own.
fn computed(wrapper: &str) -> String {
    format!(
        "__securecode() {{ case \"$(if [ -n \"${{ZSH_VERSION-}}\" ]; then whence -w -- \"$1\"; else type -t -- \"$1\"; fi)\" in file|*': command') {wrapper} -- \"$@\";; *) \"$@\";; esac; }}; "
    )
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

    /// A group whose standard input is its own: the last command of it is fed, for nothing comes after.
    fn fed_list(&mut self, source: &Source<'_>, list: &CompoundList, fed: bool) -> Result<(), Refusal> {
        let Some((last, before)) = list.0.split_last() else { return Ok(()) };
        before.iter().try_for_each(|item| self.and_or(source, &item.0))?;
        match (last.0.additional.as_slice(), last.0.first.seq.as_slice()) {
            ([], [first, rest @ ..]) => {
                self.command(source, first, fed)?;
                rest.iter().try_for_each(|command| self.command(source, command, true))
            }
            ([.., AndOr::And(pipeline) | AndOr::Or(pipeline)], _) if fed && pipeline.seq.len() == 1 => {
                self.pipeline(source, &last.0.first)?;
                let others = last.0.additional.len() - 1;
                last.0.additional.iter().take(others).try_for_each(|next| match next {
                    AndOr::And(pipeline) | AndOr::Or(pipeline) => self.pipeline(source, pipeline),
                })?;
                pipeline.seq.iter().try_for_each(|command| self.command(source, command, true))
            }
            _ => self.and_or(source, &last.0),
        }
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
                match compound {
                    CompoundCommand::BraceGroup(group) => self.fed_list(source, &group.list, fed),
                    CompoundCommand::Subshell(subshell) => self.fed_list(source, &subshell.list, fed),
                    compound => self.compound(source, compound),
                }
            }
            Command::Function(function) => {
                self.defined.insert(function.fname.value.clone());
                self.redirects(source, function.body.1.iter().flat_map(|list| &list.0))?;
                self.compound(source, &function.body.0)
            }
            Command::ExtendedTest(test, redirects) => {
                let span = (test.loc.start.index, test.loc.end.index);
                if let (Some(start), Some(end)) = (source.bytes.get(span.0), source.bytes.get(span.1)) {
                    self.substitutions(
                        source.text.get(*start..*end).unwrap_or_default(),
                        source.offset + start,
                    );
                }
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
                            | IoRedirect::File(
                                None | Some(0),
                                IoFileRedirectKind::Read,
                                IoFileRedirectTarget::ProcessSubstitution(..)
                            )
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
        if is_computed(&name.value) {
            if let Some(start) = name.loc.as_ref().and_then(|span| source.start_of(span, &name.value)) {
                self.at.push((source.offset + start, COMPUTED.to_owned()));
            }
            return Ok(());
        }
        if self.is_external(&without_quotes(&name.value))
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
                // The words of an array have no place of their own.
                AssignmentValue::Array(_) => {
                    if let Some(start) = word.loc.as_ref().and_then(|span| source.start_of(span, &word.value))
                    {
                        self.substitutions(&word.value, source.offset + start);
                    }
                    Ok(())
                }
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
            IoRedirect::HereDocument(_, here) => {
                let mut places = source.text.match_indices(here.doc.value.as_str());
                // Only where it can be told which text it is.
                if here.requires_expansion
                    && let (Some((start, text)), None) = (places.next(), places.next())
                {
                    self.substitutions(text, source.offset + start);
                }
                Ok(())
            }
            IoRedirect::File(_, _, IoFileRedirectTarget::Fd(_)) => Ok(()),
            IoRedirect::HereString(_, word) | IoRedirect::OutputAndError(word, _) => self.word(source, word),
        })
    }

    /// The command substitutions of a text that the parser left whole. What is not understood is left as it is, and so
    /// holds placeholders.
    fn substitutions(&mut self, text: &str, offset: usize) {
        let mut at = 0;
        while let Some(found) = text.get(at..).and_then(|rest| rest.find("$(")) {
            let start = at + found + 2;
            at = start;
            let before = text.get(..start - 2).unwrap_or_default();
            let is_literal =
                before.ends_with('\\') || text.get(start..).is_some_and(|rest| rest.starts_with('('));
            if is_literal {
                continue;
            }
            let ends = text.match_indices(')').map(|(end, _)| end).filter(|end| *end >= start);
            let inner = ends.filter_map(|end| text.get(start..end)).find(|inner| parse(inner).is_ok());
            if let Some(inner) = inner {
                let (known, depth) = (self.at.len(), self.depth);
                if self.source(inner, offset + start).is_err() {
                    self.at.truncate(known);
                    self.depth = depth;
                }
                at = start + inner.len();
            }
        }
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
                WordPiece::ArithmeticExpression(_) | WordPiece::ParameterExpansion(_) => {
                    self.substitutions(text, offset + piece.start_index);
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// Whether a command's name is a text that the shell is yet to make.
fn is_computed(name: &str) -> bool {
    name.starts_with(['$', '`']) || name.starts_with("\"$") || name.starts_with("\"`")
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
            ("'node' a; \\node b", "W -- 'node' a; W -- \\node b"),
            (
                "[[ $(node a) == x ]]; l=($(node b)); echo $(( $(node c) + 1 )) \"${X:-$(node d)}\"",
                "[[ $(W -- node a) == x ]]; l=($(W -- node b)); echo $(( $(W -- node c) + 1 )) \"${X:-$(W -- node d)}\"",
            ),
            ("cat <<X\n$(node a)\nX", "W --input -- cat <<X\n$(W -- node a)\nX"),
            ("cat <<'X'\n$(node a)\nX", "W --input -- cat <<'X'\n$(node a)\nX"),
            ("a | { b; node c; }", "W -- a | { W -- b; W --input -- node c; }"),
            ("a | (cd x && node c)", "W -- a | (cd x && W --input -- node c)"),
            ("node a < <(b)", "W --input -- node a < <(W -- b)"),
            ("x=`date`; case $x in *) id;; esac", "x=`W -- date`; case $x in *) W -- id;; esac"),
            ("! sh deploy.sh || true", "! W -- sh deploy.sh || true"),
        ] {
            assert_eq!(guarded(source), expected);
        }
    }

    #[test]
    fn a_name_that_the_shell_makes_is_looked_at_when_it_is_made() {
        let guarded = guarded("f() { \"$@\"; }; f node a; $E b; \"$(echo env)\" c");
        let (function, line) = guarded.split_once("esac; }; ").unwrap();
        assert!(function.starts_with("__securecode() {"), "{function}");
        assert_eq!(
            line,
            "f() { __securecode \"$@\"; }; f node a; __securecode $E b; __securecode \"$(echo env)\" c"
        );
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        for source in ["if then", "echo 'open", "a && && b", "for ((;;"] {
            assert!(guarded(source).starts_with("refused: "), "{source}");
        }
    }
}
