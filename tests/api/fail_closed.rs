//! No audit row, no answer: the log is made to refuse, and every endpoint gives out and stores nothing.

use kit::{Key, Owner, Vault};
use protocol::{
    Permission, Salt,
    body::{How, Kdf, LogIn, NewPassphrase, OwnerProof},
};
use serde_json::{Value, json};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Ways in which the insert fails: refused by the schema, as a full quota would be; or a fault of the database's own.
const BROKEN: [&str; 3] = [
    "CREATE TRIGGER broken BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'the log is full'); END",
    "CREATE TRIGGER broken AFTER INSERT ON audit BEGIN SELECT RAISE(ROLLBACK, 'the log is full'); END",
    "CREATE TRIGGER broken AFTER INSERT ON audit BEGIN INSERT INTO no_such_table VALUES (1); END",
];

/// Every cell of every table, as text. But for tries at a passphrase: those count whatever happens after.
fn everything(database: &rusqlite::Connection) -> Vec<String> {
    let mut cells = Vec::new();
    let mut tables = database
        .prepare("SELECT name FROM sqlite_master WHERE type = 'table' AND name <> 'tries' ORDER BY name")
        .unwrap();
    let names: Vec<String> = tables.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    for name in names {
        let mut rows = database.prepare(&format!("SELECT * FROM {name}")).unwrap();
        let columns = rows.column_count();
        let mut rows = rows.query([]).unwrap();
        while let Some(row) = rows.next().unwrap() {
            for column in 0..columns {
                let value: rusqlite::types::Value = row.get(column).unwrap();
                cells.push(match value {
                    rusqlite::types::Value::Text(text) => text,
                    other => format!("{name}.{column}: {other:?}"),
                });
            }
        }
    }
    cells
}

/// What is sealed of what is stored: no answer may hold any of it.
fn sealed(cells: &[String]) -> Vec<&String> {
    cells.iter().filter(|cell| cell.len() > 150 && !cell.contains(' ')).collect()
}

struct Scene {
    vault: Vault,
    owner: Owner,
    key: Key,
    database: rusqlite::Connection,
}

fn scene() -> Scene {
    let vault = Vault::native();
    let mut owner = Owner::sign_up(&vault);
    let project = owner.project();
    let environment = owner.environment(project);
    let all = [Permission::Read, Permission::Write, Permission::Reveal, Permission::Audit];
    let key = owner.key(&environment, &all);
    key.put("A", b"1");
    key.put("A", b"2");
    key.put("GONE", b"3");
    let gone = key.change(&[], &["GONE"]);
    key.http.post(&key.path("/changes"), &gone).ok();
    let database = vault.database();
    Scene { vault, owner, key, database }
}

impl Scene {
    /// The log can be written again. The vault's connection notices with its next statement that the schema changed.
    fn mend(&self) {
        self.database.execute_batch("DROP TRIGGER broken").unwrap();
        self.vault.http().get("/healthz").ok();
    }

    /// Requests that read: who asks, and where.
    fn reads(&self) -> Vec<(&kit::Http, String)> {
        let (key, owner) = (&self.key.http, &self.owner.http);
        let index = self.key.index("A");
        let gone: String = self.database.query_row("SELECT id FROM bin", [], |row| row.get(0)).unwrap();
        let mut reads = vec![
            (key, self.key.secret_path("A", How::Inject)),
            (key, self.key.secret_path("A", How::Reveal)),
            (key, self.key.secret_path("ABSENT", How::Inject)),
            (key, self.key.path(&format!("/secrets/{index}/versions"))),
            (key, self.key.path(&format!("/secrets/{index}/versions/1?how=inject"))),
            (key, self.key.path("/bin")),
            (key, self.key.path(&format!("/bin/{gone}?how=inject"))),
            (key, "/v1/audit/rows".into()),
            (key, "/v1/audit/segments".into()),
        ];
        for http in [key, owner] {
            for path in ["/v1/environments", "/v1/usage", "/v1/audit", "/v1/audit/export"] {
                reads.push((http, path.into()));
            }
            reads.push((http, self.key.path("/secrets")));
            reads.push((http, self.key.path("/rules")));
            let id = self.key.environment.place().environment;
            reads.push((http, format!("/v1/bundle?how=run&environment={id}")));
        }
        for path in ["/v1/account", "/v1/keys", "/v1/sessions"] {
            reads.push((owner, path.into()));
        }
        reads
    }
}

