//! Follows a program's text to all that it reaches: the files that it names, from where it stands and from where it works,
//! and what stands in those.

mod found;
mod handed;
mod paths;
mod tokens;

use super::{
    changes::Inspection,
    commands::{self, Script},
    consumers,
    dependencies::named_by_one,
    interpreters::{self, SHELLS},
    judge::lexical,
    makefile::for_targets,
    modules,
    packages::{self, Packages},
    project::{SKIPPED, is_code, project_of, walk},
    reach::{Obstacle, Seen},
    recipes,
    steering::Told,
    texts::{Language, finds_code, lists_files, starts_programs},
};
use found::has_text;
pub(super) use handed::Handed;
use paths::file_of;
pub(super) use paths::{may_hold_code, module_of};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    fs,
    path::{Path, PathBuf},
};
use tokens::{Tokens, is_loaded, names_in};

/// Folders of what a build makes.
pub(super) const MADE: [&str; 5] = ["dist", "build", "out", "coverage", ".next"];

/// What is reached from a program by the names in its text.
pub(super) struct Reach<'a> {
    inspection: &'a Inspection,
    /// Where the program runs.
    pub(super) here: PathBuf,
    roots: Vec<PathBuf>,
    by_name: HashMap<String, Vec<PathBuf>>,
    /// The files of the project that are newer than the session.
    pub(super) newer: HashSet<PathBuf>,
    /// Links among these that lead to folders, by their names.
    new_links: HashMap<String, Vec<PathBuf>>,
    pub(super) open: Vec<PathBuf>,
    seen: HashSet<PathBuf>,
    pub(super) words: HashSet<String>,
    packages: Packages,
    /// Where npm or its like run scripts.
    pub(super) package_folders: HashSet<PathBuf>,
    /// What was read of scripts of packages.
    texts: HashSet<String>,
    /// What make makes of a makefile.
    targets: HashMap<PathBuf, BTreeSet<String>>,
    /// Whatever code there is in these folders, or in the project, may be run.
    pub(super) finds_code: bool,
    pub(super) folders: HashSet<PathBuf>,
    /// Where the texts stand that compute what they load.
    loaders: HashSet<PathBuf>,
    /// What JavaScript lists: node loads any file as code.
    listed: HashSet<PathBuf>,
    /// Data of the project's that is newer than the session, and may say what is loaded.
    newer_data: Vec<PathBuf>,
    /// Words of what starts programs, which may be the names of variables.
    starting: HashSet<String>,
    /// Variables that scripts expand, and the folders of these scripts.
    script: Script,
    places: HashSet<PathBuf>,
    /// What was read is written in these.
    languages: HashSet<Language>,
    /// The agent's arguments, and who is given them.
    handed: Handed,
    changed: Option<PathBuf>,
    /// Files that a build makes, and those files that a text is sure to load.
    made: HashMap<PathBuf, Seen>,
    /// Parts of the paths, and names of modules, that texts load.
    pub(super) names: HashSet<String>,
    loaded: HashSet<PathBuf>,
}

