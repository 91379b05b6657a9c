//! Shell scripts, makefiles and the scripts of a package.json: which commands stand in them, and where they expand
//! variables. Read roughly: what is taken for a command and is none costs a script values that it could have had.

use super::{
    interpreters::{self, SHELLS},
    steering,
};
use std::{
    collections::{BTreeMap, HashSet},
    iter::Peekable,
    str::Chars,
};

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
    ":", "[", "[[", "awk", "basename", "cat", "cd", "chmod", "cp", "date", "declare", "dirname", "done",
    "echo", "esac", "exit", "export", "false", "fi", "grep", "head", "local", "ls", "mkdir", "mv", "popd",
    "printf", "pushd", "pwd", "read", "readonly", "return", "rm", "sed", "set", "shift", "sleep", "sort",
    "tail", "tee", "test", "touch", "tr", "trap", "true", "typeset", "umask", "unset", "wait", "wc",
];

/// Tools whose every argument may say what is run.
const OBEDIENT: &[&str] =
    &["eval", "make", "gmake", "npm", "npx", "pnpm", "yarn", "bun", "bunx", "run-parts"];

/// Clients of databases, which run commands of the files that they are given.
const CLIENTS: &[&str] = &["mariadb", "mongo", "mongosh", "mysql", "psql", "redis-cli", "sqlite3"];

/// One command as it stands: where, and its words.
struct Raw {
    function: Option<String>,
    words: Vec<Word>,
    /// What follows it in one line, and stands in this shell's brackets, is another.
    is_recipe: bool,
}

#[derive(Clone, Default)]
struct Word {
    /// Without quotes; `${NAME}` where a variable is expanded, `$()` where a command is.
    text: String,
    /// As it stands, for a shell that is told it.
    quoted: String,
    /// Whether wildcards in it are the shell's.
    has_wildcard: bool,
}

/// Reads a shell script, or a makefile.
pub(super) fn read(text: &str, is_make: bool) -> Script {
    let mut lexer =
        Lexer { is_make, found: vec![], function: None, depth: 0, texts: HashSet::new(), level: 0 };
    let joined = text.replace("\\\n", " ");
    if is_make {
        lexer.makefile(&joined);
    } else {
        lexer.commands(&mut joined.chars().peekable(), None, false);
    }
    let mut script = Reading::of(&lexer.found);
    script.texts = lexer.texts;
    script
}

struct Lexer {
    is_make: bool,
    found: Vec<Raw>,
    function: Option<String>,
    /// Of brackets within a function.
    depth: usize,
    texts: HashSet<String>,
    /// Of brackets in brackets.
    level: usize,
}

impl Lexer {
    /// What is nested deeper than anybody writes is read as if it were not.
    const DEEPEST: usize = 64;

    /// Recipes are the shell's; of other lines, what is assigned and what is included.
    fn makefile(&mut self, text: &str) {
        for line in text.lines() {
            if let Some(recipe) = line.strip_prefix('\t') {
                self.commands(
                    &mut recipe.trim_start_matches(['@', '-', '+', ' ']).chars().peekable(),
                    None,
                    true,
                );
                continue;
            }
            let line = line.split('#').next().unwrap_or_default().trim();
            let include =
                ["include ", "-include ", "sinclude "].iter().find_map(|word| line.strip_prefix(word));
            if let Some((_, recipe)) = line.split_once(';').filter(|(rule, _)| rule.contains(':')) {
                self.commands(&mut recipe.chars().peekable(), None, true);
            } else if let Some(files) = include {
                let mut words = vec![Word { text: ".".into(), ..Word::default() }];
                self.line(files, &mut words);
                self.found.push(Raw { function: None, words, is_recipe: false });
            } else if let Some((name, value)) = line.split_once('=') {
                let name = name.trim_end_matches([':', '?', '+', '!', ' ', '\t']);
                let name = name.rsplit(' ').next().unwrap_or_default();
                let mut words = vec![];
                self.line(value, &mut words);
                let texts: Vec<String> = words.into_iter().map(|word| word.text).collect();
                let assignment = Word { text: format!("{name}={}", texts.join(" ")), ..Word::default() };
                self.found.push(Raw { function: None, words: vec![assignment], is_recipe: false });
            } else {
                // Functions of make's may run something in any line.
                self.line(line, &mut vec![]);
            }
        }
    }

    /// The words of a line that is no command.
    fn line(&mut self, text: &str, words: &mut Vec<Word>) {
        if self.level > Self::DEEPEST {
            return;
        }
        self.level += 1;
        let mut characters = text.chars().peekable();
        let mut word = Word::default();
        while let Some(c) = characters.next() {
            match c {
                '$' => self.expansion(&mut characters, &mut word),
                c if c.is_whitespace() => end(&mut word, words),
                c => word.text.push(c),
            }
        }
        end(&mut word, words);
        self.level -= 1;
    }

