//! The native host: the vault on loopback or behind a reverse proxy, with its data in one folder.

use crate::{
    dashboard::Dashboard,
    host::{Host, Surroundings},
    http::caller::PeerAddress,
    log::Event,
    sqlite::{OpenDatabaseError, Sqlite},
    strangers::PacedStrangers,
    vault::{pepper::Pepper, sweep},
};
use base64ct::{Base64UrlUnpadded, Encoding};
use seal::Key;
use std::{
    fs::{DirBuilder, File, OpenOptions},
    io::{self, Read, Write},
    net::SocketAddr,
    num::NonZeroU32,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
    time::SystemTime,
};
use zeroize::Zeroizing;

/// Why the vault does not start; each says what to do.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The data folder or a file in it.
    #[error("{path}: {cause}; check that the folder exists, is yours and is writable")]
    Io {
        /// Which.
        path: PathBuf,
        /// The system's cause.
        cause: io::Error,
    },
    /// Something stands where a copy is to be made.
    #[error("{path} is there already; name a folder that is not")]
    InTheWay {
        /// Which.
        path: PathBuf,
    },
    /// A key file that others may read.
    #[error("{path} can be read by others; run: chmod 600 {path}")]
    Open {
        /// Which.
        path: PathBuf,
    },
    /// A key file that holds no key.
    #[error("{path} holds no key; restore it from your backup: without it no account can log in")]
    Key {
        /// Which.
        path: PathBuf,
    },
    /// A database without its keys.
    #[error(
        "{path} is missing, but the database is there; restore it from your backup: without it no account can log in"
    )]
    KeyMissing {
        /// Which.
        path: PathBuf,
    },
    /// The database.
    #[error("{path}: {cause}")]
    Database {
        /// Which.
        path: PathBuf,
        /// Why.
        cause: OpenDatabaseError,
    },
}

/// Requests of strangers that an address may send in a minute, unless the operator says otherwise.
pub const STRANGERS_PER_MINUTE: NonZeroU32 = NonZeroU32::new(60).unwrap();

/// The secrets before the ones in use, where there are such files.
const PREVIOUS_PEPPER: &str = "previous-pepper";
const PREVIOUS_COLUMN_KEY: &str = "previous-column-key";

