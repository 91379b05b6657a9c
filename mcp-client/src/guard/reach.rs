//! What a program runs: its file, the files that it names, and what the tools that it names read by themselves.

use super::{
    changes::Inspection,
    commands::{self, Script},
    configuration::{self, Tools},
    consumers,
    interpreters::{self, SHELLS},
    makefile::for_targets,
    modules,
    packages::{self, Packages},
    program::find_program,
    project::{SKIPPED, is_code, is_data, project_folders_above, project_of, walk},
    steering::Told,
    texts::{Language, finds_code, starts_programs},
};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    fmt, fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

/// What a program runs.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Code {
    /// These files, and what they mention.
    pub files: Vec<PathBuf>,
    /// Files that decide what is run, and are not followed themselves.
    pub settings: Vec<PathBuf>,
    /// Code that is in no file of its own: the script of a package.json.
    pub text: String,
    /// Whatever code there is in the project: tests that a runner finds, sources that a compiler takes.
    pub whole_project: bool,
    /// Variables that the agent itself does not have so, which its scripts may expand.
    pub told: BTreeMap<String, Told>,
}

impl From<Vec<PathBuf>> for Code {
    fn from(files: Vec<PathBuf>) -> Self {
        Self { files, ..Self::default() }
    }
}

/// Why a program is not given values.
#[derive(Debug, PartialEq, Eq)]
pub enum Obstacle {
    /// A file of its code, or a folder with more than can be looked at.
    Changed(PathBuf),
    /// A program that its scripts may find in PATH.
    NewProgram(PathBuf),
    /// A variable that its scripts run.
    Expanded(String),
    /// It runs the arguments that it is given.
    RunsArguments,
}

impl From<PathBuf> for Obstacle {
    fn from(file: PathBuf) -> Self {
        Self::Changed(file)
    }
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Changed(file) => {
                write!(
                    f,
                    "{} changed since this session began",
                    file.file_name().unwrap_or_default().to_string_lossy()
                )
            }
            Self::NewProgram(path) => {
                write!(
                    f,
                    "{} is newer than this session, and what it runs may find it in PATH",
                    path.display()
                )
            }
            Self::Expanded(name) => {
                write!(f, "what it runs expands {name} as a program, a flag or a file; leave {name} away")
            }
            Self::RunsArguments => f.write_str("it runs what it is told on the command line"),
        }
    }
}

/// A file of a program's code, as it was when the program was judged.
#[derive(Debug, PartialEq, Eq)]
pub struct Seen {
    path: PathBuf,
    /// Device, inode, and change time with its nanoseconds.
    stamp: Option<(u64, u64, i64, i64)>,
}

impl Seen {
    fn now(path: &Path) -> Self {
        let stamp = fs::metadata(path).ok();
        let stamp =
            stamp.map(|metadata| (metadata.dev(), metadata.ino(), metadata.ctime(), metadata.ctime_nsec()));
        Self { path: path.to_owned(), stamp }
    }

    /// The file's name, if it is not as it was.
    pub fn changed(&self) -> Option<String> {
        let is_same = Self::now(&self.path) == *self;
        (!is_same).then(|| self.path.file_name().unwrap_or_default().to_string_lossy().into_owned())
    }
}

impl Inspection {
    /// What a command with this code runs, as it is now.
    ///
    /// # Errors
    /// The first thing in it that may be the agent's work.
    pub fn inspect(&self, command: &[String], code: &Code) -> Result<Vec<Seen>, Obstacle> {
        let files = code.files.iter().map(|file| self.folder.join(file));
        // What is named is judged whatever its name; of a folder, what is no data.
        let (mut entries, mut held) = (Vec::new(), Vec::new());
        for file in files.filter(|path| path.exists()) {
            if !file.is_dir() {
                entries.push(file);
            } else if !walk(&file, &mut held) {
                return Err(file.into());
            }
        }
        entries.extend(held.into_iter().filter(|file| !is_data(file)));
        let mut seen: Vec<Seen> = entries.iter().map(|entry| Seen::now(entry)).collect();
        let settings: Vec<PathBuf> =
            code.settings.iter().map(|file| self.folder.join(file)).filter(|file| file.exists()).collect();
        seen.extend(settings.iter().map(|file| Seen::now(file)));
        if let Some(changed) = entries.iter().chain(&settings).find(|entry| self.is_changed(entry)) {
            return Err(changed.clone().into());
        }
        let mut folders: Vec<&Path> = entries.iter().filter_map(|entry| entry.parent()).collect();
        folders.push(&self.folder);
        let above = project_folders_above(&self.folder);
        folders.extend(above.iter().map(PathBuf::as_path));
        folders.sort();
        folders.dedup();
        let configuration =
            folders.into_iter().flat_map(configuration::in_folder).chain(configuration::at_home());
        let configuration: Vec<(PathBuf, Tools)> =
            configuration.filter(|(file, _)| file.is_file() && self.is_newer(file)).collect();
        let mut reach = Reach::of(self.roots(&entries), self)?;
        reach.finds_code = code.whole_project;
        if command.iter().any(|word| word == "-m") {
            let here = reach.here.clone();
            reach.open.extend(modules::shadows(Language::Python, &reach.newer, &here));
        }
        for word in command {
            reach.read(word, Path::new(""), Language::Other);
        }
        let of_package = settings.first().and_then(|file| file.parent()).unwrap_or(&self.folder).to_owned();
        let is_manifest = code.text.trim_start().starts_with('{');
        reach.read(&code.text, &of_package, if is_manifest { Language::Other } else { Language::Shell });
        for entry in &entries {
            reach.open.extend(entry.canonicalize());
        }
        if let Some((program, arguments)) = command.split_first()
            && ["make", "gmake"].contains(&program.rsplit('/').next().unwrap_or_default())
        {
            let targets = consumers::targets_of_make(arguments);
            for file in reach.open.clone() {
                reach.make(&file, &targets);
            }
        }
        reach.told_to = told_to(command, &entries, &self.folder);
        seen.extend(reach.follow()?);
        reach.expand(&code.told)?;
        seen.extend(reach.follow()?);
        seen.extend(reach.found()?);
        let used = configuration
            .into_iter()
            .filter(|(_, tools)| tools.are_among(&reach.words))
            .map(|(file, _)| file);
        if let Some(file) = used.into_iter().find(|file| self.is_changed(file)) {
            return Err(file.into());
        }
        match self.new_program(&reach.words) {
            Some(program) => Err(Obstacle::NewProgram(program)),
            None => Ok(seen),
        }
    }

