//! Packages of node's: what the manifest of one has run, and those of the project that npm linked.

use super::consumers::scripts_text;
use serde_json::Value;
use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
};

/// Tools that run a package's scripts.
pub(super) const TOOLS: &[&str] = &["npm", "pnpm", "yarn", "npx", "bun", "bunx"];

/// Packages under node_modules that are folders of the project's.
pub(super) struct Packages(HashMap<String, PathBuf>);

impl Packages {
    /// Those that are installed in or above these folders.
    pub fn around(roots: &[PathBuf]) -> Self {
        let mut modules: Vec<PathBuf> = roots
            .iter()
            .flat_map(|root| root.ancestors().map(|folder| folder.join("node_modules")))
            .filter(|folder| folder.is_dir())
            .collect();
        modules.sort();
        modules.dedup();
        let mut linked = HashMap::new();
        for modules in modules {
            for entry in entries(&modules) {
                let name = entry.file_name().unwrap_or_default().to_string_lossy().into_owned();
                if name.starts_with('@') && !entry.is_symlink() {
                    for scoped in entries(&entry) {
                        let below = scoped.file_name().unwrap_or_default().to_string_lossy().into_owned();
                        add(&mut linked, format!("{name}/{below}"), &scoped);
                    }
                } else {
                    add(&mut linked, name, &entry);
                }
            }
        }
        Self(linked)
    }

    /// The files that a module's name stands for, if it is of such a package.
    pub fn module(&self, name: &str) -> Vec<PathBuf> {
        if self.0.is_empty() {
            return vec![];
        }
        let parts = if name.starts_with('@') { 2 } else { 1 };
        let package: Vec<&str> = name.split('/').take(parts).collect();
        let package = package.join("/");
        let Some(folder) = self.0.get(&package) else { return vec![] };
        match name.get(package.len() + 1..) {
            Some(below) => super::follow::module_of(&folder.join(below), super::texts::Language::JavaScript)
                .into_iter()
                .chain(entries_of(folder))
                .collect(),
            None => super::follow::module_of(folder, super::texts::Language::JavaScript),
        }
    }
}

fn entries(folder: &Path) -> impl Iterator<Item = PathBuf> {
    fs::read_dir(folder).into_iter().flatten().flatten().filter_map(|entry| {
        let name = entry.file_name();
        let is_scope = name.as_encoded_bytes().starts_with(b"@");
        (is_scope || entry.file_type().is_ok_and(|kind| kind.is_symlink())).then(|| entry.path())
    })
}

fn add(linked: &mut HashMap<String, PathBuf>, name: String, link: &Path) {
    if let Ok(folder) = link.canonicalize()
        && folder.is_dir()
        && !folder.components().any(|part| part.as_os_str() == "node_modules")
    {
        linked.insert(name, folder);
    }
}

fn manifest(folder: &Path) -> Option<Value> {
    serde_json::from_str(&fs::read_to_string(folder.join("package.json")).ok()?).ok()
}

/// The files that a package gives those who load it. Which they are does not matter by itself: each is looked at.
pub(super) fn entries_of(folder: &Path) -> Vec<PathBuf> {
    let Some(package) = manifest(folder) else { return vec![] };
    let named =
        ["main", "module", "browser", "exports", "bin"].into_iter().filter_map(|key| package.get(key));
    named.flat_map(|value| targets(folder, value)).collect()
}

/// The files that `#` names stand for in a folder of code.
pub(super) fn imports_of(folder: &Path) -> Vec<PathBuf> {
    let Some(file) = manifest_above(folder) else { return vec![] };
    let folder = file.parent().unwrap_or(Path::new(""));
    let imports = manifest(folder).and_then(|package| package.get("imports").cloned());
    imports.map(|value| targets(folder, &value)).unwrap_or_default()
}

/// The files that the texts of a value name, patterns among them.
fn targets(folder: &Path, value: &Value) -> Vec<PathBuf> {
    match value {
        Value::String(target) => match target.split_once('*') {
            Some((before, _)) => {
                let base = folder.join(before);
                let base =
                    if before.ends_with('/') { base } else { base.parent().unwrap_or(folder).to_owned() };
                let mut files = vec![];
                super::project::walk(&base, &mut files);
                files.retain(|file| super::project::is_code(file));
                files
            }
            None => super::follow::module_of(&folder.join(target), super::texts::Language::JavaScript),
        },
        Value::Array(values) => values.iter().flat_map(|value| targets(folder, value)).collect(),
        Value::Object(values) => values.values().flat_map(|value| targets(folder, value)).collect(),
        _ => vec![],
    }
}

/// The nearest manifest, here or above.
pub(super) fn manifest_above(folder: &Path) -> Option<PathBuf> {
    let folder = folder.canonicalize().ok()?;
    folder.ancestors().map(|folder| folder.join("package.json")).find(|file| file.is_file())
}

/// The program that a bare name means in the scripts of a package, if it is of the project.
pub(super) fn binary(folder: &Path, name: &str) -> Option<PathBuf> {
    if name.contains(['/', '$']) || name.is_empty() {
        return None;
    }
    let found = folder
        .ancestors()
        .map(|folder| folder.join("node_modules/.bin").join(name))
        .find(|file| file.exists())?;
    let real = found.canonicalize().ok()?;
    let is_installed = real.components().any(|part| part.as_os_str() == "node_modules") && found.is_symlink();
    (!is_installed).then_some(real)
}

/// The text of the scripts of a manifest that a command with these words runs; nothing where it runs none. Of a manifest
/// that cannot be read nobody knows, and the text is empty.
pub(super) fn scripts_run_by(manifest: &Path, words: &[String]) -> Option<String> {
    let text = fs::read_to_string(manifest).unwrap_or_default();
    let Ok(package) = serde_json::from_str::<Value>(&text) else { return Some(String::new()) };
    let scripts = package.get("scripts").and_then(Value::as_object)?;
    let installs = ["ci", "install", "i", "publish", "pack", "add"];
    let mut names: Vec<String> = vec![];
    for word in words {
        match word.as_str() {
            "t" | "tst" => names.push("test".into()),
            "restart" => names.extend(["restart", "stop", "start"].map(str::to_owned)),
            word if installs.contains(&word) => {
                names.extend(["install", "prepare", "publish", "pack", "prepublishOnly"].map(str::to_owned));
            }
            word if word.contains('$') => names.extend(scripts.keys().cloned()),
            word => names.extend(Some(word.to_owned()).filter(|word| scripts.contains_key(word))),
        }
    }
    let text = scripts_text(&package, names);
    (!text.is_empty()).then_some(text)
}
