//! What a program is: its file, the files that it mentions, and what the tools that it mentions read by themselves.

use super::changes::Inspection;
use std::{
    collections::{HashMap, HashSet},
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

/// Files of a project that tools read by themselves and that can make them run code, and the tools.
const CONFIGURATION: &[(&str, &[&str])] = &[
    (".npmrc", NODE_PACKAGES),
    (".yarnrc", NODE_PACKAGES),
    (".yarnrc.yml", NODE_PACKAGES),
    (".pnpmfile.cjs", NODE_PACKAGES),
    ("bunfig.toml", &["bun", "bunx"]),
    ("deno.json", &["deno"]),
    ("conftest.py", PYTEST),
    ("pytest.ini", PYTEST),
    ("tox.ini", PYTEST),
    ("setup.cfg", PYTEST),
    ("setup.py", &["pip", "pip3", "setup", "tox"]),
    ("sitecustomize.py", &["python"]),
    ("usercustomize.py", &["python"]),
    (".mocharc.js", &["mocha"]),
    (".mocharc.cjs", &["mocha"]),
    (".mocharc.json", &["mocha"]),
    (".mocharc.yml", &["mocha"]),
    (".babelrc", &["babel", "jest"]),
    (".babelrc.js", &["babel", "jest"]),
    (".eslintrc.js", &["eslint"]),
    (".eslintrc.cjs", &["eslint"]),
    (".prettierrc.js", &["prettier"]),
    ("tsconfig.json", &["tsc", "tsx", "ts-node", "bun", "deno", "vite", "next", "jest", "vitest"]),
    ("GNUmakefile", &["make", "gmake"]),
    ("makefile", &["make", "gmake"]),
    ("Makefile", &["make", "gmake"]),
    ("Rakefile", &["rake", "rails", "bundle"]),
    ("justfile", &["just"]),
    ("Taskfile.yml", &["task"]),
    ("build.gradle", &["gradle", "gradlew"]),
    ("pom.xml", &["mvn", "mvnw"]),
    ("composer.json", &["composer"]),
    ("Gemfile", &["bundle", "ruby", "rails", "rake"]),
    (".psqlrc", &["psql"]),
    (".curlrc", &["curl"]),
    (".wgetrc", &["wget"]),
    (".my.cnf", &["mysql", "mariadb", "mysqldump"]),
];

const NODE_PACKAGES: &[&str] = &["npm", "npx", "pnpm", "yarn"];
const PYTEST: &[&str] = &["pytest", "tox", "setup", "pip", "pip3", "unittest"];

/// What tools read in the home folder and obey, what they run or what they write down; and the tools.
const AT_HOME: &[(&str, &[&str])] = &[
    (".aws/config", &["aws", "boto", "boto3", "terraform"]),
    (".cargo/config", &["cargo"]),
    (".cargo/config.toml", &["cargo"]),
    (".config/curlrc", &["curl"]),
    (".config/git/config", &["git"]),
    (".config/pip/pip.conf", &["pip", "pip3"]),
    (".curlrc", &["curl"]),
    (".docker/config.json", &["docker", "docker-compose", "podman"]),
    (".gitconfig", &["git"]),
    (".kube/config", &["kubectl", "helm"]),
    (".my.cnf", &["mysql", "mariadb", "mysqldump"]),
    (".mylogin.cnf", &["mysql", "mariadb", "mysqldump"]),
    (".npmrc", NODE_PACKAGES),
    (".pip/pip.conf", &["pip", "pip3"]),
    (".psqlrc", &["psql"]),
    (".pypirc", &["twine", "pip", "pip3"]),
    (".ssh/config", &["ssh", "scp", "sftp", "rsync", "git"]),
    (".wgetrc", &["wget"]),
    (".yarnrc", NODE_PACKAGES),
    (".yarnrc.yml", NODE_PACKAGES),
];

/// Modules of Python that it loads before a script's first line, or that nearly every other module loads.
const PYTHON_IMPLICIT: &[&str] = &[
    "os",
    "re",
    "io",
    "abc",
    "array",
    "codecs",
    "concurrent",
    "contextvars",
    "fcntl",
    "msvcrt",
    "opcode",
    "quopri",
    "select",
    "site",
    "stat",
    "types",
    "enum",
    "functools",
    "collections",
    "keyword",
    "operator",
    "reprlib",
    "heapq",
    "copyreg",
    "warnings",
    "contextlib",
    "string",
    "struct",
    "threading",
    "time",
    "socket",
    "ssl",
    "selectors",
    "signal",
    "email",
    "http",
    "urllib",
    "json",
    "base64",
    "hashlib",
    "hmac",
    "random",
    "logging",
    "traceback",
    "linecache",
    "tokenize",
    "token",
    "inspect",
    "dis",
    "ast",
    "importlib",
    "typing",
    "copy",
    "weakref",
    "datetime",
    "calendar",
    "locale",
    "tempfile",
    "shutil",
    "subprocess",
    "uuid",
    "decimal",
    "numbers",
    "queue",
    "bisect",
    "math",
    "zlib",
    "gzip",
    "textwrap",
    "argparse",
    "gettext",
    "getopt",
    "fnmatch",
    "glob",
    "pathlib",
    "platform",
];

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
}