    /// Reads commands up to the bracket that ends them, or to the end.
    fn commands(&mut self, characters: &mut Peekable<Chars<'_>>, until: Option<char>, is_recipe: bool) {
        if self.level > Self::DEEPEST {
            return;
        }
        self.level += 1;
        let (mut words, mut word) = (Vec::new(), Word::default());
        let mut bodies: Vec<String> = vec![];
        let mut begun = false;
        while let Some(c) = characters.next() {
            if Some(c) == until {
                break;
            }
            match c {
                '\'' => {
                    begun = true;
                    word.quoted.push('\'');
                    while let Some(c) = characters.next().filter(|c| *c != '\'') {
                        word.quoted.push(c);
                        match c {
                            // make expands them all the same.
                            '$' if self.is_make => self.expansion(characters, &mut word),
                            '$' => {}
                            c => word.text.push(c),
                        }
                    }
                    word.quoted.push('\'');
                }
                '"' => {
                    begun = true;
                    while let Some(c) = characters.next().filter(|c| *c != '"') {
                        match c {
                            '$' => self.expansion(characters, &mut word),
                            '`' => self.nested(characters, '`', &mut word),
                            '\\' => word.push(characters.next().unwrap_or_default()),
                            c => word.push(c),
                        }
                    }
                }
                '\\' => word.push(characters.next().unwrap_or_default()),
                '$' => self.expansion(characters, &mut word),
                '`' => self.nested(characters, '`', &mut word),
                '#' if word.text.is_empty() && !begun => {
                    while characters.next_if(|c| *c != '\n').is_some() {}
                }
                '<' | '>' => {
                    // Numbers in front of them are no words.
                    if word.text.bytes().all(|byte| byte.is_ascii_digit()) {
                        word = Word::default();
                    }
                    end(&mut word, &mut words);
                    begun = false;
                    let mut count = 1;
                    while let Some(more) = characters.next_if(|c| ['<', '>', '&', '-', '|'].contains(c)) {
                        count += usize::from(more == '<');
                    }
                    if characters.next_if(|c| *c == '(').is_some() {
                        self.commands(characters, Some(')'), is_recipe);
                        continue;
                    }
                    while characters.next_if(|c| [' ', '\t'].contains(c)).is_some() {}
                    let mut target = String::new();
                    while let Some(c) = characters.next_if(|c| !c.is_whitespace() && !";&|()<>".contains(*c))
                    {
                        if !['"', '\'', '\\'].contains(&c) {
                            target.push(c);
                        }
                    }
                    if c == '<' && count == 2 {
                        bodies.push(target);
                    } else if c == '<' && count == 1 {
                        // What is read there is as good as named.
                        words.push(Word { text: "<".into(), ..Word::default() });
                        self.line(&target, &mut words);
                    }
                }
                ' ' | '\t' | '\r' => {
                    end_if(begun, &mut word, &mut words);
                    begun = false;
                }
                '\n' | ';' | '&' | '|' | ')' => {
                    end_if(begun, &mut word, &mut words);
                    begun = false;
                    self.close(&mut words, is_recipe);
                    if c == '\n' {
                        for ending in std::mem::take(&mut bodies) {
                            let body = body(characters, &ending);
                            let reader = self.found.last().and_then(|raw| raw.words.first());
                            if reader.is_some_and(|word| SHELLS.contains(&word.text.as_str())) {
                                self.commands(&mut body.chars().peekable(), None, is_recipe);
                            }
                        }
                    }
                }
                '(' if words.is_empty() && !word.text.is_empty() && characters.peek() == Some(&')') => {
                    characters.next();
                    self.function = Some(std::mem::take(&mut word.text));
                    self.depth = 0;
                    word = Word::default();
                }
                '(' => {
                    end_if(begun, &mut word, &mut words);
                    begun = false;
                    self.close(&mut words, is_recipe);
                    self.commands(characters, Some(')'), is_recipe);
                }
                '{' if word.text.is_empty() && characters.peek().is_none_or(|c| c.is_whitespace()) => {
                    if let [keyword, name] = words.as_slice()
                        && keyword.text == "function"
                    {
                        self.function = Some(name.text.clone());
                        self.depth = 0;
                        words.clear();
                    }
                    self.depth += 1;
                }
                '}' if word.text.is_empty() && words.is_empty() => {
                    self.depth = self.depth.saturating_sub(1);
                    if self.depth == 0 {
                        self.function = None;
                    }
                }
                c => {
                    word.has_wildcard |= ['*', '?', '['].contains(&c);
                    word.push(c);
                }
            }
        }
        end_if(begun, &mut word, &mut words);
        self.close(&mut words, is_recipe);
        self.level -= 1;
    }

    fn close(&mut self, words: &mut Vec<Word>, is_recipe: bool) {
        if !words.is_empty() {
            let words = std::mem::take(words);
            self.found.push(Raw { function: self.function.clone(), words, is_recipe });
        }
    }

    fn nested(&mut self, characters: &mut Peekable<Chars<'_>>, until: char, word: &mut Word) {
        let before = self.found.len();
        self.commands(characters, Some(until), false);
        let finds = self.found.get(before..).unwrap_or_default();
        // Where a program is, is no file that was found.
        let asks = ["command", "which", "type"];
        let asks = finds
            .first()
            .and_then(|raw| raw.words.first())
            .is_some_and(|word| asks.contains(&word.text.as_str()));
        word.push_all(if asks { "$(which)" } else { "$()" });
    }

