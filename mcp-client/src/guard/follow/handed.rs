//! The arguments of the agent's that a script of the project is given and hands on: what may be run by them.
//!
//! A command that a script hands them to is judged as it would be in the agent's own line. Where it is not known, and
//! where a program starts others, they have to be plain: no flag that the script does not name itself, no text of
//! another language, no file that changed.

use super::{Reach, module_of, paths::file_of};
use crate::guard::{
    changes::Inspection,
    commands::{self, is_argument, names_in},
    consumers::{self, CONSUMERS, RUNNERS, Use, Variables},
    interpreters::{self, MODULES, SHELLS},
    packages,
    program::{TOLD, find_program},
    reach::{Code, Obstacle},
    steering::{Told, may_run},
    texts::{Language, evaluates, starts_programs},
};
use std::{
    collections::HashSet,
    path::{Path, PathBuf},
};

/// Arguments, and who is given them.
#[derive(Default)]
pub(in crate::guard) struct Handed {
    words: Vec<String>,
    /// Placeholders of secrets whose values are no plain words.
    texts: Vec<String>,
    /// The files that are given them.
    told: HashSet<PathBuf>,
    /// The programs among these: their texts, and whether one of them starts others.
    programs: Vec<String>,
    starts: bool,
}

impl Handed {
    /// What a command gives to the files among these that it names, or what npm or its like gives to the package's script.
    pub fn by(command: &[String], entries: &[PathBuf], code: &Code, folder: &Path) -> Self {
        let texts = code.texts.clone();
        if !code.handed.is_empty() {
            return Self { words: code.handed.clone(), texts, ..Self::default() };
        }
        let is_installed = |path: &PathBuf| {
            let installed = ["node_modules", ".venv", "venv", "site-packages"];
            path.components().any(|part| installed.iter().any(|name| part.as_os_str() == *name))
        };
        let real = entries.iter().flat_map(|entry| entry.canonicalize()).filter(|path| !is_installed(path));
        let real: HashSet<PathBuf> = real.collect();
        let script = |word: &String| {
            let path = Some(folder.join(word)).filter(|path| path.is_file()).or_else(|| find_program(word));
            path.and_then(|path| path.canonicalize().ok()).filter(|path| real.contains(path))
        };
        let module = command.iter().position(|word| word == "-m");
        let first = command.iter().position(|word| script(word).is_some());
        let (first, told) = match (module, first) {
            (Some(at), first) if first.is_none_or(|first| first > at) => (at + 1, real.clone()),
            (_, Some(at)) => (at, command.iter().filter_map(script).collect()),
            _ => return Self::default(),
        };
        // What these run is no program of its own.
        let name = |word: &String| word.rsplit('/').next().unwrap_or_default().to_owned();
        let is_runner = |word: &String| {
            MODULES.contains(&name(word).split('.').next().unwrap_or_default())
                || RUNNERS.contains(&&*name(word))
        };
        let before = first + usize::from(module == Some(first.wrapping_sub(1)));
        if command.iter().take(before).any(is_runner) {
            return Self::default();
        }
        let words = command.iter().skip(first + 1).filter(|word| script(word).is_none()).cloned().collect();
        Self { words, texts, told, ..Self::default() }
    }

    /// Whether a script that runs its arguments would run something by these.
    fn may_run(&self) -> bool {
        self.words.iter().any(|word| may_run(word))
    }

    /// The words of a command of a script with these in the places where it has them; nothing where it has none.
    fn in_place(&self, words: &[String], names: &HashSet<String>) -> Option<Vec<String>> {
        let is_handed = |name: &str| is_argument(name) || names.contains(name);
        if !words.iter().flat_map(|word| names_in(word)).any(is_handed) {
            return None;
        }
        let mut given = vec![];
        for word in words {
            let Some(name) = names_in(word).find(|name| is_handed(name)) else {
                given.push(word.clone());
                continue;
            };
            let place = format!("${{{name}}}");
            let number = name.parse::<usize>().ok().and_then(|number| number.checked_sub(1));
            let one = number.and_then(|number| self.words.get(number));
            match one {
                Some(one) => given.push(word.replace(&place, one)),
                None if number.is_some() => {}
                // What a variable is made of is not known so well.
                None if *word == place => given.extend(self.words.iter().cloned()),
                None => given.push(word.replace(&place, &self.words.join(" "))),
            }
        }
        Some(given)
    }

