//! `audit`: the log of the account, shown, written out, or checked.

use super::{ShowAudit, current_folder, print_json, say};
use crate::{
    audit::{Log, Report, Witness, words::Words},
    config::KeyConfig,
    environment::Client,
    error::{Error, Kind, Result},
    home,
};
use protocol::{
    NameIndex,
    body::{AuditRow, AuditRows, LoggedRow, UnreadableRow},
};
use std::{
    collections::HashMap,
    io::{self, Write},
    path::Path,
};

/// Rows between two lines of progress.
const STEP: u64 = 5000;

pub(super) fn run(vault_url: Option<&str>, audit: &ShowAudit) -> Result<()> {
    let (log, config) = open(vault_url, audit.owner)?;
    if let Some(path) = &audit.export {
        return export(&log, path);
    }
    let rows = log.newest(audit.limit)?;
    // The vault knows no names; this machine's key opens those of its environment.
    let names = config.map(|config| names(&config)).unwrap_or_default();
    if audit.json {
        let unreadable =
            |row: &UnreadableRow| serde_json::json!({ "seq": row.seq, "unreadable": true, "leaf": row.leaf });
        return print_json(&in_order(&rows, |row| as_json(row, &names), unreadable));
    }
    let unreadable =
        |row: &UnreadableRow| format!("{:>6}  unreadable: the vault cannot open this row", row.seq);
    for line in in_order(&rows, |row| as_line(row, &names), unreadable) {
        say!("{line}");
    }
    if !rows.unreadable.is_empty() {
        let _ = writeln!(
            io::stderr(),
            "securecode: rows that the vault cannot open were altered where they are stored, or sealed under a column \
             key that it has no more\n  to do now: securecode audit verify says what else is wrong with the log"
        );
    }
    Ok(())
}

/// Rows of both kinds, newest first, each as it is to be shown.
fn in_order<T>(
    rows: &AuditRows,
    readable: impl Fn(&AuditRow) -> T,
    unreadable: impl Fn(&UnreadableRow) -> T,
) -> Vec<T> {
    let readable = rows.items.iter().map(|row| (row.seq, readable(row)));
    let unreadable = rows.unreadable.iter().map(|row| (row.seq, unreadable(row)));
    let mut all: Vec<(u64, T)> = readable.chain(unreadable).collect();
    all.sort_by_key(|(seq, _)| std::cmp::Reverse(*seq));
    all.into_iter().map(|(_, shown)| shown).collect()
}

/// The log by the key that is configured here, or by this machine's account.
fn open(vault_url: Option<&str>, as_owner: bool) -> Result<(Log, Option<KeyConfig>)> {
    if as_owner {
        return Ok((Log::of_owner(vault_url)?, None));
    }
    match KeyConfig::find(&current_folder()?, vault_url) {
        Ok(config) => Ok((Log::of_key(&config)?, Some(config))),
        Err(no_key) => match Log::of_owner(vault_url) {
            Ok(log) => Ok((log, None)),
            // Without a key and without an account, say what a project needs.
            Err(error) if error.kind == Kind::Local => Err(no_key),
            Err(error) => Err(error),
        },
    }
}

/// Names of the key's environment by their index. A key that may not list them leaves the indexes to be shown.
fn names(config: &KeyConfig) -> HashMap<NameIndex, String> {
    let client = Client::new(config, None);
    let listed = client.list().unwrap_or_default();
    let Ok(environment) = client.environment() else { return HashMap::new() };
    listed.iter().map(|one| (environment.key().derive_index(&one.name), one.name.to_string())).collect()
}

fn name_of(index: &NameIndex, names: &HashMap<NameIndex, String>) -> String {
    names.get(index).cloned().unwrap_or_else(|| index.to_string())
}

fn as_line(row: &AuditRow, names: &HashMap<NameIndex, String>) -> String {
    let entry = &row.entry;
    let who = entry.credential.map(|id| id.to_string()).unwrap_or_default();
    let how = entry.how.and_then(|how| serde_json::to_value(how).ok());
    let how = how.as_ref().and_then(|how| how.as_str()).unwrap_or_default();
    let secrets: Vec<String> = entry.secrets.iter().map(|index| name_of(index, names)).collect();
    let words = Words::of(row);
    let address = words.address.map(|address| address.to_string()).unwrap_or_default();
    let from = [address, words.agent.unwrap_or_default()];
    let fields = [
        format!("{:>6}", row.seq),
        time(row.at),
        words.result,
        words.action.to_owned(),
        how.to_owned(),
        secrets.join(","),
        who.get(..8).unwrap_or_default().to_owned(),
        from.join(" ").trim().to_owned(),
    ];
    fields.into_iter().filter(|field| !field.is_empty()).collect::<Vec<_>>().join("  ")
}

