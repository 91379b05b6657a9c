//! Files that steer tools without being named: of a project, and in the home folder.

use std::{
    collections::HashSet,
    fs,
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
    (".postgresqlrc", POSTGRES),
    (".psqlrc", &["psql"]),
    (".curlrc", &["curl"]),
    (".wgetrc", &["wget"]),
    (".my.cnf", &["mysql", "mariadb", "mysqldump"]),
];

/// What Debian's wrapper starts in a version that a file names.
const POSTGRES: &[&str] = &[
    "clusterdb",
    "createdb",
    "createuser",
    "dropdb",
    "dropuser",
    "pg_basebackup",
    "pg_dump",
    "pg_dumpall",
    "pg_isready",
    "pg_restore",
    "pgbench",
    "psql",
    "reindexdb",
    "vacuumdb",
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
    (".ansible.cfg", &["ansible", "ansible-playbook"]),
    (".m2/settings.xml", &["mvn", "mvnw"]),
    (".mavenrc", &["mvn", "mvnw"]),
    (".my.cnf", &["mysql", "mariadb", "mysqldump"]),
    (".mylogin.cnf", &["mysql", "mariadb", "mysqldump"]),
    (".npmrc", NODE_PACKAGES),
    (".pip/pip.conf", &["pip", "pip3"]),
    (".postgresqlrc", POSTGRES),
    (".psqlrc", &["psql"]),
    (".pypirc", &["twine", "pip", "pip3"]),
    (".ssh/config", &["ssh", "scp", "sftp", "rsync", "git"]),
    (".wgetrc", &["wget"]),
    (".yarnrc", NODE_PACKAGES),
    (".yarnrc.yml", NODE_PACKAGES),
];

/// Who reads a file of configuration.
pub(super) enum Tools {
    Named(&'static [&'static str]),
    /// All whose name begins so: `vite.config.ts` is for `vite` and `vitest`.
    Beginning(String),
}

pub(super) fn in_folder(folder: &Path) -> Vec<(PathBuf, Tools)> {
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
pub(super) fn at_home() -> Vec<(PathBuf, Tools)> {
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
    // A module may be a folder.
    let startup = startup.flat_map(|path| [path.join("__init__.py"), path]);
    known.chain(startup.map(|file| (file, Tools::Named(&["python"])))).collect()
}

impl Tools {
    /// Whether one of these tools is among the words of a program.
    pub fn are_among(&self, words: &HashSet<String>) -> bool {
        words.iter().any(|word| match self {
            Self::Named(names) => {
                let name = word.trim_end_matches(|c: char| c.is_ascii_digit());
                names.iter().any(|known| known == word || *known == name)
            }
            Self::Beginning(tool) => word.starts_with(tool.as_str()),
        })
    }
}
