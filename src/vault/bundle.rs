//! A bundle: a whole environment in one trip and one audit row, for commands and applications.

use super::{
    Refusal,
    access::{Ask, Caller, Scope, decide, permitted},
    secrets::{StoredEntry, StoredSecret, Whole, fetch_all},
};
use crate::{database::Value, host::Host};
use protocol::{
    EnvironmentId,
    body::{Bundle, How},
};

/// Reads every secret of an environment, the caller's only one if none is named. Counts as one read.
///
/// # Errors
/// The refusal; `environment_ambiguous` when none is named and the caller has several.
pub async fn read(
    host: &Host,
    caller: &Caller,
    environment: Option<EnvironmentId>,
    how: How,
) -> Result<Bundle, Refusal> {
    let scope = environment.map_or(Scope::OnlyEnvironment, Scope::Environment);
    let ask = Ask::to_read("bundle", how, scope);
    let [row, buckets] = Whole::statements(caller, environment);
    let secrets = caller.guarded(
        concat!(
            "SELECT id, name_index AS \"index\", version, name, meta, value, blob, policy, policy_version FROM secrets
             WHERE environment = coalesce(?3, (SELECT environments FROM credentials WHERE id = ?1)) AND canary = 0 AND ",
            permitted!(),
            " ORDER BY name_index"
        ),
        [Value::from(environment.as_ref().map(Value::from))],
    );
    let canaries = caller.guarded(
        concat!(
            "SELECT id, name_index AS \"index\", version, name, meta, policy, policy_version, updated_at FROM secrets
             WHERE environment = coalesce(?3, (SELECT environments FROM credentials WHERE id = ?1)) AND canary = 1 AND ",
            permitted!(),
            " ORDER BY name_index"
        ),
        [Value::from(environment.as_ref().map(Value::from))],
    );
    let mut permit = decide(host, caller, ask, vec![row, buckets, secrets, canaries]).await?;
    let whole = Whole::read(&mut permit)?;
    let stored: Vec<StoredSecret> = permit.answer()?.rows()?;
    let canaries: Vec<StoredEntry> = permit.answer()?.rows()?;
    let secrets = fetch_all(host, stored).await?;
    Ok(Bundle {
        account: permit.credential().account,
        receipt: permit.receipt(),
        environment: whole.environment.of(permit.credential().class)?,
        root: whole.root,
        buckets: whole.buckets,
        secrets,
        canaries: canaries.into_iter().map(Into::into).collect(),
    })
}
