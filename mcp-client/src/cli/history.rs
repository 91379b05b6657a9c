//! `history` and `restore`: what a secret was, and bringing it back.

use super::{print_json, say};
use crate::{
    environment::{Client, Draft},
    error::{Error, Kind, Result},
};
use protocol::{SecretName, body::How};
use serde_json::json;
use std::{
    io::Write,
    time::{Duration, UNIX_EPOCH},
};

pub(super) fn history(client: &Client, name: &SecretName, json: bool) -> Result<()> {
    let versions = client.versions(name)?;
    if json {
        let rows = versions.iter().map(|one| {
            json!({ "version": one.version, "tags": one.meta.tags(), "note": one.meta.note(), "updated_at": one.updated_at })
        });
        return print_json(&rows.collect::<Vec<_>>());
    }
    for (number, one) in versions.iter().enumerate() {
        say!("v{}  {}{}", one.version, date(one.updated_at), if number == 0 { "  current" } else { "" });
    }
    Ok(())
}

/// `version` given: writes that version's value anew. Left out: takes the secret out of the bin.
pub(super) fn restore(client: &Client, name: &SecretName, version: Option<u64>) -> Result<()> {
    let Some(version) = version else { return undelete(client, name) };
    let earlier = client.read_version(name, version, How::Write).map_err(|error| match error.code {
        Some(protocol::Code::NotFound) => Error::new(
            Kind::Refused,
            format!("no version {version} of {name} is kept"),
            format!("list those that are: securecode history {name}"),
        ),
        _ => error,
    })?;
    client.change(|environment, contents| {
        let mut draft = Draft::new(contents);
        draft.put(environment, name, &earlier.meta, &earlier.value)?;
        Ok(Some((draft, ())))
    })?;
    say!("{name} is again what it was in version {version}");
    Ok(())
}

fn undelete(client: &Client, name: &SecretName) -> Result<()> {
    let named = client.bin()?.into_iter().filter(|(_, one)| one.name == *name).map(|(row, _)| row);
    let Some(newest) = named.max_by_key(|row| row.deleted_by) else {
        return Err(Error::new(
            Kind::Refused,
            format!("no deleted secret {name} is kept"),
            format!(
                "deleted secrets are kept for 30 days; for an earlier value: securecode restore {name} --version N"
            ),
        ));
    };
    let deleted = client.read_binned(newest.id, How::Write)?;
    client.change(|environment, contents| {
        let mut draft = Draft::new(contents);
        draft.restore(environment, &deleted)?;
        Ok(Some((draft, ())))
    })?;
    say!("{name}, deleted {}, is back", date(newest.deleted_at));
    Ok(())
}

/// A time as RFC 3339, in UTC.
pub(super) fn date(seconds: u64) -> impl std::fmt::Display {
    humantime::format_rfc3339_seconds(UNIX_EPOCH + Duration::from_secs(seconds.min(1 << 40)))
}
