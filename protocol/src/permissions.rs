use std::{fmt, str::FromStr};

/// One thing that an API key may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Permission {
    /// Read secrets, to hand them to programs.
    Read,
    /// Put and delete secrets.
    Write,
    /// Read secrets to show them to a person.
    Reveal,
    /// Read the audit log of its environments.
    Audit,
    /// Be used at a gateway, which sees values.
    Gateway,
}

/// The text names no permission.
#[derive(Debug, thiserror::Error, PartialEq, Eq, Clone, Copy)]
#[error("permissions are read, write, reveal, audit and gateway")]
pub struct ParsePermissionError;

impl Permission {
    /// Every permission, in the order of their bits.
    pub const ALL: [Self; 5] = [Self::Read, Self::Write, Self::Reveal, Self::Audit, Self::Gateway];

    /// The bit that stands for it in scheme 1 (`docs/protocol.md`, "Plaintexts").
    pub const fn bit(self) -> u32 {
        match self {
            Self::Read => 1,
            Self::Write => 2,
            Self::Reveal => 4,
            Self::Audit => 8,
            Self::Gateway => 16,
        }
    }

    const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Reveal => "reveal",
            Self::Audit => "audit",
            Self::Gateway => "gateway",
        }
    }
}

impl FromStr for Permission {
    type Err = ParsePermissionError;
    fn from_str(text: &str) -> Result<Self, ParsePermissionError> {
        Self::ALL.into_iter().find(|permission| permission.as_str() == text).ok_or(ParsePermissionError)
    }
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

crate::serde_as_text!(Permission);
crate::schema_of_text!(
    Permission,
    "Permission",
    "^(read|write|reveal|audit|gateway)$",
    "One thing that an API key may do."
);

/// A set of permissions; in JSON a list of their names, without doubles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Permissions(u32);

impl Permissions {
    /// The set with these bits, if each is known.
    pub fn from_bits(bits: u32) -> Option<Self> {
        let known = Permission::ALL.iter().fold(0, |all, one| all | one.bit());
        (bits & !known == 0).then_some(Self(bits))
    }

    /// The set's bits.
    pub const fn bits(self) -> u32 {
        self.0
    }

    /// Whether it holds this one.
    pub const fn has(self, permission: Permission) -> bool {
        self.0 & permission.bit() != 0
    }

    /// What it holds, in the order of the bits.
    pub fn iter(self) -> impl Iterator<Item = Permission> {
        Permission::ALL.into_iter().filter(move |one| self.has(*one))
    }
}

impl FromIterator<Permission> for Permissions {
    fn from_iter<T: IntoIterator<Item = Permission>>(permissions: T) -> Self {
        Self(permissions.into_iter().fold(0, |all, one| all | one.bit()))
    }
}

impl serde::Serialize for Permissions {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

impl<'de> serde::Deserialize<'de> for Permissions {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let list = <Vec<Permission> as serde::Deserialize>::deserialize(deserializer)?;
        let set: Self = list.iter().copied().collect();
        if set.iter().count() == list.len() {
            Ok(set)
        } else {
            Err(serde::de::Error::custom("a permission is named twice"))
        }
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for Permissions {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Permissions".into()
    }
    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let permission = generator.subschema_for::<Permission>();
        schemars::json_schema!({ "type": "array", "uniqueItems": true, "items": permission })
    }
}
