//! How the audit log is hashed (`docs/protocol.md`, "The audit log"): a row is a leaf, up to [`LONGEST_SEGMENT`]
//! rows are the Merkle tree of a segment, and each segment names the hash of the one before. The vault closes
//! segments with this and clients check logs with this; no key is in it.

mod finding;
mod tree;
mod verify;

pub use finding::Finding;
pub use tree::root;
pub use verify::{Pin, Report, Retired, Verifier};

use protocol::{AccountId, Digest, body::Segment};
use seal::Writer;
use sha2::Sha256;

/// Rows of one segment, at most.
pub const LONGEST_SEGMENT: u64 = 1000;

/// The hash of a row: of what it says, and of nothing that depends on where it is stored or how it is sealed
/// there. Its place, account and number, is bound by the segment that it is closed into.
///
/// `at` is in seconds since 1970, `cost` the reads that the row counts for, `entry` the JSON as it was sealed,
/// byte for byte. The salt in `entry` keeps the leaf from being guessed by who sees only the rest.
pub fn leaf(request_id: &str, at: u64, cost: u64, entry: &[u8]) -> Digest {
    let fields = Writer::new()
        .u8(tree::LEAF)
        .bytes(b"securecode/1/audit-row")
        .bytes(request_id.as_bytes())
        .u64(at)
        .u64(cost)
        .bytes(entry);
    digest(&fields.finish())
}

/// The hash of a segment's header; what its own `hash` must be.
pub fn segment_hash(account: AccountId, segment: &Segment) -> Digest {
    let fields = Writer::new()
        .bytes(b"securecode/1/audit-segment")
        .bytes(account.as_bytes())
        .u64(segment.n)
        .u64(segment.first)
        .u64(segment.last)
        .bytes(segment.root.as_bytes())
        .bytes(segment.previous.as_bytes())
        .u64(segment.closed_at);
    digest(&fields.finish())
}

/// Closes the rows after `previous`, or from the first on, into the segment that follows it. `closed_at` is in
/// seconds since 1970. Nothing if there are no leaves.
pub fn close(
    account: AccountId,
    previous: Option<&Segment>,
    leaves: &[Digest],
    closed_at: u64,
) -> Option<Segment> {
    let before = previous.map_or(0, |segment| segment.last);
    let count = u64::try_from(leaves.len()).ok().filter(|count| *count > 0)?;
    let mut segment = Segment {
        n: previous.map_or(0, |segment| segment.n).checked_add(1)?,
        first: before.checked_add(1)?,
        last: before.checked_add(count)?,
        root: root(leaves),
        previous: previous.map_or(NO_SEGMENT, |segment| segment.hash),
        closed_at,
        hash: NO_SEGMENT,
    };
    segment.hash = segment_hash(account, &segment);
    Some(segment)
}

/// Whether a header is sound by itself and follows `previous`, or is the first of an account if there is none.
/// Says nothing of the rows.
pub fn follows(account: AccountId, previous: Option<&Segment>, next: &Segment) -> bool {
    let (n, last, hash) =
        previous.map_or((0, 0, NO_SEGMENT), |segment| (segment.n, segment.last, segment.hash));
    is_sound(account, next)
        && n.checked_add(1) == Some(next.n)
        && last.checked_add(1) == Some(next.first)
        && hash == next.previous
}

/// Whether a header's hash is of its own fields, and its rows are in order and not too many.
pub fn is_sound(account: AccountId, segment: &Segment) -> bool {
    segment.first >= 1
        && segment.last >= segment.first
        && segment.last - segment.first < LONGEST_SEGMENT
        && segment.hash == segment_hash(account, segment)
}

/// What stands in `previous` of an account's first segment.
const NO_SEGMENT: Digest = Digest::from_bytes([0; 32]);

fn digest(bytes: &[u8]) -> Digest {
    Digest::from_bytes(<Sha256 as sha2::Digest>::digest(bytes).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ACCOUNT: AccountId = AccountId::from_bytes([7; 16]);

    fn leaves(count: u8) -> Vec<Digest> {
        (0..count).map(|number| leaf("0123456789abcdef0123456789abcdef", 5, 1, &[number])).collect()
    }

    #[test]
    fn each_part_of_a_row_is_in_its_leaf() {
        let leaf_of = |id: &str, at, cost, entry: &[u8]| leaf(id, at, cost, entry);
        let row = leaf_of("ab", 1, 1, b"{}");
        for other in [
            leaf_of("ac", 1, 1, b"{}"),
            leaf_of("ab", 2, 1, b"{}"),
            leaf_of("ab", 1, 2, b"{}"),
            leaf_of("ab", 1, 1, b"{ }"),
            leaf_of("a", 1, 1, b"b{}"),
        ] {
            assert_ne!(row, other);
        }
    }

    #[test]
    fn a_segment_follows_the_one_before_and_no_other() {
        let first = close(ACCOUNT, None, &leaves(3), 10).unwrap();
        let second = close(ACCOUNT, Some(&first), &leaves(2), 11).unwrap();
        assert_eq!((first.first, first.last, second.n, second.first, second.last), (1, 3, 2, 4, 5));
        assert!(follows(ACCOUNT, None, &first) && follows(ACCOUNT, Some(&first), &second));
        assert!(!follows(ACCOUNT, None, &second) && !follows(ACCOUNT, Some(&second), &first));
        assert!(!follows(AccountId::from_bytes([8; 16]), None, &first));
        assert_eq!(close(ACCOUNT, Some(&second), &[], 12), None);
    }

    #[test]
    fn no_field_of_a_header_can_be_changed() {
        let first = close(ACCOUNT, None, &leaves(3), 10).unwrap();
        let second = close(ACCOUNT, Some(&first), &leaves(2), 11).unwrap();
        let other = root(&leaves(4));
        for changed in [
            Segment { n: 3, ..second.clone() },
            Segment { first: 3, ..second.clone() },
            Segment { last: 6, ..second.clone() },
            Segment { root: other, ..second.clone() },
            Segment { previous: other, ..second.clone() },
            Segment { closed_at: 12, ..second.clone() },
            Segment { hash: other, ..second.clone() },
        ] {
            assert!(!is_sound(ACCOUNT, &changed), "{changed:?}");
        }
    }

    #[test]
    fn a_header_names_no_more_rows_than_a_segment_has() {
        let mut segment = close(ACCOUNT, None, &leaves(3), 10).unwrap();
        for (last, sound) in
            [(LONGEST_SEGMENT, true), (LONGEST_SEGMENT + 1, false), (u64::MAX, false), (0, false)]
        {
            segment.last = last;
            segment.hash = segment_hash(ACCOUNT, &segment);
            assert_eq!(is_sound(ACCOUNT, &segment), sound, "{last}");
        }
    }
}
