//! A file of plain variables and of references to secrets, for `run --env-file`. It holds no value of a secret, so it may
//! be committed:
//!
//! ```text
//! PORT=8080
//! DATABASE_URL=sc://shop/dev/DATABASE_URL
//! ```

use crate::{
    error::{Error, Result},
    guard::{judge, project::project_folders, steering},
    names,
    profile::Profile,
};
use protocol::{Label, SecretName};
use rustix::fs::OFlags;
use sealing::{SecretValue, assignments::Assignment, dotenv};
use std::{
    collections::BTreeMap,
    fs::File,
    io::Read,
    os::{
        fd::AsRawFd,
        unix::fs::{MetadataExt, OpenOptionsExt},
    },
    path::Path,
};
use zeroize::Zeroizing;

/// What every reference begins with.
const SCHEME: &str = "sc://";

/// An environment, by its project's name and its own.
pub type Place = (Label, Label);

/// A file that was read.
#[derive(Default)]
pub struct EnvFile {
    /// What is written out in it.
    pub plain: Vec<(SecretName, SecretValue)>,
    /// What it takes of each environment: the variable, and the secret that it stands for.
    pub references: BTreeMap<Place, Vec<(SecretName, SecretName)>>,
}

/// Reads a file, as dotenv does.
///
/// # Errors
/// Every line that is none, that no command may be given, or that refers to nothing.
pub fn read(file: &Path, profile: Profile) -> Result<EnvFile> {
    let path = file.display();
    let bytes = if profile.is_guarded() {
        content(file)
    } else {
        std::fs::read(file).map_err(|error| Error::io(file, &error))
    };
    let read = dotenv::parse(&Zeroizing::new(bytes?));
    let mut wrong: Vec<(usize, String)> =
        read.bad_lines.into_iter().map(|bad| (bad.line, bad.cause.to_string())).collect();
    let mut env = EnvFile::default();
    for Assignment { name, value, line } in read.assignments {
        if let Err(error) = names::check(&name) {
            wrong.push((line, error.what));
            continue;
        }
        let text = std::str::from_utf8(value.expose()).unwrap_or_default();
        let problem = match parse(text) {
            // A value in the place of a path would be written down.
            Some(Ok((_, secret))) if profile.is_guarded() && secret != name => {
                Some("in the guard and sandbox profiles a variable is called as its secret".to_owned())
            }
            Some(Ok((place, secret))) => {
                env.references.entry(place).or_default().push((name, secret));
                continue;
            }
            Some(Err(why)) => Some(why),
            // This program reads outside the agent's sandbox, and what is written out is not masked.
            None if profile == Profile::Sandbox => {
                Some("in the sandbox profile a file has references alone".to_owned())
            }
            None if profile.is_guarded() && steering::may_steer(name.as_str(), text) => {
                Some("it may say which code runs, or where something is written".to_owned())
            }
            None => None,
        };
        match problem {
            Some(why) => wrong.push((line, why)),
            None => env.plain.push((name, value)),
        }
    }
    if wrong.is_empty() {
        return Ok(env);
    }
    wrong.sort();
    let lines: Vec<String> = wrong.into_iter().map(|(line, why)| format!("{path}:{line}: {why}")).collect();
    Err(Error::local(
        format!("nothing was run, because of {} bad line(s):\n    {}", lines.len(), lines.join("\n    ")),
        format!("correct the file; a reference is a whole value: NAME={SCHEME}PROJECT/ENVIRONMENT/NAME"),
    ))
}

/// What a file of the project's holds, where an agent may have named it. It is opened once, and judged by what was opened.
fn content(file: &Path) -> Result<Vec<u8>> {
    let io = |error: std::io::Error| Error::io(file, &error);
    let flags = i32::try_from((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits()).unwrap_or(0);
    let mut opened = File::options().read(true).custom_flags(flags).open(file).map_err(io)?;
    let metadata = opened.metadata().map_err(io)?;
    let path = Path::new("/proc/self/fd").join(opened.as_raw_fd().to_string());
    let resolved = std::fs::read_link(path).or_else(|_| file.canonicalize()).map_err(io)?;
    let is_of_project = project_folders().iter().any(|project| resolved.starts_with(project));
    if !is_of_project || !metadata.is_file() || metadata.nlink() != 1 {
        return Err(Error::local(
            format!("{} is no file of this project's own", file.display()),
            "keep references in a file of the project's, without links",
        ));
    }
    judge::judge_path(&resolved).map_err(|refusal| {
        Error::local(refusal.0, "keep references in a file of another name, .env.template for example")
    })?;
    let mut bytes = Vec::new();
    opened.read_to_end(&mut bytes).map_err(io)?;
    Ok(bytes)
}

/// What a value refers to, if it means to refer to anything.
fn parse(text: &str) -> Option<std::result::Result<(Place, SecretName), String>> {
    let Some(path) = text.strip_prefix(SCHEME) else {
        return text.contains(SCHEME).then(|| Err(format!("{SCHEME} stands within a value")));
    };
    let parts: Vec<&str> = path.split('/').collect();
    let parsed = match parts.as_slice() {
        [project, environment, name] => project
            .parse::<Label>()
            .and_then(|project| Ok(((project, environment.parse::<Label>()?), name.parse::<SecretName>()?))),
        _ => return Some(Err(format!("{SCHEME} is not followed by PROJECT/ENVIRONMENT/NAME"))),
    };
    Some(parsed.map_err(|error| error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_is_a_whole_value_of_three_parts() {
        let (place, name) = parse("sc://shop/dev/A_1").unwrap().unwrap();
        assert_eq!((place.0.as_str(), place.1.as_str(), name.as_str()), ("shop", "dev", "A_1"));
        for plain in ["", "8080", "https://example.com", "sc:/shop/dev/A"] {
            assert!(parse(plain).is_none(), "{plain}");
        }
        for wrong in [
            "sc://",
            "sc://shop/dev",
            "sc://shop/dev/A/B",
            "sc://shop/dev/my-key",
            "x sc://shop/dev/A",
            "sc://sh op/dev/A",
        ] {
            assert!(parse(wrong).unwrap().is_err(), "{wrong}");
        }
    }
}
