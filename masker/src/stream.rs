//! One output, piece by piece.

use crate::scan::{Lane, Scanner};
use std::sync::Arc;
use zeroize::Zeroizing;

/// The mask over one stream of bytes. Gives out what cannot be a part of a value any more, and holds the rest.
pub struct Stream {
    scanner: Arc<Scanner>,
    /// What is held, behind the last byte that was given out: whether a token begins is told by that one.
    text: Zeroizing<Vec<u8>>,
    /// How much of `text` was given out: one byte, or none at the beginning.
    given: usize,
    /// How far `text` belongs to what was found already, and named.
    masked: usize,
    /// How far it belongs to whole values among that.
    whole: u32,
    lane: Lane,
}

impl Stream {
    pub(crate) fn new(scanner: Arc<Scanner>) -> Self {
        let text = Zeroizing::new(Vec::new());
        Self { scanner, text, given: 0, masked: 0, whole: 0, lane: Lane::default() }
    }

    fn held(&self) -> &[u8] {
        self.text.get(self.given..).unwrap_or_default()
    }

    /// Takes the next piece, and adds to `output` what is decided.
    pub fn push(&mut self, input: &[u8], output: &mut Vec<u8>) {
        self.text.extend_from_slice(input);
        let undecided = self.scanner.undecided(self.held());
        self.give(self.text.len() - undecided, output);
    }

    /// To be called after 50 ms without input: gives out what is held, unless a value may have begun in it.
    pub fn idle(&mut self, output: &mut Vec<u8>) {
        let begins = |at: &usize| self.text.get(*at..).is_some_and(|rest| self.scanner.may_begin(rest));
        let decided = (self.given..self.text.len()).find(begins).unwrap_or(self.text.len());
        self.give(decided, output);
    }

    /// Gives out the rest: nothing more will come.
    pub fn finish(&mut self, output: &mut Vec<u8>) {
        self.give(self.text.len(), output);
    }

    /// Gives out the text up to `decided`, masked; less, where more text may still take back what is found there.
    fn give(&mut self, decided: usize, output: &mut Vec<u8>) {
        let found = self.scanner.scan(&self.text, self.whole, &mut self.lane);
        let open = found.iter().filter(|found| found.form_start as usize >= decided);
        let open = open.map(|found| (found.start as usize).max(self.given)).min();
        let decided = open.map_or(decided, |open| open.min(decided));
        let mut at = self.given.max(self.masked);
        for found in found.iter().take_while(|found| (found.start as usize) < decided) {
            let start = (found.start as usize).max(self.given);
            if start >= at {
                output.extend_from_slice(self.text.get(at..start).unwrap_or_default());
                output.push(b'[');
                output.extend_from_slice(self.scanner.name(found.secret).as_bytes());
                output.push(b']');
            }
            at = at.max(found.end as usize);
            if !found.block {
                self.whole = self.whole.max(found.end);
            }
        }
        output.extend_from_slice(self.text.get(at..decided).unwrap_or_default());
        self.given = decided.min(1);
        let gone = decided - self.given;
        self.text.drain(..gone);
        self.masked = at.saturating_sub(gone);
        self.whole = self.whole.saturating_sub(u32::try_from(gone).unwrap_or(u32::MAX));
    }
}
