//! What changed since the session began: a program that did may be the agent's work. A program is its file, the
//! files that it mentions, and what its tools read by themselves.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// Files that tools read by themselves and that can make them run code.
const CONFIGURATION: &[&str] = &[
    ".npmrc",
    ".yarnrc",
    ".yarnrc.yml",
    ".pnpmfile.cjs",
    "bunfig.toml",
    "deno.json",
    "conftest.py",
    "pytest.ini",
    "tox.ini",
    "setup.cfg",
    "setup.py",
    "sitecustomize.py",
    "usercustomize.py",
    ".mocharc.js",
    ".mocharc.cjs",
    ".mocharc.json",
    ".mocharc.yml",
    ".babelrc",
    ".babelrc.js",
    ".eslintrc.js",
    ".eslintrc.cjs",
    ".prettierrc.js",
    "tsconfig.json",
    "GNUmakefile",
    "makefile",
    "Makefile",
    "Rakefile",
    "justfile",
    "Taskfile.yml",
    "build.gradle",
    "pom.xml",
    "composer.json",
    "Gemfile",
    ".psqlrc",
    ".curlrc",
    ".wgetrc",
    ".my.cnf",
];

/// What tools read in the home folder and obey: what they run, or what they write down.
const AT_HOME: &[&str] = &[
    ".aws/config",
    ".cargo/config",
    ".cargo/config.toml",
    ".config/curlrc",
    ".config/git/config",
    ".config/pip/pip.conf",
    ".curlrc",
    ".docker/config.json",
    ".gitconfig",
    ".kube/config",
    ".my.cnf",
    ".mylogin.cnf",
    ".npmrc",
    ".pip/pip.conf",
    ".psqlrc",
    ".pypirc",
    ".ssh/config",
    ".wgetrc",
    ".yarnrc",
    ".yarnrc.yml",
];

/// Modules of Python that it loads before a script's first line, or that nearly every other module loads.
const PYTHON_IMPLICIT: &[&str] = &[
    "os",
    "re",
    "io",
    "abc",
    "codecs",
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
    /// Whatever code there is in the project: tests that a runner finds, sources that a compiler takes.
    pub whole_project: bool,
}

impl From<Vec<PathBuf>> for Code {
    fn from(files: Vec<PathBuf>) -> Self {
        Self { files, whole_project: false }
    }
}

/// Looks for what changed since a moment.
pub struct Inspection {
    /// Nanoseconds since 1970.
    pub since: u128,
    /// Where the program runs: what paths are relative to.
    pub folder: PathBuf,
}

impl Inspection {
    /// Of what a program runs, the first file that changed since the session began.
    pub fn changed(&self, code: Code) -> Option<PathBuf> {
        let files = code.files.iter().map(|file| self.folder.join(file));
        let entries: Vec<PathBuf> = files.filter(|path| path.exists()).collect();
        let mut folders = vec![self.folder.clone()];
        for entry in &entries {
            if self.is_changed(entry) {
                return Some(entry.clone());
            }
            folders.extend(entry.parent().filter(|folder| *folder != Path::new("")).map(Path::to_owned));
        }
        for folder in &folders {
            let found = CONFIGURATION.iter().map(|name| folder.join(name)).chain(config_files(folder));
            if let Some(file) = found.filter(|path| path.is_file()).find(|path| self.is_changed(path)) {
                return Some(file);
            }
        }
        self.reached(entries, code.whole_project)
    }

    /// Of the files in the home folder that steer tools, the first that changed.
    pub fn changed_at_home(&self) -> Option<PathBuf> {
        files_at_home().find(|file| file.is_file() && self.is_changed(file))
    }