    /// Whether these are plain for who has these texts, which name their own flags; for what starts programs, whether
    /// none of them is the name of one.
    fn are_plain(&self, texts: &[&str], starts: bool, inspection: &Inspection, bases: &[PathBuf]) -> bool {
        self.words.iter().all(|word| {
            let is_flag = word.starts_with(['-', '+']) && word.parse::<f64>().is_err();
            let (flag, value) = match word.split_once('=') {
                Some((flag, value)) if is_flag => (flag, value),
                _ if is_flag => (word.as_str(), ""),
                _ => ("", word.as_str()),
            };
            let is_secrets = self.texts.iter().any(|text| word.contains(text));
            let is_own = |word: &str| texts.iter().any(|text| names(text, word));
            let told = Told::of(value);
            let is_text = told.has_syntax && value.parse::<f64>().is_err();
            (flag.is_empty() || flag.len() > 1 && is_own(flag))
                && !is_secrets
                && !is_text
                && !(starts && told.is_program && !is_own(value))
                && !value.split([' ', ',', '=', ':', '@']).any(|piece| is_changed(piece, inspection, bases))
        })
    }
}

/// Whether a word names what changed, from one of these folders: a file, whatever it is called, or a folder of code.
fn is_changed(word: &str, inspection: &Inspection, bases: &[PathBuf]) -> bool {
    let named = bases.iter().filter(|_| !word.is_empty()).flat_map(|base| {
        let path = base.join(word);
        let file = Some(path.clone())
            .filter(|path| path.is_file() && path.extension().is_none_or(|ending| ending != "json"));
        // An ending may be left out.
        file.into_iter().chain(module_of(&path, Language::JavaScript))
    });
    named.into_iter().any(|file| inspection.is_changed(&file))
}

/// Whether a text has a flag, or a word, as one of its own: as it is written, or by its name where options are declared.
fn names(text: &str, word: &str) -> bool {
    const OF_LANGUAGES: [&str; 8] =
        ["command", "eval", "exec", "import", "loader", "module", "print", "require"];
    let is_of_name = |c: char| c.is_alphanumeric() || "_-".contains(c);
    let is_quote = |c: Option<char>| c.is_some_and(|c| "\"'`".contains(c));
    let stands = |name: &str, fits: &dyn Fn(Option<char>, Option<char>) -> bool| {
        text.match_indices(name).any(|(at, _)| {
            let before = text.get(..at).unwrap_or_default().chars().next_back();
            let after = text.get(at + name.len()..).unwrap_or_default().chars().next();
            !before.is_some_and(is_of_name) && !after.is_some_and(is_of_name) && fits(before, after)
        })
    };
    let name = word.trim_start_matches('-');
    let quoted = |before, after| is_quote(before) && is_quote(after);
    if word.starts_with("--") {
        let parts: Vec<&str> = name.split('-').collect();
        let camel: String = parts
            .iter()
            .enumerate()
            .map(|(at, part)| match part.chars().next().filter(|_| at > 0) {
                Some(first) => format!(
                    "{}{}",
                    first.to_ascii_uppercase(),
                    part.get(first.len_utf8()..).unwrap_or_default()
                ),
                None => (*part).to_owned(),
            })
            .collect();
        let is_declared = |before: Option<char>, after: Option<char>| {
            quoted(before, after) || after == Some(':') || before == Some('.')
        };
        return stands(word, &|_, _| true)
            || !OF_LANGUAGES.contains(&name)
                && [name.to_owned(), name.replace('-', "_"), camel]
                    .iter()
                    .any(|name| stands(name, &is_declared));
    }
    if word.starts_with('-') {
        // A letter is common: `-f` may be the flag of a command.
        let is_declared = |before: Option<char>, after: Option<char>| {
            is_quote(before) && (is_quote(after) || after == Some(','))
                || after.is_some_and(|c| ")|".contains(c))
        };
        return stands(word, &is_declared);
    }
    stands(word, &|before, after| quoted(before, after) || after.is_some_and(|c| ":)|".contains(c)))
}

