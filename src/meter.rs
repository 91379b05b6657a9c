//! What a request costs in the units that Cloudflare counts: rows of D1 and operations of KV. Answered as a header where
//! the variable `METER` is set, which tests do and deployments do not.

use axum::http::{HeaderName, HeaderValue};
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::Relaxed},
};
use worker::{D1Result, Env};

/// The header.
pub(crate) const HEADER: HeaderName = HeaderName::from_static("x-meter");

/// One request's counts, if they are asked for; cheap to clone.
#[derive(Clone)]
pub(crate) struct Meter(Option<Arc<Counts>>);

#[derive(Default)]
struct Counts {
    rows_read: AtomicUsize,
    rows_written: AtomicUsize,
    blobs: AtomicUsize,
}

impl Meter {
    pub(crate) fn new(env: &Env) -> Self {
        Self(env.var("METER").is_ok().then(Arc::default))
    }

    /// Counts a statement's rows, by D1's own words.
    pub(crate) fn count_rows(&self, result: &D1Result) {
        if let Some(counts) = &self.0
            && let Ok(Some(meta)) = result.meta()
        {
            counts.rows_read.fetch_add(meta.rows_read.unwrap_or(0), Relaxed);
            counts.rows_written.fetch_add(meta.rows_written.unwrap_or(0), Relaxed);
        }
    }

    /// Counts an operation of KV.
    pub(crate) fn count_blob(&self) {
        if let Some(counts) = &self.0 {
            counts.blobs.fetch_add(1, Relaxed);
        }
    }

    /// What was counted: rows read, rows written, operations of KV.
    pub(crate) fn read(&self) -> Option<HeaderValue> {
        let counts = self.0.as_ref()?;
        let [read, written, blobs] =
            [&counts.rows_read, &counts.rows_written, &counts.blobs].map(|count| count.load(Relaxed));
        HeaderValue::try_from(format!("{read} {written} {blobs}")).ok()
    }
}
