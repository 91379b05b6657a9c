//! `export`.

use super::{say, secrets::may_be_shown};
use crate::{
    environment::Client,
    error::{Error, Result},
    profile::Profile,
};
use protocol::{SecretName, body::How};
use sealing::dotenv;
use std::io::{IsTerminal, Write};
use zeroize::Zeroizing;

/// How secrets are written out.
#[derive(Clone, Copy, clap::ValueEnum)]
pub(super) enum Format {
    /// As a .env file, which dotenv reads back byte for byte.
    Dotenv,
    /// As one JSON object.
    Json,
}

/// Writes all, or nothing.
pub(super) fn run(
    client: &Client,
    asking: (Profile, Option<&str>),
    format: Format,
    only: &[SecretName],
    reveal: bool,
) -> Result<()> {
    if !reveal && !std::io::stdout().is_terminal() {
        return Err(Error::local(
            "the secrets would be written to something that is no terminal",
            "run a command with them instead: securecode run -- CMD; or ask for it: --reveal",
        ));
    }
    let secrets = client.read_all(How::Reveal)?.secrets;
    if let Some(missing) = only.iter().find(|name| !secrets.iter().any(|secret| secret.name == **name)) {
        return Err(Error::absent(missing));
    }
    let mut wanted: Vec<_> =
        secrets.iter().filter(|secret| only.is_empty() || only.contains(&secret.name)).collect();
    wanted.sort_by(|a, b| a.name.cmp(&b.name));
    may_be_shown(&wanted, asking)?;
    match format {
        Format::Dotenv => {
            let line = |secret: &&sealing::OpenedSecret| {
                dotenv::write(&secret.name, &secret.value).ok_or_else(|| {
                    Error::local(
                        format!(
                            "{} has no spelling in a .env file: it is no text, or has every kind of quote",
                            secret.name
                        ),
                        "export the others with --only, and this one with: securecode get NAME --reveal",
                    )
                })
            };
            let lines = wanted.iter().map(line).collect::<Result<Vec<_>>>()?;
            for line in lines {
                let _ = std::io::stdout().write_all(line.as_bytes());
            }
        }
        Format::Json => {
            let mut object = std::collections::BTreeMap::new();
            for secret in &wanted {
                let text = std::str::from_utf8(secret.value.expose()).map_err(|_| {
                    Error::local(
                        format!("{} is no text, so it has no spelling in JSON", secret.name),
                        "export the others with --only, and this one with: securecode get NAME --reveal",
                    )
                })?;
                object.insert(secret.name.as_str(), text);
            }
            let text = serde_json::to_string_pretty(&object)
                .map(Zeroizing::new)
                .map_err(|error| Error::local(error.to_string(), "report this"))?;
            say!("{}", *text);
        }
    }
    Ok(())
}
