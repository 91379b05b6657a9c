//! `securecode-gateway`: the gateway on this machine.

use clap::Parser;
use securecode_gateway::{
    Gateway,
    native::{Blocking, log, serve},
    router,
};
use std::{io::Write, net::SocketAddr, process::ExitCode};

#[derive(Parser)]
#[command(
    name = "securecode-gateway",
    version,
    about = "The SecureCode gateway: opens secrets for pipelines that have only curl, and sees them while it does"
)]
struct Arguments {
    /// The vault: https, or http on loopback.
    #[arg(long)]
    vault: String,
    /// Where to listen. Whole API keys are sent here: put a proxy with TLS before any address but loopback.
    #[arg(long, default_value = "127.0.0.1:8790")]
    listen: SocketAddr,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "securecode-gateway: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(Arguments { vault, listen }: Arguments) -> Result<(), Box<dyn std::error::Error>> {
    let gateway = Gateway::new(&vault, Box::new(Blocking::new(&vault)))
        .map_err(|error| format!("the vault's URL cannot be used: {error}; give https://host[:port]"))?;
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
    writeln!(std::io::stdout(), "listening on http://{}", listener.local_addr()?)?;
    serve(router(gateway, log), listener, stop).await;
    Ok(())
}
