//! Approvals: what an agent's client asks a person for, where it has no other way to ask. The vault can read neither
//! question nor answer.

use super::{
    Refusal,
    access::{Ask, Caller, Scope, decide, decide_write, permitted},
};
use crate::{
    database::{Statement, Value},
    host::Host,
};
use protocol::{
    ApprovalId, Code, EnvironmentId, Permission,
    body::{Approval, NewApproval, OpenApproval, Page, Written},
};

/// How long a question can be answered, and the answer be fetched, in seconds.
pub const LIFETIME: u64 = 10 * 60;
/// Questions of one key that are kept: older ones go.
const MOST: u64 = 20;
const LONGEST_QUESTION: usize = 8192;
const LONGEST_ANSWER: usize = 1024;

/// Asks.
///
/// # Errors
/// `id_taken`, or the caller's refusal.
pub async fn ask(
    host: &Host,
    caller: &Caller,
    (environment, id): (EnvironmentId, ApprovalId),
    new: NewApproval,
) -> Result<Written, Refusal> {
    if new.question.as_bytes().len() > LONGEST_QUESTION {
        return Err(Refusal::Invalid("a question has at most 8192 bytes".into()));
    }
    let ask = Ask {
        action: "ask_approval",
        scope: Scope::Environment(environment),
        needs: &[Permission::Read],
        ..Ask::default()
    };
    let forgotten = caller.guarded(
        concat!(
            "DELETE FROM approvals WHERE id IN
                 (SELECT id FROM approvals WHERE credential = ?1 ORDER BY expires_at DESC LIMIT -1 OFFSET ?3) AND ",
            permitted!()
        ),
        [(MOST - 1).into()],
    );
    let inserted = caller.guarded(
        concat!(
            "INSERT INTO approvals (id, account, environment, credential, question, expires_at)
             SELECT ?3, (SELECT account FROM credentials WHERE id = ?1), ?4, ?1, ?5, ?6 WHERE ",
            permitted!()
        ),
        [
            Value::from(&id),
            Value::from(&environment),
            Value::from(&new.question),
            (host.now() + LIFETIME).into(),
        ],
    );
    decide_write(host, caller, ask, vec![forgotten, inserted]).await
}

/// What was asked and not answered yet, the newest first.
///
/// # Errors
/// The refusal.
pub async fn list(host: &Host, caller: &Caller) -> Result<Page<OpenApproval>, Refusal> {
    let ask = Ask { action: "approvals", owner_only: true, ..Ask::default() };
    let rows = caller.guarded(
        concat!(
            "SELECT a.id, a.environment, a.credential, a.question, a.expires_at FROM approvals a
             WHERE a.account = (SELECT account FROM credentials WHERE id = ?1) AND a.expires_at > ?3
                 AND NOT EXISTS (SELECT 1 FROM approval_answers b WHERE b.id = a.id) AND ",
            permitted!(),
            " ORDER BY a.expires_at DESC LIMIT 200"
        ),
        [host.now().into()],
    );
    let mut permit = decide(host, caller, ask, vec![rows]).await?;
    Ok(Page { items: permit.answer()?.rows()?, next: None })
}

/// Answers a question, once.
///
/// # Errors
/// `not_found` for what was not asked or whose time is over, `id_taken` for what was answered, or the caller's refusal.
pub async fn answer(
    host: &Host,
    caller: &Caller,
    id: ApprovalId,
    approval: Approval,
) -> Result<Written, Refusal> {
    if approval.answer.as_bytes().len() > LONGEST_ANSWER {
        return Err(Refusal::Invalid("an answer has at most 1024 bytes".into()));
    }
    let ask = Ask { action: "answer_approval", owner_only: true, ..Ask::default() };
    // A question of another account is none: NULL fails the column's constraint.
    let inserted = caller.guarded(
        concat!(
            "INSERT INTO approval_answers (id, answer)
             SELECT (SELECT id FROM approvals WHERE id = ?3 AND expires_at > ?5
                 AND account = (SELECT account FROM credentials WHERE id = ?1)), ?4 WHERE ",
            permitted!()
        ),
        [Value::from(&id), Value::from(&approval.answer), host.now().into()],
    );
    decide_write(host, caller, ask, vec![inserted]).await
}

/// The answer to a question.
///
/// # Errors
/// `not_found` until there is one, and after its time.
pub async fn read(host: &Host, id: ApprovalId) -> Result<Approval, Refusal> {
    let statement = Statement::new(
        "SELECT b.answer FROM approval_answers b JOIN approvals a ON a.id = b.id WHERE b.id = ?1 AND a.expires_at > ?2",
        [Value::from(&id), host.now().into()],
    );
    host.database.run(statement).await?.row()?.ok_or(Refusal::Because(Code::NotFound))
}
