//! Checking a log, over what the vault answered and what a client remembers. No request is made here.

use crate::{Finding, follows, is_sound, leaf, root};
use protocol::{
    AccountId, Digest,
    body::{LoggedRow, Receipt, Segment},
};
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    ops::RangeInclusive,
};

/// The newest segment that a client verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pin {
    /// Its number.
    pub n: u64,
    /// Its hash.
    pub hash: Digest,
}

/// What a check of the log came to.
#[derive(Debug)]
pub struct Report {
    /// What is wrong; nothing, if nothing is.
    pub findings: Vec<Finding>,
    /// The newest segment.
    pub newest: Option<Segment>,
    /// The first segment whose rows were checked.
    pub from: Option<Segment>,
    /// The last segment whose rows are no longer kept.
    pub retired: Option<Segment>,
    /// When the first row that was checked was written, in seconds since 1970; unknown if only its leaf was seen.
    pub since: Option<u64>,
    /// Rows that were checked.
    pub rows: u64,
    /// How many of them are in no segment yet.
    pub open: u64,
    /// Receipts of this machine that rows were compared with.
    pub receipts: u64,
    /// Whether a segment was verified here before.
    pub was_pinned: bool,
}

/// Which rows the vault no longer keeps, by its own word.
pub struct Retired {
    /// The number of the last of them.
    pub last: u64,
    /// For how many seconds after their segment was closed no row can be one of them.
    pub kept: u64,
}

/// Collects what the vault answers.
pub struct Verifier {
    headers: Vec<Segment>,
    findings: Vec<Finding>,
    /// By number: the leaf of each row, or nothing where the row is not sound.
    rows: BTreeMap<u64, Option<Digest>>,
    /// Those that the vault cannot open.
    unreadable: BTreeSet<u64>,
    receipts: Vec<Receipt>,
    /// What the other machine was given.
    their_receipts: Vec<Receipt>,
    since: Option<u64>,
    was_pinned: bool,
}

impl Verifier {
    /// Takes the headers from the segment `from` on, and checks that they are a chain.
    pub fn new(account: AccountId, from: u64, headers: Vec<Segment>) -> Self {
        let mut findings = Vec::new();
        let mut expected = from;
        let mut before: Option<&Segment> = None;
        let mut sound = Vec::with_capacity(headers.len());
        for header in &headers {
            while expected < header.n && findings.len() < 100 {
                findings.push(Finding::HeaderMissing { n: expected });
                expected += 1;
            }
            let in_place = match before {
                None if header.n == 1 => follows(account, None, header),
                Some(before) if before.n.checked_add(1) == Some(header.n) => {
                    follows(account, Some(before), header)
                }
                // What is before it was not asked for, or is missing and said so.
                Some(before) => is_sound(account, header) && before.last < header.first,
                None => is_sound(account, header),
            };
            if in_place {
                sound.push(header.clone());
            } else {
                findings.push(Finding::HeaderUnsound { n: header.n });
            }
            expected = header.n.saturating_add(1);
            before = Some(header);
        }
        Self {
            headers: sound,
            findings,
            rows: BTreeMap::new(),
            unreadable: BTreeSet::new(),
            receipts: vec![],
            their_receipts: vec![],
            since: None,
            was_pinned: false,
        }
    }

    /// Adds what was found by whoever asks the vault.
    pub fn finding(&mut self, finding: Finding) {
        self.findings.push(finding);
    }

    /// The segment that was verified before must be there, the same.
    pub fn compare_with_pin(&mut self, pin: &Pin) {
        self.was_pinned = true;
        let newest = self.headers.last().map_or(0, |newest| newest.n);
        match self.headers.iter().find(|header| header.n == pin.n) {
            Some(header) if header.hash != pin.hash => self.finding(Finding::Forked { n: pin.n }),
            None if newest < pin.n => self.finding(Finding::RolledBack { pinned: pin.n, newest }),
            // One that is there but unsound, or missing between others, is found already.
            _ => {}
        }
    }

    /// Takes what this client was given receipts of.
    pub fn receipts(&mut self, receipts: Vec<Receipt>) {
        self.receipts = receipts;
    }

    /// The segment that another machine verified, which must be here, too; its receipts, when the rows are.
    pub fn compare_with(&mut self, pin: Pin, receipts: &[Receipt]) {
        let split = match self.headers.iter().find(|header| header.n == pin.n) {
            Some(header) => header.hash != pin.hash,
            // It has a segment that this one is not shown. One that is missing between others is found already.
            None => self.headers.last().is_none_or(|newest| newest.n < pin.n),
        };
        if split {
            self.finding(Finding::Split { n: pin.n });
        }
        self.their_receipts = receipts.to_vec();
    }

