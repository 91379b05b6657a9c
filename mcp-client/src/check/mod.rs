//! `securecode check`: is this project, and this machine's agent, set up so that secrets stay out of the
//! conversation? With `--fix` everything that can be mended is.

mod alive;
mod machine;
mod others;
mod plugin;
mod project;
pub(crate) mod settings;
mod values;

pub use others::Agent;
pub use values::{Leak, leaked};

use crate::{
    config,
    error::{Error, Result},
    home,
    profile::Profile,
};
use plugin::Plugin;
use serde::Serialize;
use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

/// One thing that was looked at.
#[derive(Debug, Serialize)]
pub struct Finding {
    /// A short name that stays the same.
    pub id: &'static str,
    /// What should hold.
    pub title: String,
    /// Whether it does.
    pub ok: bool,
    /// Whether it was mended just now.
    pub fixed: bool,
    /// What is wrong, and what to do now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

impl std::fmt::Display for Finding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mark = match (self.ok, self.fixed) {
            (true, true) => "mended",
            (true, false) => "ok    ",
            (false, _) => "WRONG ",
        };
        write!(f, "{mark}  {}", self.title)?;
        match &self.detail {
            Some(detail) => write!(f, "\n        {}", detail.replace('\n', "\n        ")),
            None => Ok(()),
        }
    }
}

/// Everything that was looked at.
#[derive(Debug, Serialize)]
pub struct Report {
    /// The profile that was checked for.
    pub profile: String,
    /// How many of the findings are good.
    pub passed: usize,
    /// How many there are.
    pub total: usize,
    /// Each.
    pub findings: Vec<Finding>,
    /// Agents that are used here and that the profile does not guard: only Claude Code is.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unguarded: Vec<&'static str>,
    /// What was changed, as differences of the files' lines.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<Change>,
}

impl Report {
    /// How much is good, and whom the profile does not guard.
    pub fn score(&self) -> String {
        let score = format!("{} of {} ({} profile)", self.passed, self.total, self.profile);
        if self.unguarded.is_empty() {
            return score;
        }
        format!(
            "{score}\nProfiles guard Claude Code alone: nothing of ours judges or masks the commands of {}. There only \
             run-with-secrets and `securecode run` mask (docs/agents.md).",
            self.unguarded.join(", ")
        )
    }
}

/// A file that was changed.
#[derive(Debug, Serialize)]
pub struct Change {
    /// Which.
    pub path: PathBuf,
    /// Where what it held before was kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backup: Option<PathBuf>,
    /// What changed.
    pub diff: String,
}

/// The check of one project.
struct Check {
    folder: PathBuf,
    profile: Profile,
    fix: bool,
    plugin: Option<Plugin>,
    findings: Vec<Finding>,
    unguarded: Vec<&'static str>,
    changes: Vec<Change>,
}

/// Looks at the project in `folder` or above, and mends it if asked to.
///
/// # Errors
/// When a file cannot be read, or is not of the form that its program wants.
pub fn run(folder: &Path, profile: Option<Profile>, fix: bool) -> Result<Report> {
    let current = Profile::of_this_machine()?;
    let profile = profile.unwrap_or(current);
    let root = config::find_upwards(folder).and_then(|path| path.parent().map(Path::to_owned));
    let mut check = Check {
        folder: root.unwrap_or_else(|| folder.to_owned()),
        profile,
        fix,
        plugin: Plugin::of_the_person(),
        findings: vec![],
        unguarded: vec![],
        changes: vec![],
    };
    check.project_file()?;
    check.ignored()?;
    check.mcp_config()?;
    check.rules()?;
    check.instructions()?;
    if profile.is_guarded() {
        check.key_out_of_reach()?;
    }
    if fix && profile != current {
        profile.set()?;
    }
    check.machine()?;
    if profile.is_guarded() {
        check.guard_is_alive();
    }
    check.other_agents()?;
    check.values_in_files();
    check.values_in_transcripts();
    let passed = check.findings.iter().filter(|finding| finding.ok).count();
    Ok(Report {
        profile: profile.to_string(),
        passed,
        total: check.findings.len(),
        findings: check.findings,
        unguarded: check.unguarded,
        changes: check.changes,
    })
}

impl Check {
    fn found(&mut self, id: &'static str, title: impl Into<String>, problem: Option<String>) {
        self.findings.push(Finding {
            id,
            title: title.into(),
            ok: problem.is_none(),
            fixed: false,
            detail: problem,
        });
    }

    fn mended(&mut self, id: &'static str, title: &str, detail: Option<&str>) {
        let detail = detail.map(str::to_owned);
        self.findings.push(Finding { id, title: title.into(), ok: true, fixed: true, detail });
    }

    /// Notes whether a file is as it should be, or makes it so.
    fn file(
        &mut self,
        id: &'static str,
        title: &str,
        path: &Path,
        wanted: &str,
        problem: &str,
    ) -> Result<()> {
        let present = read(path)?;
        if present.as_deref() == Some(wanted) {
            self.found(id, title, None);
            return Ok(());
        }
        if !self.fix {
            self.found(id, title, Some(format!("{problem}; mend it: securecode check --fix")));
            return Ok(());
        }
        self.write(path, present.as_deref(), wanted)?;
        self.mended(id, title, None);
        Ok(())
    }

    fn write(&mut self, path: &Path, present: Option<&str>, wanted: &str) -> Result<()> {
        let backup = present.map(|text| keep(path, text)).transpose()?;
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(|error| Error::io(folder, &error))?;
        }
        let target = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let mode = fs::metadata(&target).map_or(0o644, |metadata| metadata.permissions().mode() & 0o777);
        home::replace_file(&target, wanted.as_bytes(), mode)?;
        let diff = similar::TextDiff::from_lines(present.unwrap_or_default(), wanted);
        let diff = diff.unified_diff().context_radius(2).to_string();
        self.changes.push(Change { path: path.to_owned(), backup, diff: visible(&diff) });
        Ok(())
    }
}

fn read(path: &Path) -> Result<Option<String>> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::io(path, &error)),
    }
}

/// Keeps what a file held before it is changed.
fn keep(path: &Path, text: &str) -> Result<PathBuf> {
    let folder = home::make_folder("backups")?;
    let seconds =
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let backup = folder.join(format!("{seconds}-{}-{name}", std::process::id()));
    home::replace_private_file(&backup, text.as_bytes())?;
    Ok(backup)
}

/// What a file says, fit for a terminal: nothing that one obeys, and nothing that is not seen.
fn visible(text: &str) -> String {
    let is_plain = |c: char| {
        let hides = matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}');
        c == '\n' || c == '\t' || !c.is_control() && !hides
    };
    let shown = |c: char| if is_plain(c) { c.to_string() } else { c.escape_unicode().to_string() };
    text.chars().map(shown).collect()
}
