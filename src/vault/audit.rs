//! The audit log: who asked for what, from where, and how it was decided. Rows are sealed at rest.

use super::{
    Refusal,
    access::{Ask, Caller, Origin, decide, permitted},
    archive,
    columns::Column,
    pepper::CredentialRow,
};
use crate::{database::Value, host::Host};
use protocol::{
    Digest, KeyId, Permission,
    body::{AuditRow, AuditRows, CredentialClass, LoggedRow, Page, RowContent, Segment, UnreadableRow},
};
use serde::Deserialize;
use zeroize::Zeroizing;

pub use protocol::body::AuditEntry as Entry;

const ENTRY: Column = Column { table: "audit", column: "entry" };

/// Rows of one page of the list.
const PAGE: u64 = 100;
/// Rows of one page of what is checked or exported.
const LOG_PAGE: u64 = 200;

/// What a row says of an act, from where it came.
pub(super) fn entry(action: &str, result: &str, credential: Option<KeyId>, origin: &Origin) -> Entry {
    Entry {
        salt: String::new(),
        credential,
        action: action.to_owned(),
        result: result.to_owned(),
        how: None,
        environment: None,
        secrets: vec![],
        address: origin.address.clone(),
        user_agent: origin.user_agent.clone(),
        agent: origin.agent.clone(),
    }
}

/// A row that is about to be written, but for its account and number, which SQL knows.
pub(super) struct SealedRow {
    /// Seconds since 1970.
    pub(super) at: u64,
    /// The entry, column-sealed.
    pub(super) entry: String,
    pub(super) leaf: Digest,
}

/// Seals a row that counts for `cost` reads. It is of now.
pub(super) fn seal(host: &Host, request: &String, cost: u64, mut entry: Entry) -> Result<SealedRow, Refusal> {
    let mut salt = [0; 16];
    getrandom::fill(&mut salt).map_err(|error| Refusal::Fault(error.to_string()))?;
    entry.salt = base16ct::lower::encode_string(&salt);
    let json = serde_json::to_vec(&entry).map_err(|error| Refusal::Fault(error.to_string()))?;
    let at = host.now();
    let leaf = audit_log::leaf(request, at, cost, &json);
    Ok(SealedRow { at, entry: ENTRY.seal(host, request, &json)?, leaf })
}

/// A row as it is stored, and archived.
#[derive(Deserialize)]
pub(super) struct Stored {
    pub(super) seq: u64,
    at: u64,
    cost: u64,
    request: String,
    entry: String,
    leaf: String,
    credential: Option<KeyId>,
}

impl Stored {
    fn open(&self, host: &Host) -> Result<(Zeroizing<Vec<u8>>, Entry), Refusal> {
        let json = ENTRY.open(host, &self.request, &self.entry)?;
        let text = std::str::from_utf8(&json).map_err(|error| Refusal::Fault(error.to_string()))?;
        let entry = serde_json::from_str(text).map_err(|error| Refusal::Fault(error.to_string()))?;
        Ok((json, entry))
    }

    /// The leaf that the row was written with. One that is older than leaves is opened for it.
    ///
    /// # Errors
    /// When it is none, or an old row does not open.
    pub(super) fn leaf(&self, host: &Host) -> Result<Digest, Refusal> {
        if self.leaf.is_empty() {
            let json = ENTRY.open(host, &self.request, &self.entry)?;
            return Ok(audit_log::leaf(&self.request, self.at, self.cost, &json));
        }
        self.leaf.parse().map_err(|_| Refusal::Fault("audit.leaf is no digest".into()))
    }

    /// What the row says, if it is what its leaf is of.
    fn genuine(&self, host: &Host) -> Option<Entry> {
        let (json, entry) = self.open(host).ok()?;
        let leaf = audit_log::leaf(&self.request, self.at, self.cost, &json);
        (self.leaf(host).ok()? == leaf).then_some(entry)
    }

    /// As [`Stored::logged`], of a row that lay in the blob store: shown only if it is what its leaf is of.
    fn logged_of_archive(self, host: &Host, credential: &CredentialRow, sound: bool) -> LoggedRow {
        if sound && self.genuine(host).is_some() {
            return self.logged(host, credential);
        }
        LoggedRow { seq: self.seq, leaf: self.leaf(host).ok(), unreadable: true, content: None }
    }

    /// The row for who checks the log: whole where the credential may see it, else its leaf, if that is still
    /// the row's.
    fn logged(self, host: &Host, credential: &CredentialRow) -> LoggedRow {
        let seq = self.seq;
        let unsound = LoggedRow { seq, leaf: None, unreadable: false, content: None };
        let Ok((json, entry)) = self.open(host) else {
            return LoggedRow { leaf: self.leaf(host).ok(), unreadable: true, ..unsound };
        };
        let Ok(leaf) = self.leaf(host) else { return unsound };
        // The column is a copy of what the entry says; rows that are older than leaves may lack it.
        if self.credential != entry.credential && !self.leaf.is_empty() {
            return unsound;
        }
        if !may_see(credential, &entry) {
            let unchanged = audit_log::leaf(&self.request, self.at, self.cost, &json) == leaf;
            return LoggedRow { leaf: unchanged.then_some(leaf), ..unsound };
        }
        let entry = String::from_utf8_lossy(&json).into_owned();
        let content = RowContent { at: self.at, cost: self.cost, request_id: self.request, entry };
        LoggedRow { leaf: Some(leaf), content: Some(content), ..unsound }
    }
}

