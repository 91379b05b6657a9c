use crate::people::{ADDRESS, Shop};
use kit::Vault;
use protocol::{Code, body::AuditRows};

/// In workerd alone: the gateway knows the vault by an address at which there is nothing, and has a binding to it
/// (`cargo xtask gateway`).
#[test]
#[ignore = "needs two Workers"]
fn a_vault_of_the_same_account_is_asked_through_the_binding() {
    assert!(Vault::is_at_the_edge());
    let mut shop = Shop::at(Vault::shared(), "https://vault.invalid", &[("A", b"s3cret")]);
    let pipeline = shop.pipeline();
    assert_eq!(pipeline.get("/v1/secrets/A").ok(), b"s3cret");
    assert_eq!(pipeline.get("/v1/env?format=shell").ok(), b"export A='s3cret'\n");
    let audit: AuditRows = shop.owner.http.get("/v1/audit").json();
    let rows = audit.items.iter().filter(|row| row.entry.credential == Some(pipeline.0.id()));
    let addresses: Vec<_> = rows.map(|row| row.entry.address.as_deref()).collect();
    // Two for each: which environments the key has, and what was asked.
    assert_eq!(addresses, [Some(ADDRESS); 4]);
    shop.owner.revoke(pipeline.0.id());
    assert_eq!(pipeline.get("/v1/secrets/A").refusal().code, Code::KeyRevoked);
}
