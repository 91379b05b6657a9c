//! `securecode-vault`: the vault on this machine.

use clap::{Parser, Subcommand};
use securecode_vault::native;
use std::{io::Write, net::SocketAddr, path::PathBuf, process::ExitCode};

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
        Command::Serve { listen, data } => serve(listen, &data),
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
async fn serve(listen: SocketAddr, data: &std::path::Path) -> Result<(), Box<dyn std::error::Error>> {
    let host = native::open(data, native::system_clock, native::log)?;
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
    Ok(native::serve(host, listener, stop).await?)
}