/// An API key sees the rows of its environments and its own; the owner sees all.
fn may_see(credential: &CredentialRow, entry: &Entry) -> bool {
    let in_scope =
        |id: protocol::EnvironmentId| credential.environments.split(' ').any(|one| one == id.to_string());
    credential.class == CredentialClass::Session
        || entry.credential == Some(credential.id)
        || entry.environment.is_some_and(in_scope)
}

/// Lists rows, newest first, from before the row `before`. An API key with the permission sees the rows of its
/// environments and its own. Rows that do not open are named, and hide none of the others.
///
/// # Errors
/// The refusal.
pub async fn list(host: &Host, caller: &Caller, before: Option<u64>) -> Result<AuditRows, Refusal> {
    let ask = Ask { action: "audit", needs: &[Permission::Audit], ..Ask::default() };
    let before = before.unwrap_or(1 << 52);
    let rows = caller.guarded(
        concat!(
            "SELECT seq, at, cost, request, entry, leaf, credential FROM audit
             WHERE account = (SELECT account FROM credentials WHERE id = ?1) AND seq < ?3 AND ",
            permitted!(),
            " ORDER BY seq DESC LIMIT ?4"
        ),
        [Value::from(before), Value::from(PAGE)],
    );
    let mut permit =
        decide(host, caller, ask, vec![rows, archive::find_before(host, caller, before)]).await?;
    let stored: Vec<Stored> = permit.answer()?.rows()?;
    let archived: Option<Segment> = permit.answer()?.row()?;
    let credential = permit.credential();
    let mut page = AuditRows { items: vec![], unreadable: vec![], next: None };
    let mut show = |row: Stored, entry: Option<Entry>| match entry {
        Some(entry) if may_see(credential, &entry) => {
            page.items.push(AuditRow { seq: row.seq, at: row.at, request_id: row.request, entry });
        }
        Some(_) => {}
        None => page.unreadable.push(UnreadableRow { seq: row.seq, leaf: row.leaf(host).ok() }),
    };
    let next = match (stored.last().map(|last| last.seq), archived) {
        // The log goes on in the archive.
        (Some(last), archived) => (archived.is_some() || stored.len() as u64 == PAGE).then_some(last),
        (None, Some(segment)) => {
            let archive = archive::fetch(host, credential.account, &segment).await?;
            let mut rows = archive.rows.into_iter().rev().filter(|row| row.seq < before).peekable();
            for row in rows.by_ref().take(PAGE as usize) {
                let entry = archive.sound.then(|| row.genuine(host)).flatten();
                show(row, entry);
            }
            let next = rows.peek().map_or(segment.first, |row| row.seq + 1);
            Some(next).filter(|next| *next > 1)
        }
        (None, None) => None,
    };
    for row in stored {
        let entry = row.open(host).ok().map(|(_, entry)| entry);
        show(row, entry);
    }
    page.next = next.map(|seq| seq.to_string());
    Ok(page)
}

/// Rows from `from` to `to`, both included, oldest first: whole where the caller may see them, else leaves. Those of an
/// archived segment make up pages of their own.
/// `action` is what the row of this very access says.
///
/// # Errors
/// The refusal.
pub async fn rows(
    host: &Host,
    caller: &Caller,
    action: &'static str,
    from: u64,
    to: Option<u64>,
) -> Result<Page<LoggedRow>, Refusal> {
    let ask = Ask { action, needs: &[Permission::Audit], ..Ask::default() };
    let rows = caller.guarded(
        concat!(
            "SELECT seq, at, cost, request, entry, leaf, credential FROM audit
             WHERE account = (SELECT account FROM credentials WHERE id = ?1) AND seq BETWEEN ?3 AND ?4 AND ",
            permitted!(),
            " ORDER BY seq LIMIT ?5"
        ),
        [Value::from(from), Value::from(to.unwrap_or(1 << 52)), Value::from(LOG_PAGE)],
    );
    let mut permit = decide(host, caller, ask, vec![rows, archive::find_from(host, caller, from)]).await?;
    let stored: Vec<Stored> = permit.answer()?.rows()?;
    let archived: Option<Segment> = permit.answer()?.row()?;
    let end = to.unwrap_or(u64::MAX);
    if let Some(segment) = archived.filter(|segment| segment.first <= end) {
        let credential = permit.credential();
        let archive = archive::fetch(host, credential.account, &segment).await?;
        let mut rows = archive.rows.into_iter().filter(|row| (from..=end).contains(&row.seq)).peekable();
        let page = rows.by_ref().take(LOG_PAGE as usize);
        let items = page.map(|row| row.logged_of_archive(host, credential, archive.sound)).collect();
        let next = rows.peek().map_or(segment.last + 1, |row| row.seq);
        return Ok(Page { items, next: (next <= end).then(|| next.to_string()) });
    }
    let full = stored.len() as u64 == LOG_PAGE;
    let next = stored.last().filter(|last| full && to != Some(last.seq)).map(|last| last.seq + 1);
    let credential = permit.credential();
    let items = stored.into_iter().map(|row| row.logged(host, credential)).collect();
    Ok(Page { items, next: next.map(|seq| seq.to_string()) })
}