#[test]
fn nothing_is_read_when_the_log_cannot_be_written() {
    let scene = scene();
    let all = everything(&scene.database);
    let secrets = sealed(&all);
    assert!(secrets.len() > 20, "{}", secrets.len());
    let holds_any = |text: &str| secrets.iter().any(|blob| text.contains(blob.as_str()));
    let mut given = 0;
    for (http, path) in scene.reads() {
        let answer = http.get(&path);
        answer.ok();
        given += usize::from(holds_any(&answer.text));
    }
    assert!(given > 10, "the control: {given} answers hold what is sealed");
    for broken in BROKEN {
        scene.database.execute_batch(broken).unwrap();
        let before = everything(&scene.database);
        for (http, path) in scene.reads() {
            let answer = http.get(&path);
            assert!(answer.status >= 500, "{path}: {} {}", answer.status, answer.text);
            assert!(!holds_any(&answer.text), "{path} answers what is sealed");
            answer.refusal();
        }
        let login = LogIn {
            email: scene.owner.email.parse().unwrap(),
            login: scene.owner.login.clone(),
            session: kit::make_token(),
            device: None,
        };
        let answer = scene.vault.http().post("/v1/sessions", &login);
        assert!(answer.status >= 500 && !holds_any(&answer.text), "{}", answer.text);
        assert!(before == everything(&scene.database), "something was written");
        scene.mend();
    }
    for (http, path) in scene.reads() {
        http.get(&path).ok();
    }
}

#[test]
fn nothing_is_written_when_the_log_cannot_be_written() {
    let mut scene = scene();
    for broken in BROKEN {
        let change = serde_json::to_value(scene.key.change(&[("B", b"4")], &["A"])).unwrap();
        let api_key = sealing::ApiKey::make().unwrap();
        let (_, new_key) = scene.owner.new_key(&api_key, &[&scene.key.environment], &[Permission::Read]);
        let (_, manifest) = scene.owner.next_manifest(|_| {});
        let project = scene.key.environment.place().project;
        let gone: String = scene.database.query_row("SELECT id FROM bin", [], |row| row.get(0)).unwrap();
        let session = scene.owner.session.id();
        let passphrase = NewPassphrase {
            proof: OwnerProof::Login(scene.owner.login.clone()),
            kdf: Kdf { salt: Salt([5; 16]), memory_kib: 65536, passes: 3, lanes: 1 },
            login: scene.owner.login.clone(),
            account_key: kit::random_blob(),
            recovery: None,
        };
        let index = scene.key.index("A");
        let policy = json!({ "policy": { "version": 1, "blob": kit::random_blob() }, "canary": false,
            "root": change["root"], "buckets": change["buckets"] });
        let rules = json!({ "rules": { "version": 1, "blob": kit::random_blob() }, "root": change["root"] });
        let (key, owner) = (&scene.key.http, &scene.owner.http);
        let new_project = format!("/v1/projects/{}", "ab".repeat(16));
        let new_key_path = format!("/v1/keys/{}", api_key.id());
        let rotate = format!("/v1/keys/{}/rotate", scene.key.id);
        let soon = securecode_vault::native::system_clock() + 3600;
        let revoke = format!("/v1/keys/{}/revoke", scene.key.id);
        let writes: Vec<(&kit::Http, &str, String, Value)> = vec![
            (key, "POST", scene.key.path("/changes"), change),
            (owner, "PUT", new_project, json!({ "manifest": manifest })),
            (owner, "PUT", new_key_path, serde_json::to_value(&new_key).unwrap()),
            (owner, "POST", revoke, json!({ "manifest": manifest })),
            (owner, "POST", rotate, json!({ "id": api_key.id(), "key": new_key, "old_expires_at": soon })),
            (owner, "PUT", scene.key.path(&format!("/secrets/{index}/policy")), policy),
            (owner, "PUT", scene.key.path("/rules"), rules),
            (owner, "POST", format!("/v1/projects/{project}/delete"), json!({ "manifest": manifest })),
            (owner, "POST", scene.key.path("/delete"), json!({ "manifest": manifest })),
            (owner, "PUT", "/v1/account/passphrase".into(), serde_json::to_value(&passphrase).unwrap()),
            (owner, "POST", "/v1/account/delete".into(), json!({ "proof": passphrase.proof })),
            (owner, "DELETE", format!("/v1/sessions/{session}"), Value::Null),
            (owner, "DELETE", scene.key.path(&format!("/bin/{gone}")), Value::Null),
            (key, "POST", "/v1/audit/segments".into(), Value::Null),
        ];
        scene.database.execute_batch(broken).unwrap();
        let before = everything(&scene.database);
        for (http, method, path, body) in writes {
            let body = (!body.is_null()).then(|| body.to_string());
            let answer = http.send(method, &path, body);
            assert!(answer.status >= 500, "{method} {path}: {} {}", answer.status, answer.text);
            answer.refusal();
            assert!(before == everything(&scene.database), "{method} {path} wrote something");
        }
        for made in [
            catch_unwind(AssertUnwindSafe(|| drop(Owner::sign_up(&scene.vault)))),
            catch_unwind(AssertUnwindSafe(|| drop(scene.owner.environment(project)))),
        ] {
            assert!(made.is_err());
            assert!(before == everything(&scene.database), "an account or environment was made");
        }
        scene.mend();
    }
    // The control: what was refused was refused for this alone.
    scene.owner.environment(scene.key.environment.place().project);
    scene.key.http.post(&scene.key.path("/changes"), &scene.key.change(&[("B", b"4")], &["A"])).ok();
    scene.owner.revoke(scene.key.id);
}