    /// What stands behind `$`.
    fn expansion(&mut self, characters: &mut Peekable<Chars<'_>>, word: &mut Word) {
        match characters.peek().copied() {
            // make's way to write the shell's.
            Some('$') if self.is_make => {
                characters.next();
                self.shells(characters, word);
            }
            Some(open @ ('(' | '{')) if self.is_make => {
                characters.next();
                let inner = up_to(characters, open);
                if is_name(&inner) {
                    self.texts.insert(inner.clone());
                    word.push_all(&format!("${{{inner}}}"));
                    return;
                }
                let (function, rest) = inner.split_once(' ').unwrap_or_default();
                if function == "shell" {
                    self.commands(&mut rest.chars().peekable(), None, true);
                }
                if function == "wildcard" {
                    word.push_all("$()");
                    return;
                }
                let mut words = vec![];
                self.line(&inner, &mut words);
                let names = words.iter().flat_map(|word| names_in(&word.text)).collect::<Vec<_>>();
                for name in names {
                    word.push_all(&format!("${{{name}}}"));
                }
                if function == "shell" {
                    word.push_all("$(which)");
                }
            }
            Some(c) if self.is_make && c.is_ascii_alphabetic() => {
                characters.next();
                self.texts.insert(c.to_string());
                word.push_all(&format!("${{{c}}}"));
            }
            _ => self.shells(characters, word),
        }
    }

    fn shells(&mut self, characters: &mut Peekable<Chars<'_>>, word: &mut Word) {
        match characters.peek().copied() {
            Some('(') => {
                characters.next();
                if characters.next_if(|c| *c == '(').is_some() {
                    up_to(characters, '(');
                    characters.next_if(|c| *c == ')');
                    word.push('0');
                } else {
                    self.nested(characters, ')', word);
                }
            }
            Some('{') => {
                characters.next();
                let inner = up_to(characters, '{');
                let inner = inner.trim_start_matches(['#', '!']);
                let end =
                    inner.find(|c: char| !(c.is_alphanumeric() || "_@*".contains(c))).unwrap_or(inner.len());
                word.push_all(&format!("${{{}}}", inner.get(..end).unwrap_or_default()));
                // What stands for one that is not set is expanded in its turn.
                let default = inner.get(end..).unwrap_or_default().trim_start_matches([':', '-', '=', '+']);
                let mut words = vec![];
                self.line(default, &mut words);
                for name in words.iter().flat_map(|word| names_in(&word.text)) {
                    word.push_all(&format!("${{{name}}}"));
                }
            }
            Some(c) if c.is_ascii_alphabetic() || c == '_' => {
                let mut name = String::new();
                while let Some(c) = characters.next_if(|c| c.is_ascii_alphanumeric() || *c == '_') {
                    name.push(c);
                }
                word.push_all(&format!("${{{name}}}"));
            }
            Some(c) if c.is_ascii_digit() || "@*#?!$-".contains(c) => {
                characters.next();
                word.push_all(&format!("${{{c}}}"));
            }
            Some('\'' | '"') => {}
            _ => word.push('$'),
        }
    }
}

impl Word {
    fn push(&mut self, c: char) {
        self.text.push(c);
        self.quoted.push(c);
    }

    fn push_all(&mut self, text: &str) {
        self.text.push_str(text);
        self.quoted.push_str(text);
    }
}

fn end(word: &mut Word, words: &mut Vec<Word>) {
    end_if(false, word, words);
}

fn end_if(begun: bool, word: &mut Word, words: &mut Vec<Word>) {
    let ended = std::mem::take(word);
    if begun || !ended.text.is_empty() {
        words.push(ended);
    }
}

/// The text up to the bracket that closes the one that was opened.
fn up_to(characters: &mut Peekable<Chars<'_>>, open: char) -> String {
    let close = if open == '(' { ')' } else { '}' };
    let (mut text, mut depth) = (String::new(), 0);
    for c in characters.by_ref() {
        if c == open {
            depth += 1;
        } else if c == close {
            if depth == 0 {
                break;
            }
            depth -= 1;
        }
        text.push(c);
    }
    text
}

/// The lines up to the one that ends a here-document.
fn body(characters: &mut Peekable<Chars<'_>>, ending: &str) -> String {
    let mut body = String::new();
    loop {
        let mut line = String::new();
        while let Some(c) = characters.next_if(|c| *c != '\n') {
            line.push(c);
        }
        if characters.next().is_none() || line.trim() == ending {
            return body;
        }
        body.push_str(&line);
        body.push('\n');
    }
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte))
}

/// The variables that a word expands.
fn names_in(word: &str) -> impl Iterator<Item = &str> {
    word.match_indices("${").filter_map(|(at, _)| word.get(at + 2..)?.split('}').next())
}

/// Whether a name is that of an argument of the script's own.
fn is_argument(name: &str) -> bool {
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
                self.place(&format!("{mark}{}", word.text), function, false);
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
            ("npm test \"$@\"", false, true),
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
