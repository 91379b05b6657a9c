//! The search. A form is found by four bytes of it: every run of text as long as the shortest form holds one of
//! the sampled positions, so only those are looked up; what is found there is then compared.

#![allow(clippy::indexing_slicing, reason = "the inner loops: every index is bounded by the line above it")]

use crate::{
    BuildError,
    forms::{Form, Forms, reduce},
};
use memchr::memmem;
use std::ops::Range;

/// Bytes by which a form is looked up.
const GRAM: usize = 4;
/// Bits of the hash by which a piece is looked for: few pieces of clean text share one with a form's.
const SEEN_BITS: u32 = 20;
/// Bits of the hash by which the forms that have a piece are found.
const BITS: u32 = 16;
/// Bytes between two letters or digits that a split value may have.
const GAP: usize = 8;
/// A part that is as long as this counts without letters and digits mixed.
const PLAIN: usize = 12;

/// A stretch of text that is, or holds, a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) range: Range<usize>,
    pub(crate) secret: u32,
}

/// The letters and digits of a text, in lower case, and where they stand. Kept between searches for its memory.
#[derive(Default)]
pub(crate) struct Lane {
    bytes: Vec<u8>,
    places: Vec<u32>,
}

impl Drop for Lane {
    fn drop(&mut self) {
        zeroize::Zeroize::zeroize(&mut self.bytes);
    }
}

pub(crate) struct Scanner {
    names: Vec<String>,
    exact: Index,
    reduced: Index,
    /// Short values, words and numbers. What is compiled for a search cannot be wiped.
    tokens: Vec<(memmem::Finder<'static>, u32)>,
    to_lane: [u8; 256],
}

/// Forms, and where their four-byte pieces stand.
struct Index {
    forms: Vec<Form>,
    seen: Vec<u64>,
    starts: Vec<u32>,
    entries: Vec<Entry>,
    /// How far apart the sampled positions are; 0 where there is nothing to look for.
    stride: usize,
    /// The greatest length that a part may need to count.
    greatest: usize,
}

/// A piece: its bytes, which form it is of, and where in it.
#[derive(Clone, Copy, Default)]
struct Entry {
    gram: u32,
    form: u32,
    offset: u32,
}

fn gram(bytes: &[u8]) -> u32 {
    u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])
}

fn hash(gram: u32) -> u32 {
    gram.wrapping_mul(0x9E37_79B1)
}

fn seen_slot(hash: u32) -> usize {
    (hash >> (32 - SEEN_BITS)) as usize
}

fn slot(hash: u32) -> usize {
    (hash >> (32 - BITS)) as usize
}

impl Index {
    fn new(forms: Vec<Form>) -> Result<Self, BuildError> {
        let size: usize = forms.iter().map(|form| form.bytes.len()).sum();
        if size > 16 << 20 {
            return Err(BuildError::TooLarge);
        }
        let least = forms.iter().map(|form| form.least).min();
        let stride = least.map_or(0, |least| least + 1 - GRAM);
        // A stretch of text may begin anywhere in a form, and holds as many sampled positions as its length has room
        // for: so of as many pieces that stand a stride apart one is enough. The middle one: values begin and end alike.
        let pieces = |form: &Form| {
            let block = stride.max(1);
            let every = (form.least + 1).saturating_sub(GRAM).div_euclid(block).max(1);
            let count = form.bytes.len().saturating_sub(GRAM - 1);
            let blocks = (every / 2 * block..count).step_by(every * block);
            blocks.flat_map(move |start| start..count.min(start + block))
        };
        let mut starts = vec![0_u32; (1 << BITS) + 1];
        for form in &forms {
            for offset in pieces(form) {
                starts[slot(hash(gram(&form.bytes[offset..]))) + 1] += 1;
            }
        }
        for at in 1..starts.len() {
            starts[at] += starts[at - 1];
        }
        let mut next = starts.clone();
        let mut entries = vec![Entry::default(); starts[1 << BITS] as usize];
        let mut seen = vec![0_u64; (1 << SEEN_BITS) / 64];
        for (form, index) in forms.iter().zip(0_u32..) {
            for offset in pieces(form) {
                let gram = gram(&form.bytes[offset..]);
                let (slot, seen_slot) = (slot(hash(gram)), seen_slot(hash(gram)));
                let offset = u32::try_from(offset).unwrap_or(u32::MAX);
                entries[next[slot] as usize] = Entry { gram, form: index, offset };
                next[slot] += 1;
                seen[seen_slot / 64] |= 1 << (seen_slot % 64);
            }
        }
        let greatest =
            forms.iter().map(|form| if form.mixed { form.least.max(PLAIN) } else { form.least }).max();
        Ok(Self { forms, seen, starts, entries, stride, greatest: greatest.unwrap_or(0) })
    }