    /// The number of the first row to check.
    pub fn first_row(&self) -> u64 {
        self.headers.first().map_or(1, |header| header.first)
    }

    /// Takes a row; they may come in any order.
    pub fn row(&mut self, row: LoggedRow) {
        let sound = match (row.leaf, &row.content) {
            (Some(stored), Some(content)) => {
                let entry = content.entry.as_bytes();
                (leaf(&content.request_id, content.at, content.cost, entry) == stored).then_some(stored)
            }
            (stored, _) => stored,
        };
        if self.rows.is_empty() {
            self.since = row.content.map(|content| content.at);
        }
        if row.unreadable {
            self.unreadable.insert(row.seq);
        }
        self.rows.insert(row.seq, sound);
    }

    /// Compares everything. Rows that are `retired` may be gone, from the oldest on.
    pub fn report(mut self, retired: &Retired, now: u64) -> Report {
        let retired = self
            .headers
            .iter()
            .take_while(|header| {
                header.last <= retired.last
                    && header.closed_at.saturating_add(retired.kept) <= now
                    && self.rows.range(range(header)).next().is_none()
            })
            .count();
        let kept = self.headers.split_off(retired);
        let retired = self.headers.pop();
        let first = kept.first().map(|header| header.first);
        let first = first.or(retired.as_ref().map(|header| header.last.saturating_add(1))).unwrap_or(1);

        let mut findings = std::mem::take(&mut self.findings);
        findings.extend(self.gaps(first, kept.last().or(retired.as_ref())));
        let moved = self.segments(&kept, &mut findings);
        findings.extend(self.unsound_and_doubled(&findings));
        let explained = |first: u64, last: u64| {
            findings
                .iter()
                .any(|one| matches!(one, Finding::Doubled { again, .. } if (first..=last).contains(again)))
        };
        let differs: Vec<Finding> = findings
            .iter()
            .filter(|one| !matches!(one, Finding::Differs { first, last, .. } if explained(*first, *last)))
            .cloned()
            .collect();
        let mut findings = differs;
        let (contradicted, receipts) = self.contradicted(first, moved);
        findings.extend(contradicted);
        findings.extend(self.split_rows(first));

        let newest = kept.last().or(retired.as_ref()).cloned();
        let open = newest.as_ref().map_or(1, |newest| newest.last.saturating_add(1));
        Report {
            findings,
            open: self.rows.range(open..).count() as u64,
            from: kept.into_iter().next(),
            newest,
            retired,
            since: self.since,
            rows: self.rows.len() as u64,
            receipts,
            was_pinned: self.was_pinned,
        }
    }

    /// Numbers without a row, between others and at the end.
    fn gaps(&self, first: u64, newest: Option<&Segment>) -> Vec<Finding> {
        let mut findings = Vec::new();
        let mut expected = first;
        for seq in self.rows.range(first..).map(|(seq, _)| *seq) {
            if seq > expected {
                findings.push(Finding::Missing { first: expected, last: seq - 1 });
            }
            expected = seq.saturating_add(1);
        }
        let closed = newest.map_or(0, |newest| newest.last);
        let known = self.receipts.iter().map(|receipt| receipt.seq).chain([closed]).max().unwrap_or(0);
        if known >= expected {
            findings.push(Finding::CutOff { end: expected - 1, known });
        }
        findings
    }

    /// Recomputes each root. A segment that differs is explained, where one row or one exchange explains it.
    /// Answers how many rows later ones were moved down by rows that were put in.
    fn segments(&self, headers: &[Segment], findings: &mut Vec<Finding>) -> u64 {
        let mut moved = 0;
        for header in headers {
            let last = header.last.saturating_add(moved);
            let Some(leaves) = self.leaves(header.first.saturating_add(moved)..=last) else {
                // A row is missing or not sound, which is found by itself, unless it was put in.
                if let Some(seq) = self.inserted(header, moved) {
                    findings.push(Finding::Inserted { seq });
                    moved += 1;
                }
                continue;
            };
            if root(&leaves) == header.root {
                continue;
            }
            if let Some(seq) = self.inserted(header, moved) {
                findings.push(Finding::Inserted { seq });
                moved += 1;
            } else if let Some(seq) = swapped(header, &leaves) {
                findings.push(Finding::Swapped { seq: seq.saturating_add(moved) });
            } else {
                findings.push(Finding::Differs { n: header.n, first: header.first, last: header.last });
            }
        }
        moved
    }

