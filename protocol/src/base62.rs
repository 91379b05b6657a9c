//! Fixed-width base62 of byte strings: `0-9A-Za-z`, most significant digit first, left-padded with `0`.

const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// The number that `bytes` is, big-endian, in exactly `width` digits. The width must hold it.
pub(crate) fn encode(bytes: &[u8], width: usize) -> String {
    let mut number = bytes.to_vec();
    let mut digits = vec![b'0'; width];
    for slot in digits.iter_mut().rev() {
        let mut remainder: u32 = 0;
        for byte in &mut number {
            let dividend = remainder * 256 + u32::from(*byte);
            *byte = (dividend / 62) as u8;
            remainder = dividend % 62;
        }
        *slot = DIGITS.get(remainder as usize).copied().unwrap_or(b'0');
    }
    zeroize::Zeroize::zeroize(&mut number);
    digits.into_iter().map(char::from).collect()
}

/// The `N` bytes whose encoding is `text`, or nothing if the digits are not base62 or name a greater number.
/// The caller fixes the width, so each number has one spelling.
pub(crate) fn decode<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut number = [0_u8; N];
    for digit in text.bytes() {
        let mut carry = u32::try_from(DIGITS.iter().position(|known| *known == digit)?).ok()?;
        for byte in number.iter_mut().rev() {
            let value = u32::from(*byte) * 62 + carry;
            *byte = (value & 0xff) as u8;
            carry = value >> 8;
        }
        if carry != 0 {
            return None;
        }
    }
    Some(number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_number_comes_back(bytes in any::<[u8; 32]>()) {
            prop_assert_eq!(decode::<32>(&encode(&bytes, 43)), Some(bytes));
        }
    }

    #[test]
    fn a_greater_number_is_refused() {
        assert_eq!(encode(&[0xff; 4], 6), "4gfFC3");
        assert_eq!(decode::<4>("4gfFC3"), Some([0xff; 4]));
        assert_eq!(decode::<4>("4gfFC4"), None);
        assert_eq!(decode::<4>("zzzzzz"), None);
        assert_eq!(decode::<4>("00000-"), None);
    }
}
