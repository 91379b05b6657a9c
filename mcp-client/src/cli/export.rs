//! `export`.

use super::secrets::may_be_shown;
use crate::{
    environment::Client,
    error::{Error, Result},
    profile::Profile,
    ticket,
};
use protocol::{SecretName, body::How};
use sealing::export::{self, SpellingError};
use std::{
    fmt::Write as _,
    fs::File,
    io::{IsTerminal, Write},
    path::PathBuf,
};
use zeroize::Zeroizing;

/// How secrets are written out.
#[derive(Clone, Copy, clap::ValueEnum)]
pub(super) enum Format {
    /// As a .env file, which dotenv reads back byte for byte.
    Dotenv,
    /// As one JSON object.
    Json,
    /// For the steps of a GitHub workflow that follow: masks on standard output, variables into $GITHUB_ENV.
    Github,
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
    let as_written = match format {
        Format::Dotenv => export::Format::Dotenv,
        Format::Json => export::Format::Json,
        Format::Github => {
            return github(&export::texts(&wanted, "in a workflow's variables").map_err(unwritten)?);
        }
    };
    let written = export::write(&wanted, as_written).map_err(unwritten)?;
    let _ = std::io::stdout().write_all(&written);
    Ok(())
}

fn unwritten(error: SpellingError) -> Error {
    Error::local(
        error.to_string(),
        "export the others with --only, and this one with: securecode get NAME --reveal",
    )
}

/// Masks before variables: what is not masked yet is set nowhere (docs.github.com, "Workflow commands").
fn github(secrets: &[(&SecretName, &str)]) -> Result<()> {
    let path = std::env::var_os("GITHUB_ENV").map(PathBuf::from).ok_or_else(|| {
        Error::local("GITHUB_ENV is not set, so this is no step of a workflow", "use --format dotenv or json")
    })?;
    if let Some((name, _)) = secrets.iter().find(|(name, _)| is_runners(name.as_str())) {
        return Err(Error::local(
            format!("{name} is a variable of the runner's own, which a workflow cannot set"),
            "give the secret another name, or leave it out with --only",
        ));
    }
    let room = secrets.iter().map(|(name, text)| name.as_str().len() + text.len() * 4 + 256).sum();
    let (mut masks, mut variables) =
        (Zeroizing::new(String::with_capacity(room)), Zeroizing::new(String::with_capacity(room)));
    for (name, text) in secrets {
        // The log is masked line by line. Writing to a text does not fail.
        for line in text.split(['\r', '\n']).filter(|line| !line.trim().is_empty()) {
            let _ = writeln!(masks, "::add-mask::{}", line.replace('%', "%25"));
        }
        // No value can hold what is made only now.
        let end = format!("securecode-{}", ticket::random()?);
        let _ = writeln!(variables, "{name}<<{end}\n{text}\n{end}");
    }
    let mut stdout = std::io::stdout();
    stdout
        .write_all(masks.as_bytes())
        .and_then(|()| stdout.flush())
        .map_err(|error| Error::local(format!("standard output cannot be written: {error}"), "try again"))?;
    let file = File::options().append(true).create(true).open(&path);
    file.and_then(|mut file| file.write_all(variables.as_bytes())).map_err(|error| Error::io(&path, &error))
}

/// Whether the runner refuses to set a variable of this name, or uses it itself.
fn is_runners(name: &str) -> bool {
    ["CI", "NODE_OPTIONS"].contains(&name)
        || ["GITHUB_", "RUNNER_", "ACTIONS_"].iter().any(|of| name.starts_with(of))
}
