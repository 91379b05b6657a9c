//! What an owner laid down, at work: which secrets may be used, shown, and by what.

use crate::{
    error::{Error, Kind},
    guard::program::find_program,
};
use protocol::SecretName;
use sealing::{Consent, OpenedSecret};
use std::path::Path;

/// What somebody wants of a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Way {
    /// That a command has it.
    Use,
    /// To see it.
    Reveal,
}

impl Way {
    /// What the secret's owner says to it.
    pub fn consent(self, secret: &OpenedSecret) -> Consent {
        match self {
            Self::Use => secret.policy.usage,
            Self::Reveal => secret.policy.reveal,
        }
    }

    /// That the owner blocked it.
    pub fn blocked(self, name: &SecretName) -> Error {
        let what = match self {
            Self::Use => "used",
            Self::Reveal => "shown",
        };
        Error::new(
            Kind::Refused,
            format!("the owner laid down that {name} may not be {what}"),
            format!("the owner can change that: securecode policy {name}"),
        )
    }
}

/// That the owner lets others have a secret than the program that is to run.
pub fn not_for(name: &SecretName, commands: &[String]) -> Error {
    Error::new(
        Kind::Refused,
        format!("the owner laid down that only {} may have {name}", commands.join(", ")),
        format!("run one of them; or the owner changes that: securecode policy {name}"),
    )
}

/// Whether a program, as it is started, is one of those that the owner named. A name alone means the program that PATH
/// finds; what is run by a path is named by its path.
pub fn is_among(commands: &[String], program: &str) -> bool {
    let real = |path: &Path| path.canonicalize().ok();
    commands.is_empty()
        || commands.iter().any(|command| {
            command == program
                || command.contains('/')
                    && real(Path::new(command)).is_some_and(|wanted| {
                        find_program(program).and_then(|path| real(&path)) == Some(wanted)
                    })
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_named_by_its_name_or_its_path() {
        let commands = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        assert!(is_among(&[], "anything"));
        assert!(is_among(&commands(&["psql", "node"]), "node"));
        assert!(!is_among(&commands(&["sh"]), "./sh"));
        assert!(!is_among(&commands(&["sh"]), "/tmp/sh"));
        assert!(is_among(&commands(&["/bin/sh"]), "sh"));
        assert!(is_among(&commands(&["/bin/sh"]), "/bin/sh"));
        assert!(!is_among(&commands(&["/bin/sh"]), "/bin/ls"));
        assert!(!is_among(&commands(&["/absent/sh"]), "absent-program"));
    }
}
