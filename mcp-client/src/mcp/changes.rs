//! Tools that store secrets: values are generated here or read from a file here, and none passes through the conversation.

use super::{Server, parse, session::Session, text};
use crate::{
    change,
    error::{Error, Result},
    import::{self, Fate, Options, Report},
};
use protocol::{SecretName, Tag};
use rmcp::{
    model::CallToolResult,
    schemars::{self, JsonSchema},
};
use serde::Deserialize;
use serde_json::json;
use std::path::Path;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct GenerateSecret {
    /// What to call it.
    name: String,
    /// How many letters and digits: 32 if not given, 8 to 4096.
    #[serde(default)]
    length: Option<usize>,
    /// Tags for it.
    #[serde(default)]
    tags: Option<Vec<String>>,
    /// Replace the value of a secret that is there: what uses the old one stops working. Its versions are kept.
    #[serde(default)]
    replace: Option<bool>,
    /// The environment, if the key may use several.
    #[serde(default)]
    environment: Option<String>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ImportEnv {
    /// The .env file. It is read by the server; do not read it yourself.
    path: String,
    /// Tags for what is stored.
    #[serde(default)]
    tags: Option<Vec<String>>,
    /// Store what is good and fits, and name the rest. Without this, a bad line or a full plan stores nothing.
    #[serde(default)]
    partial: Option<bool>,
    /// Only say what would happen.
    #[serde(default)]
    dry_run: Option<bool>,
    /// The environment, if the key may use several.
    #[serde(default)]
    environment: Option<String>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct DeleteSecret {
    /// Which.
    name: String,
    /// The environment, if the key may use several.
    #[serde(default)]
    environment: Option<String>,
}

fn tags(texts: Option<&Vec<String>>) -> Result<Vec<Tag>> {
    texts.into_iter().flatten().map(|tag| parse(tag)).collect()
}

impl Server {
    pub(super) fn generate(&self, session: &mut Session, asked: &GenerateSecret) -> Result<CallToolResult> {
        self.check_awake(session)?;
        let name: SecretName = parse(&asked.name)?;
        let tags = tags(asked.tags.as_ref())?;
        let value = change::generate(asked.length.unwrap_or(32))?;
        let client = self.open(session)?.client(asked.environment.as_deref())?;
        let is_new = change::put(client, &name, &tags, &value, asked.replace == Some(true))?;
        let what = if is_new {
            "stored, generated"
        } else {
            "changed to a generated value; what used the old one needs it now"
        };
        let mut result = text(&format!("{name} {what}. Use it by get-secret."));
        result.structured_content = Some(json!({ "name": name, "new": is_new }));
        Ok(result)
    }

    pub(super) fn import(&self, session: &mut Session, asked: &ImportEnv) -> Result<CallToolResult> {
        self.check_awake(session)?;
        let tags = tags(asked.tags.as_ref())?;
        let (dry_run, partial) = (asked.dry_run == Some(true), asked.partial == Some(true));
        let file = self.start.join(Path::new(&asked.path));
        let client = self.open(session)?.client(asked.environment.as_deref())?;
        let mut report = Report::default();
        let done = import::run(client, &file, &Options { tags: &tags, dry_run, partial }, &mut report);
        let begun = !report.fates.is_empty() || !report.refused.is_empty() || !report.left_out.is_empty();
        let failed = match done {
            Err(error) if !begun => return Err(error),
            done => done.err(),
        };
        let would = if dry_run { "would be " } else { "" };
        let mut told = vec![format!(
            "{} {would}stored, {} {would}changed, {} the same",
            report.count(Fate::New),
            report.count(Fate::Changed),
            report.count(Fate::Same)
        )];
        told.extend(report.fates.iter().map(|(name, fate)| format!("{} {name}", fate.word())));
        told.extend(report.refused.iter().map(|line| format!("refused {line}")));
        told.extend(report.left_out.iter().map(|name| format!("no room {name}")));
        told.extend(report.weak.clone());
        told.extend(failed.as_ref().map(Error::to_string));
        if failed.is_none() && !dry_run {
            told.push("The file still holds the values: the user may delete it now.".to_owned());
        }
        let mut result = text(&told.join("\n"));
        result.is_error = Some(failed.is_some());
        let with = |wanted: Fate| {
            report
                .fates
                .iter()
                .filter(move |(_, fate)| *fate == wanted)
                .map(|(name, _)| name)
                .collect::<Vec<_>>()
        };
        result.structured_content = Some(json!({
            "stored": with(Fate::New), "changed": with(Fate::Changed), "same": with(Fate::Same),
            "refused": report.refused, "no_room": report.left_out, "dry_run": dry_run,
        }));
        Ok(result)
    }

    pub(super) fn delete(&self, session: &mut Session, asked: &DeleteSecret) -> Result<CallToolResult> {
        self.check_awake(session)?;
        let name: SecretName = parse(&asked.name)?;
        let client = self.open(session)?.client(asked.environment.as_deref())?;
        change::remove(client, &name)?;
        Ok(text(&format!("{name} deleted. For 30 days the user can have it back: securecode restore {name}")))
    }
}