impl Reach<'_> {
    /// Notes what a command of the agent's gives to whom.
    pub(in crate::guard) fn give(&mut self, handed: Handed) {
        self.handed = handed;
    }

    /// The arguments that a program of the project's may load by.
    pub(in crate::guard) fn handed_words(&self) -> Vec<String> {
        self.handed.words.clone()
    }

    pub(super) fn is_told(&self, file: &Path) -> bool {
        !self.handed.words.is_empty() && self.handed.told.contains(file)
    }

    /// Notes that files are given the arguments, which may have been read without.
    pub(in crate::guard) fn tell(&mut self, files: Vec<PathBuf>) {
        for file in files.into_iter().flat_map(|file| file.canonicalize()) {
            if self.handed.told.insert(file.clone()) {
                self.seen.remove(&file);
                self.open.push(file);
            }
        }
    }

    /// What a text that is given the arguments does with them; `opened` is what it names.
    ///
    /// # Errors
    /// When it, or what it hands them to, may run them.
    pub(in crate::guard) fn hand(
        &mut self,
        text: &str,
        folder: &Path,
        language: Language,
        opened: Vec<PathBuf>,
    ) -> Result<(), Obstacle> {
        if self.handed.words.is_empty() {
            return Ok(());
        }
        match language {
            Language::Shell => self.hand_to_commands(text, folder, 0),
            Language::Make | Language::Package | Language::Other => Ok(()),
            _ => {
                const SHELLS_OF_DJANGO: [&str; 5] =
                    ["dbshell", "runscript", "shell", "shell_plus", "--pythonpath"];
                let is_djangos = text.contains("execute_from_command_line");
                let first = self.handed.words.first().map(String::as_str).unwrap_or_default();
                if is_djangos && SHELLS_OF_DJANGO.contains(&first.split('=').next().unwrap_or_default()) {
                    return Err(Obstacle::RunsArguments);
                }
                self.handed.starts |= starts_programs(language, text) || evaluates(language, text);
                self.handed.programs.push(text.to_owned());
                // What it loads is the same program.
                self.tell(opened);
                Ok(())
            }
        }
    }

    /// What recipes do with what stands on their tool's command line: they expand it as text.
    ///
    /// # Errors
    /// When it may be more than words there, or is handed on to what may run it.
    pub(super) fn hand_to_recipes(&mut self, script: &str, folder: &Path) -> Result<(), Obstacle> {
        let is_text = |word: &String| {
            let told = Told::of(word);
            let word = word.trim_start_matches('-');
            told.has_syntax && Told::of(word).has_syntax
                || self.handed.texts.iter().any(|text| word.contains(text))
        };
        if self.handed.words.iter().any(is_text) {
            return Err(Obstacle::RunsArguments);
        }
        self.hand_to_commands(script, folder, 0)
    }

    /// Whether a program that starts others is given what it may start.
    pub(super) fn starts_arguments(&self) -> bool {
        let texts: Vec<&str> = self.handed.programs.iter().map(String::as_str).collect();
        let bases = [self.here.clone()];
        self.handed.starts && !self.handed.are_plain(&texts, true, self.inspection, &bases)
    }

    fn hand_to_commands(&mut self, text: &str, folder: &Path, depth: usize) -> Result<(), Obstacle> {
        const DEEPEST: usize = 4;
        let script = commands::read(text, false);
        if script.runs_arguments && self.handed.may_run() || depth > DEEPEST {
            return Err(Obstacle::RunsArguments);
        }
        let bases = [self.here.clone(), folder.to_owned()];
        let is_plain = self.handed.are_plain(&[text], false, self.inspection, &bases);
        let own_file = |program: &str| -> Vec<PathBuf> {
            bases.iter().flat_map(|base| file_of(&base.join(program), Language::Shell)).collect()
        };
        // Where they stand for the program itself, that was looked at.
        let is_argument =
            |word: &String| names_in(word).any(|name| is_argument(name) || script.handed.contains(name));
        for words in script.commands.iter().filter(|words| !words.first().is_some_and(is_argument)) {
            let Some(given) = self.handed.in_place(words, &script.handed) else { continue };
            let given: Vec<String> = given.into_iter().map(|word| from_here(word, &bases)).collect();
            let Some((program, arguments)) = given.split_first() else { continue };
            if script.functions.contains(program) {
                continue;
            }
            let mut uses = judged(program, arguments, &bases).into_iter().peekable();
            let is_known = uses.peek().is_some();
            for used in uses {
                match used {
                    Ok(used) => self.hand_to(used, folder, depth)?,
                    Err(_) if is_plain => {}
                    Err(_) => return Err(Obstacle::RunsArguments),
                }
            }
            let own = own_file(program);
            if !is_known && !is_plain && own.is_empty() {
                return Err(Obstacle::RunsArguments);
            }
            self.tell(own);
        }
        Ok(())
    }

    /// A command that may have secrets with these arguments: what it runs is followed, and given them.
    fn hand_to(&mut self, used: Use, folder: &Path, depth: usize) -> Result<(), Obstacle> {
        let files: Vec<PathBuf> = used.code.files.iter().map(|file| self.here.join(file)).collect();
        if let Some(file) = files.iter().find(|file| file.is_file() && self.is_changed(file)) {
            return Err(file.clone().into());
        }
        self.open.extend(files.iter().flat_map(|file| file.canonicalize()));
        self.tell(files);
        if used.code.whole_project {
            self.finds_code_in(folder, &[]);
        }
        if used.code.text.is_empty() {
            return Ok(());
        }
        let settings = used.code.settings.first().and_then(|file| file.parent());
        let folder = settings.unwrap_or(folder).to_owned();
        self.read(&used.code.text, &folder, Language::Shell);
        self.hand_to_commands(&used.code.text, &folder, depth + 1)
    }
}