    /// The leaves of these rows, if all of them are there and sound.
    fn leaves(&self, seqs: RangeInclusive<u64>) -> Option<Vec<Digest>> {
        let leaves: Vec<Digest> = self.rows.range(seqs.clone()).map_while(|(_, leaf)| *leaf).collect();
        (leaves.len() as u64 == seqs.end().saturating_sub(*seqs.start()).saturating_add(1)).then_some(leaves)
    }

    /// The row without which the segment's rows, and the one after them, are the segment.
    fn inserted(&self, header: &Segment, moved: u64) -> Option<u64> {
        let first = header.first.saturating_add(moved);
        let last = header.last.saturating_add(moved).saturating_add(1);
        let leaves: Vec<(u64, Option<Digest>)> =
            self.rows.range(first..=last).map(|(seq, leaf)| (*seq, *leaf)).collect();
        if leaves.len() as u64 != last.saturating_sub(first).saturating_add(1) {
            return None;
        }
        leaves.iter().map(|(seq, _)| *seq).find(|without| {
            let rest = leaves.iter().filter(|(seq, _)| seq != without).map(|(_, leaf)| *leaf);
            rest.collect::<Option<Vec<_>>>().is_some_and(|rest| root(&rest) == header.root)
        })
    }

    /// Rows that do not open or are not what was written, and rows that are there twice, but for those that were put
    /// in.
    fn unsound_and_doubled(&self, found: &[Finding]) -> Vec<Finding> {
        let inserted = |seq: u64| found.contains(&Finding::Inserted { seq });
        let mut seen: HashMap<Digest, u64> = HashMap::with_capacity(self.rows.len());
        let mut findings = Vec::new();
        for (seq, leaf) in self.rows.iter().filter(|(seq, _)| !inserted(**seq)) {
            if self.unreadable.contains(seq) {
                // Of a column key that is gone, they are many.
                match findings.last_mut() {
                    Some(Finding::Unreadable { last, .. }) if last.checked_add(1) == Some(*seq) => {
                        *last = *seq
                    }
                    _ => findings.push(Finding::Unreadable { first: *seq, last: *seq }),
                }
            }
            let Some(leaf) = leaf else {
                if !self.unreadable.contains(seq) {
                    findings.push(Finding::Altered { seq: *seq });
                }
                continue;
            };
            if let Some(before) = seen.insert(*leaf, *seq) {
                findings.push(Finding::Doubled { seq: before, again: *seq });
            }
        }
        findings
    }

    /// Receipts whose row is there and is another; and how many rows were compared with one.
    fn contradicted(&self, first: u64, moved: u64) -> (Option<Finding>, u64) {
        let mut compared = 0;
        let mut seqs = Vec::new();
        for receipt in self.receipts.iter().filter(|receipt| receipt.seq >= first) {
            let at = |seq: u64| self.rows.get(&seq).copied().flatten();
            // A row that is missing or unsound is found by itself.
            let Some(leaf) = at(receipt.seq) else { continue };
            compared += 1;
            let was_moved = moved > 0 && at(receipt.seq.saturating_add(moved)) == Some(receipt.leaf);
            if leaf != receipt.leaf && !was_moved && !seqs.contains(&receipt.seq) {
                seqs.push(receipt.seq);
            }
        }
        ((!seqs.is_empty()).then_some(Finding::Contradicted { seqs }), compared)
    }

    /// Rows that the other machine was given a receipt of, and that are others here, or not here yet.
    fn split_rows(&self, first: u64) -> Vec<Finding> {
        let mut findings = Vec::new();
        let other = |receipt: &&Receipt| {
            let leaf = self.rows.get(&receipt.seq).copied().flatten();
            receipt.seq >= first && leaf.is_some_and(|leaf| leaf != receipt.leaf)
        };
        let mut seqs: Vec<u64> =
            self.their_receipts.iter().filter(other).map(|receipt| receipt.seq).collect();
        seqs.sort_unstable();
        seqs.dedup();
        if !seqs.is_empty() {
            findings.push(Finding::SplitRows { seqs });
        }
        let end = self.rows.keys().next_back().copied().unwrap_or(0);
        let theirs = self.their_receipts.iter().map(|receipt| receipt.seq).max().unwrap_or(0);
        if theirs > end {
            findings.push(Finding::Behind { theirs, end });
        }
        findings
    }
}

fn range(header: &Segment) -> RangeInclusive<u64> {
    header.first..=header.last
}

/// The row that was exchanged with the one after it, if that is all that was changed.
fn swapped(header: &Segment, leaves: &[Digest]) -> Option<u64> {
    let mut leaves = leaves.to_vec();
    let before = (1..leaves.len()).find(|after| {
        leaves.swap(after - 1, *after);
        let found = root(&leaves) == header.root;
        leaves.swap(after - 1, *after);
        found
    })?;
    header.first.checked_add(before as u64 - 1)
}
