use crate::serde_as_text;
use std::{fmt, str::FromStr};

/// Why a text is not a name. Says the rule; the caller says which name.
#[derive(Debug, thiserror::Error, PartialEq, Eq, Clone, Copy)]
pub enum ParseNameError {
    /// Not a secret's name.
    #[error("a secret's name is a letter or `_`, then letters, digits or `_`, at most 128 in all")]
    SecretName,
    /// Not a label.
    #[error(
        "a name of a project, environment or key is a letter or digit, then letters, digits, `.`, `_` or `-`, at most 64 in all"
    )]
    Label,
    /// Not a tag.
    #[error("a tag is 1 to 64 letters, digits or `._:/-`")]
    Tag,
}

macro_rules! names {
    ($($(#[$doc:meta])* $name:ident: $error:ident, $rule:expr;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// The name as text: ASCII, without white space, quotes or control characters.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = ParseNameError;
            fn from_str(text: &str) -> Result<Self, ParseNameError> {
                let rule: fn(&[u8]) -> bool = $rule;
                if rule(text.as_bytes()) { Ok(Self(text.to_owned())) } else { Err(ParseNameError::$error) }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        serde_as_text!($name);
    )*};
}

names! {
    /// A secret's name, which is also the variable that carries it.
    SecretName: SecretName, |text| {
        text.len() <= 128
            && text.first().is_some_and(|c| c.is_ascii_alphabetic() || *c == b'_')
            && text.iter().all(|c| c.is_ascii_alphanumeric() || *c == b'_')
    };
    /// The name of a project, an environment or a key.
    Label: Label, |text| {
        text.len() <= 64
            && text.first().is_some_and(u8::is_ascii_alphanumeric)
            && text.iter().all(|c| c.is_ascii_alphanumeric() || b"._-".contains(c))
    };
    /// A word that groups secrets; `production` makes the client warn and ask.
    Tag: Tag, |text| {
        (1..=64).contains(&text.len()) && text.iter().all(|c| c.is_ascii_alphanumeric() || b"._:/-".contains(c))
    };
}

impl SecretName {
    /// Whether a variable of this name could take over a shell, a loader, an interpreter or this product.
    ///
    /// Refused at every way in, the vault's answers included, unless a person allows the name on this machine.
    /// The list can never be complete: it covers what common shells, loaders and tools read by themselves.
    pub fn is_hijacking(&self) -> bool {
        let upper = self.0.to_ascii_uppercase();
        HIJACKING_NAMES.contains(&upper.as_str())
            || HIJACKING_PREFIXES.iter().any(|prefix| upper.starts_with(prefix))
            || HIJACKING_SUFFIXES.iter().any(|suffix| upper.ends_with(suffix))
    }
}

const HIJACKING_PREFIXES: &[&str] = &[
    "ANTHROPIC_",
    "BASH_FUNC_",
    "CARGO_",
    "CLAUDE_",
    "DOTNET_",
    "DYLD_",
    "GCONV_",
    "GIT_",
    "GLIBC_",
    "JAVA_TOOL_",
    "LD_",
    "MALLOC_",
    "NODE_REPL_",
    "NPM_CONFIG_",
    "PERL5",
    "PIP_",
    "PYTHON",
    "RUSTC",
    "RUSTUP_",
    "SECURECODE_",
    "SSL_CERT_",
    "UV_",
    "XDG_",
    "YARN_",
];

const HIJACKING_SUFFIXES: &[&str] = &["_PROXY"];

const HIJACKING_NAMES: &[&str] = &[
    "ALL_PROXY",
    "BASHOPTS",
    "BASH_ENV",
    "BROWSER",
    "CC",
    "CDPATH",
    "CLASSPATH",
    "CURL_CA_BUNDLE",
    "CURL_HOME",
    "CXX",
    "DENO_DIR",
    "EDITOR",
    "ENV",
    "EUID",
    "FPATH",
    "GLOBIGNORE",
    "GOFLAGS",
    "HISTFILE",
    "HOME",
    "HOSTALIASES",
    "IFS",
    "INPUTRC",
    "JAVA_OPTS",
    "JDK_JAVA_OPTIONS",
    "KSH_ENV",
    "KUBECONFIG",
    "LESS",
    "LESSCLOSE",
    "LESSKEY",
    "LESSKEYIN",
    "LESSOPEN",
    "LOCPATH",
    "LOGNAME",
    "NODE_EXTRA_CA_CERTS",
    "NODE_OPTIONS",
    "NODE_PATH",
    "NODE_TLS_REJECT_UNAUTHORIZED",
    "MAKEFLAGS",
    "MANPAGER",
    "MAVEN_OPTS",
    "NLSPATH",
    "NULLCMD",
    "OLDPWD",
    "OPENSSL_CONF",
    "PAGER",
    "PATH",
    "PERLLIB",
    "PERL_MM_OPT",
    "POSIXLY_CORRECT",
    "PROMPT_COMMAND",
    "PS0",
    "PS1",
    "PS2",
    "PS3",
    "PS4",
    "PWD",
    "PHPRC",
    "READNULLCMD",
    "REQUESTS_CA_BUNDLE",
    "RESOLV_HOST_CONF",
    "RES_OPTIONS",
    "RUBYLIB",
    "RUBYOPT",
    "RUBYPATH",
    "RUBYSHELL",
    "SHELL",
    "SHELLOPTS",
    "SHLVL",
    "SSH_ASKPASS",
    "SUDO_ASKPASS",
    "SUDO_EDITOR",
    "TERM",
    "TERMCAP",
    "TERMINFO",
    "TMPDIR",
    "TMP",
    "TEMP",
    "UID",
    "USER",
    "VISUAL",
    "WGETRC",
    "ZDOTDIR",
    "_JAVA_OPTIONS",
    "_",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grammar_attacks_are_no_names() {
        let attacks = [
            "",
            "1A",
            "A B",
            "A=B",
            "A;rm -rf",
            "A\n",
            "A\0",
            "é",
            "A-B",
            "$(id)",
            "`id`",
            "A'",
            "a".repeat(129).leak(),
        ];
        for attack in attacks {
            assert_eq!(attack.parse::<SecretName>(), Err(ParseNameError::SecretName), "{attack}");
        }
        for byte in (0_u8..=255).filter(|b| !b.is_ascii_alphanumeric() && *b != b'_') {
            let text = String::from_utf8_lossy(&[b'A', byte]).into_owned();
            assert!(text.parse::<SecretName>().is_err(), "{byte}");
        }
    }

    #[test]
    fn names_that_hijack_are_known_and_ordinary_names_are_not() {
        for name in [
            "PATH",
            "path",
            "LD_PRELOAD",
            "BASH_ENV",
            "NODE_OPTIONS",
            "GIT_SSH_COMMAND",
            "https_proxy",
            "IFS",
            "PYTHONPATH",
        ] {
            assert!(name.parse::<SecretName>().unwrap().is_hijacking(), "{name}");
        }
        for name in [
            "DATABASE_URL",
            "STRIPE_SECRET_KEY",
            "NODE_ENV",
            "PORT",
            "GITHUB_TOKEN",
            "OPENAI_API_KEY",
            "HOMEPAGE",
            "PASSWORD",
        ] {
            assert!(!name.parse::<SecretName>().unwrap().is_hijacking(), "{name}");
        }
    }
}
