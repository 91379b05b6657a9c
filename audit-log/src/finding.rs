use std::fmt;

/// Something that is wrong with a log.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "the words of `Display` say what each is")]
pub enum Finding {
    Altered { seq: u64 },
    Unreadable { first: u64, last: u64 },
    Missing { first: u64, last: u64 },
    CutOff { end: u64, known: u64 },
    Inserted { seq: u64 },
    Doubled { seq: u64, again: u64 },
    Swapped { seq: u64 },
    Differs { n: u64, first: u64, last: u64 },
    HeaderUnsound { n: u64 },
    HeaderMissing { n: u64 },
    RolledBack { pinned: u64, newest: u64 },
    Forked { n: u64 },
    Contradicted { seqs: Vec<u64> },
    Split { n: u64 },
    SplitRows { seqs: Vec<u64> },
    Behind { theirs: u64, end: u64 },
    NotClosed,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Altered { seq } => {
                write!(f, "edited: row {seq} does not say what it said when it was written")
            }
            Self::Unreadable { first, last } if first == last => write!(
                f,
                "unreadable: the vault cannot open row {first}: it was altered where it is stored, or sealed under a column key that the vault has no more"
            ),
            Self::Unreadable { first, last } => write!(
                f,
                "unreadable: the vault cannot open rows {first} to {last}: they were altered where they are stored, or sealed under a column key that the vault has no more"
            ),
            Self::Missing { first, last } if first == last => write!(f, "missing: row {first}"),
            Self::Missing { first, last } => write!(f, "missing: rows {first} to {last}"),
            Self::CutOff { end, known } => {
                write!(f, "truncated: the log ends with row {end}, but there was a row {known}")
            }
            Self::Inserted { seq } => write!(f, "inserted: row {seq} was put in, and later ones moved down"),
            Self::Doubled { seq, again } => write!(f, "doubled: row {again} is row {seq} once more"),
            Self::Swapped { seq } => write!(f, "swapped: rows {seq} and {}", seq.saturating_add(1)),
            Self::Differs { n, first, last } => write!(
                f,
                "changed: rows {first} to {last} are not those that segment {n} was closed over: some were edited, moved, or put in for others"
            ),
            Self::HeaderUnsound { n } => {
                write!(f, "edited: the header of segment {n} does not follow from the one before it")
            }
            Self::HeaderMissing { n } => write!(f, "missing: the header of segment {n}"),
            Self::RolledBack { pinned, newest } => write!(
                f,
                "rolled back: segment {pinned} was verified before, but the log now ends with segment {newest}: it is an older one"
            ),
            Self::Forked { n } => write!(
                f,
                "rolled back: segment {n} is not the one that was verified before: the log is another, or an older one that went on"
            ),
            Self::Contradicted { seqs } => {
                write!(f, "receipt contradicted: not the rows that this machine was given: {}", some(seqs))
            }
            Self::Split { n } => write!(
                f,
                "split view: the other machine verified another segment {n} than this one is shown: the vault shows two histories"
            ),
            Self::SplitRows { seqs } => write!(
                f,
                "split view: not the rows that the other machine was given: {}: the vault shows two histories",
                some(seqs)
            ),
            Self::Behind { theirs, end } => write!(
                f,
                "split view: the other machine knows row {theirs}, but this one is shown a log that ends with row {end}"
            ),
            Self::NotClosed => {
                write!(f, "damaged: the vault itself finds its log changed, and closes it no further")
            }
        }
    }
}

/// The first of these numbers, and how many more there are.
fn some(seqs: &[u64]) -> String {
    let shown: Vec<String> = seqs.iter().take(5).map(u64::to_string).collect();
    let more = seqs.len().saturating_sub(shown.len());
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    shown.join(", ") + &more
}
