//! One output, piece by piece.

use crate::scan::{Lane, Scanner};
use std::sync::Arc;
use zeroize::Zeroizing;

/// The mask over one stream of bytes. Gives out what cannot be a part of a value any more, and holds the rest.
pub struct Stream {
    scanner: Arc<Scanner>,
    held: Zeroizing<Vec<u8>>,
    lane: Lane,
    /// The last byte that was given out: whether a token begins is told by what stands before it.
    before: Option<u8>,
}

impl Stream {
    pub(crate) fn new(scanner: Arc<Scanner>) -> Self {
        Self { scanner, held: Zeroizing::new(Vec::new()), lane: Lane::default(), before: None }
    }

    /// Takes the next piece, and adds to `output` what is decided.
    pub fn push(&mut self, input: &[u8], output: &mut Vec<u8>) {
        self.held.extend_from_slice(input);
        let undecided = self.scanner.undecided(&self.held);
        self.give(self.held.len() - undecided, output);
    }

    /// To be called after 50 ms without input: gives out what is held, unless a value may have begun in it.
    pub fn idle(&mut self, output: &mut Vec<u8>) {
        let mut kept = self.held.len();
        for (at, length) in (0..self.held.len()).zip((1..=self.held.len()).rev()) {
            if self.held.get(at..).is_some_and(|rest| self.scanner.may_begin(rest)) {
                kept = self.held.len() - length;
                break;
            }
        }
        self.give(kept, output);
    }

    /// Gives out the rest: nothing more will come.
    pub fn finish(&mut self, output: &mut Vec<u8>) {
        self.give(self.held.len(), output);
    }

    /// Gives out the first `decided` bytes, masked; fewer, where something that is found goes on behind them.
    fn give(&mut self, mut decided: usize, output: &mut Vec<u8>) {
        let last = decided == self.held.len();
        let whole = match self.before {
            Some(before) => {
                let mut whole = Zeroizing::new(Vec::with_capacity(self.held.len() + 1));
                whole.push(before);
                whole.extend_from_slice(&self.held);
                whole
            }
            None => Zeroizing::new(self.held.to_vec()),
        };
        let offset = usize::from(self.before.is_some());
        let found = self.scanner.scan(&whole, &mut self.lane);
        if !last {
            for found in found.iter().rev() {
                if found.range.end > decided + offset && found.range.start < decided + offset {
                    decided = found.range.start.saturating_sub(offset);
                }
            }
        }
        let mut at = 0;
        for found in &found {
            let (start, end) =
                (found.range.start.saturating_sub(offset), found.range.end.saturating_sub(offset));
            if end > decided {
                break;
            }
            output.extend_from_slice(self.held.get(at..start).unwrap_or_default());
            output.push(b'[');
            output.extend_from_slice(self.scanner.name(found.secret).as_bytes());
            output.push(b']');
            at = end;
        }
        output.extend_from_slice(self.held.get(at..decided).unwrap_or_default());
        if let Some(byte) = decided.checked_sub(1).and_then(|at| self.held.get(at)) {
            self.before = Some(*byte);
        }
        self.held.drain(..decided);
    }
}
