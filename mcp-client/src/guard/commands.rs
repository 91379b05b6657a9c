//! Shell scripts, makefiles and the scripts of a package.json: which commands stand in them, and where they expand
//! variables. Read roughly: what is taken for a command and is none costs a script values that it could have had.

mod lexer;

use super::{
    interpreters::{self, SHELLS},
    steering,
};
pub(super) use lexer::names_in;
use lexer::{Raw, Word, is_name, taken_apart};
use std::collections::{BTreeMap, HashSet};

/// What a script says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Script {
    /// The words of each command, its program first, launchers left out. Expansions stand as `${NAME}`.
    pub commands: Vec<Vec<String>>,
    /// Variables that stand for a program, a flag of one, or a file to run, whole.
    pub runs: HashSet<String>,
    /// Variables that are a part of the name of such a file.
    pub parts: HashSet<String>,
    /// Variables elsewhere in a command.
    pub words: HashSet<String>,
    /// Variables that make expands, wherever: what is in them is the shell's to read.
    pub texts: HashSet<String>,
    /// Functions of its own.
    pub functions: HashSet<String>,
    /// Variables that are made of the script's arguments.
    pub handed: HashSet<String>,
    /// It runs what it is told on its command line.
    pub runs_arguments: bool,
    /// It runs files that it lists or computes.
    pub finds_code: bool,
}

/// What is a launcher's word, in front of a command that is to be read itself.
const LAUNCHERS: &[&str] = &[
    "busybox", "chronic", "command", "doas", "env", "exec", "flock", "ionice", "nice", "nohup", "parallel",
    "setsid", "stdbuf", "sudo", "taskset", "time", "timeout", "xargs",
];

/// Words of the shell's own in front of a command.
const KEYWORDS: &[&str] =
    &["!", "do", "elif", "else", "if", "then", "until", "while", "{", "coproc", "builtin", "&&", "@"];

/// Builtins and tools that run nothing of what they are told.
const HARMLESS: &[&str] = &[
    ":", "[", "[[", "basename", "cat", "cd", "chmod", "cp", "date", "declare", "dirname", "done", "echo",
    "esac", "exit", "export", "false", "fi", "grep", "head", "local", "ls", "mkdir", "mv", "popd", "printf",
    "pushd", "pwd", "read", "readonly", "return", "rm", "set", "shift", "sleep", "sort", "tail", "tee",
    "test", "touch", "tr", "trap", "true", "typeset", "umask", "unset", "wait", "wc",
];

/// Tools whose every argument may say what is run.
const OBEDIENT: &[&str] =
    &["eval", "make", "gmake", "npm", "npx", "pnpm", "yarn", "bun", "bunx", "run-parts"];

/// Clients of databases, which run commands of the files that they are given.
const CLIENTS: &[&str] = &["mariadb", "mongo", "mongosh", "mysql", "psql", "redis-cli", "sqlite3"];

/// Reads a shell script, or a makefile.
pub(super) fn read(text: &str, is_make: bool) -> Script {
    let (found, texts) = taken_apart(text, is_make);
    let functions = found.iter().filter_map(|raw| raw.function.clone()).collect();
    Script { texts, functions, ..Reading::of(&found) }
}

/// Whether a name is that of an argument of the script's own.
pub(super) fn is_argument(name: &str) -> bool {
    ["@", "*"].contains(&name) || name.bytes().all(|byte| byte.is_ascii_digit()) && name != "0"
}

#[derive(Default)]
struct Reading {
    script: Script,
    /// What is assigned to a name, and what of it is listed or computed.
    assigned: BTreeMap<String, HashSet<String>>,
    listed: HashSet<String>,
    /// Functions that run what they are given.
    runners: HashSet<String>,
    /// Variables that name a file whose commands are run.
    used: HashSet<String>,
}

impl Reading {
    /// Which functions run what they are given is known once all were read.
    fn of(found: &[Raw]) -> Script {
        const DEEPEST: usize = 4;
        let mut reading = Self::default();
        for _ in 0..DEEPEST {
            let runners = std::mem::take(&mut reading.runners);
            let known = runners.len();
            reading = Self { runners, ..Self::default() };
            for raw in found {
                reading.command(raw.words.clone(), raw.function.as_deref(), raw.is_recipe, 0);
            }
            if reading.runners.len() == known {
                break;
            }
        }
        reading.ended()
    }