    /// Calls `found` with every stretch of `text` that counts. `joins(i)` says whether the bytes `i - 1` and `i`
    /// may belong to one stretch.
    fn scan(&self, text: &[u8], joins: impl Fn(usize) -> bool, mut found: impl FnMut(Range<usize>, &Form)) {
        if self.stride == 0 || text.len() < GRAM {
            return;
        }
        let mut at = 0;
        // The stretch that was found last: its form, where the form would begin, and its end. Its other pieces find
        // it again.
        let mut last = (u32::MAX, 0, 0);
        while at + GRAM <= text.len() {
            let gram = gram(&text[at..at + GRAM]);
            let hash = hash(gram);
            let seen_slot = seen_slot(hash);
            if self.seen[seen_slot / 64] >> (seen_slot % 64) & 1 == 1 {
                let slot = slot(hash);
                for entry in &self.entries[self.starts[slot] as usize..self.starts[slot + 1] as usize] {
                    let offset = entry.offset as usize;
                    let begins = at.wrapping_sub(offset);
                    if entry.gram != gram || (entry.form == last.0 && begins == last.1 && at + GRAM <= last.2)
                    {
                        continue;
                    }
                    let form = &self.forms[entry.form as usize];
                    if let Some(range) = extend(text, at, form, offset, &joins) {
                        last = (entry.form, begins, range.end);
                        found(range, form);
                    }
                }
            }
            at += self.stride;
        }
    }
}

/// The longest stretch around `at` that is the form around `offset`, if it counts.
fn extend(
    text: &[u8],
    at: usize,
    form: &Form,
    offset: usize,
    joins: &impl Fn(usize) -> bool,
) -> Option<Range<usize>> {
    let bytes = &form.bytes;
    if form.least == bytes.len() {
        let start = at.checked_sub(offset)?;
        let whole = text.get(start..start + bytes.len())?;
        // The first byte tells most of them apart, and costs least.
        let same = whole[0] == bytes[0] && whole == bytes.as_slice();
        return (same && (start + 1..start + bytes.len()).all(joins)).then(|| start..start + bytes.len());
    }
    if !(at + 1..at + GRAM).all(joins) {
        return None;
    }
    let mut before = 0;
    while before < at.min(offset) && text[at - before - 1] == bytes[offset - before - 1] && joins(at - before)
    {
        before += 1;
    }
    let mut end = at + GRAM;
    let mut of_form = offset + GRAM;
    while end < text.len() && of_form < bytes.len() && text[end] == bytes[of_form] && joins(end) {
        end += 1;
        of_form += 1;
    }
    let range = at - before..end;
    let length = range.len();
    let counts = length >= form.least && (!form.mixed || length >= PLAIN || is_mixed(&text[range.clone()]));
    counts.then_some(range)
}

fn is_mixed(part: &[u8]) -> bool {
    let digits = part.iter().filter(|byte| byte.is_ascii_digit()).count();
    digits >= 2 && part.len() - digits >= 2
}

impl Scanner {
    pub(crate) fn new(forms: Forms) -> Result<Self, BuildError> {
        let mut to_lane = [0; 256];
        for byte in 0..=255_u8 {
            to_lane[usize::from(byte)] = reduce(byte).unwrap_or(0);
        }
        Ok(Self {
            names: forms.names,
            exact: Index::new(forms.exact)?,
            reduced: Index::new(forms.reduced)?,
            tokens: forms
                .tokens
                .iter()
                .map(|(value, secret)| (memmem::Finder::new(value.as_slice()).into_owned(), *secret))
                .collect(),
            to_lane,
        })
    }

