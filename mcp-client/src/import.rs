//! A file of assignments into the environment: all or nothing, unless it is asked otherwise.

use crate::{
    change,
    environment::{Client, Contents, Draft, Environment},
    error::{Error, Kind, Result},
    names,
};
use protocol::{Resource, SecretName, Tag, body::Usage};
use sealing::{
    Meta, OpenedSecret,
    assignments::{self, Assignment},
};
use std::path::Path;

/// Secrets and bytes of values of one atomic change: sealed, they stay below the megabyte that the vault takes.
const ROUND_SECRETS: usize = 100;
const ROUND_BYTES: usize = 384 * 1024;

/// What becomes of one assignment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// There was none of that name.
    New,
    /// It has another value or more tags now.
    Changed,
    /// It was as the file has it.
    Same,
}

impl Fate {
    /// In one word.
    pub fn word(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Changed => "changed",
            Self::Same => "same",
        }
    }
}

/// What becomes of each, in order.
type Fates = Vec<(SecretName, Fate)>;

/// How a file is imported.
pub struct Options<'a> {
    /// Tags for what is stored.
    pub tags: &'a [Tag],
    /// Only find out what would happen.
    pub dry_run: bool,
    /// Store what is good and fits.
    pub partial: bool,
}

/// What was stored, or would be; filled also where an import ends before its end.
#[derive(Default)]
pub struct Report {
    /// What became of each good assignment, in the file's order.
    pub fates: Vec<(SecretName, Fate)>,
    /// Lines that were refused, and why. Never quotes a value.
    pub refused: Vec<String>,
    /// What did not fit the plan.
    pub left_out: Vec<SecretName>,
    /// Which values are masked only as whole words, in words.
    pub weak: Option<String>,
}

impl Report {
    /// How many met this fate.
    pub fn count(&self, wanted: Fate) -> usize {
        self.fates.iter().filter(|(_, fate)| *fate == wanted).count()
    }
}

/// Imports a file, and writes down in `report` what became of it.
///
/// # Errors
/// When a line is bad or does not fit: nothing was stored then, but with `partial` what is good was. When the vault
/// refuses: what `report` has was stored before.
pub fn run(client: &Client, file: &Path, options: &Options<'_>, report: &mut Report) -> Result<()> {
    let path = file.display();
    let bytes = std::fs::read(file).map(zeroize::Zeroizing::new);
    let read = assignments::read(&bytes.map_err(|error| Error::io(file, &error))?);
    report.refused = read.bad_lines.iter().map(|bad| format!("{path}:{}: {}", bad.line, bad.cause)).collect();
    let usage: Usage = client.remote().get("/v1/usage")?;
    let longest = change::longest_value(&usage);
    let mut good = Vec::new();
    for assignment in read.assignments {
        let length = assignment.value.expose().len() as u64;
        match names::check(&assignment.name) {
            Ok(()) if length > longest => report.refused.push(format!(
                "{path}:{}: {} is {length} bytes long; the plan takes at most {longest}",
                assignment.line, assignment.name
            )),
            Ok(()) => good.push(assignment),
            Err(error) => report.refused.push(format!("{path}:{}: {}", assignment.line, error.what)),
        }
    }
    if !report.refused.is_empty() && !options.partial {
        let refused = std::mem::take(&mut report.refused);
        return Err(Error::local(
            format!(
                "nothing was stored, because of {} bad line(s):\n    {}",
                refused.len(),
                refused.join("\n    ")
            ),
            "correct the file, or store the good lines alone: --partial",
        ));
    }

    // What there is room for is decided once, on what is stored now; the vault's own limit has the last word.
    let stored = client.read_all(protocol::body::How::Write)?;
    let is_new =
        |assignment: &&Assignment| !stored.secrets.iter().any(|secret| secret.name == assignment.name);
    let fits = usize::try_from(room(&usage)).unwrap_or(usize::MAX);
    let too_many: Vec<&Assignment> = good.iter().filter(is_new).skip(fits).collect();
    if !too_many.is_empty() && !options.partial {
        return Err(Error::new(
            Kind::Quota,
            format!(
                "nothing was stored: {} of the secrets are new and {fits} more fit the plan's limit of secrets; \
                 the first that does not is {} ({path}:{})",
                too_many.len() + fits,
                too_many.first().map_or("", |one| one.name.as_str()),
                too_many.first().map_or(0, |one| one.line),
            ),
            "delete some (securecode rm NAME), or store what fits, in the file's order: --partial",
        ));
    }
    report.left_out = too_many.iter().map(|assignment| assignment.name.clone()).collect();
    good.retain(|assignment| !report.left_out.contains(&assignment.name));

    if options.dry_run {
        report.fates = decide(&stored, &good, options.tags);
    } else {
        let mut rest = good.as_slice();
        while !rest.is_empty() {
            let (round, later) = rest.split_at(round_length(rest));
            let done =
                client.change(|environment, contents| draft(environment, contents, round, options.tags));
            match done {
                Ok(Some(decided)) => report.fates.extend(decided),
                Ok(None) => {
                    let same = round.iter().map(|assignment| (assignment.name.clone(), Fate::Same));
                    report.fates.extend(same);
                }
                Err(error) if report.fates.is_empty() => return Err(error),
                Err(error) => {
                    return Err(Error {
                        what: format!("{}; what is listed above was stored before", error.what),
                        remedy: "run the same import again: it goes on where it stopped".into(),
                        ..error
                    });
                }
            }
            rest = later;
        }
    }
    report.weak = change::weak(good.iter().map(|assignment| (&assignment.name, &assignment.value)));
    if report.refused.is_empty() && report.left_out.is_empty() {
        return Ok(());
    }
    Err(Error::new(
        if report.left_out.is_empty() { Kind::Local } else { Kind::Quota },
        format!(
            "{} line(s) were refused and {} secret(s) did not fit the plan's limit",
            report.refused.len(),
            report.left_out.len()
        ),
        "correct the file, or delete secrets that are not needed; then import again",
    ))
}

