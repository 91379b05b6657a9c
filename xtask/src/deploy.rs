//! The vault on a Cloudflare account, from nothing or anew: makes what is missing and leaves what is there.

use crate::{
    dashboard,
    step::{Steps, root, run},
    tools, wasm,
    workerd::{configuration, random_key, wrangler},
};
use anyhow::{Context, Result, anyhow, bail};
use serde_json::{Value, json};
use std::{
    fs,
    io::Write,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    process::Stdio,
};

const DATABASE: &str = "securecode";
const NAMESPACE: &str = "securecode-blobs";
/// The deployment's two secrets, until the operator has put them away. Cloudflare does not show them again.
const SECRETS: &str = "deployment-secrets.json";
const LOG_IN: &str = "log in with `tests/tools/node_modules/.bin/wrangler login`, or set CLOUDFLARE_API_TOKEN (and CLOUDFLARE_ACCOUNT_ID)";

/// Deploys; `dry` says what would be done and lets wrangler check the upload.
pub(crate) fn deploy(dry: bool) -> Result<()> {
    let mut steps = Steps::new(9);
    tools::set_up_worker(&mut steps)?;
    steps.next("the Worker (about two minutes)");
    wasm::build_worker(&root())?;
    steps.next("the dashboard (about a minute)");
    dashboard::build()?;
    steps.next("the account's database and blob store");
    let (database, namespace) = if dry {
        println!(
            "    would make the D1 database {DATABASE} and the KV namespace {NAMESPACE}, unless they are there"
        );
        ("0".repeat(32), "0".repeat(32))
    } else {
        (ensure_database()?, ensure_namespace()?)
    };
    let config = configuration("deploy", Some((&database, &namespace)))?;
    let config = config.to_string_lossy();
    steps.next("migrations");
    let migrate = ["d1", "migrations", "apply", DATABASE, "--remote", "--config", &config];
    if dry {
        println!("    would run wrangler {}", migrate.join(" "));
    } else {
        run(&mut wrangler(&migrate), "read wrangler's message; nothing was deployed")?;
    }
    steps.next("the deployment's two secrets");
    let secrets = if dry {
        println!(
            "    would make PEPPER and COLUMN_KEY, unless the Worker has them, and keep them in {SECRETS} (0600)"
        );
        None
    } else {
        missing_secrets(&config)?
    };
    steps.next("deployment");
    let mut arguments = vec!["deploy", "--config", &config];
    let path = secrets.as_ref().map(|path| path.to_string_lossy().into_owned());
    match &path {
        Some(path) => arguments.extend(["--secrets-file", path]),
        None if dry => arguments.extend(["--dry-run", "--outdir", "target/workerd/upload"]),
        None => {}
    }
    run(
        &mut wrangler(&arguments),
        "read wrangler's message; run the same again: what is done is not done twice",
    )?;
    steps.next("done");
    if dry {
        println!("    nothing was changed on any account");
        return Ok(());
    }
    if path.is_some() {
        println!(
            "    {SECRETS} holds the pepper and the column key: put both where you keep backups, then delete the file.\n    Without them no account can log in, and Cloudflare does not show them again."
        );
    }
    println!("    the vault's URL is above; next: securecode signup --vault-url URL --email E");
    Ok(())
}

fn ask_json(arguments: &[&str]) -> Result<Value> {
    let output = wrangler(arguments).stderr(Stdio::inherit()).output()?;
    if !output.status.success() {
        bail!("`wrangler {}` failed; its message is above\n  to do now: {LOG_IN}", arguments.join(" "));
    }
    let text = String::from_utf8_lossy(&output.stdout);
    // Wrangler may say something before the list.
    let list = text.find('[').and_then(|at| text.get(at..)).unwrap_or_default();
    serde_json::from_str(list).with_context(|| {
        format!("`wrangler {}` did not answer a list\n  to do now: use the wrangler that `cargo xtask setup` installs", arguments.join(" "))
    })
}

/// The id of the thing of that name in a list.
fn find(list: &Value, name_field: &str, name: &str, id_field: &str) -> Option<String> {
    let found = list.as_array()?.iter().find(|one| one[name_field] == name)?;
    found[id_field].as_str().map(str::to_owned)
}

fn ensure_database() -> Result<String> {
    let id = || Ok::<_, anyhow::Error>(find(&ask_json(&["d1", "list", "--json"])?, "name", DATABASE, "uuid"));
    if let Some(id) = id()? {
        println!("    there already: the database {DATABASE}");
        return Ok(id);
    }
    run(&mut wrangler(&["d1", "create", DATABASE]), LOG_IN)?;
    id()?.ok_or_else(|| {
        anyhow!("the database {DATABASE} was made and is not listed\n  to do now: run the same again")
    })
}

fn ensure_namespace() -> Result<String> {
    let id =
        || Ok::<_, anyhow::Error>(find(&ask_json(&["kv", "namespace", "list"])?, "title", NAMESPACE, "id"));
    if let Some(id) = id()? {
        println!("    there already: the namespace {NAMESPACE}");
        return Ok(id);
    }
    run(&mut wrangler(&["kv", "namespace", "create", NAMESPACE]), LOG_IN)?;
    id()?.ok_or_else(|| {
        anyhow!("the namespace {NAMESPACE} was made and is not listed\n  to do now: run the same again")
    })
}

/// A file with the secrets that the Worker lacks: none if it has both. A pepper that is replaced locks every account
/// out, so one that may be there is never replaced.
fn missing_secrets(config: &str) -> Result<Option<PathBuf>> {
    let path = root().join(SECRETS);
    let listed = wrangler(&["secret", "list", "--format", "json", "--config", config]).output()?;
    let text = String::from_utf8_lossy(&listed.stdout);
    let names: Vec<Value> =
        text.find('[').and_then(|at| serde_json::from_str(text.get(at..)?).ok()).unwrap_or_default();
    let has = |name: &str| names.iter().any(|one| one["name"] == name);
    match (listed.status.success(), has("PEPPER"), has("COLUMN_KEY")) {
        (true, true, true) => {
            println!("    there already: PEPPER and COLUMN_KEY");
            return Ok(None);
        }
        (true, false, false) => {}
        (true, ..) => bail!(
            "the Worker has one of PEPPER and COLUMN_KEY and lacks the other\n  to do now: put the missing one back from your backup with `wrangler secret put`"
        ),
        // A Worker that was never deployed has no list.
        (false, ..) if String::from_utf8_lossy(&listed.stderr).contains("10007") => {}
        (false, ..) => bail!(
            "whether the Worker has its secrets cannot be read: {}\n  to do now: {LOG_IN}",
            String::from_utf8_lossy(&listed.stderr).trim()
        ),
    }
    if path.exists() {
        println!("    those of an attempt before are taken: {SECRETS}");
        return Ok(Some(path));
    }
    write_secrets(&path)?;
    Ok(Some(path))
}

fn write_secrets(path: &Path) -> Result<()> {
    let text = json!({ "PEPPER": random_key()?, "COLUMN_KEY": random_key()? }).to_string();
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    Ok(())
}
