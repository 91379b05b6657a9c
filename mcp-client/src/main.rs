//! `securecode`: secrets for people who work with coding agents.

fn main() -> std::process::ExitCode {
    securecode::cli::main()
}