impl<'a> Reach<'a> {
    ///
    /// # Errors
    /// The folder that holds more than can be looked at.
    pub(super) fn of(roots: Vec<PathBuf>, inspection: &'a Inspection) -> Result<Self, PathBuf> {
        let mut files = Vec::new();
        for root in &roots {
            if !walk(root, &mut files) {
                return Err(root.clone());
            }
        }
        // What a program keeps for itself, its log or its database, is not what it runs. To ask git takes long, so that is
        // left for what is reached.
        let newer_data = files
            .iter()
            .filter(|file| has_text(file) && inspection.is_data(file) && inspection.is_newer(file));
        let newer_data = newer_data.cloned().collect();
        let mut moved: HashMap<PathBuf, bool> = HashMap::new();
        let mut is_moved = |file: &PathBuf| {
            let mut folders = file
                .ancestors()
                .skip(1)
                .take_while(|folder| roots.iter().any(|root| folder.starts_with(root)));
            folders
                .any(|folder| *moved.entry(folder.to_owned()).or_insert_with(|| inspection.is_moved(folder)))
        };
        let is_newer =
            |file: &&PathBuf| !inspection.is_data(file) && (inspection.is_newer(file) || is_moved(file));
        let newer: HashSet<PathBuf> = files.iter().filter(is_newer).cloned().collect();
        let mut new_links: HashMap<String, Vec<PathBuf>> = HashMap::new();
        for link in newer.iter().filter(|file| inspection.leads_away(file) && file.is_dir()) {
            let name = link.file_name().unwrap_or_default().to_string_lossy().into_owned();
            new_links.entry(name).or_default().push(link.clone());
        }
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
            new_links,
            packages,
            package_folders: HashSet::new(),
            open: vec![],
            seen: HashSet::new(),
            words: HashSet::new(),
            texts: HashSet::new(),
            targets: HashMap::new(),
            finds_code: false,
            folders: HashSet::new(),
            loaders: HashSet::new(),
            listed: HashSet::new(),
            newer_data,
            starting: HashSet::new(),
            script: Script::default(),
            places: HashSet::new(),
            languages: HashSet::new(),
            handed: Handed::default(),
            changed: None,
            made: HashMap::new(),
            names: HashSet::new(),
            loaded: HashSet::new(),
        })
    }

    /// Follows what is open to what it reaches. What a build makes may change, but where it is loaded.
    ///
    /// # Errors
    /// The first file that changed.
    pub(super) fn follow(&mut self) -> Result<Vec<Seen>, Obstacle> {
        const LONGEST: u64 = 1 << 20;
        let mut reached = vec![];
        while let Some(file) = self.open.pop() {
            if !self.seen.insert(file.clone()) {
                continue;
            }
            if let Some(link) = self.inspection.new_link_above(&file) {
                return Err(link.into());
            }
            let is_made = file.components().any(|part| MADE.iter().any(|made| part.as_os_str() == *made));
            if is_code(&file) && is_made {
                self.made.insert(file.clone(), Seen::now(&file));
            } else if is_code(&file) {
                reached.push(Seen::now(&file));
            }
            if !self.inspection.is_data(&file) && self.is_changed(&file) {
                return Err(file.into());
            }
            // What stands in it is read from where it is.
            let file = file.canonicalize().unwrap_or(file);
            self.seen.insert(file.clone());
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
                let is_told = self.is_told(&file);
                if is_told && let Some(script) = recipes::as_script(&file, &text) {
                    self.hand_to_recipes(&script, &folder)?;
                }
                let (text, language) = match recipes::as_makefile(&file, &text) {
                    Some(text) => (text, Language::Make),
                    None => {
                        let language = Language::of(&file, &text);
                        (text, language)
                    }
                };
                let text = match self.targets.get(&file) {
                    Some(targets) => for_targets(&text, targets),
                    None => text,
                };
                self.open.extend(modules::shadows(language, &self.newer, &folder));
                self.languages.insert(language);
                let before = self.open.len();
                self.read(&text, &folder, language);
                if is_told {
                    let opened = self.open.get(before..).unwrap_or_default().to_vec();
                    self.hand(&text, &folder, language, opened)?;
                }
            }
            if let Some(changed) = self.changed.take() {
                return Err(changed.into());
            }
        }
        if self.starts_arguments() {
            return Err(Obstacle::RunsArguments);
        }
        if let Some(changed) = self.changed.take() {
            return Err(changed.into());
        }
        reached.extend(self.loaded.iter().filter_map(|file| self.made.remove(file)));
        Ok(reached)
    }

    fn is_changed(&self, file: &Path) -> bool {
        (self.inspection.is_newer(file) || self.inspection.is_moved_with_folder(file))
            && self.inspection.is_changed(file)
    }

    /// Opens the files that a text in this folder names, and notes its words.
    pub(super) fn read(&mut self, text: &str, folder: &Path, language: Language) {
        let is_of_word = |c: char| c.is_alphanumeric() || "_-".contains(c);
        self.words.extend(text.split(|c| !is_of_word(c)).filter(|word| !word.is_empty()).map(str::to_owned));
        let Tokens { all: tokens, quoted } = Tokens::of(text);
        for token in &tokens {
            self.by_index(token, folder, language);
        }
        if !self.new_links.is_empty() {
            self.by_new_link(&tokens, &quoted, language);
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
        self.names.extend(names_in(&tokens, &quoted, language));
        match language {
            Language::JavaScript => {
                for token in &quoted {
                    if token.starts_with('.') || token.starts_with('/') {
                        let files = module_of(&folder.join(token), language);
                        if is_loaded(text, token) {
                            self.loaded.extend(files.iter().cloned());
                        }
                        self.open.extend(files);
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
        if language == Language::JavaScript && lists_files(text) {
            self.lists(&tokens, &quoted, folder);
        }
        if finds_code(language, text) {
            self.loaders.insert(folder.to_owned());
            self.finds_code_in(folder, &named);
        }
    }

    /// Opens the new links to folders whose names a text has where the name of a folder or a module may be.
    fn by_new_link(&mut self, tokens: &HashSet<&str>, quoted: &HashSet<&str>, language: Language) {
        let is_script = matches!(language, Language::Shell | Language::Make);
        for token in tokens {
            if is_script || language.has_modules() || token.contains('/') || quoted.contains(token) {
                let parts = token.split(['/', '.']).chain(token.split('/'));
                let links = parts.filter_map(|part| self.new_links.get(part));
                self.open.extend(links.flatten().cloned());
            }
        }
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

    /// Of these programs the first that a dependency of what was read may start.
    pub(super) fn named_by_dependency(&self, programs: &[String]) -> Option<String> {
        named_by_one(programs, &self.languages, &self.roots).cloned()
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
                let written = base.join(token);
                let Ok(path) = written.canonicalize() else { continue };
                if path.is_dir()
                    && (may_hold_code(&path) || may_hold_code(&lexical(&written)))
                    && !found.contains(&path)
                    && found.len() < MOST
                {
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
            } else if consumers::runs_whole_project(name, arguments)
                || name.starts_with("docker")
                || name == "podman"
            {
                self.open.extend(bases.iter().flat_map(|base| recipes::files_of(name, arguments, base)));
                if !consumers::runs_whole_project(name, arguments) {
                    continue;
                }
                let told = arguments.iter().flat_map(|word| bases.iter().map(move |base| base.join(word)));
                let told: Vec<PathBuf> =
                    told.filter_map(|path| path.canonicalize().ok()).filter(|path| path.is_dir()).collect();
                self.finds_code_in(bases.first().map_or(Path::new(""), PathBuf::as_path), &told);
                self.folders.extend(bases.iter().filter_map(|base| project_of(&base.join("x"))));
            } else if SHELLS.contains(&name)
                || interpreters::named(name).is_some()
                || [".", "source"].contains(&name)
            {
                let language = Language::Shell;
                for word in arguments.iter().filter(|word| !word.starts_with('-')) {
                    let files = bases.iter().flat_map(|base| module_of(&base.join(word), language));
                    let files: Vec<PathBuf> = files.collect();
                    // With other commands beside it, these may be there to make the file.
                    if script.commands.len() == 1 {
                        self.loaded.extend(files.iter().cloned());
                    }
                    self.open.extend(files);
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
    pub(super) fn make(&mut self, file: &Path, wanted: &[String]) {
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
        self.package_folders.extend(bases.iter().cloned());
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
    pub(super) fn expand(&mut self, told: &BTreeMap<String, Told>) -> Result<(), Obstacle> {
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
}
