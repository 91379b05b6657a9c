//! `import`.

use super::{Import, say};
use crate::{
    environment::Client,
    error::Result,
    import::{self, Fate, Options, Report},
};
use std::io::Write;

pub(super) fn run(client: &Client, import: &Import) -> Result<()> {
    let options = Options { tags: &import.tags, dry_run: import.dry_run, partial: import.partial };
    let mut report = Report::default();
    let done = import::run(client, &import.file, &options, &mut report);
    let begun = !report.fates.is_empty() || !report.refused.is_empty() || !report.left_out.is_empty();
    if done.is_ok() || begun {
        tell(&report, import.dry_run);
    }
    done
}

fn tell(report: &Report, dry_run: bool) {
    for (name, fate) in &report.fates {
        say!("{:<8} {name}", fate.word());
    }
    let would = if dry_run { "would be " } else { "" };
    say!(
        "{} {would}stored, {} {would}changed, {} the same",
        report.count(Fate::New),
        report.count(Fate::Changed),
        report.count(Fate::Same)
    );
    if let Some(weak) = &report.weak {
        let _ = writeln!(std::io::stderr(), "securecode: {weak}");
    }
    for line in &report.refused {
        say!("refused  {line}");
    }
    for name in &report.left_out {
        say!("no room  {name}");
    }
}
