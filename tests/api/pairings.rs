//! Pairing a machine: what its owner leaves, the machine fetches, for ten minutes and once.

use kit::{Owner, Vault, make_token, random_blob};
use protocol::{
    Blob, Code,
    body::{AuditRow, Page, Pairing, Written},
};

fn path() -> String {
    format!("/v1/pairings/{}", make_token().id())
}

#[test]
fn a_machine_fetches_what_its_owner_left_until_it_has_it() {
    let vault = Vault::shared();
    let owner = Owner::sign_up(vault);
    let machine = vault.http();
    let path = path();
    assert_eq!(machine.get(&path).refusal().code, Code::NotFound, "nobody approved it");

    let sealed = random_blob();
    let written: Written = owner.http.put(&path, &Pairing { sealed: sealed.clone() }).json();
    let left: Pairing = machine.get(&path).json();
    assert_eq!(left.sealed, sealed);
    // An answer may be lost: it stays until the machine says that it has it.
    let again: Pairing = machine.get(&path).json();
    assert_eq!(again.sealed, sealed);
    assert_eq!(machine.get(&self::path()).refusal().code, Code::NotFound);

    machine.delete(&path).ok();
    machine.delete(&path).ok();
    assert_eq!(machine.get(&path).refusal().code, Code::NotFound);
    let second = owner.http.put(&path, &Pairing { sealed: random_blob() });
    assert_eq!(second.refusal().code, Code::IdTaken, "it has its key");

    let rows: Page<AuditRow> = owner.http.get("/v1/audit").json();
    let row =
        rows.items.iter().find(|row| Some(row.seq) == written.receipt.as_ref().map(|one| one.seq)).unwrap();
    assert_eq!(row.entry.action, "approve_pairing");
}

#[test]
fn a_pairing_is_approved_once_and_by_an_owner() {
    let vault = Vault::shared();
    let owner = Owner::sign_up(vault);
    let other = Owner::sign_up(vault);
    let path = path();
    let sealed = random_blob();
    owner.http.put(&path, &Pairing { sealed: sealed.clone() }).ok();
    for http in [&owner.http, &other.http] {
        let refused = http.put(&path, &Pairing { sealed: random_blob() }).refusal().code;
        assert_eq!(refused, Code::IdTaken);
    }
    let left: Pairing = vault.http().get(&path).json();
    assert_eq!(left.sealed, sealed, "what was approved stays");

    let large = Pairing { sealed: Blob::from_sealed(vec![1; 1025]) };
    assert_eq!(owner.http.put(&self::path(), &large).refusal().code, Code::InvalidRequest);
}

#[test]
fn a_pairing_ends_after_ten_minutes() {
    let vault = Vault::native();
    let owner = Owner::sign_up(&vault);
    let path = path();
    owner.http.put(&path, &Pairing { sealed: random_blob() }).ok();
    vault.pass(599);
    vault.http().get(&path).ok();
    vault.pass(1);
    assert_eq!(vault.http().get(&path).refusal().code, Code::NotFound);
    assert_eq!(vault.count("pairings"), 1);
    vault.sweep();
    assert_eq!(vault.count("pairings"), 0);
}

#[test]
fn a_deleted_account_leaves_no_pairing() {
    let vault = Vault::native();
    let owner = Owner::sign_up(&vault);
    let path = path();
    owner.http.put(&path, &Pairing { sealed: random_blob() }).ok();
    let body =
        protocol::body::DeleteAccount { proof: protocol::body::OwnerProof::Login(owner.login.clone()) };
    owner.http.post("/v1/account/delete", &body).ok();
    assert_eq!(vault.http().get(&path).refusal().code, Code::NotFound);
}
