use crate::{schema_of_text, serde_as_text};
use std::{fmt, str::FromStr};

/// The text is not 32 lower-case hex digits.
#[derive(Debug, thiserror::Error, PartialEq, Eq, Clone, Copy)]
#[error("an id is 32 lower-case hex digits")]
pub struct ParseIdError;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; 16]);

        impl $name {
            /// Takes 16 bytes as an id; a maker draws them at random.
            pub const fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(bytes)
            }

            /// The 16 bytes, as they stand in contexts and MACs.
            pub const fn as_bytes(&self) -> &[u8; 16] {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = ParseIdError;
            fn from_str(text: &str) -> Result<Self, ParseIdError> {
                let bytes = base16ct::lower::decode_vec(text.as_bytes()).map_err(|_| ParseIdError)?;
                bytes.try_into().map(Self).map_err(|_| ParseIdError)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&base16ct::lower::encode_string(&self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }

        serde_as_text!($name);
        schema_of_text!($name, "Id", "^[0-9a-f]{32}$", "16 bytes, lower-case hex.");
    )*};
}

ids! {
    /// An account.
    AccountId
    /// A project of an account.
    ProjectId
    /// An environment of a project.
    EnvironmentId
    /// A secret of an environment; stays the same through all versions.
    SecretId
    /// A credential: an API key or a session.
    KeyId
    /// A machine on which somebody logged in.
    DeviceId
    /// A machine's pairing: drawn by the machine, known to it and to the person who approves it.
    PairingId
    /// What an agent asks a person for: drawn by who asks.
    ApprovalId
    /// The blind index of a secret's name in its environment: all that the vault knows of a name.
    NameIndex
}
