//! What stands between the agent and the secrets: the hook's input, a line of the shell, and what programs print.

use masker::Masker;
use std::{collections::HashSet, sync::OnceLock};

/// The hook is asked with JSON of the agent's. It ends with an answer or an error; where it runs is nobody's home.
pub(crate) fn hook(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    // What comes of a call belongs to the folders of an agent; the reading of it does not.
    let named = serde_json::from_str::<serde_json::Value>(text).ok();
    if named.is_some_and(|call| !call["session_id"].is_null()) {
        return;
    }
    if let Ok(Some(answer)) = securecode::guard::hook::answer(text) {
        assert!(answer.is_object(), "an answer that no agent reads");
    }
}

/// A line that is understood is guarded, and what is guarded is a line that is understood.
pub(crate) fn line(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let defined = HashSet::new();
    if let Ok(guarded) = securecode::guard::line::guard(text, "/wrapper --", &defined) {
        let again = securecode::guard::line::guard(&guarded, "/wrapper --", &defined);
        assert!(again.is_ok(), "a guarded line is not understood");
    }
}

const VALUES: [&str; 4] = [
    "sk_live_4eC39HqLyjWDarjtT1zdp7dc",
    "postgres://shop:hunter2-hunter2@db.example/shop",
    "-----BEGIN KEY-----\nMC4CAQAwBQYDK2VwBCIEIJ+DYvh6SEqVTm50DFtMDoQikTmiCqirVv9mWG9q\n-----END KEY-----",
    "1234",
];

/// However the text is cut, what comes out is the same, and no value is in it.
pub(crate) fn masker(data: &[u8]) {
    static MASKER: OnceLock<Option<Masker>> = OnceLock::new();
    let named = || ["STRIPE", "DATABASE", "PEM", "PIN"].into_iter().zip(VALUES.map(str::as_bytes));
    let Some(masker) = MASKER.get_or_init(|| Masker::new(named()).ok()) else { panic!("there is no masker") };
    // One byte says how the rest is cut; a byte above the letters stands for a value, which no engine would guess.
    let Some((cut, rest)) = data.split_first() else { return };
    let mut text = Vec::new();
    for byte in rest {
        match VALUES.get(usize::from(byte.wrapping_sub(0xF0))) {
            Some(value) => text.extend_from_slice(value.as_bytes()),
            None => text.push(*byte),
        }
    }
    let whole = masker.mask(&text);
    let mut output = Vec::new();
    let mut stream = masker.stream();
    for piece in text.chunks(usize::from(*cut).max(1)) {
        stream.push(piece, &mut output);
    }
    stream.finish(&mut output);
    assert_eq!(output, whole, "how the text was cut shows");
    for value in VALUES.iter().filter(|value| value.len() >= 8) {
        assert!(!whole.windows(value.len()).any(|part| part == value.as_bytes()), "a value is shown");
    }
}