fn as_json(row: &AuditRow, names: &HashMap<NameIndex, String>) -> serde_json::Value {
    let (entry, words) = (&row.entry, Words::of(row));
    serde_json::json!({
        "seq": row.seq, "at": row.at, "request_id": words.request_id, "credential": entry.credential,
        "action": words.action, "result": words.result, "how": entry.how, "environment": entry.environment,
        "secrets": entry.secrets.iter().map(|index| name_of(index, names)).collect::<Vec<_>>(),
        "address": words.address, "user_agent": words.user_agent, "agent": words.agent,
    })
}

fn time(seconds: u64) -> String {
    let time = i64::try_from(seconds).ok().and_then(|seconds| chrono::DateTime::from_timestamp(seconds, 0));
    time.map(|time| time.format("%Y-%m-%d %H:%M:%S UTC").to_string()).unwrap_or_default()
}

fn export(log: &Log, path: &Path) -> Result<()> {
    if path == Path::new("-") {
        return write_rows(log, &mut io::stdout(), Path::new("standard output"));
    }
    let mut file = home::create_private_file(path).map_err(|error| Error::io(path, &error))?;
    write_rows(log, &mut file, path)?;
    file.sync_all().map_err(|error| Error::io(path, &error))
}

fn write_rows(log: &Log, to: &mut impl Write, path: &Path) -> Result<()> {
    let mut written = 0;
    log.rows(1, None, |rows| {
        let lines = rows.iter().map(line).collect::<Result<String>>()?;
        to.write_all(lines.as_bytes()).and_then(|()| to.flush()).map_err(|error| Error::io(path, &error))?;
        progress(written, rows.len() as u64, "written");
        written += rows.len() as u64;
        Ok(())
    })
}

/// A row as the vault's own export has it, in ASCII, so that a terminal obeys nothing of it.
fn line(row: &LoggedRow) -> Result<String> {
    let json = serde_json::to_string(row).map_err(|error| Error::local(error.to_string(), "report this"))?;
    let mut line = String::with_capacity(json.len() + 1);
    for c in json.chars() {
        if c.is_ascii() && c != '\x7f' {
            line.push(c);
        } else {
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                line.push_str(&format!("\\u{unit:04x}"));
            }
        }
    }
    line.push('\n');
    Ok(line)
}

/// A line on standard error for each [`STEP`] rows.
fn progress(before: u64, more: u64, what: &str) {
    let now = before + more;
    if before / STEP != now / STEP {
        let _ = writeln!(io::stderr(), "securecode: {now} rows {what}");
    }
}

pub(super) fn verify(
    vault_url: Option<&str>,
    all: bool,
    compare: Option<&Path>,
    json: bool,
    as_owner: bool,
) -> Result<()> {
    let witness = compare.map(Witness::read).transpose()?;
    let (log, _) = open(vault_url, as_owner)?;
    let told = std::cell::Cell::new(0);
    let report = log.verify(all, witness.as_ref(), |read| {
        progress(told.get(), read - told.get(), "read");
        told.set(read);
    })?;
    if report.findings.is_empty() {
        if json {
            return print_json(&log.witness()?);
        }
        tell(&report);
        if witness.is_some() {
            say!("The other machine was shown the same log, as far as it knows it.");
        }
        return Ok(());
    }
    let found: Vec<String> = report.findings.iter().map(|finding| format!("\n  {finding}")).collect();
    Err(Error::new(
        Kind::Distrusted,
        format!("the audit log was changed:{}", found.concat()),
        "treat what the log says as unproven, and each secret that the account's keys could read as known: change \
         them. Keep what is there (securecode audit --export FILE) and ask the vault's operator. If a backup was \
         restored on purpose, remove the account's files under ~/.securecode/audit; nothing was pinned",
    ))
}

fn tell(report: &Report) {
    let since = report.since.map(|at| format!(", from {} on", time(at))).unwrap_or_default();
    say!("The audit log is whole: {} rows{since}.", report.rows);
    if report.receipts > 0 {
        say!("{} rows that this machine was given a receipt for are in it.", report.receipts);
    }
    if let Some(retired) = &report.retired {
        say!(
            "Rows up to {} are no longer kept (closed {}); their segments' headers are, and are a chain.",
            retired.last,
            time(retired.closed_at)
        );
    }
    if let Some(from) = report.from.as_ref().filter(|from| from.n > 1 && report.was_pinned) {
        say!(
            "Rows before {} were verified before; to check them again: securecode audit verify --all",
            from.first
        );
    }
    if report.open > 0 {
        say!(
            "The last {} rows, this check's own among them, are closed by the next check; until then receipts alone prove them.",
            report.open
        );
    }
    if !report.was_pinned {
        say!(
            "Nothing was verified here before: changes from now on will be noticed, earlier ones by receipts alone."
        );
    }
}
