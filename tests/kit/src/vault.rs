use crate::{
    Http,
    http::{ADDRESS_HEADER, ASKING},
};
use securecode_vault::{
    host::{Host, Surroundings},
    log::{Event, Level},
    native,
    strangers::PacedStrangers,
};
use std::{
    num::NonZeroU32,
    path::{Path, PathBuf},
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
};

/// A running vault: the one that `SECURECODE_TEST_VAULT` names (workerd, started by `cargo xtask test`), or a
/// native one in this process, with real migrations on a real file.
pub struct Vault {
    url: String,
    storage: PathBuf,
    clock: Option<Arc<AtomicU64>>,
    host: Option<Host>,
    /// Kept for as long as the vault runs.
    _folder: Option<tempfile::TempDir>,
    _runtime: Option<tokio::runtime::Runtime>,
}

impl Vault {
    /// The vault that a suite's tests share; each makes its own accounts.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Vault> = OnceLock::new();
        SHARED.get_or_init(|| match std::env::var("SECURECODE_TEST_VAULT") {
            Ok(url) => {
                let storage = std::env::var("SECURECODE_TEST_STORAGE").expect("the storage of that vault");
                Vault::at(url, storage.into())
            }
            Err(_) => Vault::native(),
        })
    }

    /// A vault that another process runs: where it is, and where everything it stores lies.
    pub fn at(url: String, storage: PathBuf) -> Self {
        Self { url, storage, clock: None, host: None, _folder: None, _runtime: None }
    }

    /// Whether [`Vault::shared`] runs in workerd.
    pub fn is_at_the_edge() -> bool {
        std::env::var_os("SECURECODE_TEST_VAULT").is_some()
    }

    /// A vault with its own limit for strangers, which requests tell where they come from. As [`Vault::shared`] in
    /// workerd.
    pub fn behind_proxy() -> &'static Self {
        static SHARED: OnceLock<Vault> = OnceLock::new();
        if Self::is_at_the_edge() {
            return Self::shared();
        }
        SHARED.get_or_init(Self::native_behind_proxy)
    }

    /// The same, natively and of the test's own.
    pub fn native_behind_proxy() -> Self {
        Self::native_as(|surroundings| Surroundings {
            address_header: Some(ADDRESS_HEADER.parse().expect("a header's name")),
            ..surroundings
        })
    }

    /// A native vault of the test's own, whose clock the test may move. Strangers may ask as often as they like.
    pub fn native() -> Self {
        Self::native_as(admit_all)
    }

    /// The same, with its data in this folder.
    pub fn native_in(folder: &Path) -> Self {
        Self::native_with(folder, admit_all)
    }

    /// A native vault of the test's own in these surroundings.
    pub fn native_as(change: impl FnOnce(Surroundings) -> Surroundings) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let vault = Self::native_with(folder.path(), change);
        Self { _folder: Some(folder), ..vault }
    }

    /// The same, with its data in this folder.
    pub fn native_with(folder: &Path, change: impl FnOnce(Surroundings) -> Surroundings) -> Self {
        let clock = Arc::new(AtomicU64::new(0));
        let ahead = clock.clone();
        let (host, runtime, url) = serve(folder, "127.0.0.1:0", ahead, change);
        Self {
            url,
            storage: folder.to_owned(),
            clock: Some(clock),
            host: Some(host),
            _folder: None,
            _runtime: Some(runtime),
        }
    }

    /// Where it is.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Where everything it stores and logs lies.
    pub fn storage(&self) -> &Path {
        &self.storage
    }

    /// Moves a native vault's clock back, before anything is in it.
    pub fn set_back(&self, seconds: u64) {
        self.clock.as_ref().expect("a native vault").fetch_sub(seconds, Ordering::SeqCst);
    }

    /// Moves a native vault's clock ahead.
    pub fn pass(&self, seconds: u64) {
        self.clock.as_ref().expect("a native vault").fetch_add(seconds, Ordering::SeqCst);
    }

    /// Does now what a vault does every hour.
    pub fn sweep(&self) {
        let Some(host) = &self.host else {
            // How `wrangler dev` is told that the hour has come.
            return self.http().get("/cdn-cgi/handler/scheduled?cron=17+*+*+*+*").ok();
        };
        let runtime = self._runtime.as_ref().expect("a native vault");
        runtime.block_on(securecode_vault::vault::sweep::run(host));
    }

    /// The vault's database: its file, which may be read and written beside it.
    pub fn database(&self) -> rusqlite::Connection {
        let native = self.storage.join("vault.db");
        let path = if native.exists() {
            native
        } else {
            // Where workerd keeps the one D1 that there is.
            let folder = self.storage.join("v3/d1/miniflare-D1DatabaseObject");
            let files = std::fs::read_dir(folder).expect("D1's folder").flatten().map(|file| file.path());
            let mut databases = files.filter(|path| {
                path.extension().is_some_and(|end| end == "sqlite") && !path.ends_with("metadata.sqlite")
            });
            databases.next().expect("D1's database")
        };
        let connection = rusqlite::Connection::open(path).expect("the database");
        connection.busy_timeout(std::time::Duration::from_secs(10)).expect("a setting");
        connection
    }

    /// Reads or writes the database beside the vault while no test asks anything.
    pub fn behind<T>(&self, work: impl FnOnce(&rusqlite::Connection) -> T) -> T {
        let _nobody = ASKING.write().unwrap_or_else(std::sync::PoisonError::into_inner);
        work(&self.database())
    }

    /// Copies the first such row of a table so many times, with these columns made anew of the number `n`: by hand, behind
    /// the vault.
    pub fn multiply(&self, table: &str, new: &[(&str, &str)], which: &str, times: u64) {
        let database = self.database();
        let sql = format!("SELECT name FROM pragma_table_info('{table}')");
        let mut columns = database.prepare(&sql).expect("a table");
        let columns = columns.query_map([], |row| row.get(0)).expect("its columns");
        let columns: Vec<String> = columns.map(|column| column.expect("a name")).collect();
        let made_anew = |column: &String| new.iter().find(|(name, _)| name == column).map(|(_, sql)| *sql);
        let values: Vec<String> = columns
            .iter()
            .map(|column| made_anew(column).map_or_else(|| format!("t.{column}"), str::to_owned))
            .collect();
        let sql = format!(
            "INSERT INTO {table} ({}) WITH RECURSIVE c (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < {times})
             SELECT {} FROM c CROSS JOIN (SELECT * FROM {table} WHERE {which} LIMIT 1) t",
            columns.join(", "),
            values.join(", ")
        );
        assert_eq!(database.execute(&sql, []).expect("rows") as u64, times);
    }

    /// Makes an environment that has ten secrets have so many, which open like the tenth.
    pub fn multiply_secrets(&self, environment: protocol::EnvironmentId, secrets: u64) {
        let new = [
            ("name_index", "lower(hex(randomblob(16)))"),
            ("id", "lower(hex(randomblob(16)))"),
            ("value", "t.name"),
        ];
        self.multiply("secrets", &new, &format!("environment = '{environment}'"), secrets - 10);
    }

    /// Puts so many rows like the newest behind the newest of an account's audit log.
    pub fn multiply_audit(&self, account: protocol::AccountId, rows: u64) {
        let new = [("seq", "t.seq + c.n"), ("cost", "0"), ("credential", "NULL")];
        let newest =
            format!("account = '{account}' AND seq = (SELECT seq FROM usage WHERE account = '{account}')");
        self.multiply("audit", &new, &newest, rows);
    }

    /// How many rows a table has.
    pub fn count(&self, table: &str) -> i64 {
        let sql = format!("SELECT count(*) FROM {table}");
        self.database().query_row(&sql, [], |row| row.get(0)).expect("a count")
    }

    /// Moves an account to another plan.
    pub fn set_plan(&self, account: protocol::AccountId, plan: &str) {
        let sql = "UPDATE usage SET plan = ?2 WHERE account = ?1";
        let changed = self.behind(|database| database.execute(sql, [&account.to_string(), plan]));
        let changed = changed.expect("a change");
        assert_eq!(changed, 1);
    }

    /// Puts another database in place of a native vault's, as an operator restores a backup: the vault stops, and
    /// is started again at the same address.
    pub fn restore(&mut self, backup: &Path) {
        drop((self.host.take(), self._runtime.take()));
        for file in ["vault.db", "vault.db-wal", "vault.db-shm"] {
            let _ = std::fs::remove_file(self.storage.join(file));
        }
        std::fs::copy(backup, self.storage.join("vault.db")).expect("a backup");
        let address = self.url.trim_start_matches("http://").to_owned();
        let clock = self.clock.clone().expect("a native vault");
        let (host, runtime, _) = serve(&self.storage, &address, clock, admit_all);
        (self.host, self._runtime) = (Some(host), Some(runtime));
    }

    /// Moves an account to a plan that is the free one but for its days of audit rows in the database and in all.
    pub fn set_audit_days(&self, account: protocol::AccountId, in_database: u64, in_all: u64) {
        let plan = format!("{in_database} of {in_all} days");
        let sql = "INSERT OR IGNORE INTO plans
                (name, projects, keys, secrets, value_bytes, reads, audit_days, versions, archive_days)
            SELECT ?1, projects, keys, secrets, value_bytes, reads, ?2, versions, ?3 FROM plans WHERE name = 'free'";
        let days = (&plan, in_database as i64, in_all as i64);
        self.behind(|database| database.execute(sql, days)).expect("a plan");
        self.set_plan(account, &plan);
    }

    /// A client without a credential, at an address of its own (RFC 3849) where the vault is behind a proxy.
    pub fn http(&self) -> Http {
        let [a, b, c, d, ..] = sealing::make_id().expect("random");
        let network = [u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d])];
        Http::new(&self.url, format!("2001:db8:{:x}:{:x}::1", network[0], network[1]))
    }
}

/// All tests are at one address.
fn admit_all(surroundings: Surroundings) -> Surroundings {
    Surroundings { strangers: Box::new(PacedStrangers::new(NonZeroU32::MAX)), ..surroundings }
}

fn log_faults(event: &Event<'_>) {
    if event.level != Level::Info {
        native::log(event);
    }
}

/// Serves the native vault whose data is in `folder`, its clock that much `ahead`; and where it is.
fn serve(
    folder: &Path,
    address: &str,
    ahead: Arc<AtomicU64>,
    change: impl FnOnce(Surroundings) -> Surroundings,
) -> (Host, tokio::runtime::Runtime, String) {
    // It wraps around when the clock was set back.
    let now = move || native::system_clock().wrapping_add(ahead.load(Ordering::SeqCst));
    let host = Host::new(change(native::open(folder, now, log_faults).expect("a vault")));
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    let listener = runtime.block_on(tokio::net::TcpListener::bind(address)).expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("its address"));
    runtime.spawn(native::serve(host.clone(), None, listener, std::future::pending()));
    (host, runtime, url)
}