    fn ended(mut self) -> Script {
        // What a variable is made of decides with it.
        for names in [&mut self.script.runs, &mut self.script.parts, &mut self.script.words] {
            let mut open: Vec<String> = names.iter().cloned().collect();
            while let Some(name) = open.pop() {
                for other in self.assigned.get(&name).into_iter().flatten() {
                    if names.insert(other.clone()) {
                        open.push(other.clone());
                    }
                }
            }
        }
        let mut handed: HashSet<String> = HashSet::new();
        loop {
            let is_made = |made_of: &HashSet<String>| {
                made_of.iter().any(|other| is_argument(other) || handed.contains(other))
            };
            let more =
                self.assigned.iter().filter(|(name, made_of)| !handed.contains(*name) && is_made(made_of));
            let more: Vec<String> = more.map(|(name, _)| name.clone()).collect();
            if more.is_empty() {
                break;
            }
            handed.extend(more);
        }
        self.script.handed = handed;
        let decide = || self.script.runs.iter().chain(&self.script.parts);
        self.script.finds_code |= decide().chain(&self.used).any(|name| self.listed.contains(name));
        self.script.runs_arguments |= decide().any(|name| is_argument(name));
        self.script
    }

    fn command(&mut self, mut words: Vec<Word>, function: Option<&str>, is_recipe: bool, depth: usize) {
        const DEEPEST: usize = 8;
        if is_recipe && let Some(first) = words.first_mut() {
            first.text = first.text.trim_start_matches(['@', '-', '+']).to_owned();
        }
        loop {
            let Some(first) = words.first().map(|word| word.text.clone()) else { return };
            if KEYWORDS.contains(&first.as_str()) || first.is_empty() {
                words.remove(0);
            } else if first == "case" {
                let at = words.iter().position(|word| word.text == "in").map_or(words.len(), |at| at + 1);
                words.drain(..at);
            } else if ["for", "select"].contains(&first.as_str()) {
                if let Some(name) = words.get(1) {
                    let listed =
                        words.iter().skip(3).any(|word| word.has_wildcard || word.text.contains("$("));
                    self.assign(&name.text.clone(), words.get(3..).unwrap_or_default(), listed);
                }
                return;
            } else if let Some((name, _)) =
                first.split_once('=').filter(|(name, _)| is_name(name.trim_end_matches('+')))
            {
                let name = name.trim_end_matches('+').to_owned();
                let listed = first.contains("$()");
                self.assign(&name, words.get(..1).unwrap_or_default(), listed);
                words.remove(0);
            } else {
                break;
            }
        }
        let Some(first) = words.first().map(|word| word.text.clone()) else { return };
        let name = first.rsplit('/').next().unwrap_or_default().to_owned();
        if ["export", "local", "readonly", "declare", "typeset"].contains(&name.as_str()) {
            for word in words.split_off(1) {
                self.command(vec![word], function, false, depth + 1);
            }
            return;
        }
        if name == "read" {
            let names: Vec<String> = words.iter().skip(1).map(|word| word.text.clone()).collect();
            self.listed.extend(names.into_iter().filter(|name| is_name(name)));
            return;
        }
        if HARMLESS.contains(&name.as_str()) {
            return;
        }
        if depth < DEEPEST && LAUNCHERS.contains(&name.as_str()) {
            let is_flag = |word: &Word| {
                word.text.starts_with('-')
                    || word.text.bytes().next().is_some_and(|byte| byte.is_ascii_digit())
            };
            let lists = ["xargs", "parallel"].contains(&name.as_str());
            let mut rest = words.split_off(1);
            let at = rest.iter().position(|word| !is_flag(word)).unwrap_or(rest.len());
            let flags: Vec<Word> = rest.drain(..at).collect();
            for flag in &flags {
                self.place(&flag.text, function, true);
            }
            if lists && rest.first().is_some_and(|word| is_runner(&word.text)) {
                self.script.finds_code = true;
            }
            return self.command(rest, function, false, depth + 1);
        }
        if depth < DEEPEST && self.runners.contains(&name) {
            return self.command(words.split_off(1), function, false, depth + 1);
        }
        if name == "find" {
            let at =
                words.iter().position(|word| word.text.starts_with("-exec") || word.text.starts_with("-ok"));
            self.script.finds_code |=
                at.and_then(|at| words.get(at + 1)).is_some_and(|word| is_runner(&word.text));
            return;
        }
        // The program itself.
        self.place(&first, function, true);
        self.script.finds_code |= name == "$()" || name == "run-parts";
        let mut is_place = is_runner(&name);
        let mut is_second = false;
        let is_client = CLIENTS.contains(&name.as_str());
        let mut is_input = false;
        // What stands behind the script of one is data.
        let is_interpreter = interpreters::named(&name).is_some();
        // With the agent's arguments in it, it is judged as a command of the agent's (`follow/handed.rs`).
        let is_judged = is_interpreter
            || OBEDIENT.contains(&name.as_str()) && !["eval", "run-parts"].contains(&name.as_str());
        for word in words.iter().skip(1) {
            if depth < DEEPEST && SHELLS.contains(&name.as_str()) && word.text.contains(' ') {
                let inner = read(word.quoted.trim_matches('\''), false);
                self.script.runs.extend(inner.runs);
                self.script.parts.extend(inner.parts);
                self.script.words.extend(inner.words);
                self.script.commands.extend(inner.commands);
                self.script.finds_code |= inner.finds_code;
                is_place = false;
                continue;
            }
            if word.text == "<" {
                is_input = true;
                continue;
            }
            if (is_client || is_input && is_place) && word.text.contains('$') {
                self.used.extend(names_in(&word.text).map(str::to_owned));
                self.script.finds_code |= word.text.contains("$()");
            }
            if std::mem::take(&mut is_input) {
                continue;
            }
            if word.text == "--"
                && OBEDIENT.contains(&name.as_str())
                && name.starts_with(['b', 'n', 'p', 'y'])
            {
                // Behind it stand the arguments of npm's script.
                break;
            }
            if is_place {
                // Behind a variable that may have been the script, another may be, if it is one's name.
                let mark = if is_second { "./" } else { "" };
                let text = if is_judged { without_arguments(&word.text) } else { word.text.clone() };
                self.place(&format!("{mark}{text}"), function, false);
                is_second |= word.text.starts_with('$') && !OBEDIENT.contains(&name.as_str());
                self.script.finds_code |=
                    word.text.rsplit('/').next().is_some_and(|name| name.contains("$()"));
                self.script.finds_code |= word.has_wildcard;
                // What stands behind a script's name is its own.
                is_place = OBEDIENT.contains(&name.as_str())
                    || word.text.starts_with(['-', '+'])
                    || word.text.starts_with('$') && !word.text.contains(['/', '.']);
            } else if !is_interpreter {
                self.script
                    .words
                    .extend(names_in(&word.text).filter(|name| !is_argument(name)).map(str::to_owned));
            }
        }
        self.script.commands.push(words.into_iter().map(|word| word.text).collect());
    }

