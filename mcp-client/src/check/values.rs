//! Values of the vault where they should not be.

use super::Check;
use crate::{
    config::KeyConfig,
    environment::Client,
    error::{Error, Result},
};
use protocol::body::How;
use std::{fs, process::Command};

impl Check {
    /// Values of the vault in tracked files, in git's history, and in MCP configuration.
    pub(super) fn values_in_files(&mut self) {
        let title =
            "no secret's value stands in a tracked file, in the last 500 commits, or in MCP configuration";
        match self.search() {
            Ok(found) if found.is_empty() => self.found("no-values-in-files", title, None),
            Ok(found) => self.found(
                "no-values-in-files",
                title,
                Some(format!("{}; take it out and rotate that secret", found.join("; "))),
            ),
            Err(error) => {
                self.found("no-values-in-files", title, Some(format!("it could not be looked for: {error}")))
            }
        }
    }

    fn search(&self) -> Result<Vec<String>> {
        let config = KeyConfig::find(&self.folder, None)?;
        let contents = Client::new(&config, None).read_all(How::Run)?;
        let strong = contents.secrets.iter().filter(|secret| !masker::is_weak(secret.value.expose()));
        let masker = masker::Masker::new(strong.map(|secret| (secret.name.as_str(), secret.value.expose())))
            .map_err(|error| Error::local(error.to_string(), "search for them by hand"))?;
        let git = |arguments: &[&str]| {
            let output = Command::new("git").arg("-C").arg(&self.folder).args(arguments).output().ok();
            output.filter(|output| output.status.success()).map(|output| output.stdout).unwrap_or_default()
        };
        let mut found = Vec::new();
        let tracked = git(&["ls-files", "-z"]);
        let names = String::from_utf8_lossy(&tracked);
        for name in names.split('\0').filter(|name| !name.is_empty()).chain([".mcp.json"]) {
            let path = self.folder.join(name);
            if fs::metadata(&path).is_ok_and(|metadata| metadata.len() < 8 << 20) {
                let names = masker.find(&fs::read(path).unwrap_or_default());
                if !names.is_empty() {
                    found.push(format!("{name} holds {}", names.join(", ")));
                }
            }
        }
        let history =
            git(&["log", "--all", "-n", "500", "-p", "--no-color", "--no-ext-diff", "--no-textconv"]);
        let names = masker.find(&history);
        if !names.is_empty() {
            found.push(format!("git's history holds {}", names.join(", ")));
        }
        Ok(found)
    }
}
