use serde::{Deserialize, Serialize};
use std::fmt;

/// Why the vault refused: stable, and all that a client acts on or shows. The prose beside it is for people
/// who read raw answers; clients use words of their own, so that no server text reaches a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "`Code::advice` says what each means")]
pub enum Code {
    Unauthenticated,
    LoginFailed,
    KeyRevoked,
    KeyExpired,
    PermissionMissing,
    OwnerRequired,
    EnvironmentOutOfScope,
    EnvironmentAmbiguous,
    AddressNotAllowed,
    CanaryRead,
    NotFound,
    MethodNotAllowed,
    ManifestOutdated,
    EmailTaken,
    IdTaken,
    QuotaExceeded,
    ReadsExhausted,
    TooManyRequests,
    InvalidRequest,
    BodyTooLarge,
    IntegrityFailure,
    LogDamaged,
    Unavailable,
    Internal,
}

impl Code {
    /// The HTTP status that goes with it.
    pub const fn status(self) -> u16 {
        match self {
            Self::InvalidRequest => 400,
            Self::Unauthenticated | Self::LoginFailed | Self::KeyRevoked | Self::KeyExpired => 401,
            Self::PermissionMissing
            | Self::OwnerRequired
            | Self::EnvironmentOutOfScope
            | Self::AddressNotAllowed
            | Self::CanaryRead => 403,
            Self::NotFound => 404,
            Self::MethodNotAllowed => 405,
            Self::ManifestOutdated
            | Self::EmailTaken
            | Self::IdTaken
            | Self::QuotaExceeded
            | Self::EnvironmentAmbiguous => 409,
            Self::BodyTooLarge => 413,
            Self::ReadsExhausted | Self::TooManyRequests => 429,
            Self::IntegrityFailure | Self::LogDamaged | Self::Internal => 500,
            Self::Unavailable => 503,
        }
    }

    /// What happened, and what to do now.
    pub const fn advice(self) -> &'static str {
        match self {
            Self::Unauthenticated => {
                "the credential is missing, unknown or wrong; use a current API key, or log in again"
            }
            Self::LoginFailed => "e-mail and passphrase do not go together; check both",
            Self::KeyRevoked => "this credential was revoked; ask the account's owner for another key",
            Self::KeyExpired => "this credential has expired; create another key, or log in again",
            Self::PermissionMissing => {
                "this key lacks the permission for that; the owner can create a key that has it"
            }
            Self::OwnerRequired => "only the account's owner may do that; log in",
            Self::EnvironmentOutOfScope => {
                "this credential may not use that environment, or there is none of that id"
            }
            Self::EnvironmentAmbiguous => "this credential may use several environments; say which",
            Self::AddressNotAllowed => {
                "this key may not be used from this network address; the owner can create a key that may"
            }
            Self::CanaryRead => {
                "this secret is a canary, so the key that asked for it is revoked; tell the owner, and ask for another key"
            }
            Self::NotFound => "there is nothing of that id or at that path",
            Self::MethodNotAllowed => "that path does not take this method",
            Self::ManifestOutdated => {
                "somebody changed it in the meantime; read the current state and try again"
            }
            Self::EmailTaken => "there is an account with this e-mail already; log in",
            Self::IdTaken => "that id is in use; make another",
            Self::QuotaExceeded => {
                "the plan's limit is reached and nothing was stored; delete something or change the plan"
            }
            Self::ReadsExhausted => "today's reads are used up; they are counted anew from midnight UTC",
            Self::TooManyRequests => "too many requests; wait as long as `retry_after` says, then go on",
            Self::InvalidRequest => "the request is not of the form that this endpoint takes",
            Self::BodyTooLarge => "the body is larger than this endpoint takes; send less at once",
            Self::IntegrityFailure => {
                "stored access rules do not verify, so nothing is given out; tell the operator"
            }
            Self::LogDamaged => {
                "the audit log is not as the vault wrote it, so it is not closed over; verify it and tell the operator"
            }
            Self::Unavailable => "the vault cannot reach its database; try again in a moment",
            Self::Internal => "the vault failed; the request id finds the cause in its log",
        }
    }
}

impl fmt::Display for Code {
    /// As it travels.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}

/// What a plan limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Resource {
    /// Projects of an account.
    Projects,
    /// API keys of an account that are not revoked.
    Keys,
    /// Secrets of an account.
    Secrets,
    /// Bytes of one value.
    ValueBytes,
    /// Reads a day, from midnight UTC.
    Reads,
}

impl Resource {
    /// Its name, in JSON and in the schema's messages.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Projects => "projects",
            Self::Keys => "keys",
            Self::Secrets => "secrets",
            Self::ValueBytes => "value_bytes",
            Self::Reads => "reads",
        }
    }

    /// Every resource that a plan limits.
    pub const ALL: [Self; 5] = [Self::Projects, Self::Keys, Self::Secrets, Self::ValueBytes, Self::Reads];
}

/// The body of every refusal: RFC 9457, with a stable `code`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Problem {
    /// `urn:securecode:problem:` and the code.
    #[serde(rename = "type")]
    pub kind: String,
    /// The HTTP status again.
    pub status: u16,
    /// What clients act on.
    pub code: Code,
    /// What happened and what to do now, for people who read raw answers.
    pub detail: String,
    /// Finds this request in the vault's log.
    pub request_id: String,
    /// With `quota_exceeded`: which limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<Resource>,
    /// With 429: seconds after which to ask again; the header `Retry-After` says the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u64>,
}

impl Problem {
    /// The problem of this code; `detail` says what happened and what to do now, and quotes no input.
    pub fn new(code: Code, detail: String, request_id: &str) -> Self {
        Self {
            kind: format!("urn:securecode:problem:{code}"),
            status: code.status(),
            code,
            detail,
            request_id: request_id.to_owned(),
            limit: None,
            retry_after: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_written_as_it_travels() {
        for code in [Code::Unauthenticated, Code::EnvironmentOutOfScope, Code::Internal] {
            assert_eq!(serde_json::to_value(code).unwrap(), code.to_string());
        }
    }
}
