//! `check`.

use super::{current_folder, print_json, say};
use crate::{
    check,
    error::{Error, Kind, Result},
    profile::Profile,
    terminal,
};
use std::io::Write;

pub(super) fn run(fix: bool, profile: Option<Profile>, vault_url: Option<&str>, json: bool) -> Result<()> {
    let current = Profile::of_this_machine()?;
    // A stricter one has other programs that are given values (`agent`), which is for the person to choose as well.
    if fix && current.is_guarded() && profile.is_some_and(|wanted| wanted != current) {
        let _ = writeln!(
            std::io::stderr(),
            "This changes the profile of this machine, which is {current}: it needs the account's passphrase."
        );
        terminal::person(current, vault_url)?;
    }
    let report = check::run(&current_folder()?, profile, fix)?;
    if json {
        print_json(&report)?;
    } else {
        for change in &report.changes {
            say!("{}", change.path.display());
            if let Some(backup) = &change.backup {
                say!("  (what it was is kept in {})", backup.display());
            }
            say!("{}", change.diff);
        }
        for finding in &report.findings {
            say!("{finding}");
        }
        say!("\n{}", report.score());
    }
    if report.passed == report.total {
        return Ok(());
    }
    Err(Error::new(
        Kind::Local,
        format!("{} of {} checks failed", report.total - report.passed, report.total),
        if fix { "do what each of them says" } else { "run: securecode check --fix" },
    ))
}
