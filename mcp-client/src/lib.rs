//! SecureCode's client: what the command line, the MCP server and the gateway share.
//!
//! It decrypts on this machine, checks every answer of the vault against manifests and pins, and hands values
//! to commands. Nothing here writes a value to a log, an error or the conversation.

pub mod audit;
pub mod change;
pub mod check;
pub mod cli;
pub mod config;
pub mod env_file;
pub mod environment;
pub mod error;
pub mod gitignore;
pub mod guard;
pub mod home;
pub mod import;
pub mod mcp;
pub mod names;
pub mod owner;
pub mod pairing;
mod peer;
pub mod pins;
pub mod policy;
pub mod profile;
pub mod project;
pub mod remote;
pub mod sandbox;
pub mod session_file;
pub mod terminal;
pub mod ticket;