/// How many assignments make the next atomic change.
fn round_length(rest: &[Assignment]) -> usize {
    let mut bytes = 0;
    let within = rest.iter().take(ROUND_SECRETS).take_while(|assignment| {
        // A sealed value is padded to 4 KiB steps at worst.
        bytes += assignment.value.expose().len() + 4096;
        bytes <= ROUND_BYTES
    });
    within.count().max(1)
}

fn draft(
    environment: &Environment,
    contents: Contents,
    round: &[Assignment],
    tags: &[Tag],
) -> Result<Option<(Draft, Fates)>> {
    let fates = decide(&contents, round, tags);
    if fates.iter().all(|(_, fate)| *fate == Fate::Same) {
        return Ok(None);
    }
    let metas = round
        .iter()
        .map(|assignment| new_meta(find(&contents, &assignment.name), tags))
        .collect::<Result<Vec<_>>>()?;
    let mut draft = Draft::new(contents);
    for ((assignment, meta), (_, fate)) in round.iter().zip(&metas).zip(&fates) {
        if *fate != Fate::Same {
            draft.put(environment, &assignment.name, meta, &assignment.value)?;
        }
    }
    Ok(Some((draft, fates)))
}

fn decide(contents: &Contents, assignments: &[Assignment], tags: &[Tag]) -> Fates {
    let fate = |assignment: &Assignment| match find(contents, &assignment.name) {
        None => Fate::New,
        Some(known)
            if known.value.expose() == assignment.value.expose()
                && tags.iter().all(|tag| known.meta.tags().contains(tag)) =>
        {
            Fate::Same
        }
        Some(_) => Fate::Changed,
    };
    assignments.iter().map(|assignment| (assignment.name.clone(), fate(assignment))).collect()
}

fn find<'a>(contents: &'a Contents, name: &SecretName) -> Option<&'a OpenedSecret> {
    contents.secrets.iter().find(|secret| secret.name == *name)
}

/// The tags that were there and the new ones; the note stays.
fn new_meta(known: Option<&OpenedSecret>, tags: &[Tag]) -> Result<Meta> {
    let before = known.map(|secret| secret.meta.tags().to_vec()).unwrap_or_default();
    change::meta(
        before.into_iter().chain(tags.iter().cloned()).collect(),
        known.map_or("", |secret| secret.meta.note()),
    )
}

/// How many more secrets fit the plan.
fn room(usage: &Usage) -> u64 {
    let limit = usage.limits.iter().find(|limit| limit.resource == Resource::Secrets);
    limit.map_or(u64::MAX, |limit| limit.allowed.saturating_sub(limit.used.unwrap_or(0)))
}
