//! What this implementation makes of a vector: its result, or the class of its failure.

use protocol::{AccessToken, AccountId, Blob, Email, KeyId, NameIndex, SecretId, SecretName, body};
use seal::{Context, Key, Kind};
use sealing::{
    AccountKey, AccountManifest, ApiKey, Audience, Consent, EnvironmentKey, KeyStatus, OpenError, Passphrase,
    Place, Policy, Proof, RecoveryCode, Rules, TrustError, WrapKey,
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

type Judged = Result<Value, &'static str>;

pub(crate) fn judge(vector: &Value) -> Judged {
    match vector["op"].as_str().unwrap() {
        "open" => open(vector),
        "api_key" => api_key(vector),
        "access_token" => access_token(vector),
        "recovery_code" => recovery_code(vector),
        "audience" => {
            Ok(json!({ "audience": text(vector, "text").parse::<Audience>().map_err(|_| "parse")?.as_str() }))
        }
        "email" => {
            Ok(json!({ "email": text(vector, "text").parse::<Email>().map_err(|_| "parse")?.as_str() }))
        }
        "passphrase" | "recovery" => account(vector),
        "secret" => secret(vector),
        "policy" => policy(vector),
        "rules" => rules(vector),
        "current_rules" => current_rules(vector),
        "read" => read(vector),
        "audit" => audit(vector),
        other => panic!("unknown op {other}"),
    }
}

fn audit(vector: &Value) -> Judged {
    let account: AccountId = typed(&vector["account"])?;
    let previous: Option<body::Segment> = typed(&vector["previous"])?;
    let segment: body::Segment = typed(&vector["segment"])?;
    let rows: Vec<body::RowContent> = typed(&vector["rows"])?;
    let leaf =
        |row: &body::RowContent| audit_log::leaf(&row.request_id, row.at, row.cost, row.entry.as_bytes());
    let leaves: Vec<_> = rows.iter().map(leaf).collect();
    if audit_log::close(account, previous.as_ref(), &leaves, segment.closed_at) != Some(segment) {
        return Err("audit");
    }
    Ok(json!({ "leaves": leaves }))
}

fn text<'a>(vector: &'a Value, field: &str) -> &'a str {
    vector[field].as_str().unwrap()
}

fn typed<T: DeserializeOwned>(value: &Value) -> Result<T, &'static str> {
    serde_json::from_value(value.clone()).map_err(|_| "parse")
}

fn hex(text: &str) -> Vec<u8> {
    data_encoding::HEXLOWER.decode(text.as_bytes()).unwrap()
}

fn to_hex(bytes: &[u8]) -> String {
    data_encoding::HEXLOWER.encode(bytes)
}

fn opens<T>(result: Result<T, OpenError>) -> Result<T, &'static str> {
    result.map_err(|_| "open")
}

fn open(vector: &Value) -> Judged {
    let context = &vector["context"];
    let field = |name: &str| hex(text(context, name));
    let (account, project, environment) = (field("account"), field("project"), field("environment"));
    let (subject, index) = (field("subject"), field("index"));
    let context = Context {
        kind: Kind(context["kind"].as_u64().unwrap() as u8),
        account: &account,
        project: &project,
        environment: &environment,
        subject: &subject,
        index: &index,
        version: context["version"].as_u64().unwrap(),
    };
    let key = Key::from_slice(&hex(text(vector, "key"))).unwrap();
    // Read as bytes: a blob of the API is never this short, and here lengths are what is tested.
    let blob = data_encoding::BASE64URL_NOPAD.decode(text(vector, "blob").as_bytes()).map_err(|_| "parse")?;
    Ok(json!({ "plaintext": to_hex(&opens(seal::open(&key, &context, &blob))?) }))
}

fn api_key(vector: &Value) -> Judged {
    let key: ApiKey = text(vector, "text").parse().map_err(|_| "token")?;
    let audience = text(vector, "audience").parse().unwrap();
    Ok(json!({ "id": key.id(), "access_token": *key.derive_token(&audience).expose() }))
}

fn access_token(vector: &Value) -> Judged {
    let token: AccessToken = text(vector, "text").parse().map_err(|_| "token")?;
    Ok(json!({ "id": token.id(), "auth": to_hex(token.expose_auth()) }))
}

fn recovery_code(vector: &Value) -> Judged {
    let code: RecoveryCode = text(vector, "text").parse().map_err(|_| "token")?;
    Ok(json!({ "text": *code.expose(), "auth": to_hex(code.derive_auth().expose()) }))
}

fn account(vector: &Value) -> Judged {
    let account: AccountId = typed(&vector["account"])?;
    let wrapped: Blob = typed(&vector["account_key"])?;
    let mut result = serde_json::Map::new();
    let key = if vector["op"] == "passphrase" {
        let email: Email = typed(&vector["email"])?;
        let passphrase = Passphrase::new(text(vector, "passphrase")).unwrap();
        let stretched = passphrase.stretch(&typed(&vector["kdf"])?).map_err(|_| "kdf")?;
        result.insert("login".into(), to_hex(stretched.login().expose()).into());
        opens(AccountKey::unwrap_by_passphrase(account, &email, &stretched, &wrapped))?
    } else {
        let code: RecoveryCode = text(vector, "code").parse().map_err(|_| "token")?;
        opens(AccountKey::unwrap_by_recovery(account, &code, &wrapped))?
    };
    let manifest = opens(key.open_manifest(&typed(&vector["manifest"])?))?;
    result.insert("manifest".into(), manifest_json(&manifest));
    if let Some(record) = vector.get("record") {
        let id: KeyId = typed(&record["id"])?;
        let record = opens(key.open_key_record(id, &typed(&record["blob"])?))?;
        let json = json!({
            "name": record.name, "permissions": record.permissions, "expires_at": record.expires_at, "environments": record.environments,
        });
        result.insert("record".into(), json);
    }
    Ok(result.into())
}

