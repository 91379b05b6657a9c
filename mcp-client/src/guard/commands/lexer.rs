//! Shell scripts and makefiles, taken apart into the words of their commands.

use crate::guard::interpreters::SHELLS;
use std::{collections::HashSet, iter::Peekable, str::Chars};

/// One command as it stands: where, and its words.
pub(super) struct Raw {
    pub function: Option<String>,
    pub words: Vec<Word>,
    /// What follows it in one line, and stands in this shell's brackets, is another.
    pub is_recipe: bool,
}

#[derive(Clone, Default)]
pub(super) struct Word {
    /// Without quotes; `${NAME}` where a variable is expanded, `$()` where a command is.
    pub text: String,
    /// As it stands, for a shell that is told it.
    pub quoted: String,
    /// Whether wildcards in it are the shell's.
    pub has_wildcard: bool,
}

/// The commands of a shell script or a makefile, and the variables that make expands in it.
pub(super) fn taken_apart(text: &str, is_make: bool) -> (Vec<Raw>, HashSet<String>) {
    let mut lexer =
        Lexer { is_make, found: vec![], function: None, depth: 0, texts: HashSet::new(), level: 0 };
    let joined = text.replace("\\\n", " ");
    if is_make {
        lexer.makefile(&joined);
    } else {
        lexer.commands(&mut joined.chars().peekable(), None, false);
    }
    (lexer.found, lexer.texts)
}

/// Takes a text apart.
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

pub(super) fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte))
}

/// The variables that a word expands.
pub(in crate::guard) fn names_in(word: &str) -> impl Iterator<Item = &str> {
    word.match_indices("${").filter_map(|(at, _)| word.get(at + 2..)?.split('}').next())
}
