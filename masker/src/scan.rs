//! The search. A form is found by four bytes of it: every run of text as long as the shortest form holds one of
//! the sampled positions, so only those are looked up; what is found there is then compared.

#![allow(clippy::indexing_slicing, reason = "the inner loops: every index is bounded by the line above it")]

use crate::forms::{Form, Forms, reduce};
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

/// A form that stands in a text. Half as wide as `usize` would have it: a text of nothing but secrets has many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Found {
    /// What is to be masked.
    pub(crate) start: u32,
    pub(crate) end: u32,
    /// Where the form stands: less than what is masked, if it is a block's.
    pub(crate) form_start: u32,
    form_end: u32,
    pub(crate) secret: u32,
    pub(crate) block: bool,
}

impl Found {
    /// The order in which masks begin; of those that begin together the longest is first.
    fn order(&self) -> (u32, u32, u32) {
        (self.start, u32::MAX - self.end, self.secret)
    }

    /// Adds it to what was found before, which is nearly in order: a form is found by a piece of it.
    fn add_to(self, found: &mut Vec<Self>) {
        found.push(self);
        let mut at = found.len() - 1;
        while at > 0 && found[at - 1].order() > found[at].order() {
            found.swap(at - 1, at);
            at -= 1;
        }
    }
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
    /// The slots of the forms' first pieces.
    firsts: Vec<u64>,
    starts: Vec<u32>,
    entries: Vec<Entry>,
    /// How far apart the sampled positions are, and of how many bytes in a row each form is known; 0 where there is
    /// nothing to look for.
    stride: usize,
    /// The greatest length of a form, and of a block's.
    longest: usize,
    longest_block: usize,
}

/// A piece: its bytes, four more of the form it is of, which form that is, and where in it the piece stands.
#[derive(Clone, Copy, Default)]
struct Entry {
    gram: u32,
    /// The form's first bytes or, where the piece has some of those, the next: they tell most forms apart.
    more: u32,
    form: u32,
    offset: u32,
}

/// Where the other four bytes of an entry are. No form is shorter than eight.
fn more(offset: usize) -> usize {
    if offset < GRAM { GRAM } else { 0 }
}

fn gram(bytes: &[u8]) -> u32 {
    u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])
}

/// A piece of a form as it is looked up.
fn piece(form: &Form, offset: usize) -> u32 {
    let piece = gram(&form.bytes[offset..]).to_le_bytes();
    u32::from_le_bytes(if form.cased { piece.map(|byte| byte.to_ascii_lowercase()) } else { piece })
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
    fn new(forms: Vec<Form>) -> Self {
        let shortest = forms.iter().map(|form| form.bytes.len()).min();
        let stride = shortest.map_or(0, |shortest| shortest + 1 - GRAM);
        // Wherever a form stands, a sampled position falls on one of as many of its bytes: on those in its middle, at its
        // beginning or at its end, whichever fewer others have.
        let mut starts = vec![0_u32; (1 << BITS) + 1];
        let mut pieces = Vec::with_capacity(forms.len());
        for form in &forms {
            let last = form.bytes.len() + 1 - GRAM - stride;
            let slots =
                |first: usize| (first..first + stride).map(|offset| slot(hash(piece(form, offset))) + 1);
            let alike = |first: &usize| slots(*first).map(|slot| starts[slot]).sum::<u32>();
            let first = [last / 2, 0, last].into_iter().min_by_key(alike).unwrap_or(0);
            for slot in slots(first) {
                starts[slot] += 1;
            }
            pieces.push(first..first + stride);
        }
        for at in 1..starts.len() {
            starts[at] += starts[at - 1];
        }
        let mut next = starts.clone();
        let mut entries = vec![Entry::default(); starts[1 << BITS] as usize];
        let mut seen = vec![0_u64; (1 << SEEN_BITS) / 64];
        for ((form, pieces), index) in forms.iter().zip(pieces).zip(0_u32..) {
            for offset in pieces {
                let (more, gram) = (piece(form, more(offset)), piece(form, offset));
                let (slot, seen_slot) = (slot(hash(gram)), seen_slot(hash(gram)));
                let offset = u32::try_from(offset).unwrap_or(u32::MAX);
                entries[next[slot] as usize] = Entry { gram, more, form: index, offset };
                next[slot] += 1;
                seen[seen_slot / 64] |= 1 << (seen_slot % 64);
            }
        }
        let mut firsts = vec![0_u64; (1 << BITS) / 64];
        for form in &forms {
            let slot = slot(hash(piece(form, 0)));
            firsts[slot / 64] |= 1 << (slot % 64);
        }
        let longest = |block: bool| {
            let forms = forms.iter().filter(|form| form.block.is_some() == block);
            forms.map(|form| form.bytes.len()).max().unwrap_or(0)
        };
        let (longest, longest_block) = (longest(false), longest(true));
        Self { forms, seen, firsts, starts, entries, stride, longest, longest_block }
    }

    /// Whether a form begins with a text.
    fn begins(&self, text: &[u8]) -> bool {
        let possible = text.get(..GRAM).is_none_or(|first| {
            let slot = slot(hash(gram(first)));
            self.firsts[slot / 64] >> (slot % 64) & 1 == 1
        });
        let begins = |form: &Form| {
            let first = form.bytes.get(..text.len());
            first.is_some_and(|first| first == text || (form.cased && first.eq_ignore_ascii_case(text)))
        };
        possible && self.forms.iter().any(begins)
    }

    /// Calls `found` with every form in `text`, and where it begins; a cased one only by eight of its letters.
    fn scan(&self, text: &[u8], mut found: impl FnMut(usize, &Form)) {
        if self.stride == 0 || text.len() < GRAM {
            return;
        }
        let mut at = 0;
        while at + GRAM <= text.len() {
            let piece = gram(&text[at..at + GRAM]);
            let hash = hash(piece);
            let seen_slot = seen_slot(hash);
            if self.seen[seen_slot / 64] >> (seen_slot % 64) & 1 == 1 {
                let slot = slot(hash);
                for entry in &self.entries[self.starts[slot] as usize..self.starts[slot + 1] as usize] {
                    let offset = entry.offset as usize;
                    let Some(start) = at.checked_sub(offset).filter(|_| entry.gram == piece) else {
                        continue;
                    };
                    let other = start + more(offset);
                    if text.get(other..other + GRAM).is_some_and(|other| gram(other) == entry.more) {
                        let form = &self.forms[entry.form as usize];
                        // A cased form is compared by the caller, who knows how the text has it.
                        let there = text.get(start..start + form.bytes.len());
                        if there.is_some_and(|there| form.cased || there == form.bytes.as_slice()) {
                            found(start, form);
                        }
                    }
                }
            }
            at += self.stride;
        }
    }
}

