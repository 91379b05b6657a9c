//! `keys`: the owner's API keys.

use super::{Keys, print_json, say};
use crate::{
    error::{Error, Result},
    owner::{Owner, now},
};
use protocol::{
    Permissions,
    body::{KeyEntry, Page},
};
use sealing::KeyStatus;
use serde_json::json;
use std::io::Write;

pub(super) fn run(vault_url: Option<&str>, command: Keys) -> Result<()> {
    match command {
        Keys::Create { environments, project, name, permissions, expires, addresses, json } => {
            let mut owner = Owner::unlock(vault_url)?;
            let find = |environment| owner.find_environment(project.as_ref(), environment);
            let mut scope = environments.iter().map(find).collect::<Result<Vec<_>>>()?;
            scope.sort_by_key(|record| record.id);
            scope.dedup_by_key(|record| record.id);
            let expires_at = expires.map(|seconds| now().saturating_add(seconds));
            let name = name
                .or_else(|| environments.first().cloned())
                .ok_or_else(|| Error::local("no environment is named", "name one: --environment E"))?;
            let key = owner.create_key(&scope, name.clone(), &permissions, expires_at, addresses.clone())?;
            if json {
                let permissions: Permissions = permissions.into_iter().collect();
                return print_json(&json!({
                    "id": key.id(), "key": *key.expose(), "name": name, "environments": environments, "permissions": permissions, "expires_at": expires_at, "addresses": addresses,
                }));
            }
            say!("id   {}\nkey  {}\n\nThe key is shown only now.", key.id(), *key.expose());
            Ok(())
        }
        Keys::Rotate { id, overlap, expires, json } => {
            let mut owner = Owner::unlock(vault_url)?;
            let expires_at = expires.map(|seconds| now().saturating_add(seconds));
            let key = owner.rotate_key(id, overlap, expires_at)?;
            let old = owner.manifest().key(id).map(|key| key.expires_at);
            if json {
                return print_json(&json!({
                    "id": key.id(), "key": *key.expose(), "replaces": id, "old_expires_at": old,
                }));
            }
            say!(
                "id   {}\nkey  {}\n\nThe key is shown only now. Put it where {id} is used, which works for {} more hours.",
                key.id(),
                *key.expose(),
                overlap / 3600
            );
            Ok(())
        }
        Keys::List { json } => list(&Owner::unlock(vault_url)?, json),
        Keys::Revoke { id } => {
            Owner::unlock(vault_url)?.revoke_key(id)?;
            say!(
                "{id} revoked: its next request is refused. Secrets that it read are known to its holder: change them."
            );
            Ok(())
        }
    }
}

/// Lists the owner's own record, and says where the vault differs from it.
fn list(owner: &Owner, json: bool) -> Result<()> {
    let served: Page<KeyEntry> = owner.remote.get("/v1/keys")?;
    let manifest = owner.manifest();
    let environment = |id: &protocol::EnvironmentId| {
        manifest
            .environments
            .iter()
            .find(|one| one.id == *id)
            .map_or_else(|| id.to_string(), |one| one.name.to_string())
    };
    let rows: Vec<_> = manifest
        .keys
        .iter()
        .map(|key| {
            let entry = served.items.iter().find(|entry| entry.id == key.id);
            let locked = entry.is_some_and(|entry| entry.revoked_at.is_some());
            let status = match key.status {
                KeyStatus::Active if locked => "locked",
                KeyStatus::Active if key.expires_at != 0 && key.expires_at <= now() => "expired",
                KeyStatus::Active => "active",
                KeyStatus::Revoked => "revoked",
            };
            json!({
                "id": key.id, "name": key.name, "permissions": key.permissions, "status": status,
                "environments": key.environments.iter().map(environment).collect::<Vec<_>>(),
                "expires_at": (key.expires_at != 0).then_some(key.expires_at),
                "created_at": entry.map(|entry| entry.created_at),
                "used_at": entry.and_then(|entry| entry.used_at),
                "addresses": entry.map(|entry| &entry.addresses),
            })
        })
        .collect();
    let foreign =
        served.items.iter().filter(|entry| entry.revoked_at.is_none() && manifest.key(entry.id).is_none());
    for entry in foreign {
        let _ = writeln!(
            std::io::stderr(),
            "securecode: WARNING: the vault accepts a key {} that your record does not have",
            entry.id
        );
    }
    let resurrected = served.items.iter().filter(|entry| {
        entry.revoked_at.is_none()
            && manifest.key(entry.id).is_some_and(|key| key.status == KeyStatus::Revoked)
    });
    for entry in resurrected {
        let _ = writeln!(
            std::io::stderr(),
            "securecode: WARNING: the vault accepts the key {} that you revoked",
            entry.id
        );
    }
    if json {
        return print_json(&rows);
    }
    for row in &rows {
        let text = |field: &str| {
            row.get(field).map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned))
        };
        let fields = ["id", "name", "status", "environments", "permissions"]
            .map(|field| text(field).unwrap_or_default());
        say!("{}", fields.join("  "));
    }
    Ok(())
}

/// `12h`, `30d`, `8w`, in seconds.
pub(super) fn parse_duration(text: &str) -> Result<u64, Error> {
    let wrong = || Error::local("a time is a number and h, d or w", "give --expires 30d, for example");
    let (number, unit) = text.split_at_checked(text.len().saturating_sub(1)).ok_or_else(wrong)?;
    let seconds = match unit {
        "h" => 3600,
        "d" => 86_400,
        "w" => 604_800,
        _ => return Err(wrong()),
    };
    number
        .parse::<u64>()
        .ok()
        .filter(|count| (1..=10_000).contains(count))
        .map(|count| count * seconds)
        .ok_or_else(wrong)
}
