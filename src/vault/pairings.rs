//! Pairings: what an owner leaves for a machine that asked for a key. The vault cannot open it, and has nothing of a
//! machine that nobody approved.

use super::{
    Refusal,
    access::{Ask, Caller, decide_write, permitted},
};
use crate::{
    database::{Statement, Value},
    host::Host,
};
use protocol::{
    Code, PairingId,
    body::{Pairing, Written},
};

/// How long a pairing waits for its machine, in seconds.
pub const LIFETIME: u64 = 10 * 60;
/// What a sealed key with its names takes, in bytes, and room to spare.
const LONGEST: usize = 1024;

/// Leaves a sealed key for the machine that knows the pairing's id.
///
/// # Errors
/// `id_taken` where that pairing was approved before, or the caller's refusal.
pub async fn approve(
    host: &Host,
    caller: &Caller,
    id: PairingId,
    pairing: Pairing,
) -> Result<Written, Refusal> {
    if pairing.sealed.as_bytes().len() > LONGEST {
        return Err(Refusal::Invalid("a pairing's sealed key has at most 1024 bytes".into()));
    }
    let ask = Ask { action: "approve_pairing", owner_only: true, ..Ask::default() };
    let inserted = caller.guarded(
        concat!(
            "INSERT INTO pairings (id, account, sealed, expires_at)
             SELECT ?3, (SELECT account FROM credentials WHERE id = ?1), ?4, ?5 WHERE ",
            permitted!()
        ),
        [Value::from(&id), Value::from(&pairing.sealed), (host.now() + LIFETIME).into()],
    );
    decide_write(host, caller, ask, vec![inserted]).await
}

/// What was left for the machine.
///
/// # Errors
/// `not_found` until somebody approves it, and once it was taken or ten minutes have passed.
pub async fn read(host: &Host, id: PairingId) -> Result<Pairing, Refusal> {
    let statement = Statement::new(
        "SELECT sealed FROM pairings WHERE id = ?1 AND expires_at > ?2 AND sealed <> ''",
        [Value::from(&id), host.now().into()],
    );
    host.database.run(statement).await?.row()?.ok_or(Refusal::Because(Code::NotFound))
}

/// Takes it away, once the machine has it. The id stays taken until its time is over, so that nobody makes a second key
/// for a machine that has one.
///
/// # Errors
/// Faults alone.
pub async fn end(host: &Host, id: PairingId) -> Result<Written, Refusal> {
    let taken = "UPDATE pairings SET sealed = '' WHERE id = ?1";
    host.database.run(Statement::new(taken, [Value::from(&id)])).await?;
    Ok(Written { receipt: None })
}
