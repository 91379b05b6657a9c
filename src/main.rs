//! `securecode-vault`: the vault on this machine.

use axum::http::HeaderName;
use clap::{Parser, Subcommand};
use securecode_vault::{
    dashboard::Dashboard,
    host::{Host, Surroundings},
    native,
    strangers::PacedStrangers,
};
use std::{io::Write, net::SocketAddr, num::NonZeroU32, path::PathBuf, process::ExitCode};

#[derive(Parser)]
#[command(
    name = "securecode-vault",
    version,
    about = "The SecureCode vault: keeps sealed secrets that it cannot open"
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve the HTTP API.
    Serve {
        /// Where to listen. Clients use http for loopback only: put a TLS proxy before any other address.
        #[arg(long, default_value = "127.0.0.1:8787")]
        listen: SocketAddr,
        /// The folder of the database and its two keys; made if it is not there. Back it up whole.
        #[arg(long, default_value = "securecode-data")]
        data: PathBuf,
        /// The header into which a proxy before this program writes the caller's address, as `x-real-ip`. Only where
        /// nobody can reach this program but through that proxy: whoever writes the header says where he is.
        #[arg(long)]
        address_header: Option<HeaderName>,
        /// Requests without a good credential that one address may send in a minute.
        #[arg(long, default_value_t = native::STRANGERS_PER_MINUTE)]
        strangers_per_minute: NonZeroU32,
        /// The folder of the dashboard that `cargo xtask dashboard` built, to serve it as well.
        #[arg(long)]
        dashboard: Option<PathBuf>,
    },
    /// Copy the data as of now into a new folder, also while it is served.
    Backup {
        /// The folder of the vault's data.
        #[arg(long, default_value = "securecode-data")]
        data: PathBuf,
        /// The folder to make.
        #[arg(long)]
        to: PathBuf,
    },
    /// Make a vault's data of a backup, in a new folder.
    Restore {
        /// The backup.
        #[arg(long)]
        from: PathBuf,
        /// The folder to make.
        #[arg(long, default_value = "securecode-data")]
        data: PathBuf,
    },
}

fn main() -> ExitCode {
    let done = match Arguments::parse().command {
        Command::Serve { listen, data, address_header, strangers_per_minute, dashboard } => {
            native::open(&data, native::system_clock, native::log).map_err(Into::into).and_then(|opened| {
                let dashboard = dashboard.as_deref().map(Dashboard::read).transpose()?;
                let strangers = Box::new(PacedStrangers::new(strangers_per_minute));
                let host = Host::new(Surroundings { address_header, strangers, ..opened });
                serve(host, dashboard, listen, &data)
            })
        }
        Command::Backup { data, to } => native::back_up(&data, &to).map_err(Into::into),
        Command::Restore { from, data } => native::restore(&from, &data).map_err(Into::into),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "securecode-vault: {error}");
            ExitCode::FAILURE
        }
    }
}

#[tokio::main]
async fn serve(
    host: Host,
    dashboard: Option<Dashboard>,
    listen: SocketAddr,
    data: &std::path::Path,
) -> Result<(), Box<dyn std::error::Error>> {
    let listener = tokio::net::TcpListener::bind(listen)
        .await
        .map_err(|error| format!("cannot listen on {listen}: {error}; name another address with --listen"))?;
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    let stop = async move {
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = terminate.recv() => {}
        }
    };
    writeln!(
        std::io::stdout(),
        "listening on http://{}, data in {}",
        listener.local_addr()?,
        data.display()
    )?;
    Ok(native::serve(host, dashboard, listener, stop).await?)
}
