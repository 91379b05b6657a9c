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
//! | from 16 bytes | also base32, octal, decimal, rot13, reversed, other case, split by up to eight separators, and parts of at least 8 characters |
//!
//! What is not looked for: anything compressed, enciphered, or encoded in ways of a program's own.

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