    /// Follows the names of files that a program's text mentions.
    fn reached(&self, entries: Vec<PathBuf>, whole_project: bool) -> Option<PathBuf> {
        let mut roots: Vec<PathBuf> = entries.iter().filter_map(|entry| project_of(entry)).collect();
        roots.extend(project_of(&self.folder.join("x")));
        roots.sort();
        roots.dedup();
        let mut files = Vec::new();
        for root in &roots {
            walk(root, &mut files);
        }
        // What a program keeps for itself, its log or its database, is not what it runs.
        let may_steer = |file: &&PathBuf| !is_data(file) && self.is_changed(file);
        let changed: HashSet<PathBuf> = files.iter().filter(may_steer).cloned().collect();
        // Nothing changed: nothing to follow.
        if changed.is_empty() || whole_project {
            return changed.into_iter().next();
        }
        let mut by_name: HashMap<String, Vec<PathBuf>> = HashMap::new();
        for file in &files {
            let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let stem = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            // A folder is named for the file that stands for it.
            if ["index", "__init__", "__main__", "mod"].contains(&stem.as_str())
                && let Some(folder) = file.parent().and_then(Path::file_name)
            {
                by_name.entry(folder.to_string_lossy().into_owned()).or_default().push(file.clone());
            }
            by_name.entry(stem).or_default().push(file.clone());
            by_name.entry(name).or_default().push(file.clone());
        }
        let mut seen: HashSet<PathBuf> = HashSet::new();
        let mut open: Vec<PathBuf> = entries.iter().filter_map(|entry| entry.canonicalize().ok()).collect();
        while let Some(file) = open.pop() {
            if !seen.insert(file.clone()) {
                continue;
            }
            if changed.contains(&file) {
                return Some(file);
            }
            let is_python = file.extension().is_some_and(|extension| extension == "py");
            if is_python && let Some(folder) = file.parent() {
                let implicit = PYTHON_IMPLICIT.iter().flat_map(|name| {
                    [folder.join(format!("{name}.py")), folder.join(name).join("__init__.py")]
                });
                open.extend(implicit.filter(|path| path.is_file()));
            }
            let Ok(metadata) = fs::metadata(&file) else { continue };
            if metadata.len() > 1 << 20 {
                continue;
            }
            let Ok(text) = fs::read_to_string(&file) else { continue };
            for token in text.split(|c: char| !(c.is_alphanumeric() || "_./-@".contains(c))) {
                let name = token.rsplit('/').next().unwrap_or_default().trim_end_matches('.');
                let Some(candidates) = by_name.get(name) else { continue };
                for candidate in candidates {
                    let whole = candidate.file_name().is_some_and(|file| file.to_string_lossy() == name);
                    // A word alone names a file only by its whole name, with an extension; a path, or a module of
                    // Python, by less.
                    let names_it = (whole && name.contains('.'))
                        || token.contains('/')
                        || (is_python && is_code(candidate));
                    if names_it {
                        open.push(candidate.clone());
                    }
                }
            }
            // `a.b.c` is a path of modules.
            if is_python {
                for token in text
                    .split(|c: char| !(c.is_alphanumeric() || "_.".contains(c)))
                    .filter(|token| token.contains('.'))
                {
                    for name in token.split('.') {
                        open.extend(
                            by_name.get(name).into_iter().flatten().filter(|path| is_code(path)).cloned(),
                        );
                    }
                }
            }
        }
        None
    }

    /// Whether a file, or the link that leads to it, changed since the session began, to something that was not
    /// in its repository before.
    pub fn is_changed(&self, path: &Path) -> bool {
        match fs::metadata(path) {
            Ok(metadata) if !metadata.is_file() => return path != Path::new("/dev/null"),
            _ => {}
        }
        let newer = |metadata: std::io::Result<fs::Metadata>| match metadata {
            Ok(metadata) => changed_at(&metadata) >= self.since,
            Err(_) => true,
        };
        (newer(fs::symlink_metadata(path)) || newer(fs::metadata(path))) && !self.was_in_repository(path)
    }

