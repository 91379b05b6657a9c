//! Padding hides a plaintext's length but for its size class (`docs/protocol.md`, `pad`).

use zeroize::Zeroizing;

const HEADER: usize = 4;
const SMALLEST: usize = 64;
const STEP: usize = 4096;

/// The padded length of a plaintext of `length` bytes: a power of two up to 4096, then multiples of 4096.
pub(crate) fn padded_length(length: usize) -> Option<usize> {
    let needed = length.checked_add(HEADER)?;
    if needed <= STEP {
        Some(needed.next_power_of_two().max(SMALLEST))
    } else {
        needed.checked_next_multiple_of(STEP)
    }
}

pub(crate) fn pad(plaintext: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let size = padded_length(plaintext.len())?;
    let header = u32::try_from(plaintext.len()).ok()?.to_be_bytes();
    // Reserved whole, so that no reallocation leaves a copy behind.
    let mut padded = Zeroizing::new(Vec::with_capacity(size));
    padded.extend_from_slice(&header);
    padded.extend_from_slice(plaintext);
    padded.resize(size, 0);
    Some(padded)
}

/// The plaintext, if the length, the size and the zeros are those that [`pad`] writes.
pub(crate) fn unpad(mut padded: Zeroizing<Vec<u8>>) -> Option<Zeroizing<Vec<u8>>> {
    let header = padded.first_chunk::<HEADER>()?;
    let length = usize::try_from(u32::from_be_bytes(*header)).ok()?;
    if padded_length(length)? != padded.len() {
        return None;
    }
    let zeros = padded.get(HEADER.checked_add(length)?..)?;
    if zeros.iter().any(|byte| *byte != 0) {
        return None;
    }
    padded.drain(..HEADER);
    padded.truncate(length);
    Some(padded)
}