/// Opens the vault whose data is in `folder`, making it if there is none: `vault.db`, and beside it the
/// deployment's two secrets, `pepper` and `column-key`, each 0600. Also the ones before
/// them, if an operator put them there.
///
/// # Errors
/// When anything there is not as it must be.
pub fn open(
    folder: &Path,
    clock: impl Fn() -> u64 + Send + Sync + 'static,
    log: fn(&Event<'_>),
) -> Result<Surroundings, StartError> {
    let io = |cause| StartError::Io { path: folder.to_owned(), cause };
    DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(io)?;
    let database = folder.join("vault.db");
    let fresh = !database.exists();
    let pepper = key_file(&folder.join("pepper"), fresh)?;
    let column_key = key_file(&folder.join("column-key"), fresh)?;
    if fresh {
        // Made here so that SQLite never makes it with a looser mode; its journal takes the mode over.
        private_file(&database).map_err(|cause| StartError::Io { path: database.clone(), cause })?;
    }
    let sqlite = Sqlite::open(&database).map_err(|cause| StartError::Database { path: database, cause })?;
    Ok(Surroundings {
        blobs: Box::new(sqlite.clone()),
        database: Box::new(sqlite),
        pepper: Pepper::new(pepper, previous_key(folder, PREVIOUS_PEPPER)?),
        column_key,
        previous_column_key: previous_key(folder, PREVIOUS_COLUMN_KEY)?,
        clock: Box::new(clock),
        address_header: None,
        strangers: Box::new(PacedStrangers::new(STRANGERS_PER_MINUTE)),
        log,
    })
}

/// Copies a vault's data as of now into a new folder, also while it is served: the database and its two keys, 0600.
///
/// # Errors
/// When something is in the way or cannot be read or written. There is no half a copy then.
pub fn back_up(data: &Path, to: &Path) -> Result<(), StartError> {
    let database = data.join("vault.db");
    if !database.exists() {
        let cause = io::Error::from(io::ErrorKind::NotFound);
        return Err(StartError::Io { path: database, cause });
    }
    let broken = |cause| StartError::Database { path: database.clone(), cause };
    let sqlite = Sqlite::open(&database).map_err(broken)?;
    copy(data, to, |part| sqlite.copy_to(part).map_err(|cause| broken(cause.into())))
}

/// Makes a vault's data of a copy that [`back_up`] made, in a folder that is not there yet. The copy stays.
///
/// # Errors
/// When something is in the way, the copy is not whole, or it is of a newer schema.
pub fn restore(from: &Path, data: &Path) -> Result<(), StartError> {
    back_up(from, data)
}

fn copy(
    from: &Path,
    to: &Path,
    database: impl FnOnce(&Path) -> Result<(), StartError>,
) -> Result<(), StartError> {
    if to.symlink_metadata().is_ok() {
        return Err(StartError::InTheWay { path: to.to_owned() });
    }
    let mut part = to.as_os_str().to_owned();
    part.push(".part");
    let part = PathBuf::from(part);
    let io = |cause| StartError::Io { path: part.clone(), cause };
    DirBuilder::new().mode(0o700).create(&part).map_err(io)?;
    let made = (|| {
        // Made here with its mode, and filled by SQLite.
        private_file(&part.join("vault.db")).map_err(io)?;
        database(&part.join("vault.db"))?;
        File::open(part.join("vault.db")).and_then(|file| file.sync_all()).map_err(io)?;
        let previous =
            [PREVIOUS_PEPPER, PREVIOUS_COLUMN_KEY].into_iter().filter(|name| from.join(name).exists());
        for name in ["pepper", "column-key"].into_iter().chain(previous) {
            let source = from.join(name);
            key_file(&source, false)?;
            let text = std::fs::read(&source).map(Zeroizing::new);
            let text = text.map_err(|cause| StartError::Io { path: source, cause })?;
            let mut file = private_file(&part.join(name)).map_err(io)?;
            file.write_all(&text).and_then(|()| file.sync_all()).map_err(io)?;
        }
        std::fs::rename(&part, to).map_err(io)
    })();
    if made.is_err() {
        let _ = std::fs::remove_dir_all(&part);
    }
    made
}

/// Writes an event to standard error.
pub fn log(event: &Event<'_>) {
    let _ = writeln!(io::stderr(), "{}", event.line());
}

/// The time of the system, in seconds since 1970.
pub fn system_clock() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

fn private_file(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

fn previous_key(folder: &Path, name: &str) -> Result<Option<Key>, StartError> {
    let path = folder.join(name);
    path.exists().then(|| key_file(&path, false)).transpose()
}

fn key_file(path: &Path, may_make: bool) -> Result<Key, StartError> {
    let io = |cause| StartError::Io { path: path.to_owned(), cause };
    if !path.exists() {
        if !may_make {
            return Err(StartError::KeyMissing { path: path.to_owned() });
        }
        let key = Key::make().map_err(|error| io(io::Error::other(error)))?;
        let text = Zeroizing::new(Base64UrlUnpadded::encode_string(key.expose()));
        let mut file = private_file(path).map_err(io)?;
        file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(io)?;
        return Ok(key);
    }
    let mut file = File::open(path).map_err(io)?;
    if file.metadata().map_err(io)?.permissions().mode() & 0o077 != 0 {
        return Err(StartError::Open { path: path.to_owned() });
    }
    let mut text = Zeroizing::new(String::new());
    file.read_to_string(&mut text).map_err(io)?;
    let bytes = Base64UrlUnpadded::decode_vec(text.trim()).map(Zeroizing::new);
    bytes
        .ok()
        .and_then(|bytes| Key::from_slice(&bytes))
        .ok_or_else(|| StartError::Key { path: path.to_owned() })
}

async fn sweep_hourly(host: Host) {
    let mut hours = tokio::time::interval(std::time::Duration::from_secs(60 * 60));
    loop {
        hours.tick().await;
        sweep::run(&host).await;
    }
}

/// Serves the API, and the dashboard if there is one, until `stop` resolves, then lets the requests in flight end.
///
/// # Errors
/// When the listener fails.
pub async fn serve(
    host: Host,
    dashboard: Option<Dashboard>,
    listener: tokio::net::TcpListener,
    stop: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    tokio::spawn(sweep_hourly(host.clone()));
    let mut router = crate::router(host).layer(axum::middleware::from_fn(
        |axum::extract::ConnectInfo(peer): axum::extract::ConnectInfo<SocketAddr>,
         mut request: axum::extract::Request,
         next: axum::middleware::Next| async move {
            request.extensions_mut().insert(PeerAddress(peer.ip()));
            next.run(request).await
        },
    ));
    if let Some(dashboard) = dashboard {
        router = router
            .layer(axum::middleware::from_fn(move |request, next| dashboard.clone().serve(request, next)));
    }
    axum::serve(listener, router.into_make_service_with_connect_info::<SocketAddr>())
        .with_graceful_shutdown(stop)
        .await
}
