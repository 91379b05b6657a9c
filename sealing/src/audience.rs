use std::{fmt, str::FromStr};

/// The text names no vault that a token could be made for.
#[derive(Debug, thiserror::Error, PartialEq, Eq, Clone, Copy)]
pub enum ParseAudienceError {
    /// Neither https, nor http to this machine.
    #[error("a vault is reached by https; http is for loopback only")]
    Scheme,
    /// No host, or one with characters that no host has; names beyond ASCII are written as punycode.
    #[error("the address has no valid host")]
    Host,
    /// A port that is none.
    #[error("the address has no valid port")]
    Port,
}

/// Which vault an access token is for: `scheme://host[:port]` of its URL, in lower case, without the scheme's
/// own port. It is part of the token's derivation, so a token that reached one vault is worthless at another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Audience(String);

impl Audience {
    /// The text that is derived from; also the start of every request's URL.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Audience {
    type Err = ParseAudienceError;

    /// Reads an absolute URL and keeps what identifies its host. User names and passwords are refused.
    fn from_str(url: &str) -> Result<Self, ParseAudienceError> {
        let lower = url.to_ascii_lowercase();
        let (scheme, own_port, rest) = if let Some(rest) = lower.strip_prefix("https://") {
            ("https", 443, rest)
        } else if let Some(rest) = lower.strip_prefix("http://") {
            ("http", 80, rest)
        } else {
            return Err(ParseAudienceError::Scheme);
        };
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        // Only a bracketed host may hold colons of its own.
        let (host, port) = match authority.rfind(':').filter(|colon| !authority[*colon..].contains(']')) {
            Some(colon) => authority.split_at(colon),
            None => (authority, ""),
        };
        let in_brackets = host.strip_prefix('[').and_then(|inner| inner.strip_suffix(']'));
        let valid = match in_brackets {
            Some(inner) => inner.parse::<std::net::Ipv6Addr>().is_ok(),
            None => {
                !host.is_empty()
                    && host.len() <= 253
                    && host
                        .split('.')
                        .all(|part| !part.is_empty() && !part.starts_with('-') && !part.ends_with('-'))
                    && host.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'.' || c == b'-')
            }
        };
        if !valid {
            return Err(ParseAudienceError::Host);
        }
        let port = match port.strip_prefix(':') {
            None => own_port,
            Some(digits) if digits.bytes().all(|c| c.is_ascii_digit()) => {
                digits.parse::<u16>().map_err(|_| ParseAudienceError::Port)?
            }
            Some(_) => return Err(ParseAudienceError::Port),
        };
        let loopback = host == "localhost"
            || in_brackets == Some("::1")
            || host.parse::<std::net::Ipv4Addr>().is_ok_and(|address| address.is_loopback());
        if scheme == "http" && !loopback {
            return Err(ParseAudienceError::Scheme);
        }
        let port = if port == own_port { String::new() } else { format!(":{port}") };
        Ok(Self(format!("{scheme}://{host}{port}")))
    }
}

impl fmt::Display for Audience {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_names_one_audience() {
        for (url, audience) in [
            ("https://Vault.Example.com", "https://vault.example.com"),
            ("https://vault.example.com:443/some/path?x#y", "https://vault.example.com"),
            ("HTTPS://vault.example.com:8443/", "https://vault.example.com:8443"),
            ("http://127.0.0.1:8787", "http://127.0.0.1:8787"),
            ("http://localhost:80", "http://localhost"),
            ("http://[::1]:8787/", "http://[::1]:8787"),
        ] {
            assert_eq!(url.parse::<Audience>().unwrap().as_str(), audience);
        }
    }

    #[test]
    fn what_is_no_vault_is_refused() {
        for url in [
            "",
            "vault.example.com",
            "http://vault.example.com",
            "http://localhost.example.com",
            "ftp://localhost",
            "https://",
            "https://a b",
            "https://user@host",
            "https://host:",
            "https://host:99999",
            "https://host:+1",
            "https://-a",
            "https://a..b",
            "https://é",
            "https://[::1",
            "https://[zz]",
            "http://127.0.0.1.example.com",
            "http://128.0.0.1",
            "https://host\\@other",
            "https://host%00",
            "https://:80",
        ] {
            assert!(url.parse::<Audience>().is_err(), "{url}");
        }
    }
}
