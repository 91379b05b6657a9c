//! What a program runs: its file, the files that it names, and what the tools that it names read by themselves.

use super::{
    changes::{Inspection, changed_at},
    configuration::{self, Tools},
    consumers,
    follow::{Handed, Reach},
    modules,
    names::Names,
    packages::TOOLS,
    project::{is_data, project_folders_above, project_of, walk},
    recipes,
    steering::Told,
    texts::Language,
    trusted::Trusted,
};
use std::{
    collections::{BTreeMap, HashSet},
    fmt, fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    time::{Duration, SystemTime, UNIX_EPOCH},
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
    /// Arguments that this text is given.
    pub handed: Vec<String>,
    /// Placeholders of secrets whose values are more than plain words.
    pub texts: Vec<String>,
    /// Whatever code there is in the project: tests that a runner finds, sources that a compiler takes.
    pub whole_project: bool,
    /// What the command assigns to variables, as `env` and make do for what they run.
    pub assigned: Vec<(String, String)>,
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
            Self::RunsArguments => {
                f.write_str("it runs, or hands to what it starts, what it is told on the command line")
            }
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
    pub(super) fn now(path: &Path) -> Self {
        let stamp = fs::metadata(path).ok();
        let stamp =
            stamp.map(|metadata| (metadata.dev(), metadata.ino(), metadata.ctime(), metadata.ctime_nsec()));
        Self { path: path.to_owned(), stamp }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
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
    pub fn inspect(&self, command: &[String], code: &Code) -> Result<Trusted, Obstacle> {
        // The system stamps files by a clock of its own, which goes in steps.
        let begun = SystemTime::now().checked_sub(Duration::from_millis(10));
        // What node is given to test is code, whatever its name.
        let tests = command.iter().any(|word| word == "--test");
        let tested = command.iter().skip(1).filter(|_| tests).map(PathBuf::from);
        let files = code.files.iter().cloned().chain(tested).map(|file| self.folder.join(file));
        // What is named is judged whatever its name; of a folder, what is no data.
        let (mut entries, mut held) = (Vec::new(), Vec::new());
        for file in files.filter(|path| path.exists()) {
            if !file.is_dir() {
                entries.push(file);
            } else if !walk(&file, &mut held) {
                return Err(file.into());
            }
        }
        entries.extend(held.into_iter().filter(|file| !self.is_data(file)));
        if let Some(link) = entries.iter().find_map(|entry| self.new_link_above(entry)) {
            return Err(link.into());
        }
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
            configuration.filter(|(file, _)| file.exists() && self.is_newer(file)).collect();
        let roots = self.roots(&entries);
        let mut reach = Reach::of(roots.clone(), self)?;
        reach.finds_code = code.whole_project;
        if code.whole_project {
            // It finds code in folders elsewhere as well, if it is told to.
            let pieces = command.iter().skip(1).flat_map(|word| pieces(word));
            let folders = pieces.filter_map(|piece| self.folder.join(piece).canonicalize().ok());
            reach.folders.extend(folders.filter(|path| path.is_dir()));
        }
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
        let tool = command.first().and_then(|program| program.rsplit('/').next()).unwrap_or_default();
        let recipes = recipes::files_of(tool, command.get(1..).unwrap_or_default(), &self.folder);
        reach.open.extend(recipes.iter().cloned());
        reach.give(Handed::by(command, &entries, code, &self.folder));
        if !code.handed.is_empty() {
            reach.hand(&code.text, &of_package, Language::Shell, vec![])?;
            reach.tell(recipes);
        }
        seen.extend(reach.follow()?);
        reach.expand(&code.told)?;
        let told = code.told.keys().filter_map(|name| std::env::var(name).ok());
        let assigned = code.assigned.iter().filter(|(name, _)| code.told.contains_key(name));
        let assigned = assigned.map(|(_, value)| value.clone());
        let handed = reach.handed_words();
        reach.load(&told.chain(assigned).chain(handed).filter(|value| !value.is_empty()).collect::<Vec<_>>());
        seen.extend(reach.follow()?);
        seen.extend(reach.found()?);
        let used = configuration
            .into_iter()
            .filter(|(_, tools)| tools.are_among(&reach.words))
            .map(|(file, _)| file);
        if let Some(file) = used.into_iter().find(|file| self.is_changed(file)) {
            return Err(file.into());
        }
        if command
            .first()
            .is_some_and(|program| TOOLS.contains(&program.rsplit('/').next().unwrap_or_default()))
        {
            reach.package_folders.extend([self.folder.clone(), of_package.clone()]);
        }
        let hidden = self.new_binary(&reach.package_folders, &reach.words);
        match hidden
            .or_else(|| self.new_program(&reach.words, |programs| reach.named_by_dependency(programs)))
        {
            Some(program) => Err(Obstacle::NewProgram(program)),
            None => {
                let since = begun.and_then(|begun| begun.duration_since(UNIX_EPOCH).ok());
                let names = Names {
                    loaded: std::mem::take(&mut reach.names),
                    folders: reach.folders_of_found().into_iter().chain([self.folder.clone()]).collect(),
                    finds_code: reach.finds_code,
                    words: reach.words,
                    own: HashSet::new(),
                    since: since.unwrap_or_default().as_nanos(),
                };
                Ok(Trusted::of(seen, names, &roots))
            }
        }
    }

    /// Whether a file is data by its name. That of a new link says nothing: what is loaded by it is what it leads to.
    pub(super) fn is_data(&self, file: &Path) -> bool {
        is_data(file) && !self.is_new_link(file)
    }

    /// The link that is newer than the session among the folders of a path: what lies behind it may be as old as it likes.
    pub(super) fn new_link_above(&self, path: &Path) -> Option<PathBuf> {
        let path = std::path::absolute(path).ok()?;
        path.ancestors().skip(1).find(|folder| self.leads_away(folder)).map(Path::to_owned)
    }

    /// Whether a path is a new link of the project's own: what npm links is installed.
    pub(super) fn leads_away(&self, path: &Path) -> bool {
        self.is_new_link(path) && !path.components().any(|part| part.as_os_str() == "node_modules")
    }

    pub(super) fn is_new_link(&self, path: &Path) -> bool {
        fs::symlink_metadata(path)
            .is_ok_and(|metadata| metadata.is_symlink() && changed_at(&metadata) >= self.since)
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

/// What may be a path in an argument: all of it, and what stands behind a flag.
fn pieces(word: &str) -> impl Iterator<Item = &str> {
    let behind = word.split_once('=').map(|(_, behind)| behind);
    let of_letter = word.get(2..).filter(|piece| word.starts_with('-') && !piece.is_empty());
    [Some(word), behind, of_letter].into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

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

    #[test]
    fn a_new_link_on_the_way_counts_whatever_lies_behind_it() {
        let old = tempfile::tempdir().unwrap();
        for (entry, moved, link, target) in [
            ("app.js", "lib", "lib", "node_modules/old"),
            ("manage.py", "shop", "shop", "node_modules/old"),
            ("manage.py", "dist", "json", "elsewhere"),
            ("main.js", "state.json", "state.json", "node_modules/old/check.txt"),
            ("app.js", "lib/index.js", "lib/index.json", "node_modules/old/check.txt"),
        ] {
            let mut files = FILES.to_vec();
            files.extend([("main.js", "require('./state.json')"), ("state.json", "{}")]);
            files.extend(["index.js", "check.txt", "settings.py", "__init__.py"].map(|name| match name {
                "index.js" => ("node_modules/old/index.js", ""),
                "check.txt" => ("node_modules/old/check.txt", ""),
                "settings.py" => ("node_modules/old/settings.py", ""),
                _ => ("node_modules/old/__init__.py", ""),
            }));
            let (project, inspection) = project(&files);
            assert_eq!(changed(&inspection, entry), None, "{entry}");
            let aside = tempfile::tempdir().unwrap();
            fs::rename(project.path().join(moved), aside.path().join("moved")).unwrap();
            let target =
                if target == "elsewhere" { old.path().to_owned() } else { project.path().join(target) };
            std::os::unix::fs::symlink(target, project.path().join(link)).unwrap();
            let name = Path::new(link).file_name().unwrap().to_str();
            assert_eq!(changed(&inspection, entry).as_deref(), name, "{entry}: {link}");
        }
        // One that nothing names leads nowhere.
        let (project, inspection) = project(&FILES);
        std::os::unix::fs::symlink(old.path(), project.path().join("data")).unwrap();
        assert_eq!(changed(&inspection, "app.js"), None);
        assert_eq!(changed(&inspection, "manage.py"), None);
    }

    #[test]
    fn a_folder_that_was_moved_counts_as_new_and_one_that_was_written_into_does_not() {
        let mut files = FILES.to_vec();
        files
            .extend([("other/old/index.js", ""), ("list.js", "for (f of fs.readdirSync('src')) require(f)")]);
        let (project, inspection) = project(&files);
        write(project.path(), "lib/notes.txt", "");
        assert_eq!(changed(&inspection, "app.js"), None);
        assert_eq!(changed(&inspection, "list.js"), None);
        let (lib, old) = (project.path().join("lib"), project.path().join("other/old"));
        fs::rename(&lib, project.path().join("lib_")).unwrap();
        fs::rename(&old, &lib).unwrap();
        assert_eq!(changed(&inspection, "app.js").as_deref(), Some("index.js"));
        fs::rename(project.path().join("other"), project.path().join("src/other")).unwrap();
        assert_eq!(changed(&inspection, "manage.py"), None);
        fs::rename(&lib, project.path().join("src/other/old")).unwrap();
        assert_eq!(changed(&inspection, "list.js").as_deref(), Some("index.js"));
    }

    const WAYS: [(&str, &str); 28] = [
        ("composer.json", "{}"),
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
            ("listed.js", "plugins/vendor/index.js"),
            ("listed.js", "plugins/node_modules/index.js"),
            ("unit.sh", "target/x.test.js"),
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
            write(project.path(), "vendor/deep/old.js", "");
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
    fn what_finds_code_finds_it_where_it_is_told_to() {
        let elsewhere = tempfile::tempdir().unwrap();
        let (_project, inspection) = project(&WAYS);
        write(elsewhere.path(), "test_x.py", "");
        let whole = Code { whole_project: true, ..Code::default() };
        let folder = elsewhere.path().display();
        for told in [format!("-s {folder}"), format!("-s{folder}"), format!("--start-directory={folder}")] {
            let line = format!("python3 -m unittest discover {told}");
            let command: Vec<String> = line.split(' ').map(str::to_owned).collect();
            assert_eq!(refused(&inspection, &command, &whole).as_deref(), Some("test_x.py"), "{told}");
            assert_eq!(refused(&inspection, &command[..4], &whole), None);
        }
    }

    #[test]
    fn node_loads_whatever_it_finds_or_is_told() {
        let elsewhere = tempfile::tempdir().unwrap();
        let mut files = WAYS.to_vec();
        files.extend([("plugins/a.js", ""), ("picked.js", "require(process.env.ADAPTER)")]);
        let (project, inspection) = project(&files);
        write(project.path(), "notes.md", "");
        write(project.path(), "adapter.md", "");
        write(elsewhere.path(), "index.js", "");
        let judged = |entry: &str, adapter: &str| {
            let command = ["node".to_owned(), entry.to_owned()];
            let mut code: Code = vec![PathBuf::from(entry)].into();
            code.assigned = vec![("ADAPTER".to_owned(), adapter.to_owned())];
            code.told = super::super::steering::told(
                [("ADAPTER", adapter)].into_iter(),
                &std::env::vars().map(|(name, _)| (name, String::new())).collect(),
                &[],
            );
            code.told.retain(|name, _| name == "ADAPTER");
            refused(&inspection, &command, &code)
        };
        let folder = elsewhere.path().to_str().unwrap();
        assert_eq!(judged("picked.js", "./app"), None);
        assert_eq!(judged("picked.js", "./adapter.md").as_deref(), Some("adapter.md"));
        assert_eq!(judged("picked.js", folder).as_deref(), Some("index.js"));
        assert_eq!(judged("app.js", folder), None);
        assert_eq!(changed(&inspection, "listed.js"), None);
        write(project.path(), "plugins/state.json", "");
        assert_eq!(changed(&inspection, "listed.js"), None);
        write(project.path(), "plugins/new.md", "");
        assert_eq!(changed(&inspection, "listed.js").as_deref(), Some("new.md"));
        let test = ["node", "--test", "notes.md"].map(str::to_owned);
        assert_eq!(refused(&inspection, &test, &Code::default()).as_deref(), Some("notes.md"));
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
    fn arguments_count_where_a_program_hands_them_on() {
        let files = [
            ("query.sh", "jq \"$@\" x.json"),
            ("fetch.sh", "get() { curl -s \"$@\"; }\nget \"$1\""),
            ("env.sh", "while :; do case $1 in --env) E=$2; shift 2;; esac; done; jq --arg env \"$E\" . x"),
            ("outer.sh", "./inner.sh \"$@\""),
            ("verbose.sh", "run() { \"$@\"; }\nrun jq --arg x --slurp \"$@\""),
            ("inner.sh", "node \"$@\""),
            ("app.js", "log(process.argv)"),
            ("start.js", "require('./spawn'); if (argv[2] === 'sync') argv.verbose"),
            ("spawn.js", "spawn(process.argv[2], rest)"),
            ("run.py", "subprocess.run(sys.argv[1:])"),
            ("manage.py", "execute_from_command_line(sys.argv)"),
        ];
        let (project, inspection) = project(&files);
        write(project.path(), "new.txt", "");
        let judged = |line: &str| {
            let command: Vec<String> = line.split('|').map(str::to_owned).collect();
            refused(&inspection, &command, &vec![PathBuf::from(&command[1])].into())
        };
        for line in [
            "sh|query.sh|users|3",
            "sh|fetch.sh|http://localhost/x",
            "sh|env.sh|--env|staging",
            "sh|outer.sh|app.js",
            "sh|verbose.sh|--slurp|x",
            "node|app.js|--any|text; $(of it)|new.txt",
            "node|start.js|1.4.0|--verbose|sync",
            "python3|run.py|app|0003",
            "python3|manage.py|migrate|app|0003|--fake",
        ] {
            assert_eq!(judged(line), None, "{line}");
        }
        for line in [
            "sh|query.sh|-n|users",
            "sh|query.sh|env; x",
            "sh|query.sh|new.txt",
            "sh|fetch.sh|--libcurl|x",
            "sh|env.sh|--other",
            "sh|outer.sh|-p|1",
            "sh|verbose.sh|-n",
            "node|start.js|--other",
            "node|start.js|printenv",
            "node|start.js|./new.txt",
            "python3|run.py|sh|-c|x",
            "python3|manage.py|shell|-c|x",
        ] {
            assert_eq!(judged(line).as_deref(), Some("RunsArguments"), "{line}");
        }
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
