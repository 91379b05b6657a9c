//! What an owner laid down, at work where nobody can be asked and nothing is known of who uses the answer.

use crate::refusal::Refusal;
use protocol::{Code, SecretName};
use sealing::{Consent, OpenedSecret};

/// Whether a secret may be handed out. What is handed out here is used and can be read, so what the owner says of either
/// holds.
///
/// # Errors
/// Names the secret, which the caller's key has opened.
pub(crate) fn check(secret: &OpenedSecret) -> Result<(), Refusal> {
    let OpenedSecret { name, policy, .. } = secret;
    let why = match policy.usage.max(policy.reveal) {
        Consent::Block => "may not be used, or not be shown",
        Consent::Ask => "is handed out only after a person says yes, and a gateway cannot ask",
        Consent::Allow if !policy.commands.is_empty() => {
            "is for certain commands alone, and a gateway cannot know which one has it"
        }
        Consent::Allow => return Ok(()),
    };
    Err(Refusal::new(
        Code::PermissionMissing,
        format!(
            "the owner laid down that {name} {why}; name the others with `only`, or the owner changes that: securecode policy {name}"
        ),
    ))
}

/// Whether a variable of this name may be set by who reads the answer.
///
/// # Errors
/// As [`check`].
pub(crate) fn check_name(name: &SecretName) -> Result<(), Refusal> {
    if !name.is_hijacking() {
        return Ok(());
    }
    Err(Refusal::new(
        Code::PermissionMissing,
        format!(
            "a variable named {name} could take over a shell, a loader or a tool, so it is refused; name the others with `only`, or get it from /v1/secrets/{name}"
        ),
    ))
}