    /// A word that says what is run.
    fn place(&mut self, word: &str, function: Option<&str>, is_program: bool) {
        let is_whole = |name: &str| word == format!("${{{name}}}") || is_program && !word.contains('/');
        for name in names_in(word) {
            match function {
                // What a function is given, its caller gives it.
                Some(function) if is_argument(name) => {
                    self.runners.insert(function.to_owned());
                }
                _ if is_whole(name) || word.starts_with('-') => {
                    self.script.runs.insert(name.to_owned());
                }
                _ => {
                    self.script.parts.insert(name.to_owned());
                }
            }
        }
    }

    fn assign(&mut self, name: &str, words: &[Word], listed: bool) {
        let names = words.iter().flat_map(|word| names_in(&word.text)).map(str::to_owned);
        let names: Vec<String> = names.collect();
        // What steers the programs that follow is more than a word of theirs; of PATH new programs are looked for.
        if steering::is_steering(name) && name != "PATH" {
            self.script.parts.extend(names.iter().filter(|other| *other != name).cloned());
        }
        self.assigned.entry(name.to_owned()).or_default().extend(names);
        if listed {
            self.listed.insert(name.to_owned());
        }
    }
}

/// A word without what it has of the script's arguments.
fn without_arguments(word: &str) -> String {
    let names: Vec<&str> = names_in(word).filter(|name| is_argument(name)).collect();
    names.iter().fold(word.to_owned(), |word, name| word.replace(&format!("${{{name}}}"), ""))
}