    /// The projects that these files and the folder of work are of; that folder where it is of none.
    fn roots(&self, entries: &[PathBuf]) -> Vec<PathBuf> {
        let mut roots: Vec<PathBuf> = entries.iter().filter_map(|entry| project_of(entry)).collect();
        let here = self.folder.join("x");
        roots.extend(project_of(&here).or_else(|| self.folder.canonicalize().ok()));
        roots.sort();
        roots.dedup();
        roots
    }
}

/// The script of a command that has arguments of its own.
fn told_to(command: &[String], entries: &[PathBuf], folder: &Path) -> Option<PathBuf> {
    let real: Vec<PathBuf> = entries.iter().flat_map(|entry| entry.canonicalize()).collect();
    let scripts = command.iter().map(|word| {
        let path = Some(folder.join(word)).filter(|path| path.is_file()).or_else(|| find_program(word));
        path.and_then(|path| path.canonicalize().ok()).filter(|path| real.contains(path))
    });
    let (at, script) = scripts.enumerate().find_map(|(at, script)| Some((at, script?)))?;
    (command.len() > at + 1).then_some(script)
}

/// What is reached from a program by the names in its text.
struct Reach<'a> {
    inspection: &'a Inspection,
    /// Where the program runs.
    here: PathBuf,
    roots: Vec<PathBuf>,
    by_name: HashMap<String, Vec<PathBuf>>,
    /// The files of the project that are newer than the session.
    newer: HashSet<PathBuf>,
    open: Vec<PathBuf>,
    seen: HashSet<PathBuf>,
    words: HashSet<String>,
    packages: Packages,
    /// What was read of scripts of packages.
    texts: HashSet<String>,
    /// What make makes of a makefile.
    targets: HashMap<PathBuf, BTreeSet<String>>,
    /// Whatever code there is in these folders, or in the project, may be run.
    finds_code: bool,
    folders: HashSet<PathBuf>,
    /// Data of the project's that is newer than the session, and may say what is loaded.
    newer_data: Vec<PathBuf>,
    /// Words of what starts programs, which may be the names of variables.
    starting: HashSet<String>,
    /// Variables that scripts expand, and the folders of these scripts.
    script: Script,
    places: HashSet<PathBuf>,
    /// The script that is given arguments.
    told_to: Option<PathBuf>,
    changed: Option<PathBuf>,
    runs_arguments: bool,
}

impl<'a> Reach<'a> {
    ///
    /// # Errors
    /// The folder that holds more than can be looked at.
    fn of(roots: Vec<PathBuf>, inspection: &'a Inspection) -> Result<Self, PathBuf> {
        let mut files = Vec::new();
        for root in &roots {
            if !walk(root, &mut files) {
                return Err(root.clone());
            }
        }
        // What a program keeps for itself, its log or its database, is not what it runs. To ask git takes long, so that is
        // left for what is reached.
        let says_more = |file: &&PathBuf| {
            file.extension().is_some_and(|ending| ["json", "txt"].iter().any(|known| ending == *known))
        };
        let newer_data =
            files.iter().filter(says_more).filter(|file| is_data(file) && inspection.is_newer(file));
        let newer_data = newer_data.cloned().collect();
        let newer =
            files.iter().filter(|file| !is_data(file) && inspection.is_newer(file)).cloned().collect();
        let mut by_name: HashMap<String, Vec<PathBuf>> = HashMap::new();
        for file in files {
            let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let stem = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            // A folder is named for the file that stands for it.
            if ["index", "__init__", "__main__", "mod"].contains(&stem.as_str())
                && let Some(folder) = file.parent().and_then(Path::file_name)
            {
                by_name.entry(folder.to_string_lossy().into_owned()).or_default().push(file.clone());
            }
            by_name.entry(stem).or_default().push(file.clone());
            by_name.entry(name).or_default().push(file);
        }
        let here = inspection.folder.canonicalize().unwrap_or_default();
        let packages = Packages::around(&roots);
        Ok(Self {
            inspection,
            here,
            roots,
            by_name,
            newer,
            packages,
            open: vec![],
            seen: HashSet::new(),
            words: HashSet::new(),
            texts: HashSet::new(),
            targets: HashMap::new(),
            finds_code: false,
            folders: HashSet::new(),
            newer_data,
            starting: HashSet::new(),
            script: Script::default(),
            places: HashSet::new(),
            told_to: None,
            changed: None,
            runs_arguments: false,
        })
    }

