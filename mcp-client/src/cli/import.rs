//! `import`: a `.env` file into the environment. All or nothing, unless `--partial` asks otherwise.

use super::{Import, say};
use crate::{
    environment::{Client, Contents, Draft, Environment},
    error::{Error, Kind, Result},
    names,
};
use protocol::{Resource, SecretName, Tag, body::Usage};
use sealing::{
    Meta, OpenedSecret,
    dotenv::{self, Assignment},
};
use std::io::Write;

/// Secrets and bytes of values of one atomic change: sealed, they stay below the megabyte that the vault takes.
const ROUND_SECRETS: usize = 100;
const ROUND_BYTES: usize = 384 * 1024;

/// What becomes of one assignment.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    New,
    Changed,
    Same,
}

/// What becomes of each, in order.
type Fates = Vec<(SecretName, Fate)>;

pub(super) fn run(client: &Client, import: &Import) -> Result<()> {
    let path = import.file.display();
    let bytes = std::fs::read(&import.file).map(zeroize::Zeroizing::new);
    let read = dotenv::parse(&bytes.map_err(|error| Error::io(&import.file, &error))?);
    let mut refused: Vec<String> =
        read.bad_lines.iter().map(|bad| format!("{path}:{}: {}", bad.line, bad.cause)).collect();
    let usage: Usage = client.remote().get("/v1/usage")?;
    let longest = super::secrets::longest_value(&usage);
    let mut good = Vec::new();
    for assignment in read.assignments {
        let length = assignment.value.expose().len() as u64;
        match names::check(&assignment.name) {
            Ok(()) if length > longest => refused.push(format!(
                "{path}:{}: {} is {length} bytes long; the plan takes at most {longest}",
                assignment.line, assignment.name
            )),
            Ok(()) => good.push(assignment),
            Err(error) => refused.push(format!("{path}:{}: {}", assignment.line, error.what)),
        }
    }
    if !refused.is_empty() && !import.partial {
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
    if !too_many.is_empty() && !import.partial {
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
    let left_out: Vec<SecretName> = too_many.iter().map(|assignment| assignment.name.clone()).collect();
    good.retain(|assignment| !left_out.contains(&assignment.name));

    let mut fates = Vec::new();
    if import.dry_run {
        fates = decide(&stored, &good, &import.tags);
    } else {
        let mut rest = good.as_slice();
        while !rest.is_empty() {
            let (round, later) = rest.split_at(round_length(rest));
            let done =
                client.change(|environment, contents| draft(environment, contents, round, &import.tags));
            match done {
                Ok(Some(decided)) => fates.extend(decided),
                Ok(None) => {
                    fates.extend(round.iter().map(|assignment| (assignment.name.clone(), Fate::Same)))
                }
                Err(error) if fates.is_empty() => return Err(error),
                Err(error) => {
                    report(import, &fates);
                    let what = format!("{}; what is listed above was stored before", error.what);
                    return Err(Error {
                        what,
                        remedy: "run the same import again: it goes on where it stopped".into(),
                        ..error
                    });
                }
            }
            rest = later;
        }
    }
    report(import, &fates);
    super::secrets::note_weak(good.iter().map(|assignment| (&assignment.name, &assignment.value)));
    for line in &refused {
        say!("refused  {line}");
    }
    for name in &left_out {
        say!("no room  {name}");
    }
    if refused.is_empty() && left_out.is_empty() {
        return Ok(());
    }
    Err(Error::new(
        if left_out.is_empty() { Kind::Local } else { Kind::Quota },
        format!(
            "{} line(s) were refused and {} secret(s) did not fit the plan's limit",
            refused.len(),
            left_out.len()
        ),
        "correct the file, or delete secrets that are not needed; then import again",
    ))
}

fn report(import: &Import, fates: &[(SecretName, Fate)]) {
    for (name, fate) in fates {
        let word = match fate {
            Fate::New => "new",
            Fate::Changed => "changed",
            Fate::Same => "same",
        };
        say!("{word:<8} {name}");
    }
    let count = |wanted| fates.iter().filter(|(_, fate)| *fate == wanted).count();
    let would = if import.dry_run { "would be " } else { "" };
    say!(
        "{} {would}stored, {} {would}changed, {} the same",
        count(Fate::New),
        count(Fate::Changed),
        count(Fate::Same)
    );
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
    super::secrets::meta(
        before.into_iter().chain(tags.iter().cloned()).collect(),
        known.map_or("", |secret| secret.meta.note()),
    )
}

/// How many more secrets fit the plan.
fn room(usage: &Usage) -> u64 {
    let limit = usage.limits.iter().find(|limit| limit.resource == Resource::Secrets);
    limit.map_or(u64::MAX, |limit| limit.allowed.saturating_sub(limit.used.unwrap_or(0)))
}
