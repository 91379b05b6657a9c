//! What the tests share: a running vault, and people and machines that use it. Steps that must succeed panic.

mod actors;
mod count;
mod http;
mod mcp;
mod person;
mod vault;

pub use actors::{Key, Owner, make_email, make_token, make_token_auth, random_blob};
pub use count::count;
pub use http::{Answer, Asked, Http, heard};
pub use mcp::McpServer;
pub use person::{Person, Ran};
pub use vault::Vault;