impl Lane {
    /// How far apart the letters and digits of a find stand at most, if that is no further than those of one do.
    fn spacing(&self, letters: Range<usize>) -> Option<usize> {
        if self.is_word(letters.clone()) {
            return Some(1);
        }
        let places = self.places[letters].windows(2);
        let most = places.map(|pair| (pair[1] - pair[0]) as usize).max().unwrap_or(1);
        (most <= GAP + 1).then_some(most)
    }

    fn place(&self, letters: Range<usize>) -> (u32, u32) {
        (self.places[letters.start], self.places[letters.end - 1] + 1)
    }

    /// The run of letters and digits that a block was found in, up to as many on either side as make no block: what is
    /// left of a value that was cut off. How far it goes is told by the text alone. If the value told it, it would be
    /// seen where a text stops to agree with the value.
    fn run(&self, text: &[u8], block: Range<usize>, spacing: usize, between: &[u8]) -> Range<usize> {
        let more = block.len() - 1;
        let joins = |at: &usize| {
            let (before, after) = (self.places[at - 1] as usize, self.places[*at] as usize);
            after - before <= spacing
                || (after - before <= GAP + 1
                    && text[before + 1..after].iter().all(|byte| between.contains(byte)))
        };
        let (least, most) = (block.start.saturating_sub(more), self.places.len().min(block.end + more));
        // Mostly it is one word.
        let start = match self.is_word(least..block.end) {
            true => least,
            false => block.start - (least + 1..=block.start).rev().take_while(joins).count(),
        };
        let end = match self.is_word(block.start..most) {
            true => most,
            false => block.end + (block.end..most).take_while(joins).count(),
        };
        start..end
    }

    /// Whether the text has these letters and digits in this case.
    fn reads(&self, text: &[u8], letters: Range<usize>, bytes: &[u8]) -> bool {
        let places = &self.places[letters.clone()];
        if self.is_word(letters) {
            let first = places[0] as usize;
            return text[first..first + bytes.len()] == *bytes;
        }
        places.iter().zip(bytes).all(|(place, byte)| text[*place as usize] == *byte)
    }

    /// Whether nothing stands between these letters and digits.
    fn is_word(&self, letters: Range<usize>) -> bool {
        (self.places[letters.end - 1] - self.places[letters.start]) as usize == letters.len() - 1
    }
}

impl Scanner {
    pub(crate) fn new(forms: Forms) -> Self {
        let mut to_lane = [0; 256];
        for byte in 0..=255_u8 {
            to_lane[usize::from(byte)] = reduce(byte).unwrap_or(0);
        }
        Self {
            names: forms.names,
            exact: Index::new(forms.exact),
            reduced: Index::new(forms.reduced),
            tokens: forms
                .tokens
                .iter()
                .map(|(value, secret)| (memmem::Finder::new(value.as_slice()).into_owned(), *secret))
                .collect(),
            to_lane,
        }
    }