    /// Follows what is open to what it reaches, but for what a build makes.
    ///
    /// # Errors
    /// The first file that changed.
    fn follow(&mut self) -> Result<Vec<Seen>, Obstacle> {
        const LONGEST: u64 = 1 << 20;
        const MADE: [&str; 5] = ["dist", "build", "out", "coverage", ".next"];
        let mut reached = vec![];
        while let Some(file) = self.open.pop() {
            if !self.seen.insert(file.clone()) {
                continue;
            }
            let is_made = file.components().any(|part| MADE.iter().any(|made| part.as_os_str() == *made));
            if is_code(&file) && !is_made {
                reached.push(Seen::now(&file));
            }
            if !is_data(&file) && self.is_changed(&file) {
                return Err(file.into());
            }
            let folder = file.parent().unwrap_or(Path::new("")).to_owned();
            if fs::metadata(&file).is_ok_and(|metadata| metadata.len() <= LONGEST)
                && let Ok(text) = fs::read(&file)
                && let Ok(text) = String::from_utf8(text).or_else(|error| {
                    // Text in another encoding has no zeros, what is no text has.
                    let bytes = error.into_bytes();
                    if bytes.contains(&0) {
                        Err(())
                    } else {
                        Ok(String::from_utf8_lossy(&bytes).into_owned())
                    }
                })
            {
                let language = Language::of(&file, &text);
                let text = match self.targets.get(&file) {
                    Some(targets) => for_targets(&text, targets),
                    None => text,
                };
                self.open.extend(modules::shadows(language, &self.newer, &folder));
                self.read(&text, &folder, language);
                if language == Language::Shell && self.told_to.as_ref() == Some(&file) {
                    self.runs_arguments |= commands::read(&text, false).runs_arguments;
                }
            }
            if let Some(changed) = self.changed.take() {
                return Err(changed.into());
            }
            if self.runs_arguments {
                return Err(Obstacle::RunsArguments);
            }
        }
        Ok(reached)
    }

    fn is_changed(&self, file: &Path) -> bool {
        self.inspection.is_newer(file) && self.inspection.is_changed(file)
    }

    /// Opens the files that a text in this folder names, and notes its words.
    fn read(&mut self, text: &str, folder: &Path, language: Language) {
        let is_of_word = |c: char| c.is_alphanumeric() || "_-".contains(c);
        self.words.extend(text.split(|c| !is_of_word(c)).filter(|word| !word.is_empty()).map(str::to_owned));
        let Tokens { all: tokens, quoted } = Tokens::of(text);
        for token in &tokens {
            self.by_index(token, folder, language);
        }
        // `a.b.c` is a path of modules.
        if language == Language::Python {
            let dotted = text.split(|c: char| !(c.is_alphanumeric() || "_.".contains(c)));
            for name in dotted.filter(|token| token.contains('.')).flat_map(|token| token.split('.')) {
                let named = self.by_name.get(name).into_iter().flatten();
                self.open.extend(named.filter(|path| is_code(path)).cloned());
            }
        }
        if language == Language::Other {
            return;
        }
        let is_script = matches!(language, Language::Shell | Language::Make);
        let mut bases = vec![folder.to_owned()];
        if is_script {
            bases.push(self.here.clone());
            self.places.extend(bases.iter().cloned());
        }
        let named = self.folders_named(&tokens, &quoted, &bases, is_script);
        let elsewhere: Vec<PathBuf> =
            named.iter().filter(|folder| !self.is_indexed(folder)).cloned().collect();
        bases.extend(if is_script { named.clone() } else { elsewhere.clone() });
        for token in &tokens {
            if is_script || token.contains('/') || is_code(Path::new(token)) {
                for base in &bases {
                    self.open.extend(file_of(&base.join(token), language));
                }
            }
        }
        if language.has_modules() {
            // Modules of folders that no project of the program's holds.
            for folder in &elsewhere {
                let words = text.split(|c: char| !(c.is_alphanumeric() || c == '_'));
                let words: HashSet<&str> = words.filter(|word| !word.is_empty()).collect();
                self.open.extend(words.iter().flat_map(|word| module_of(&folder.join(word), language)));
            }
        }
        match language {
            Language::JavaScript => {
                for token in &quoted {
                    if token.starts_with('.') || token.starts_with('/') {
                        self.open.extend(module_of(&folder.join(token), language));
                    }
                    self.open.extend(self.packages.module(token));
                }
                if text.contains("'#") || text.contains("\"#") {
                    self.open.extend(packages::imports_of(folder));
                }
                if ["child_process", "execa", "spawn"].iter().any(|word| text.contains(word)) {
                    for tool in packages::TOOLS.iter().filter(|tool| tokens.contains(**tool)) {
                        let words: Vec<String> =
                            [*tool].into_iter().chain(tokens.iter().copied()).map(str::to_owned).collect();
                        self.package_tool(&words, &[folder.to_owned(), self.here.clone()]);
                    }
                }
            }
            Language::Python => {
                let starts = ["subprocess", "os.system", "os.popen"].iter().any(|word| text.contains(word));
                for tool in packages::TOOLS.iter().filter(|tool| starts && tokens.contains(**tool)) {
                    let words: Vec<String> =
                        [*tool].into_iter().chain(tokens.iter().copied()).map(str::to_owned).collect();
                    self.package_tool(&words, &[folder.to_owned(), self.here.clone()]);
                }
            }
            _ if is_script => self.script(&commands::read(text, language == Language::Make), &bases),
            _ => {}
        }
        if starts_programs(language, text) {
            if consumers::TEST_RUNNERS.iter().any(|runner| quoted.contains(runner)) {
                self.finds_code_in(folder, &named);
            }
            let words =
                text.split(|c: char| !(c.is_alphanumeric() || c == '_')).filter(|word| !word.is_empty());
            self.starting.extend(words.map(str::to_owned));
        }
        if finds_code(language, text) {
            self.finds_code_in(folder, &named);
        }
    }