    pub(crate) fn name(&self, secret: u32) -> &str {
        self.names.get(secret as usize).map_or("", String::as_str)
    }

    /// Everything to be masked in a text: in order, without overlaps.
    pub(crate) fn scan(&self, text: &[u8], lane: &mut Lane) -> Vec<Found> {
        let mut found: Vec<Found> = Vec::new();
        let mut add = |range: Range<usize>, secret: u32| match found.last_mut() {
            Some(last) if last.range == range => last.secret = last.secret.min(secret),
            Some(last) if last.range.start <= range.start && range.end <= last.range.end => {}
            _ => found.push(Found { range, secret }),
        };
        self.exact.scan(text, |_| true, |range, form| add(range, form.secret));
        if self.reduced.stride != 0 {
            self.fill(text, lane);
            let Lane { bytes, places } = &*lane;
            let joins = |at: usize| (places[at] - places[at - 1]) as usize <= GAP + 1;
            self.reduced.scan(bytes, joins, |range, form| {
                add(places[range.start] as usize..places[range.end - 1] as usize + 1, form.secret);
            });
        }
        for (finder, secret) in &self.tokens {
            let length = finder.needle().len();
            for start in finder.find_iter(text) {
                let inside =
                    |at: Option<&u8>| at.is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
                let before = start.checked_sub(1).and_then(|at| text.get(at));
                if !inside(before) && !inside(text.get(start + length)) {
                    add(start..start + length, *secret);
                }
            }
        }
        found.sort_unstable_by_key(|found| (found.range.start, usize::MAX - found.range.end, found.secret));
        let mut merged: Vec<Found> = Vec::with_capacity(found.len());
        for next in found {
            match merged.last_mut() {
                Some(last) if next.range.start < last.range.end => {
                    last.range.end = last.range.end.max(next.range.end);
                }
                _ => merged.push(next),
            }
        }
        merged
    }

    fn fill(&self, text: &[u8], lane: &mut Lane) {
        lane.bytes.resize(text.len(), 0);
        lane.places.resize(text.len(), 0);
        let (mut count, mut place) = (0, 0);
        for byte in text {
            let letter = self.to_lane[usize::from(*byte)];
            lane.bytes[count] = letter;
            lane.places[count] = place;
            count += usize::from(letter != 0);
            place += 1;
        }
        lane.bytes.truncate(count);
        lane.places.truncate(count);
    }

    /// How many bytes at the end of a text may be the beginning of something that only more text would show.
    pub(crate) fn undecided(&self, text: &[u8]) -> usize {
        let token = self.tokens.iter().map(|(finder, _)| finder.needle().len() + 1).max().unwrap_or(0);
        let exact = self.exact.greatest.max(token);
        let mut letters = self.reduced.greatest;
        let mut gap = 0;
        let mut held = 0;
        // As many letters and digits as the longest part needs, and what stands between them.
        for (byte, length) in text.iter().rev().zip(1..) {
            if letters == 0 || gap > GAP {
                break;
            }
            if self.to_lane[usize::from(*byte)] == 0 {
                gap += 1;
            } else {
                gap = 0;
                letters -= 1;
                held = length;
            }
        }
        exact.max(held).min(text.len())
    }

    /// Whether a text is the beginning of a form, or a part of one whose parts count.
    pub(crate) fn may_begin(&self, text: &[u8]) -> bool {
        let begins = |form: &Form, text: &[u8]| form.bytes.starts_with(text);
        let begun = text.first().is_some_and(u8::is_ascii_alphanumeric);
        let letters: Vec<u8> = text.iter().filter(|_| begun).filter_map(|byte| reduce(*byte)).collect();
        self.exact.forms.iter().any(|form| begins(form, text))
            || (letters.len() >= GRAM && self.reduced.forms.iter().any(|form| begins(form, &letters)))
            || self.tokens.iter().any(|(finder, _)| finder.needle().starts_with(text))
    }
}