/// Whether a program runs the file that it is given, or does whatever it is told.
fn is_runner(name: &str) -> bool {
    let name = name.rsplit('/').next().unwrap_or_default();
    [".", "source"].contains(&name)
        || OBEDIENT.contains(&name)
        || SHELLS.contains(&name)
        || interpreters::named(name).is_some()
        || name.contains("${")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sorted(names: &HashSet<String>) -> String {
        let mut names: Vec<&str> = names.iter().map(String::as_str).collect();
        names.sort_unstable();
        names.join(" ")
    }

    #[test]
    fn variables_that_name_what_is_run_are_found() {
        for (text, runs, parts, words) in [
            ("node ${ENTRY:-app.js}", "ENTRY", "", ""),
            ("node app.js --port $PORT", "", "", ""),
            ("tool --port $PORT", "", "", "PORT"),
            ("PORT=${PORT:-1} node app.js \"$TARGET\"", "", "", ""),
            ("\"$NODE\" app.js", "NODE", "", ""),
            ("N=${B:-node}\nif true; then $N app.js; fi", "B N", "", ""),
            ("exec \"${RUNNER}\" x", "RUNNER", "", ""),
            ("node $FLAGS app.js", "FLAGS", "", ""),
            ("node --import=$X app.js", "X", "", ""),
            ("env NODE_OPTIONS=$X A=$Y node app.js", "", "X", ""),
            ("export NODE_OPTIONS=\"$NODE_OPTIONS $X\"; node app.js", "", "X", ""),
            (". \"$DIR/env.sh\"", "", "DIR", ""),
            ("node config/$MODE.js", "", "MODE", ""),
            ("npm run $TASK", "TASK", "", ""),
            ("echo $A > $B; rm -f \"$C\"; [ -n \"$D\" ]", "", "", ""),
            ("curl -H \"X: $KEY\" $URL", "", "", "KEY URL"),
            ("sh -c '$CMD x'", "CMD", "", ""),
            ("awk '{print $X}'; grep '$Y' z", "", "", ""),
            ("cat <<EOF\n$A b\nEOF\n$B c", "B", "", ""),
            ("x=$(command -v node); timeout 5 $x app.js", "x", "", ""),
            ("case $X in a) node a.js;; esac", "", "", ""),
        ] {
            let script = read(text, false);
            let found = (sorted(&script.runs), sorted(&script.parts), sorted(&script.words));
            assert_eq!(found, (runs.into(), parts.into(), words.into()), "{text}");
            assert!(!script.finds_code && !script.runs_arguments, "{text}");
        }
    }

    #[test]
    fn what_make_expands_is_found() {
        let text = "NODE ?= node\nA = $(B) -x\nall: dep\n\t@$(NODE) $(DIR)/ready.js $(REST)\n\t$A\n\techo $$HOME\n\t$(shell $(FIND) x) y\ninclude $(MORE).mk\n";
        let script = read(text, true);
        assert_eq!(sorted(&script.runs), "A B FIND NODE");
        assert_eq!(sorted(&script.parts), "DIR MORE");
        assert_eq!(sorted(&script.words), "REST");
        assert!(script.texts.contains("REST"));
        assert!(script.commands.iter().any(|words| words.first().is_some_and(|word| word == "${NODE}")));
    }

    #[test]
    fn depth_ends() {
        for text in ["(".repeat(20_000), "$(".repeat(20_000), "`x $(".repeat(5_000), "${a:-".repeat(2_000)] {
            for is_make in [false, true] {
                read(&text, is_make);
            }
            read(&format!("\t{text}"), true);
        }
    }

    #[test]
    fn what_a_script_lists_or_is_told_is_seen() {
        for (text, finds, told) in [
            ("for f in steps/*.sh; do . \"$f\"; done", true, false),
            ("for f in a.sh b.sh; do . \"$f\"; done", false, false),
            ("ls *.js | while read f; do node $f; done", true, false),
            ("find . -name '*.js' -exec node {} +", true, false),
            ("ls | xargs -n1 node", true, false),
            ("rm -rf dist/*; cp -r src/* out", false, false),
            ("for f in migrations/*.sql; do psql $URL -f \"$f\"; done", true, false),
            ("for f in migrations/*.sql; do psql < $f; done", true, false),
            ("for f in *.sh; do bash < $f; done", true, false),
            ("for f in *.txt; do node count.js < $f; done", false, false),
            ("for f in *.png; do convert $f; done", false, false),
            ("npm test -- \"$@\"", false, false),
            ("npm test \"$@\"", false, false),
            ("node \"$(ls *.js)\"", true, false),
            ("cd \"$(dirname \"$0\")\" && node app.js", false, false),
            ("exec \"$@\"", false, true),
            ("shift; \"$1\" \"$2\"", false, true),
            ("run() { echo \"+ $*\"; \"$@\"; }\nrun node app.js", false, false),
            ("run() { \"$@\"; }\nrun \"$@\"", false, true),
            ("function run { \"$@\"; }\nrun node app.js", false, false),
            ("function run { \"$@\"; }\nrun \"$1\"", false, true),
            ("bash <<EOF\nexec \"$1\"\nEOF\n", false, true),
            ("run() { \"$@\"; }\nrun node app.js \"$@\"", false, false),
            ("run() { \"$@\"; }\nboth() { run \"$@\"; }\nboth \"$1\"", false, true),
            ("node app.js \"$@\"", false, false),
            ("cmd=$1; $cmd x", false, true),
        ] {
            let script = read(text, false);
            assert_eq!((script.finds_code, script.runs_arguments), (finds, told), "{text}: {script:?}");
        }
    }
}