    /// Any code of the project around a folder, and of the folders that are named, may be run.
    fn finds_code_in(&mut self, folder: &Path, named: &[PathBuf]) {
        self.finds_code = true;
        self.folders.extend(project_of(&folder.join("x")));
        self.folders.extend(named.iter().cloned());
    }

    /// Opens what a word stands for among the files of the project.
    fn by_index(&mut self, token: &str, folder: &Path, language: Language) {
        let name = token.rsplit('/').next().unwrap_or_default().trim_end_matches('.');
        let Some(candidates) = self.by_name.get(name) else { return };
        // A path that leads somewhere from here is that file alone.
        if token.starts_with("./") || token.starts_with("../") {
            let path = folder.join(token);
            let path = path.canonicalize().or_else(|_| std::path::absolute(&path)).unwrap_or(path);
            let beside = |candidate: &&PathBuf| {
                **candidate == path
                    || candidate.with_extension("") == path
                    || candidate.parent() == Some(&path)
            };
            if candidates.iter().any(|candidate| beside(&candidate)) {
                self.open.extend(candidates.iter().filter(beside).cloned());
                return;
            }
        }
        for candidate in candidates {
            let whole = candidate.file_name().is_some_and(|file| file.to_string_lossy() == name);
            // A word alone names a file only by its whole name, with an extension; a path, or a module, by less.
            if (whole && name.contains('.'))
                || token.contains('/')
                || (language.has_modules() && language.is_of(candidate))
            {
                self.open.push(candidate.clone());
            }
        }
    }

    /// Whether the files of a folder are in the index.
    fn is_indexed(&self, folder: &Path) -> bool {
        self.roots.iter().any(|root| {
            folder.strip_prefix(root).is_ok_and(|below| {
                !below.components().any(|part| SKIPPED.iter().any(|name| part.as_os_str() == *name))
            })
        })
    }

    /// The folders that a text names, from any of these; in code, those by a path of several parts.
    fn folders_named(
        &self,
        tokens: &HashSet<&str>,
        quoted: &HashSet<&str>,
        bases: &[PathBuf],
        is_script: bool,
    ) -> Vec<PathBuf> {
        const MOST: usize = 64;
        let mut found: Vec<PathBuf> = vec![];
        let is_folder = |token: &str| {
            is_script && token.contains(|c: char| c != '.')
                || token.contains('/')
                || token == ".." && quoted.contains(token)
        };
        for token in tokens.iter().filter(|token| is_folder(token)) {
            for base in bases {
                let Ok(path) = base.join(token).canonicalize() else { continue };
                if path.is_dir() && may_hold_code(&path) && !found.contains(&path) && found.len() < MOST {
                    found.push(path);
                }
            }
        }
        // What is joined to a folder elsewhere piece by piece.
        let mut at = 0;
        while let Some(folder) = found.get(at).filter(|folder| !self.is_indexed(folder)).cloned() {
            at += 1;
            let plain = quoted.iter().filter(|token| !token.contains(['.', '/']));
            for path in plain.map(|token| folder.join(token)).filter(|path| path.is_dir()) {
                if !found.contains(&path) && found.len() < MOST {
                    found.push(path);
                }
            }
        }
        found
    }

