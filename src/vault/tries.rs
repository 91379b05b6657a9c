//! How often somebody may try a passphrase or a recovery code. Counted in the database, before anything is compared, so
//! that tries which race are counted too; and alike for an address that has no account.
//!
//! In a quarter of an hour, which begins with its first try: 10 of each network address at each account, and 100 at each
//! account. A known device, or a session, has 10 of its own and none of the account's, so nobody can lock its owner out.
//! What was right does not count.

use super::{
    Refusal,
    access::Origin,
    pepper::{Pepper, Verifier},
};
use crate::{
    database::{Statement, Value},
    host::Host,
};
use protocol::{Code, DeviceId, Email, KeyId, body::Device};
use serde::Deserialize;

/// A quarter of an hour, in seconds.
pub(super) const WINDOW: u64 = 15 * 60;

/// Who tries.
pub(super) enum Trier<'a> {
    /// Somebody of whom nothing is known but the address.
    Stranger(&'a Origin),
    /// A device that logged in before.
    Device(DeviceId),
    /// The holder of a session.
    Session(KeyId),
}

impl<'a> Trier<'a> {
    /// A stranger, unless this device is one that the vault made for the address.
    pub(super) fn at_login(host: &Host, email: &Email, device: Option<&Device>, origin: &'a Origin) -> Self {
        match device {
            Some(device) if host.pepper.knows(email, device) => Self::Device(device.id),
            _ => Self::Stranger(origin),
        }
    }

    /// The device that is answered to whoever was right: the known one, or a new one.
    pub(super) fn device(&self, host: &Host, email: &Email) -> Result<Device, Refusal> {
        let id = match self {
            Self::Device(id) => *id,
            Self::Stranger(_) | Self::Session(_) => {
                let mut bytes = [0; 16];
                getrandom::fill(&mut bytes).map_err(|error| Refusal::Fault(error.to_string()))?;
                DeviceId::from_bytes(bytes)
            }
        };
        Ok(host.pepper.device(email, id))
    }

    /// What counts its own tries, and what counts the account's if that does.
    fn subjects(&self, pepper: &Pepper, account: &str) -> (Verifier, Option<Verifier>) {
        match self {
            Self::Stranger(origin) => {
                let own = format!("address {}", origin.network());
                (pepper.tries(account, &own), Some(pepper.tries(account, "")))
            }
            Self::Device(id) => (pepper.tries(account, &format!("device {id}")), None),
            Self::Session(id) => (pepper.tries(account, &format!("session {id}")), None),
        }
    }
}

/// A try that was counted and may be made.
pub(super) struct Try {
    own: Verifier,
    account: Option<Verifier>,
    begun_after: u64,
}

/// Counts a try at the account with this index of its address, or refuses it and counts nothing.
///
/// # Errors
/// `too_many_requests`.
pub(super) async fn count(host: &Host, account: &str, trier: &Trier<'_>) -> Result<Try, Refusal> {
    let now = host.now();
    let (own, whole) = trier.subjects(&host.pepper, account);
    let counted = Try { own, account: whole, begun_after: now.saturating_sub(WINDOW) };
    let statement = Statement::new(
        "INSERT INTO tries (subject, since, count)
         SELECT t.column1, ?4, 1 FROM (VALUES (?1), (?2)) t
         WHERE t.column1 IS NOT NULL AND NOT EXISTS (
             SELECT 1 FROM tries WHERE subject IN (?1, ?2) AND since > ?3
             AND count >= CASE subject WHEN ?2 THEN 100 ELSE 10 END)
         ON CONFLICT (subject) DO UPDATE SET count = CASE WHEN since > ?3 THEN count + 1 ELSE 1 END,
             since = CASE WHEN since > ?3 THEN since ELSE ?4 END
         RETURNING count",
        counted.parameters().into_iter().chain([now.into()]).collect::<Vec<_>>(),
    );
    #[derive(Deserialize)]
    struct Counted {}
    if host.database.run(statement).await?.row::<Counted>()?.is_some() {
        return Ok(counted);
    }
    #[derive(Deserialize)]
    struct Full {
        since: Option<u64>,
    }
    let statement = Statement::new(
        "SELECT max(since) AS since FROM tries WHERE subject IN (?1, ?2) AND since > ?3
         AND count >= CASE subject WHEN ?2 THEN 100 ELSE 10 END",
        counted.parameters(),
    );
    let since = host.database.run(statement).await?.row::<Full>()?.and_then(|full| full.since);
    // Nothing is full any more: its time passed between the two looks.
    let wait = since.map_or(1, |since| (since + WINDOW).saturating_sub(now).max(1));
    Err(Refusal::Later(Code::TooManyRequests, wait))
}

impl Try {
    fn parameters(&self) -> Vec<Value> {
        vec![Value::from(&self.own), self.account.as_ref().map(Value::from).into(), self.begun_after.into()]
    }

    /// The statement that takes the try back, because it was right.
    pub(super) fn was_right(&self) -> Statement {
        Statement::new(
            "UPDATE tries SET count = count - 1 WHERE subject IN (?1, ?2) AND since > ?3 AND count > 0",
            self.parameters(),
        )
    }
}