    pub(crate) fn name(&self, secret: u32) -> &str {
        self.names.get(secret as usize).map_or("", String::as_str)
    }

    /// Everything to be masked in a text, in the order in which it begins. Up to `whole` the text belongs to whole values
    /// that began before it. A text is shorter than 4 GiB.
    pub(crate) fn scan(&self, text: &[u8], whole: u32, lane: &mut Lane) -> Vec<Found> {
        let whole_at = |start: u32, end: u32, secret: u32| Found {
            start,
            end,
            form_start: start,
            form_end: end,
            secret,
            block: false,
        };
        let (mut found, mut tokens, mut reduced, mut blocks) = (vec![], vec![], vec![], vec![]);
        self.exact.scan(text, |start, form| {
            let end = start + form.bytes.len();
            whole_at(start as u32, end as u32, form.secret).add_to(&mut found);
        });
        for (finder, secret) in &self.tokens {
            let length = finder.needle().len();
            for start in finder.find_iter(text) {
                let inside =
                    |at: Option<&u8>| at.is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
                let before = start.checked_sub(1).and_then(|at| text.get(at));
                if !inside(before) && !inside(text.get(start + length)) {
                    tokens.push(whole_at(start as u32, (start + length) as u32, *secret));
                }
            }
        }
        if self.reduced.stride != 0 {
            self.fill(text, lane);
            self.reduced.scan(&lane.bytes, |start, form| {
                let letters = start..start + form.bytes.len();
                if form.cased && !lane.reads(text, letters.clone(), &form.bytes) {
                    return;
                }
                let Some(spacing) = lane.spacing(letters.clone()) else { return };
                let (form_start, form_end) = lane.place(letters.clone());
                let secret = form.secret;
                if let Some(run) = form.block {
                    let (start, end) = lane.place(lane.run(text, letters, spacing, run.between()));
                    Found { start, end, form_start, form_end, secret, block: true }.add_to(&mut blocks);
                } else {
                    whole_at(form_start, form_end, secret).add_to(&mut reduced);
                }
            });
        }
        found.append(&mut tokens);
        found.append(&mut reduced);
        found.sort_by_key(Found::order);
        // Beside a value that stands there as a whole nothing is masked for its blocks.
        let wholes: Vec<(u32, u32)> = found
            .iter()
            .scan(whole, |end, found| {
                *end = found.end.max(*end);
                Some((found.start, *end))
            })
            .collect();
        // How many begin no later than a block: of the next nearly as many, for blocks are nearly in order.
        let mut begun = 0;
        blocks.retain(|block| {
            while begun < wholes.len() && wholes[begun].0 <= block.form_start {
                begun += 1;
            }
            while begun > 0 && wholes[begun - 1].0 > block.form_start {
                begun -= 1;
            }
            block.form_end > if begun == 0 { whole } else { wholes[begun - 1].1 }
        });
        found.append(&mut blocks);
        found.sort_by_key(Found::order);
        found
    }

    /// Not inlined: the compiler makes more of the loop where it knows that nothing in it overlaps.
    #[inline(never)]
    fn fill(&self, text: &[u8], lane: &mut Lane) {
        lane.bytes.resize(text.len(), 0);
        lane.places.resize(text.len(), 0);
        let (bytes, places) = (lane.bytes.as_mut_slice(), &mut lane.places[..text.len()]);
        let mut count = 0;
        for (byte, place) in text.iter().zip(0..) {
            let letter = self.to_lane[usize::from(*byte)];
            bytes[count] = letter;
            places[count] = place;
            count += usize::from(letter != 0);
        }
        lane.bytes.truncate(count);
        lane.places.truncate(count);
    }

    /// How many bytes at the end of a text may be the beginning of something that only more text would show.
    pub(crate) fn undecided(&self, text: &[u8]) -> usize {
        let token = self.tokens.iter().map(|(finder, _)| finder.needle().len() + 1).max().unwrap_or(0);
        let exact = self.exact.longest.max(token);
        // A block's find reaches nearly as far again, on either side.
        let mut letters = self.reduced.longest.max(2 * self.reduced.longest_block);
        let mut gap = 0;
        let mut held = 0;
        // As many letters and digits as the longest find has, and what stands between them.
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

    /// Whether a text is the beginning of a form.
    pub(crate) fn may_begin(&self, text: &[u8]) -> bool {
        let begun = text.first().is_some_and(u8::is_ascii_alphanumeric);
        let letters = || text.iter().filter(|_| begun).filter_map(|byte| reduce(*byte));
        // Of a long text the first letters mostly are enough.
        let first: Vec<u8> = letters().take(GRAM).collect();
        self.exact.begins(text)
            || (first.len() == GRAM
                && self.reduced.begins(&first)
                && self.reduced.begins(&letters().collect::<Vec<u8>>()))
            || self.tokens.iter().any(|(finder, _)| finder.needle().starts_with(text))
    }
}