    /// Follows the commands of a script, which is in these folders or works in them.
    fn script(&mut self, script: &Script, bases: &[PathBuf]) {
        for words in &script.commands {
            let Some(first) = words.first() else { continue };
            let name = first.rsplit('/').next().unwrap_or_default();
            let arguments = words.get(1..).unwrap_or_default();
            if packages::TOOLS.contains(&name) {
                self.package_tool(words, bases);
            } else if ["make", "gmake", "${MAKE}"].contains(&name) {
                let own = ["GNUmakefile", "makefile", "Makefile"];
                for file in bases.iter().flat_map(|base| own.map(|name| base.join(name))) {
                    if let Some(file) = file.canonicalize().ok().filter(|file| file.is_file()) {
                        self.make(&file, &consumers::targets_of_make(arguments));
                        self.open.push(file);
                    }
                }
            } else if consumers::runs_whole_project(name, arguments) {
                self.finds_code_in(bases.first().map_or(Path::new(""), PathBuf::as_path), &[]);
                self.folders.extend(bases.iter().filter_map(|base| project_of(&base.join("x"))));
            } else if SHELLS.contains(&name)
                || interpreters::named(name).is_some()
                || [".", "source"].contains(&name)
            {
                let language = Language::Shell;
                for word in arguments.iter().filter(|word| !word.starts_with('-')) {
                    self.open.extend(bases.iter().flat_map(|base| module_of(&base.join(word), language)));
                }
            } else {
                for base in bases {
                    self.open.extend(packages::binary(base, first));
                }
            }
        }
        if script.finds_code {
            self.finds_code_in(bases.first().map_or(Path::new(""), PathBuf::as_path), bases);
        }
        self.script.runs.extend(script.runs.iter().cloned());
        self.script.parts.extend(script.parts.iter().cloned());
        self.script.words.extend(script.words.iter().cloned());
        self.script.texts.extend(script.texts.iter().cloned());
    }

    /// Notes what make is told to make of this file, which may have been read for less.
    fn make(&mut self, file: &Path, wanted: &[String]) {
        let is_known = self.targets.contains_key(file);
        let targets = self.targets.entry(file.to_owned()).or_default();
        let before = targets.len();
        targets.extend(wanted.iter().cloned());
        // Told nothing it makes the first, which nobody knows together with others.
        if is_known && (before == 0) != wanted.is_empty() {
            targets.insert(String::new());
        }
        if targets.len() > before {
            self.seen.remove(file);
        }
    }

    /// npm or its like, run in one of these folders: the scripts of the package that it finds.
    fn package_tool(&mut self, words: &[String], bases: &[PathBuf]) {
        // Of a text that is no command line all words are here.
        const MOST: usize = 12;
        let takes_all = |word: &String| {
            word.starts_with("-w")
                || word.starts_with("--workspace")
                || ["-r", "--recursive", "--filter"].contains(&word.as_str())
        };
        let mut manifests: Vec<PathBuf> =
            bases.iter().filter_map(|base| packages::manifest_above(base)).collect();
        manifests.sort();
        manifests.dedup();
        let runs_script = words.get(1).is_some_and(|word| ["run", "run-script"].contains(&word.as_str()));
        if !runs_script
            && words.iter().skip(1).take(MOST).any(|word| consumers::RUNNERS.contains(&word.as_str()))
        {
            self.finds_code_in(bases.first().map_or(Path::new(""), PathBuf::as_path), &[]);
        }
        for word in words.iter().skip(1).take(MOST) {
            self.open.extend(bases.iter().filter_map(|base| packages::binary(base, word)));
        }
        for manifest in manifests {
            let folder = manifest.parent().unwrap_or(Path::new("")).to_owned();
            if words.iter().any(takes_all) {
                self.finds_code_in(&folder, &[]);
            }
            let Some(text) = packages::scripts_run_by(&manifest, words) else { continue };
            if self.is_changed(&manifest) {
                self.changed = Some(manifest);
                return;
            }
            if self.texts.insert(format!("{} {text}", folder.display())) {
                self.read(&text, &folder, Language::Shell);
            }
        }
    }

    /// What variables of the agent's do where scripts expand them.
    ///
    /// # Errors
    /// The variable that says what is run.
    fn expand(&mut self, told: &BTreeMap<String, Told>) -> Result<(), Obstacle> {
        for (name, value) in told {
            let expanded = || Err(Obstacle::Expanded(name.clone()));
            if self.script.runs.contains(name) || self.script.parts.contains(name) {
                match &value.file {
                    // A file of the project's is looked at as any other; and so is a part of its name.
                    Some(file) if self.script.runs.contains(name) => {
                        let files = self.places.iter().map(|place| place.join(file));
                        self.open.extend(files.flat_map(|file| file_of(&file, Language::Shell)));
                    }
                    None if value.is_plain && !self.script.runs.contains(name) => self.finds_code = true,
                    _ => return expanded(),
                }
            }
            if self.starting.contains(name) && value.is_program
                || self.script.words.contains(name) && value.has_flag
                || self.script.texts.contains(name) && value.has_syntax
            {
                return expanded();
            }
        }
        Ok(())
    }