/// A word as it is written from the folder of work, where it names a file from another.
fn from_here(word: String, bases: &[PathBuf]) -> String {
    let mut found = bases.iter().map(|base| base.join(&word)).filter(|path| path.is_file());
    match found.next() {
        Some(path) if bases.first().is_none_or(|here| path != here.join(&word)) => {
            path.to_string_lossy().into_owned()
        }
        _ => word,
    }
}

/// A command of a script's, judged as one of the agent's line; nothing where its program is not known. npm may be run in
/// any of these folders.
fn judged(program: &str, arguments: &[String], bases: &[PathBuf]) -> Vec<Result<Use, &'static str>> {
    let name = program.rsplit('/').next().unwrap_or_default();
    let scripted = |code| Use { code, places: vec![], variables: Variables::None };
    if SHELLS.contains(&name) {
        return vec![interpreters::script_of_shell(name, arguments).map(scripted)];
    }
    if let Some(interpreter) = interpreters::named(name) {
        return vec![interpreters::script_of(interpreter, name, arguments).map(scripted)];
    }
    if packages::TOOLS.contains(&name) {
        let mut manifests: Vec<PathBuf> =
            bases.iter().flat_map(|base| packages::manifest_above(base)).collect();
        manifests.dedup();
        let folders = manifests.iter().filter_map(|manifest| manifest.parent());
        let run_in = |folder: &Path| {
            let there = ["--prefix".to_owned(), folder.to_string_lossy().into_owned()];
            consumers::use_of(name, &[&there, arguments].concat())
        };
        return folders.map(run_in).collect();
    }
    if CONSUMERS.contains(&name) || MODULES.contains(&name) {
        return vec![consumers::use_of(name, arguments)];
    }
    if RUNNERS.contains(&name) {
        // What they take in place of a file: settings as text, a program to start.
        let tells =
            |word: &String| word.contains(['{', '$', '`', ';']) || word.starts_with("--exec") || word == "-x";
        let files = arguments.iter().flat_map(|word| interpreters::named_files(word)).collect();
        let code = Code { files, whole_project: true, ..Code::default() };
        return vec![if arguments.iter().any(tells) { Err(TOLD) } else { Ok(scripted(code)) }];
    }
    vec![]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_has_flags_of_its_own_where_it_says_so() {
        for (text, word, own) in [
            ("case $1 in --env) x;; esac", "--env", true),
            ("parser.add_argument('--dry-run')", "--dry-run", true),
            ("options: { dryRun: { type: 'boolean' } }", "--dry-run", true),
            ("argv.port", "--port", true),
            (".option('-p, --port <n>')", "-p", true),
            ("getopts; case $1 in -q|--quiet) ;; esac", "-q", true),
            ("if (command === 'sync') x()", "sync", true),
            ("rm -f x; [ -f y ]", "-f", false),
            ("--environment", "--env", false),
            ("import x from 'y'; eval: 1", "--import", false),
            ("eval: 1", "--eval", false),
            ("run sh", "sh", false),
        ] {
            assert_eq!(names(text, word), own, "{text}: {word}");
        }
    }

    #[test]
    fn arguments_stand_where_a_script_has_them() {
        let handed = Handed { words: ["a", "-b"].map(str::to_owned).into(), ..Handed::default() };
        for (line, given) in [
            ("node app.js", None),
            ("node ${@} x", Some("node a -b x")),
            ("psql -c ${2}${1}", Some("psql -c -b${1}")),
            ("x ${3} ${1}", Some("x a")),
            ("x --to=${TARGET}", Some("x --to=a -b")),
            ("x ${OTHER}", None),
        ] {
            let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
            let found = handed.in_place(&words, &HashSet::from(["TARGET".to_owned()]));
            assert_eq!(found.map(|words| words.join(" ")).as_deref(), given, "{line}");
        }
    }
}
