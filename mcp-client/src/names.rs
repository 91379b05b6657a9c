//! Names that could take over a shell or a loader are refused at every way in, the vault's answers included,
//! unless a person allowed them on this machine.

use crate::{
    error::{Error, Result},
    home,
};
use protocol::SecretName;

fn path() -> Result<std::path::PathBuf> {
    Ok(home::folder()?.join("allowed-names"))
}

/// Whether a variable of this name may be set here.
///
/// # Errors
/// When the list of allowed names cannot be read.
pub fn is_usable(name: &SecretName) -> Result<bool> {
    if !name.is_hijacking() {
        return Ok(true);
    }
    let allowed = home::read_private_file(&path()?)?;
    Ok(allowed.is_some_and(|list| list.lines().any(|line| line == name.as_str())))
}

/// Refuses a name that may not be set here.
///
/// # Errors
/// Names the name and the way to allow it.
pub fn check(name: &SecretName) -> Result<()> {
    if is_usable(name)? {
        return Ok(());
    }
    Err(Error::local(
        format!("a variable named {name} could take over a shell, a loader or a tool, so it is refused"),
        format!("give it another name, or allow it on this machine: securecode set {name} --allow-name"),
    ))
}

/// Allows a name on this machine.
///
/// # Errors
/// When the list cannot be written.
pub fn allow(name: &SecretName) -> Result<()> {
    if is_usable(name)? {
        return Ok(());
    }
    home::make_private_folder(&home::folder()?)?;
    let mut list = home::read_private_file(&path()?)?.map(|list| list.to_string()).unwrap_or_default();
    list.push_str(name.as_str());
    list.push('\n');
    home::replace_private_file(&path()?, list.as_bytes())
}
