//! `usage`: each limit of the plan and its use.

use super::{current_folder, print_json, say};
use crate::{
    audit::words,
    config::{AccountFile, KeyConfig, VaultAddress},
    error::{Result, describe},
    remote::Remote,
};
use protocol::body::Usage;
use std::io::Write;

pub(super) fn run(vault_url: Option<&str>, json: bool) -> Result<()> {
    let mut usage: Usage = remote(vault_url)?.get("/v1/usage")?;
    // The name is the vault's own.
    if words::word(&usage.plan).is_none() {
        "another".clone_into(&mut usage.plan);
    }
    if json {
        return print_json(&usage);
    }
    say!("plan: {}", usage.plan);
    for limit in &usage.limits {
        match limit.used {
            Some(used) => say!("{:<16} {used} of {}", describe(limit.resource), limit.allowed),
            None => say!("{:<16} at most {}", describe(limit.resource), limit.allowed),
        }
    }
    Ok(())
}

/// Any credential will do: the key that is configured here, or else this machine's session.
fn remote(vault_url: Option<&str>) -> Result<Remote> {
    let key = KeyConfig::find(&current_folder()?, vault_url);
    if key.is_err()
        && let Some(file) = AccountFile::read()?
        && let Some(session) = &file.session
    {
        return Ok(Remote::new(VaultAddress::new(&file.vault_url, file.audience.as_deref())?).with(session));
    }
    let config = key?;
    Ok(Remote::new(config.vault.clone()).with(&config.key.derive_token(&config.vault.audience)))
}
