use crate::Writer;

/// What kind of thing is sealed: the first column of the table in `docs/protocol.md`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kind(pub u8);

#[allow(missing_docs, reason = "the names are those of the table in docs/protocol.md")]
impl Kind {
    pub const VALUE: Self = Self(1);
    pub const NAME: Self = Self(2);
    pub const META: Self = Self(3);
    pub const ENVIRONMENT_KEY_OF_OWNER: Self = Self(4);
    pub const ENVIRONMENT_KEY_OF_API_KEY: Self = Self(5);
    pub const ACCOUNT_KEY_BY_PASSPHRASE: Self = Self(6);
    pub const ACCOUNT_KEY_BY_RECOVERY: Self = Self(7);
    pub const ENVIRONMENT_MANIFEST: Self = Self(8);
    pub const PAIRING: Self = Self(9);
    pub const COLUMN: Self = Self(10);
    pub const KEY_RECORD: Self = Self(11);
    pub const ACCOUNT_MANIFEST: Self = Self(12);
    pub const POLICY: Self = Self(13);
    pub const APPROVAL: Self = Self(14);
}

/// The place a blob belongs to. Fields that a kind does not use are empty.
#[derive(Debug, Clone, Copy)]
#[allow(missing_docs, reason = "the fields are the columns of the table in docs/protocol.md")]
pub struct Context<'a> {
    pub kind: Kind,
    pub account: &'a [u8],
    pub project: &'a [u8],
    pub environment: &'a [u8],
    pub subject: &'a [u8],
    pub index: &'a [u8],
    pub version: u64,
}

impl Context<'_> {
    /// A place of this kind with every other field empty.
    pub const fn new(kind: Kind) -> Self {
        Self { kind, account: b"", project: b"", environment: b"", subject: b"", index: b"", version: 0 }
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        Writer::new()
            .bytes(&[self.kind.0])
            .bytes(self.account)
            .bytes(self.project)
            .bytes(self.environment)
            .bytes(self.subject)
            .bytes(self.index)
            .u64(self.version)
            .finish()
    }
}
