use zeroize::Zeroizing;

/// Writes the fixed lists of fields that scheme 1 derives from, authenticates and seals.
pub struct Writer(Zeroizing<Vec<u8>>);

impl Writer {
    /// An empty list.
    #[allow(clippy::new_without_default, reason = "a list always begins with its first field")]
    pub fn new() -> Self {
        // Room for every secret list of the scheme, so that growing leaves no copy behind.
        Self(Zeroizing::new(Vec::with_capacity(512)))
    }

    /// `LP(bytes)`: a length in four bytes, then the bytes.
    ///
    /// Lengths are far below 4 GiB by the limits of every type that is written; a longer field would be cut to
    /// a length that no reader accepts.
    #[must_use]
    pub fn bytes(self, bytes: &[u8]) -> Self {
        self.u32(u32::try_from(bytes.len()).unwrap_or(u32::MAX)).raw(bytes)
    }

    /// Bytes of a length that the format fixes.
    #[must_use]
    pub fn raw(mut self, bytes: &[u8]) -> Self {
        self.0.extend_from_slice(bytes);
        self
    }

    /// One byte.
    #[must_use]
    pub fn u8(self, number: u8) -> Self {
        self.raw(&[number])
    }

    /// Four bytes, big-endian.
    #[must_use]
    pub fn u32(self, number: u32) -> Self {
        self.raw(&number.to_be_bytes())
    }

    /// Eight bytes, big-endian.
    #[must_use]
    pub fn u64(self, number: u64) -> Self {
        self.raw(&number.to_be_bytes())
    }

    /// A count, then each item as `write` puts it.
    #[must_use]
    pub fn list<T>(self, items: impl ExactSizeIterator<Item = T>, write: impl Fn(Self, T) -> Self) -> Self {
        let counted = self.u32(u32::try_from(items.len()).unwrap_or(u32::MAX));
        items.fold(counted, write)
    }

    /// The bytes, of something public: a context, a label, a MAC's input.
    pub fn finish(mut self) -> Vec<u8> {
        std::mem::take(&mut *self.0)
    }

    /// The bytes, of something secret.
    pub fn finish_secret(self) -> Zeroizing<Vec<u8>> {
        self.0
    }
}

/// The bytes are not the list of fields that was expected.
#[derive(Debug, thiserror::Error, PartialEq, Eq, Clone, Copy)]
#[error("the bytes do not have the expected form")]
pub struct FieldsError;

/// Reads what a [`Writer`] wrote; refuses lengths that overrun and bytes left over.
pub struct Reader<'a>(&'a [u8]);

#[allow(clippy::missing_errors_doc, reason = "all fail alike: the bytes end too soon")]
impl<'a> Reader<'a> {
    /// Reads from the start of `bytes`.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// `LP(bytes)`.
    pub fn bytes(&mut self) -> Result<&'a [u8], FieldsError> {
        let length = usize::try_from(self.u32()?).map_err(|_| FieldsError)?;
        let (head, rest) = self.0.split_at_checked(length).ok_or(FieldsError)?;
        self.0 = rest;
        Ok(head)
    }

    /// `LP(text)` in UTF-8.
    pub fn text(&mut self) -> Result<&'a str, FieldsError> {
        std::str::from_utf8(self.bytes()?).map_err(|_| FieldsError)
    }

    /// `N` bytes.
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], FieldsError> {
        let (head, rest) = self.0.split_first_chunk::<N>().ok_or(FieldsError)?;
        self.0 = rest;
        Ok(*head)
    }

    /// One byte.
    pub fn u8(&mut self) -> Result<u8, FieldsError> {
        self.array::<1>().map(|[byte]| byte)
    }

    /// One byte, 0 or 1.
    pub fn flag(&mut self) -> Result<bool, FieldsError> {
        match self.u8()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(FieldsError),
        }
    }

    /// Four bytes, big-endian.
    pub fn u32(&mut self) -> Result<u32, FieldsError> {
        self.array().map(u32::from_be_bytes)
    }

    /// Eight bytes, big-endian.
    pub fn u64(&mut self) -> Result<u64, FieldsError> {
        self.array().map(u64::from_be_bytes)
    }

    /// A count, then items, whose keys must ascend strictly: sorted and without doubles.
    pub fn list<T, K: Ord>(
        &mut self,
        mut read: impl FnMut(&mut Self) -> Result<T, FieldsError>,
        key: impl Fn(&T) -> K,
    ) -> Result<Vec<T>, FieldsError> {
        let count = self.u32()?;
        let mut items: Vec<T> = Vec::new();
        for _ in 0..count {
            let item = read(self)?;
            if items.last().is_some_and(|last| key(last) >= key(&item)) {
                return Err(FieldsError);
            }
            items.push(item);
        }
        Ok(items)
    }

    /// Whether nothing is left: where a field at the end may be absent.
    pub fn is_at_end(&self) -> bool {
        self.0.is_empty()
    }

    /// Nothing may be left.
    pub fn end(self) -> Result<(), FieldsError> {
        if self.0.is_empty() { Ok(()) } else { Err(FieldsError) }
    }
}