    /// Whether git has a copy of exactly this content that is older than the session.
    fn was_in_repository(&self, path: &Path) -> bool {
        let folder = path.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."));
        let git = |arguments: &[&str]| {
            let mut git = Command::new("git");
            git.arg("-C")
                .arg(folder)
                .args(["-c", "core.fsmonitor=false"])
                .args(arguments)
                .stdin(Stdio::null())
                .stderr(Stdio::null());
            for name in super::steering::of_this_process().keys().filter(|name| name.starts_with("GIT_")) {
                git.env_remove(name);
            }
            let output = git.output().ok().filter(|output| output.status.success())?;
            String::from_utf8(output.stdout).ok().map(|text| text.trim().to_owned())
        };
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let Some(hash) = git(&["hash-object", "--no-filters", "--", &name]) else { return false };
        let Some(objects) = git(&["rev-parse", "--git-path", "objects"]).map(|objects| folder.join(objects))
        else {
            return false;
        };
        let (Some(head), Some(tail)) = (hash.get(..2), hash.get(2..)) else { return false };
        let old = |path: &Path| fs::metadata(path).is_ok_and(|metadata| changed_at(&metadata) < self.since);
        if old(&objects.join(head).join(tail)) {
            return true;
        }
        let packs: Vec<PathBuf> = fs::read_dir(objects.join("pack"))
            .into_iter()
            .flatten()
            .flatten()
            .map(|entry| entry.path())
            .collect();
        !packs.is_empty()
            && packs.iter().all(|pack| old(pack))
            && !objects.join(head).join(tail).exists()
            && git(&["cat-file", "-e", &hash]).is_some()
    }

    /// A folder of PATH that the agent itself does not have and that holds something new.
    pub fn strange_path_folder(&self, usual: &BTreeMap<String, String>) -> Option<String> {
        let path = std::env::var("PATH").unwrap_or_default();
        let usual: HashSet<&str> =
            usual.get("PATH").map(|path| path.split(':').collect()).unwrap_or_default();
        path.split(':')
            .filter(|folder| !usual.contains(folder))
            .find(|folder| {
                let folder = Path::new(if folder.is_empty() { "." } else { folder });
                let entries = fs::read_dir(folder).into_iter().flatten().flatten();
                entries.map(|entry| entry.path()).any(|path| path.is_file() && self.is_changed(&path))
            })
            .map(str::to_owned)
    }
}

/// The files in the home folder that steer tools, those of Python's user site among them.
fn files_at_home() -> impl Iterator<Item = PathBuf> {
    let home = std::env::home_dir().unwrap_or_default();
    let versions = fs::read_dir(home.join(".local/lib")).into_iter().flatten().flatten();
    let sites = versions.map(|version| version.path().join("site-packages"));
    let of_python =
        sites.flat_map(|site| fs::read_dir(site).into_iter().flatten().flatten()).map(|file| file.path());
    let startup = of_python.filter(|file| {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        name.ends_with(".pth") || name.starts_with("usercustomize") || name.starts_with("sitecustomize")
    });
    AT_HOME
        .iter()
        .map(|name| home.join(name))
        .collect::<Vec<_>>()
        .into_iter()
        .chain(startup.collect::<Vec<_>>())
}

/// `*.config.*`, the form that many tools of JavaScript have.
fn config_files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).filter(|path| path.to_string_lossy().contains(".config.")).collect()
}

fn changed_at(metadata: &fs::Metadata) -> u128 {
    let seconds = u128::try_from(metadata.ctime()).unwrap_or(0);
    seconds * 1_000_000_000 + u128::try_from(metadata.ctime_nsec()).unwrap_or(0)
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
    let here = Path::new(".").canonicalize().unwrap_or_default();
    let home = std::env::home_dir();
    let is_of_it = |folder: &&Path| {
        *folder == here || [".git", ".securecoderc"].iter().any(|mark| folder.join(mark).exists())
    };
    let above = here.ancestors().filter(|folder| Some(*folder) != home.as_deref());
    above.filter(is_of_it).map(Path::to_owned).collect()
}

/// The files of a project, without what was installed or built.
fn walk(root: &Path, files: &mut Vec<PathBuf>) {
    const MOST: usize = 20_000;
    const SKIPPED: &[&str] =
        &[".git", "node_modules", "target", ".venv", "venv", "__pycache__", ".next", "vendor"];
    let mut open = vec![root.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            if files.len() >= MOST {
                return;
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
        let changed = inspection.changed(vec![PathBuf::from(file)].into())?;
        Some(changed.file_name().unwrap().to_string_lossy().into_owned())
    }

    const FILES: [(&str, &str); 8] = [
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
            ("app.js", ".npmrc"),
            ("app.js", "vite.config.ts"),
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
        let whole = || inspection.changed(Code { files: vec![], whole_project: true });
        assert_eq!(whole(), None);
        write(project.path(), "test/new.test.js", "");
        assert!(whole().is_some_and(|file| file.ends_with("new.test.js")));
    }
}
