use crate::Http;
use std::{
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
                Vault { url, storage: storage.into(), clock: None, _folder: None, _runtime: None }
            }
            Err(_) => Vault::native(),
        })
    }

    /// A native vault of the test's own, whose clock the test may move.
    pub fn native() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let clock = Arc::new(AtomicU64::new(0));
        let ahead = clock.clone();
        let now = move || securecode_vault::native::system_clock() + ahead.load(Ordering::SeqCst);
        let host = securecode_vault::native::open(folder.path(), now).expect("a vault");
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .expect("a runtime");
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("its address"));
        runtime.spawn(securecode_vault::native::serve(host, listener, std::future::pending()));
        Self {
            url,
            storage: folder.path().to_owned(),
            clock: Some(clock),
            _folder: Some(folder),
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

    /// Moves a native vault's clock ahead.
    pub fn pass(&self, seconds: u64) {
        self.clock.as_ref().expect("a native vault").fetch_add(seconds, Ordering::SeqCst);
    }

    /// A client without a credential.
    pub fn http(&self) -> Http {
        Http::new(&self.url)
    }
}
