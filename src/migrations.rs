//! The schema's migrations, in order. A file is added, never edited.

macro_rules! migrations {
    ($($name:literal),+) => {
        /// Their names, as D1 keeps those that were applied.
        pub const NAMES: &[&str] = &[$($name),+];
        /// Their texts.
        #[cfg(not(target_arch = "wasm32"))]
        pub(crate) const TEXTS: &[&str] = &[$(include_str!(concat!("../migrations/", $name))),+];
    };
}

migrations!(
    "0001_initial.sql",
    "0002_keys_and_secrets.sql",
    "0003_audit_segments.sql",
    "0004_limits.sql",
    "0005_archive_and_rules.sql",
    "0006_pairings.sql",
    "0007_approvals.sql"
);