impl From<Vec<PathBuf>> for Code {
    fn from(files: Vec<PathBuf>) -> Self {
        Self { files, ..Self::default() }
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
    /// The first file of it that changed since the session began.
    pub fn inspect(&self, command: &[String], code: &Code) -> Result<Vec<Seen>, PathBuf> {
        let files = code.files.iter().map(|file| self.folder.join(file));
        // What is named is judged whatever its name; of a folder, what is no data.
        let (mut entries, mut held) = (Vec::new(), Vec::new());
        for file in files.filter(|path| path.exists()) {
            if !file.is_dir() {
                entries.push(file);
            } else if !walk(&file, &mut held) {
                return Err(file);
            }
        }
        entries.extend(held.into_iter().filter(|file| !is_data(file)));
        let mut seen: Vec<Seen> = entries.iter().map(|entry| Seen::now(entry)).collect();
        let settings: Vec<PathBuf> =
            code.settings.iter().map(|file| self.folder.join(file)).filter(|file| file.exists()).collect();
        seen.extend(settings.iter().map(|file| Seen::now(file)));
        if let Some(changed) = entries.iter().chain(&settings).find(|entry| self.is_changed(entry)) {
            return Err(changed.clone());
        }
        let mut folders: Vec<&Path> = entries.iter().filter_map(|entry| entry.parent()).collect();
        folders.push(&self.folder);
        let above = project_folders_above(&self.folder);
        folders.extend(above.iter().map(PathBuf::as_path));
        folders.sort();
        folders.dedup();
        let configuration = folders.into_iter().flat_map(configuration_in).chain(configuration_at_home());
        let configuration: Vec<(PathBuf, Tools)> =
            configuration.filter(|(file, _)| file.is_file() && self.is_newer(file)).collect();
        let mut reach = Reach::of(&self.roots(&entries), self)?;
        if code.whole_project {
            seen.extend(reach.code());
            if let Some(file) = reach.newer.iter().find(|file| self.is_changed(file)) {
                return Err(file.clone());
            }
        }
        if command.iter().any(|word| word == "-m")
            && let Some(file) = reach
                .shadows(&self.folder.canonicalize().unwrap_or_default())
                .find(|file| self.is_changed(file))
        {
            return Err(file);
        }
        for word in command {
            reach.read(word, Path::new(""), false);
        }
        reach.read(&code.text, &self.folder, false);
        reach.open.extend(entries.iter().filter_map(|entry| entry.canonicalize().ok()));
        seen.extend(reach.follow(self)?);
        let used = configuration.into_iter().filter(|(_, tools)| reach.mentions(tools)).map(|(file, _)| file);
        match used.into_iter().find(|file| self.is_changed(file)) {
            Some(file) => Err(file),
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

/// Who reads a file of configuration.
enum Tools {
    Named(&'static [&'static str]),
    /// All whose name begins so: `vite.config.ts` is for `vite` and `vitest`.
    Beginning(String),
}

fn configuration_in(folder: &Path) -> Vec<(PathBuf, Tools)> {
    let known = CONFIGURATION.iter().map(|(name, tools)| (folder.join(name), Tools::Named(tools)));
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let of_the_form = entries.filter_map(|entry| {
        let name = entry.file_name().to_string_lossy().into_owned();
        let (tool, _) = name.split_once(".config.")?;
        Some((entry.path(), Tools::Beginning(tool.to_owned())))
    });
    known.chain(of_the_form).collect()
}

/// What steers tools from the home folder, the start-up files of Python's user site among it.
fn configuration_at_home() -> Vec<(PathBuf, Tools)> {
    let home = std::env::home_dir().unwrap_or_default();
    let versions = fs::read_dir(home.join(".local/lib")).into_iter().flatten().flatten();
    let sites = versions.map(|version| version.path().join("site-packages"));
    let of_python =
        sites.flat_map(|site| fs::read_dir(site).into_iter().flatten().flatten()).map(|file| file.path());
    let startup = of_python.filter(|file| {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        name.ends_with(".pth") || name.starts_with("usercustomize") || name.starts_with("sitecustomize")
    });
    let known = AT_HOME.iter().map(|(name, tools)| (home.join(name), Tools::Named(tools)));
    known.chain(startup.map(|file| (file, Tools::Named(&["python"])))).collect()
}

/// What is reached from a program by the names in its text.
struct Reach {
    by_name: HashMap<String, Vec<PathBuf>>,
    /// The files of the project that are newer than the session.
    newer: HashSet<PathBuf>,
    open: Vec<PathBuf>,
    words: HashSet<String>,
}

impl Reach {
    ///
    /// # Errors
    /// The folder that holds more than can be looked at.
    fn of(roots: &[PathBuf], inspection: &Inspection) -> Result<Self, PathBuf> {
        let mut files = Vec::new();
        for root in roots {
            if !walk(root, &mut files) {
                return Err(root.clone());
            }
        }
        // What a program keeps for itself, its log or its database, is not what it runs. To ask git takes long, so that is
        // left for what is reached.
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
        Ok(Self { by_name, newer, open: vec![], words: HashSet::new() })
    }

    /// What is new in a folder and Python would load in place of its own modules.
    fn shadows(&self, folder: &Path) -> impl Iterator<Item = PathBuf> {
        let is_shadow = |file: &&PathBuf| {
            let Ok(below) = file.strip_prefix(folder) else { return false };
            let mut parts = below.components().map(|part| part.as_os_str().to_string_lossy());
            let (Some(first), second) = (parts.next(), parts.next()) else { return false };
            let stem = first.split('.').next().unwrap_or_default();
            let ending = first.rsplit('.').next().unwrap_or_default();
            let is_module = match second {
                None => ["py", "pyc", "so", "pyd"].contains(&ending),
                Some(second) => second.starts_with("__init__."),
            };
            let is_compiled = ["pyc", "so"].contains(&ending);
            is_module && (PYTHON_IMPLICIT.contains(&stem) || stem.starts_with('_') || is_compiled)
        };
        let found: Vec<PathBuf> = self.newer.iter().filter(is_shadow).cloned().collect();
        found.into_iter()
    }

    /// All of the project that is code, up to a number that can be watched.
    fn code(&self) -> impl Iterator<Item = Seen> {
        const MOST: usize = 4000;
        self.by_name.values().flatten().filter(|file| is_code(file)).take(MOST).map(|file| Seen::now(file))
    }

    /// Follows what is open to what it reaches, but for what a build makes.
    ///
    /// # Errors
    /// The first file that changed.
    fn follow(&mut self, inspection: &Inspection) -> Result<Vec<Seen>, PathBuf> {
        const LONGEST: u64 = 1 << 20;
        const MADE: [&str; 5] = ["dist", "build", "out", "coverage", ".next"];
        let mut reached = vec![];
        let mut seen: HashSet<PathBuf> = HashSet::new();
        while let Some(file) = self.open.pop() {
            if !seen.insert(file.clone()) {
                continue;
            }
            let is_made = file.components().any(|part| MADE.iter().any(|made| part.as_os_str() == *made));
            if is_code(&file) && !is_made {
                reached.push(Seen::now(&file));
            }
            if self.newer.contains(&file) && inspection.is_changed(&file) {
                return Err(file);
            }
            let is_python = file.extension().is_some_and(|extension| extension == "py");
            let folder = file.parent().unwrap_or(Path::new("")).to_owned();
            if is_python {
                let shadows: Vec<PathBuf> = self.shadows(&folder).collect();
                self.open.extend(shadows);
            }
            if fs::metadata(&file).is_ok_and(|metadata| metadata.len() <= LONGEST)
                && let Ok(text) = fs::read_to_string(&file)
            {
                self.read(&text, &folder, is_python);
            }
        }
        Ok(reached)
    }

    /// Opens the files that a text in this folder names, and notes its words.
    fn read(&mut self, text: &str, folder: &Path, is_python: bool) {
        let is_of_word = |c: char| c.is_alphanumeric() || "_-".contains(c);
        self.words.extend(text.split(|c| !is_of_word(c)).filter(|word| !word.is_empty()).map(str::to_owned));
        for token in text.split(|c: char| !(is_of_word(c) || "./@".contains(c))) {
            let name = token.rsplit('/').next().unwrap_or_default().trim_end_matches('.');
            let Some(candidates) = self.by_name.get(name) else { continue };
            // A path that leads somewhere from here is that file alone.
            let beside = |candidate: &&PathBuf| {
                let path = folder.join(token);
                let path = path.canonicalize().or_else(|_| std::path::absolute(&path)).unwrap_or(path);
                **candidate == path
                    || candidate.with_extension("") == path
                    || candidate.parent() == Some(&path)
            };
            let is_relative = token.starts_with("./") || token.starts_with("../");
            if is_relative && candidates.iter().any(|candidate| beside(&candidate)) {
                self.open.extend(candidates.iter().filter(beside).cloned());
                continue;
            }
            for candidate in candidates {
                let whole = candidate.file_name().is_some_and(|file| file.to_string_lossy() == name);
                // A word alone names a file only by its whole name, with an extension; a path, or a module of Python,
                // by less.
                if (whole && name.contains('.')) || token.contains('/') || (is_python && is_code(candidate)) {
                    self.open.push(candidate.clone());
                }
            }
        }
        // `a.b.c` is a path of modules.
        if is_python {
            let dotted = text.split(|c: char| !(c.is_alphanumeric() || "_.".contains(c)));
            for name in dotted.filter(|token| token.contains('.')).flat_map(|token| token.split('.')) {
                let named = self.by_name.get(name).into_iter().flatten();
                self.open.extend(named.filter(|path| is_code(path)).cloned());
            }
        }
    }

    /// Whether one of these tools was named in what was read.
    fn mentions(&self, tools: &Tools) -> bool {
        self.words.iter().any(|word| match tools {
            Tools::Named(names) => {
                let name = word.trim_end_matches(|c: char| c.is_ascii_digit());
                names.iter().any(|known| known == word || *known == name)
            }
            Tools::Beginning(tool) => word.starts_with(tool.as_str()),
        })
    }
}

/// The project that a file is of: the nearest folder above with a repository or a manifest.
fn project_of(file: &Path) -> Option<PathBuf> {
    let file = file.canonicalize().or_else(|_| std::path::absolute(file)).ok()?;
    let marks = [
        ".git",
        "package.json",
        "pyproject.toml",
        "Cargo.toml",
        "go.mod",
        "Gemfile",
        "composer.json",
        ".securecoderc",
    ];
    let mut above = file.parent()?.ancestors();
    above.find(|folder| marks.iter().any(|mark| folder.join(mark).exists())).map(Path::to_owned)
}

/// The folders above this one, and itself, that have a repository or our file: all of one project. A home is none.
pub fn project_folders() -> Vec<PathBuf> {
    project_folders_above(Path::new("."))
}

fn project_folders_above(folder: &Path) -> Vec<PathBuf> {
    let here = folder.canonicalize().unwrap_or_default();
    let home = std::env::home_dir();
    let is_of_it = |folder: &&Path| {
        *folder == here || [".git", ".securecoderc"].iter().any(|mark| folder.join(mark).exists())
    };
    let above = here.ancestors().filter(|folder| Some(*folder) != home.as_deref());
    above.filter(is_of_it).map(Path::to_owned).collect()
}

/// The files of a project, without what was installed or built.
///
/// Whether these are all: of more than so many none is looked at.
fn walk(root: &Path, files: &mut Vec<PathBuf>) -> bool {
    const MOST: usize = 100_000;
    const SKIPPED: &[&str] =
        &[".git", "node_modules", "target", ".venv", "venv", "__pycache__", ".next", "vendor"];
    let mut open = vec![root.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            if files.len() >= MOST {
                return false;
            }
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => {
                    if !SKIPPED.iter().any(|name| entry.file_name().to_string_lossy() == *name) {
                        open.push(entry.path());
                    }
                }
                Ok(_) => files.push(entry.path()),
                Err(_) => {}
            }
        }
    }
    true
}

/// Whether a file's name is that of data, which no tool runs and by which none is steered.
pub(super) fn is_data(path: &Path) -> bool {
    const DATA: &[&str] = &[
        "bmp",
        "bz2",
        "css",
        "csv",
        "db",
        "db-journal",
        "db-shm",
        "db-wal",
        "err",
        "gif",
        "gz",
        "ico",
        "jpeg",
        "jpg",
        "jsonl",
        "lock",
        "log",
        "lz4",
        "md",
        "mp3",
        "mp4",
        "ndjson",
        "out",
        "parquet",
        "pdf",
        "pid",
        "png",
        "rst",
        "scss",
        "sqlite",
        "sqlite3",
        "sqlite3-journal",
        "sqlite3-shm",
        "sqlite3-wal",
        "svg",
        "tar",
        "tsv",
        "ttf",
        "txt",
        "wav",
        "webp",
        "woff",
        "woff2",
        "xz",
        "zip",
        "zst",
    ];
    const STEERING_JSON: &[&str] = &[
        "package.json",
        "composer.json",
        "deno.json",
        "project.json",
        "nx.json",
        "turbo.json",
        "lerna.json",
    ];
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    // Python's own lists of what to install are obeyed.
    if name.starts_with("requirements") || name == "cmakelists.txt" {
        return false;
    }
    match name.rsplit_once('.') {
        Some((stem, "json")) => {
            !STEERING_JSON.contains(&name.as_str())
                && !["config", "rc", ".schema"].iter().any(|end| stem.ends_with(end))
                && !stem.starts_with("tsconfig")
                && !stem.starts_with('.')
        }
        Some((_, extension)) => DATA.contains(&extension),
        None => false,
    }
}

/// Whether a file's name is that of code.
pub fn is_code(path: &Path) -> bool {
    const CODE: &[&str] = &[
        "js", "mjs", "cjs", "jsx", "ts", "mts", "cts", "tsx", "py", "rb", "pl", "pm", "php", "sh", "bash",
        "zsh", "lua", "r", "mk", "go", "rs", "java", "jar", "so", "node", "wasm", "sql", "tf", "gradle",
    ];
    let extension = path.extension().and_then(|extension| extension.to_str());
    extension.is_some_and(|extension| CODE.contains(&extension.to_ascii_lowercase().as_str()))
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
        let changed = inspection.inspect(&command, &vec![PathBuf::from(file)].into()).err()?;
        Some(changed.file_name().unwrap().to_string_lossy().into_owned())
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
        let whole = || inspection.inspect(&[], &Code { whole_project: true, ..Code::default() }).err();
        assert_eq!(whole(), None);
        write(project.path(), "test/new.test.js", "");
        assert!(whole().is_some_and(|file| file.ends_with("new.test.js")));
    }
}
