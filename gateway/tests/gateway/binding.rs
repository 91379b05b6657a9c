use crate::people::Shop;
use kit::Vault;
use protocol::Code;

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
    shop.owner.revoke(pipeline.0.id());
    assert_eq!(pipeline.get("/v1/secrets/A").refusal().code, Code::KeyRevoked);
}