fn manifest_json(manifest: &AccountManifest) -> Value {
    let status = |status| match status {
        KeyStatus::Active => "active",
        KeyStatus::Revoked => "revoked",
    };
    json!({
        "version": manifest.version,
        "projects": manifest.projects.iter().map(|one| json!({ "id": one.id, "name": one.name })).collect::<Vec<_>>(),
        "environments": manifest.environments.iter().map(|one| json!({
            "id": one.id, "project": one.project, "name": one.name, "production": one.production, "generation": one.generation,
        })).collect::<Vec<_>>(),
        "keys": manifest.keys.iter().map(|one| json!({
            "id": one.id, "name": one.name, "permissions": one.permissions, "expires_at": one.expires_at,
            "status": status(one.status), "environments": one.environments,
        })).collect::<Vec<_>>(),
    })
}

fn environment(vector: &Value) -> Result<(EnvironmentKey, Value), &'static str> {
    let key: ApiKey = text(vector, "key").parse().map_err(|_| "token")?;
    let wrap: WrapKey = key.derive_wrap();
    let place = Place {
        account: typed(&vector["account"])?,
        project: typed(&vector["project"])?,
        environment: typed(&vector["environment"])?,
    };
    let generation = vector["generation"].as_u64().unwrap();
    let (key, names) =
        opens(wrap.unwrap_environment_key(&place, generation, &typed(&vector["environment_key"])?))?;
    Ok((
        key,
        json!({ "project": names.project, "environment": names.environment, "production": names.production }),
    ))
}

fn open_secret(key: &EnvironmentKey, sealed: &body::SealedSecret) -> Judged {
    let secret = opens(key.open_secret(sealed))?;
    let (tags, note) = (secret.meta.tags(), secret.meta.note());
    Ok(json!({ "name": secret.name, "tags": tags, "note": note, "value": to_hex(secret.value.expose()) }))
}

fn secret(vector: &Value) -> Judged {
    let (key, names) = environment(vector)?;
    Ok(json!({ "names": names, "secret": open_secret(&key, &typed(&vector["secret"])?)? }))
}

fn policy_json(policy: &Policy) -> Value {
    let word = |consent| match consent {
        Consent::Allow => "allow",
        Consent::Ask => "ask",
        Consent::Block => "block",
    };
    json!({
        "use": word(policy.usage), "reveal": word(policy.reveal), "production": policy.production, "canary": policy.canary,
        "hosts": policy.hosts, "commands": policy.commands,
    })
}

fn policy(vector: &Value) -> Judged {
    let (key, _) = environment(vector)?;
    let policy = &vector["policy"];
    let (id, index): (SecretId, NameIndex) = (typed(&policy["id"])?, typed(&policy["index"])?);
    let version = policy["version"].as_u64().unwrap();
    let opened = opens(key.open_policy(id, index, version, &typed(&policy["blob"])?))?;
    Ok(json!({ "policy": policy_json(&opened) }))
}

fn rules(vector: &Value) -> Judged {
    let (key, _) = environment(vector)?;
    let sealed: body::Versioned = typed(&vector["rules"])?;
    let rules = opens(key.open_rules(sealed.version, &sealed.blob))?;
    Ok(json!({ "rules": rules_json(&rules) }))
}

fn current_rules(vector: &Value) -> Judged {
    let (key, _) = environment(vector)?;
    let served: Option<body::Versioned> = typed(&vector["rules"])?;
    let rules = key.open_current_rules(&typed(&vector["root"])?, served.as_ref()).map_err(outcome)?;
    Ok(json!({ "rules": rules.as_ref().map(rules_json) }))
}

fn rules_json(rules: &Rules) -> Vec<Value> {
    rules.0.iter().map(|(tag, policy)| json!([tag, policy_json(policy)])).collect()
}

fn outcome(error: TrustError) -> &'static str {
    match error {
        TrustError::DoesNotOpen => "open",
        TrustError::WrongBucket => "wrong_bucket",
        TrustError::NotCurrent | TrustError::RulesNotCurrent => "not_current",
        TrustError::Missing | TrustError::RulesMissing => "missing",
        TrustError::Unexpected => "unexpected",
        TrustError::Older { .. } | TrustError::Forked { .. } => "pin",
    }
}

fn read(vector: &Value) -> Judged {
    let (key, _) = environment(vector)?;
    let name: SecretName = text(vector, "name").parse().unwrap();
    let served: Option<body::SealedSecret> = typed(&vector["secret"])?;
    let proof =
        Proof::open(&key, &name, &typed(&vector["root"])?, &typed(&vector["bucket"])?).map_err(outcome)?;
    proof.admits(served.as_ref()).map_err(outcome)?;
    Ok(json!({ "secret": served.map(|served| open_secret(&key, &served)).transpose()? }))
}
