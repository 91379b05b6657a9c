//! audit-log: who asked for what. The vault's words are not the model's: what is not of this program's own list is left
//! out, and names are those that this machine's key opens.

use super::{Server, session::Session, text};
use crate::{
    audit::{Log, words::Words},
    error::Result,
};
use protocol::{NameIndex, body::AuditRow};
use rmcp::{
    model::CallToolResult,
    schemars::{self, JsonSchema},
};
use serde::Deserialize;
use serde_json::json;
use std::collections::HashMap;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AuditLog {
    /// How many of the newest rows: 20 if not given, at most 200.
    #[serde(default)]
    limit: Option<usize>,
}

impl Server {
    pub(super) fn log(&self, session: &mut Session, asked: &AuditLog) -> Result<CallToolResult> {
        self.check_alive()?;
        let open = self.open(session)?;
        let most = asked.limit.unwrap_or(20).clamp(1, 200);
        let rows = Log::of_key(&open.config)?.newest(most)?;
        let client = open.client(None)?;
        let mut names = HashMap::new();
        if let (Ok(listed), Ok(environment)) = (client.list(), client.environment()) {
            names.extend(listed.into_iter().map(|one| (environment.key().derive_index(&one.name), one.name)));
        }
        let rows: Vec<_> = rows.items.iter().map(|row| view(row, &names)).collect();
        let line = |row: &serde_json::Value| {
            let field =
                |name: &str| row.get(name).and_then(|value| value.as_str()).unwrap_or_default().to_owned();
            let secrets = row.get("secrets").and_then(|list| list.as_array()).into_iter().flatten();
            let secrets = secrets.filter_map(|name| name.as_str()).collect::<Vec<_>>().join(",");
            let fields =
                [field("time"), field("result"), field("action"), field("how"), secrets, field("address")];
            fields.into_iter().filter(|field| !field.is_empty()).collect::<Vec<_>>().join("  ")
        };
        let told: Vec<String> = rows.iter().map(line).collect();
        let mut result = text(&if told.is_empty() { "No rows.".to_owned() } else { told.join("\n") });
        result.structured_content = Some(json!({ "rows": rows }));
        Ok(result)
    }
}

fn view(row: &AuditRow, names: &HashMap<NameIndex, protocol::SecretName>) -> serde_json::Value {
    let entry = &row.entry;
    let words = Words::of(row);
    let secret = |index: &NameIndex| names.get(index).map_or_else(|| index.to_string(), ToString::to_string);
    let time = i64::try_from(row.at).ok().and_then(|at| chrono::DateTime::from_timestamp(at, 0));
    json!({
        "seq": row.seq, "time": time.map(|time| time.format("%Y-%m-%d %H:%M:%S UTC").to_string()),
        "result": words.result, "action": words.action, "how": entry.how,
        "secrets": entry.secrets.iter().map(secret).collect::<Vec<_>>(),
        "key": entry.credential, "environment": entry.environment,
        "address": words.address,
    })
}
