//! What an agent's client asks its owner for, and the answer.

use kit::{Key, Owner, Vault, make_token, random_blob};
use protocol::{
    Code, Permission,
    body::{Approval, NewApproval, OpenApproval, Page, Written},
};

fn owner_with_key(vault: &Vault) -> (Owner, Key) {
    let mut owner = Owner::sign_up(vault);
    let project = owner.project();
    let environment = owner.environment(project);
    let key = owner.key(&environment, &[Permission::Read]);
    (owner, key)
}

fn ask(key: &Key) -> (String, NewApproval) {
    let id = make_token().id().to_string();
    let new = NewApproval { question: random_blob() };
    key.http.put(&key.path(&format!("/approvals/{id}")), &new).ok();
    (id, new)
}

fn open(owner: &Owner) -> Vec<OpenApproval> {
    let page: Page<OpenApproval> = owner.http.get("/v1/approvals").json();
    page.items
}

#[test]
fn a_key_asks_its_owner_and_fetches_the_answer() {
    let vault = Vault::shared();
    let (owner, key) = owner_with_key(vault);
    let (id, new) = ask(&key);
    let path = format!("/v1/approvals/{id}/answer");
    assert_eq!(vault.http().get(&path).refusal().code, Code::NotFound);
    let asked = open(&owner);
    assert_eq!(asked.len(), 1);
    assert_eq!((asked[0].credential, &asked[0].question), (key.id, &new.question));
    let answer = random_blob();
    let _: Written = owner.http.put(&path, &Approval { answer: answer.clone() }).json();
    assert!(open(&owner).is_empty());
    let read: Approval = vault.http().get(&path).json();
    assert_eq!(read.answer, answer);
    // Once.
    let again = owner.http.put(&path, &Approval { answer: random_blob() });
    assert_eq!(again.refusal().code, Code::IdTaken);
    let taken = key.http.put(&key.path(&format!("/approvals/{id}")), &new);
    assert_eq!(taken.refusal().code, Code::IdTaken);
}

#[test]
fn an_owner_sees_and_answers_what_is_his_own() {
    let vault = Vault::shared();
    let (owner, key) = owner_with_key(vault);
    let (other, _) = owner_with_key(vault);
    let (id, _) = ask(&key);
    assert!(open(&other).is_empty());
    let path = format!("/v1/approvals/{id}/answer");
    assert_eq!(other.http.put(&path, &Approval { answer: random_blob() }).refusal().code, Code::NotFound);
    let absent = format!("/v1/approvals/{}/answer", make_token().id());
    assert_eq!(owner.http.put(&absent, &Approval { answer: random_blob() }).refusal().code, Code::NotFound);
    assert_eq!(key.http.put(&path, &Approval { answer: random_blob() }).refusal().code, Code::OwnerRequired);
    assert_eq!(open(&owner).len(), 1);
}

#[test]
fn questions_are_few_and_end() {
    let vault = Vault::native();
    let (owner, key) = owner_with_key(&vault);
    let ids: Vec<String> = (0..25)
        .map(|_| {
            vault.pass(1);
            ask(&key).0
        })
        .collect();
    let asked = open(&owner);
    assert_eq!(asked.len(), 20, "the newest are kept");
    assert_eq!(asked[0].id.to_string(), ids[24]);
    let path = format!("/v1/approvals/{}/answer", ids[24]);
    owner.http.put(&path, &Approval { answer: random_blob() }).ok();
    vault.pass(600);
    assert!(open(&owner).is_empty());
    assert_eq!(vault.http().get(&path).refusal().code, Code::NotFound);
    let late = format!("/v1/approvals/{}/answer", ids[23]);
    assert_eq!(owner.http.put(&late, &Approval { answer: random_blob() }).refusal().code, Code::NotFound);
    vault.sweep();
    assert_eq!((vault.count("approvals"), vault.count("approval_answers")), (0, 0));
}