    /// All that is found rather than named, up to a number that can be watched.
    ///
    /// # Errors
    /// The first file that changed, or the folder that holds more than can be looked at.
    fn found(&mut self) -> Result<Vec<Seen>, Obstacle> {
        const MOST: usize = 4000;
        const LONGEST: usize = 1 << 20;
        if !self.finds_code {
            return Ok(vec![]);
        }
        if let Some(file) = self.newer.iter().find(|file| self.is_changed(file)) {
            return Err(file.clone().into());
        }
        // What is listed in data is loaded from wherever it is.
        for data in &self.newer_data {
            let text = fs::read(data).unwrap_or_default();
            let text = String::from_utf8_lossy(text.get(..text.len().min(LONGEST)).unwrap_or_default());
            let folder = data.parent().unwrap_or(Path::new(""));
            let paths = Tokens::of(&text).all.into_iter().filter(|token| token.contains('/'));
            let named = paths.flat_map(|path| {
                let bases = [folder, self.here.as_path()];
                bases.map(|base| module_of(&base.join(path), Language::JavaScript)).into_iter().flatten()
            });
            if let Some(file) = named.into_iter().find(|file| self.is_changed(file)) {
                return Err(file.into());
            }
        }
        let mut files: Vec<PathBuf> = vec![];
        for folder in self.folders.iter().filter(|folder| !self.roots.contains(folder)) {
            if !self.is_indexed(folder) && !walk(folder, &mut files) {
                return Err(folder.clone().into());
            }
        }
        if let Some(file) = files.iter().find(|file| !is_data(file) && self.is_changed(file)) {
            return Err(file.clone().into());
        }
        let all = self.by_name.values().flatten().chain(&files);
        Ok(all.filter(|file| is_code(file)).take(MOST).map(|file| Seen::now(file)).collect())
    }
}

/// The words of a text that may be paths, and those of them that stand in quotes.
struct Tokens<'a> {
    all: HashSet<&'a str>,
    quoted: HashSet<&'a str>,
}

impl<'a> Tokens<'a> {
    fn of(text: &'a str) -> Self {
        let is_of_token = |c: char| c.is_alphanumeric() || "_-./@".contains(c);
        let is_quote = |c: Option<char>| c.is_some_and(|c| ['"', '\'', '`'].contains(&c));
        let (mut all, mut quoted) = (HashSet::new(), HashSet::new());
        let mut before = None;
        let mut rest = text;
        while !rest.is_empty() {
            let end = rest.find(|c| !is_of_token(c)).unwrap_or(rest.len());
            let (token, behind) = rest.split_at(end);
            let mut behind = behind.chars();
            let after = behind.next();
            if !token.is_empty() {
                all.insert(token);
                if is_quote(before) && is_quote(after) {
                    quoted.insert(token);
                }
            }
            before = after;
            rest = behind.as_str();
        }
        Self { all, quoted }
    }
}

/// Whether code in a folder is a project's: neither the system's nor installed.
fn may_hold_code(path: &Path) -> bool {
    const SYSTEMS: [&str; 11] =
        ["/bin", "/dev", "/etc", "/lib", "/lib64", "/opt", "/proc", "/run", "/sbin", "/sys", "/usr"];
    path != Path::new("/")
        && Some(path) != std::env::home_dir().as_deref()
        && !SYSTEMS.iter().any(|folder| path.starts_with(folder))
        && !path
            .components()
            .any(|part| ["node_modules", ".git"].iter().any(|name| part.as_os_str() == *name))
}

/// The file that a path leads to, an ending added where that language leaves it out.
fn file_of(path: &Path, language: Language) -> Option<PathBuf> {
    let found = if path.is_file() {
        Some(path.to_owned())
    } else {
        let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
        // TypeScript names what will have been compiled.
        let compiled = match ending {
            "js" | "jsx" => &["ts", "tsx"][..],
            "mjs" => &["mts"],
            "cjs" => &["cts"],
            _ => &[],
        };
        let added = language.endings().iter().map(|ending| {
            let mut path = path.as_os_str().to_owned();
            path.push(".");
            path.push(ending);
            PathBuf::from(path)
        });
        let swapped = compiled.iter().map(|ending| path.with_extension(ending));
        added.chain(swapped).find(|path| path.is_file())
    };
    let found = found?.canonicalize().ok()?;
    (may_hold_code(&found) && !is_data(&found)).then_some(found)
}

