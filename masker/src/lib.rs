//! Takes secret values out of a stream of bytes, before a model reads it.
//!
//! A value is looked for as it is, and as programs are likely to print it: encoded, escaped, reversed, spread
//! over lines, cut off. What was found is replaced by the secret's name in brackets; every other byte passes
//! unharmed. However the stream is cut into pieces, the output is the same.
//!
//! What is looked for, by the length of a value (`forms.rs`):
//!
//! | value | forms |
//! | --- | --- |
//! | under 8 bytes, or one word or number | the value alone, as a whole token |
//! | from 8 bytes | also its lines and components; each plain, base64 at three offsets, hex, percent, JSON and shell escapes |
//! | from 16 bytes | also base32, octal, decimal, rot13, reversed, other case, split by up to eight separators; and its blocks, in all of these but the other case |
//!
//! # Blocks
//!
//! Whoever sees what is masked can ask: print a guess, and look whether it is. So nothing is found by agreeing with a
//! value for a while, or the value could be asked for character by character. A value is found as a whole or by its
//! *blocks*: parts at fixed places of it, one after the other, each looked for as a whole. A block has 8 letters and digits
//! or as many more, up to 12, as make at least two of them digits and the letters of both cases; of digits alone it has
//! 16. The first begins behind what everybody knows of such a value (`sk_live_`; header and payload of a JWT), the last
//! ends with the value. Only what has no structure of its own is cut into blocks: the password of a URL, not the URL.
//!
//! What a block is found in is masked along with it, up to nearly as much again on either side: further letters and
//! digits, as close together as the block's. So a value that was cut off is masked to where it ends, and right and wrong
//! guesses behind a block look alike.
//!
//! # What is not found
//!
//! - A part of a value that holds no whole block: of at most 14 characters where two blocks of 8 meet, of 22 where two of
//!   12 do (as in hexadecimal digits). A cut-off value in other case than its own.
//! - Anything compressed, enciphered, or encoded in ways of a program's own.
//!
//! A question is answered still: who knows all of a block but `k` characters learns those by about 62^k guesses (16^k in a
//! value of hexadecimal digits), and who knows as much of a whole value, too. Of a block of which nothing is known there
//! are 2^43 and more to guess. A weak value is found by printing all that it may be.

mod forms;
mod scan;
mod stream;

pub use forms::is_weak;
pub use stream::Stream;

use std::sync::Arc;

/// A set of values to take out. Cheap to clone; prints nothing of what it holds.
#[derive(Clone)]
pub struct Masker(Arc<scan::Scanner>);

/// Why there is no masker. Without one nothing may be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BuildError {
    /// The forms of all values are more than can be indexed.
    #[error("the secrets are too many or too long to be masked")]
    TooLarge,
}

impl Masker {
    /// Takes names with their values. Empty values are skipped; of two names with one value the first is shown.
    ///
    /// # Errors
    /// When the values are too many or too long (more than 32 MiB of forms).
    pub fn new<'a>(secrets: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Result<Self, BuildError> {
        Ok(Self(Arc::new(scan::Scanner::new(forms::Forms::of(secrets)?))))
    }

    /// Begins a stream: one for each output.
    pub fn stream(&self) -> Stream {
        Stream::new(self.0.clone())
    }

    /// Masks a whole text.
    pub fn mask(&self, text: &[u8]) -> Vec<u8> {
        let mut output = Vec::with_capacity(text.len());
        let mut stream = self.stream();
        for piece in text.chunks(1 << 20) {
            stream.push(piece, &mut output);
        }
        stream.finish(&mut output);
        output
    }

    /// The names of the secrets that a text holds, in the order of their first appearance.
    pub fn find(&self, text: &[u8]) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        for found in self.0.scan(text, 0, &mut scan::Lane::default()) {
            let name = self.0.name(found.secret);
            if !names.iter().any(|known| known == name) {
                names.push(name.to_owned());
            }
        }
        names
    }
}