/// The files that a module's path leads to: the file, or what stands for the folder.
pub(super) fn module_of(path: &Path, language: Language) -> Vec<PathBuf> {
    if let Some(file) = file_of(path, language) {
        return vec![file];
    }
    if !path.is_dir() {
        return vec![];
    }
    let mut files = packages::entries_of(path);
    let own = ["index", "__init__", "__main__", "mod"];
    files.extend(own.iter().flat_map(|name| {
        let languages = [language, Language::JavaScript, Language::Python];
        languages.into_iter().filter_map(|language| file_of(&path.join(name), language)).collect::<Vec<_>>()
    }));
    files
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{SystemTime, UNIX_EPOCH};

    /// A project whose files are older than the session, and the session.
    fn project(files: &[(&str, &str)]) -> (tempfile::TempDir, Inspection) {
        let project = tempfile::tempdir().unwrap();
        fs::write(project.path().join("package.json"), "{}").unwrap();
        for (name, text) in files {
            write(project.path(), name, text);
        }
        // The system stamps files by a clock of its own, which goes in steps.
        std::thread::sleep(std::time::Duration::from_millis(20));
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos();
        std::thread::sleep(std::time::Duration::from_millis(20));
        let inspection = Inspection { since, folder: project.path().to_owned() };
        (project, inspection)
    }

    fn write(project: &Path, name: &str, text: &str) {
        let path = project.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn changed(inspection: &Inspection, file: &str) -> Option<String> {
        let command = ["node".to_owned(), file.to_owned()];
        refused(inspection, &command, &vec![PathBuf::from(file)].into())
    }

    /// The file's name, or what else stands in the way.
    fn refused(inspection: &Inspection, command: &[String], code: &Code) -> Option<String> {
        Some(match inspection.inspect(command, code).err()? {
            Obstacle::Changed(file) => file.file_name().unwrap().to_string_lossy().into_owned(),
            other => format!("{other:?}"),
        })
    }

    const FILES: [(&str, &str); 9] = [
        ("build.js", "spawn('npm'); spawn('vitest')"),
        ("app.js", "require('./lib'); require('./src/check')"),
        ("lib/index.js", "require('../src/deep/x.js')"),
        ("src/check.js", ""),
        ("src/deep/x.js", ""),
        ("src/other.js", ""),
        ("manage.py", "import shop.settings"),
        ("shop/settings.py", ""),
        ("dist/main.js", ""),
    ];

    #[test]
    fn what_a_program_reaches_is_followed() {
        for (entry, file) in [
            ("app.js", "app.js"),
            ("app.js", "src/check.js"),
            ("app.js", "lib/index.js"),
            ("app.js", "src/deep/x.js"),
            ("manage.py", "shop/settings.py"),
            ("manage.py", "json.py"),
            ("dist/main.js", "dist/main.js"),
            ("build.js", ".npmrc"),
            ("build.js", "vite.config.ts"),
        ] {
            let (project, inspection) = project(&FILES);
            assert_eq!(changed(&inspection, entry), None);
            write(project.path(), file, "changed");
            let name = Path::new(file).file_name().unwrap().to_str();
            assert_eq!(changed(&inspection, entry).as_deref(), name, "{entry}: {file}");
        }
    }

    #[test]
    fn what_a_program_does_not_mention_may_change() {
        let (project, inspection) = project(&FILES);
        write(project.path(), "src/other.js", "changed");
        write(project.path(), "shop/settings.py", "changed");
        write(project.path(), ".npmrc", "changed");
        write(project.path(), "vite.config.ts", "changed");
        assert_eq!(changed(&inspection, "app.js"), None);
        assert_eq!(changed(&inspection, "dist/main.js"), None);
    }

    #[test]
    fn data_of_a_programs_own_is_not_its_code() {
        let (project, inspection) =
            project(&[("app.js", "log('app.log'); open('shop.sqlite'); save('out.json')")]);
        for file in ["app.log", "shop.sqlite", "out.json", "notes.md"] {
            write(project.path(), file, "written");
        }
        assert_eq!(changed(&inspection, "app.js"), None);
        let whole = || refused(&inspection, &[], &Code { whole_project: true, ..Code::default() });
        assert_eq!(whole(), None);
        write(project.path(), "test/new.test.js", "");
        assert_eq!(whole().as_deref(), Some("new.test.js"));
    }

    const WAYS: [(&str, &str); 27] = [
        (".git/HEAD", ""),
        (
            "package.json",
            r##"{"main":"./main.js","imports":{"#inner":"./inner/one.js"},"scripts":{"go":"node app.js","more":"node more.js"}}"##,
        ),
        ("main.js", ""),
        ("inner/one.js", ""),
        ("app.js", ""),
        ("more.js", ""),
        ("shared/tool.js", ""),
        ("packages/part/package.json", "{}"),
        ("packages/part/index.js", "require('../../')"),
        (
            "packages/part/out.js",
            "const t = path.join(__dirname, '..', '..', 'shared', 'tool.js'); require('../../shared/tool')",
        ),
        ("packages/part/typed.ts", "import './real.js'"),
        ("packages/part/real.ts", ""),
        ("up/run.js", "require('..')"),
        ("inward.mjs", "import '#inner'"),
        ("folder.js", "require('./lib2')"),
        ("lib2/index.js", ""),
        ("listed.js", "for (const f of fs.readdirSync('plugins')) require('./plugins/' + f)"),
        ("list.js", "fs.readdirSync('plugins')"),
        ("helped.pl", "use Helper;"),
        ("Helper.pm", ""),
        ("ci.sh", "npm run go"),
        ("unit.sh", "node --test"),
        ("made.sh", "make all"),
        ("Makefile", "all:\n\tnode more.js\n"),
        ("steps.sh", "for f in steps/*.sh; do . $f; done"),
        ("start.js", "execSync('npm run go'); // child_process"),
        ("vendored.js", "require('./vendor/v.js')"),
    ];

    #[test]
    fn every_way_to_code_is_followed() {
        for (entry, file) in [
            ("packages/part/index.js", "main.js"),
            ("packages/part/out.js", "shared/tool.js"),
            ("packages/part/typed.ts", "packages/part/real.ts"),
            ("up/run.js", "main.js"),
            ("inward.mjs", "inner/one.js"),
            ("listed.js", "plugins/new.js"),
            ("helped.pl", "Helper.pm"),
            ("helped.pl", "warnings.pm"),
            ("ci.sh", "package.json"),
            ("ci.sh", "app.js"),
            ("unit.sh", "test/new.test.js"),
            ("made.sh", "Makefile"),
            ("made.sh", "more.js"),
            ("made.sh", "GNUmakefile"),
            ("steps.sh", "steps/new.sh"),
            ("start.js", "package.json"),
            ("start.js", "app.js"),
            ("vendored.js", "vendor/v.js"),
        ] {
            let (project, inspection) = project(&WAYS);
            write(project.path(), "vendor/old.js", "");
            assert_eq!(changed(&inspection, entry), None, "{entry}");
            write(project.path(), file, "changed");
            let name = Path::new(file).file_name().unwrap().to_str();
            assert_eq!(changed(&inspection, entry).as_deref(), name, "{entry}: {file}");
        }
        // The manifest of a folder that is required says which file it is.
        let (project, inspection) = project(&WAYS);
        let elsewhere = tempfile::tempdir().unwrap();
        write(elsewhere.path(), "far.js", "");
        let list = format!("[\"{}/far.js\"]", elsewhere.path().display());
        write(project.path(), "plugins.json", &list);
        assert_eq!(changed(&inspection, "listed.js").as_deref(), Some("far.js"));
        assert_eq!(changed(&inspection, "list.js"), None);
        write(project.path(), "lib2/package.json", r#"{"main":"../other.js"}"#);
        assert_eq!(changed(&inspection, "folder.js"), None);
        write(project.path(), "other.js", "");
        assert_eq!(changed(&inspection, "folder.js").as_deref(), Some("other.js"));
    }

    #[test]
    fn what_no_way_leads_to_may_change() {
        let (project, inspection) = project(&WAYS);
        for file in
            ["packages/part/real.ts", "plugins/new.js", "steps/new.sh", "test/new.test.js", "vendor/v.js"]
        {
            write(project.path(), file, "changed");
        }
        for entry in
            ["packages/part/index.js", "up/run.js", "inward.mjs", "list.js", "ci.sh", "made.sh", "start.js"]
        {
            assert_eq!(changed(&inspection, entry), None, "{entry}");
        }
        write(project.path(), "app.js", "changed");
        assert_eq!(changed(&inspection, "made.sh"), None);
    }

    #[test]
    fn variables_count_where_scripts_run_them() {
        let files = [
            ("chosen.sh", "${TOOL:-node} app.js"),
            ("entry.sh", "node $ENTRY --port $PORT"),
            ("mode.sh", "node config/$MODE.js"),
            ("args.sh", "exec \"$@\""),
            ("app.js", ""),
            ("started.js", "spawn(process.env.TOOL, [process.env.PORT])"),
            ("evil.js", ""),
            ("config/dev.js", ""),
            ("Makefile", "all:\n\t@echo $(PORT)\n"),
        ];
        let (project, inspection) = project(&files);
        let judged = |line: &str, variable: &str, value: &str| {
            let command: Vec<String> = line.split(' ').map(str::to_owned).collect();
            let mut code: Code = vec![PathBuf::from(&command[1])].into();
            code.told = super::super::steering::told(
                [(variable, value)].into_iter(),
                &std::env::vars().map(|(name, _)| (name, String::new())).collect(),
                &[],
            );
            code.told.retain(|name, _| name == variable);
            refused(&inspection, &command, &code)
        };
        let expanded = |name: &str| Some(format!("{:?}", Obstacle::Expanded(name.into())));
        assert_eq!(judged("sh chosen.sh", "TOOL", "printenv"), expanded("TOOL"));
        assert_eq!(judged("sh chosen.sh", "OTHER", "printenv"), None);
        assert_eq!(judged("sh entry.sh", "PORT", "3000"), None);
        assert_eq!(judged("sh entry.sh", "PORT", "1 --import=x"), expanded("PORT"));
        assert_eq!(judged("sh entry.sh", "ENTRY", "app.js"), None);
        assert_eq!(judged("sh entry.sh", "ENTRY", "-p x"), expanded("ENTRY"));
        assert_eq!(judged("sh mode.sh", "MODE", "dev"), None);
        assert_eq!(judged("sh mode.sh", "MODE", "../evil"), expanded("MODE"));
        assert_eq!(judged("make Makefile", "PORT", "80"), None);
        assert_eq!(judged("make Makefile", "PORT", "80; printenv"), expanded("PORT"));
        assert_eq!(judged("node started.js", "TOOL", "printenv X"), expanded("TOOL"));
        assert_eq!(judged("node started.js", "PORT", "3000"), None);
        assert_eq!(judged("node app.js", "TOOL", "printenv X"), None);
        assert_eq!(judged("sh args.sh", "PORT", "1"), None);
        assert_eq!(judged("sh args.sh printenv", "PORT", "1").as_deref(), Some("RunsArguments"));
        write(project.path(), "evil.js", "changed");
        assert_eq!(judged("sh entry.sh", "ENTRY", "evil.js").as_deref(), Some("evil.js"));
    }
}
