//! What a value may look like when it is printed.

use crate::BuildError;
use data_encoding::{BASE32_NOPAD, BASE64_NOPAD, Encoding};
use std::collections::HashSet;
use zeroize::Zeroizing;

/// Least bytes of a value, line or component that is looked for anywhere.
const STRONG: usize = 8;
/// Least bytes from which the looser forms are looked for, and blocks.
const LONG: usize = 16;
/// Most bytes of a beginning that everybody knows, as `sk-ant-api03-`.
const PUBLIC: usize = 16;

/// Most bytes of all forms together.
const MOST: usize = 32 << 20;

/// A byte sequence to look for, always as a whole: what told that a part of it agrees would be asked for the rest.
pub(crate) struct Form {
    pub(crate) bytes: Zeroizing<Vec<u8>>,
    /// Which secret it is of: an index into [`Forms::names`].
    pub(crate) secret: u32,
    /// Set where it is a block's.
    pub(crate) block: Option<Run>,
    /// It is looked for in its own case: either case of so few letters would be too little to guess.
    pub(crate) cased: bool,
}

/// What a block may stand in beside letters and digits.
#[derive(Clone, Copy)]
pub(crate) enum Run {
    Word,
    Base64,
}

impl Run {
    pub(crate) fn between(self) -> &'static [u8] {
        match self {
            Self::Word => b"_-",
            Self::Base64 => b"_-+/",
        }
    }
}

/// Everything that is looked for.
#[derive(Default)]
pub(crate) struct Forms {
    pub(crate) names: Vec<String>,
    /// Looked for byte by byte.
    pub(crate) exact: Vec<Form>,
    /// Looked for among the letters and digits alone, in either case.
    pub(crate) reduced: Vec<Form>,
    /// Looked for as whole tokens.
    pub(crate) tokens: Vec<(Zeroizing<Vec<u8>>, u32)>,
    /// Bytes of all forms.
    size: usize,
}

/// Whether a value is masked only where it stands alone: it is short, a word or a number.
pub fn is_weak(value: &[u8]) -> bool {
    value.len() < STRONG || is_word_or_number(value)
}

/// One word (of letters, at most the first a capital) or one number, as ordinary text has them.
fn is_word_or_number(value: &[u8]) -> bool {
    let rest_is_lower = value.iter().skip(1).all(u8::is_ascii_lowercase);
    let word = value.iter().all(u8::is_ascii_alphabetic)
        && value.len() < 12
        && (rest_is_lower || value.iter().all(u8::is_ascii_uppercase));
    word || (value.len() < LONG && value.iter().all(u8::is_ascii_digit))
}

/// Whether a part of a value looks drawn at random rather than written by a person.
fn is_token(part: &[u8]) -> bool {
    part.len() >= 12
        && part.iter().any(u8::is_ascii_digit)
        && part.iter().any(u8::is_ascii_alphabetic)
        && !part.iter().any(|byte| byte.is_ascii_whitespace())
}

impl Forms {
    pub(crate) fn of<'a>(secrets: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Result<Self, BuildError> {
        let mut forms = Self::default();
        let mut seen: HashSet<&[u8]> = HashSet::new();
        for (name, value) in secrets {
            if value.is_empty() || !seen.insert(value) {
                continue;
            }
            let secret = u32::try_from(forms.names.len()).unwrap_or(u32::MAX);
            forms.names.push(name.to_owned());
            forms.add(secret, value);
            if forms.size > MOST {
                return Err(BuildError::TooLarge);
            }
        }
        Ok(forms)
    }

    fn add(&mut self, secret: u32, value: &[u8]) {
        if is_weak(value) {
            self.tokens.push((Zeroizing::new(value.to_vec()), secret));
        } else {
            self.add_parts(secret, value, !is_sentence(value));
        }
    }

    /// A value and what it is made of. Only a part without a structure is cut into blocks, and only once: of two ways to
    /// cut it the blocks of one would begin with what is known of the other's.
    fn add_parts(&mut self, secret: u32, value: &[u8], secret_throughout: bool) {
        let parts = Parts::of(value);
        self.add_part(secret, value, !parts.structured && secret_throughout);
        for (part, kind) in &parts.found {
            match kind {
                Kind::Password if part.len() < STRONG => {
                    if part.len() >= 4 {
                        self.tokens.push((part.clone(), secret));
                    }
                }
                Kind::Password => self.add_part(secret, part, true),
                Kind::Plain if part.len() >= STRONG && !is_word_or_number(part) => {
                    self.add_parts(secret, part, is_token(part));
                }
                Kind::Whole if part.len() >= STRONG && !is_word_or_number(part) => {
                    self.add_part(secret, part, false);
                }
                Kind::Plain | Kind::Whole => {}
            }
        }
    }

    /// `cut`: it is secret throughout, and looked for by its blocks as well.
    fn add_part(&mut self, secret: u32, part: &[u8], cut: bool) {
        let mut exact = |bytes: Vec<u8>| {
            self.size += bytes.len();
            self.exact.push(Form { bytes: Zeroizing::new(bytes), secret, block: None, cased: false });
        };
        exact(part.to_vec());
        for escaped in escapes(part) {
            if escaped != part {
                exact(escaped);
            }
        }
        self.add_reduced(secret, part, false);
        if cut && part.len() >= LONG {
            for block in blocks(part).into_iter().filter(|block| *block != part) {
                if self.size <= MOST {
                    self.add_reduced(secret, block, true);
                }
            }
        }
    }

    /// Every looser form of a part, or of a block of one.
    fn add_reduced(&mut self, secret: u32, part: &[u8], block: bool) {
        let mut add = |mut bytes: Zeroizing<Vec<u8>>, run: Run, cased: bool| {
            match cased {
                true => bytes.retain(u8::is_ascii_alphanumeric),
                false => bytes.retain_mut(|byte| reduce(*byte).map(|letter| *byte = letter).is_some()),
            }
            if bytes.len() >= STRONG {
                self.size += bytes.len();
                self.reduced.push(Form { bytes, secret, block: block.then_some(run), cased });
            }
        };
        if block || part.len() >= LONG {
            add(Zeroizing::new(part.to_vec()), Run::Word, block);
            add(Zeroizing::new(part.iter().rev().copied().collect()), Run::Word, block);
            add(printed(part, |byte, text| text.push(rot13(byte))), Run::Word, block);
        }
        let mut reduced = |bytes, run| add(bytes, run, false);
        reduced(printed(part, |byte, text| text.extend([hex(byte >> 4), hex(byte)])), Run::Word);
        reduced(printed(part, |byte, text| text.extend([b'x', hex(byte >> 4), hex(byte)])), Run::Word);
        reduced(printed(part, |byte, text| text.extend([b'0', b'x', hex(byte >> 4), hex(byte)])), Run::Word);
        for shift in 0..3 {
            reduced(shifted(part, shift, 6, &BASE64_NOPAD), Run::Base64);
        }
        if block || part.len() >= LONG {
            let octal =
                |byte: u8, text: &mut Vec<u8>| text.extend([6, 3, 0].map(|bits| hex(byte >> bits & 7)));
            reduced(printed(part, octal), Run::Word);
            let decimal = |byte: u8, text: &mut Vec<u8>| {
                let digits = [byte / 100, byte / 10 % 10, byte % 10].map(hex);
                let zeros = if byte < 10 { 2 } else { usize::from(byte < 100) };
                text.extend_from_slice(digits.get(zeros..).unwrap_or_default());
            };
            reduced(printed(part, decimal), Run::Word);
            for shift in 0..5 {
                reduced(shifted(part, shift, 5, &BASE32_NOPAD), Run::Word);
            }
        }
    }
}

/// A value's blocks: the parts of it that are looked for. They stand at places of its own, and each is found by who has
/// all of it: who knows one learns nothing of the next.
fn blocks(part: &[u8]) -> Vec<&[u8]> {
    let secret = part.get(public_beginning(part)..).unwrap_or_default();
    let mut found = Vec::new();
    let mut rest = secret;
    while let Some((block, after)) = enough(rest.iter()).and_then(|length| rest.split_at_checked(length)) {
        found.push(block);
        rest = after;
    }
    // What is left over makes a block with as much before it as it needs: a value's end is shown alone, too.
    if !found.is_empty() && rest.iter().any(u8::is_ascii_alphanumeric) {
        let length = enough(secret.iter().rev());
        found.extend(length.and_then(|length| secret.get(secret.len() - length..)));
    }
    found
}

/// How many bytes are too rare a text to stand in an ordinary one, and too much to be found by printing all there could
/// be: eight letters and digits of all kinds, or more of fewer kinds. Those are 2^47 and more; 2^43 in base64, which
/// leaves out half of a character.
fn enough<'a>(bytes: impl Iterator<Item = &'a u8>) -> Option<usize> {
    let (mut digits, mut small, mut capitals) = (0, 0, 0);
    for (byte, length) in bytes.zip(1..) {
        match byte {
            b'0'..=b'9' => digits += 1,
            b'a'..=b'z' => small += 1,
            b'A'..=b'Z' => capitals += 1,
            _ => {}
        }
        let needed = match (digits, small, capitals) {
            (_, 0, 0) => 16,
            (2.., 1.., 1..) => STRONG,
            _ => 12,
        };
        if digits + small + capitals >= needed {
            return Some(length);
        }
    }
    None
}

/// How much of a value's beginning everybody knows: its kind (`sk_live_`, `github_pat_`), or what a JWT says.
fn public_beginning(part: &[u8]) -> usize {
    let in_base64url = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_".contains(byte);
    let pieces: Vec<&[u8]> = part.split(|byte| *byte == b'.').collect();
    if let [header, payload, signature] = pieces.as_slice()
        && header.starts_with(b"eyJ")
        && [header, payload, signature].iter().all(|piece| piece.iter().all(in_base64url))
    {
        return part.len() - signature.len();
    }
    let first = part.get(..PUBLIC.min(part.len().saturating_sub(LONG))).unwrap_or_default();
    first.iter().rposition(|byte| b"_-:.".contains(byte)).map_or(0, |at| at + 1)
}

/// Whether a person wrote it: words with spaces between them. Its parts are ordinary text.
fn is_sentence(value: &[u8]) -> bool {
    value.iter().filter(|byte| **byte == b' ').count() >= 2
}

/// A letter in lower case or a digit; nothing for any other byte.
pub(crate) fn reduce(byte: u8) -> Option<u8> {
    byte.is_ascii_alphanumeric().then(|| byte.to_ascii_lowercase())
}

/// The hexadecimal digit of the lower half of a byte.
fn hex(four: u8) -> u8 {
    b"0123456789abcdef".get(usize::from(four & 15)).copied().unwrap_or_default()
}

/// The part byte by byte, as `print` has each.
fn printed(part: &[u8], print: impl Fn(u8, &mut Vec<u8>)) -> Zeroizing<Vec<u8>> {
    // Room for the longest of the forms, so that no reallocation leaves a copy behind.
    let mut text = Zeroizing::new(Vec::with_capacity(part.len() * 4));
    part.iter().for_each(|byte| print(*byte, &mut text));
    text
}

fn rot13(byte: u8) -> u8 {
    let turn = |first: u8| (byte - first + 13) % 26 + first;
    match byte {
        b'a'..=b'z' => turn(b'a'),
        b'A'..=b'Z' => turn(b'A'),
        byte => byte,
    }
}

/// The digits of an encoding of `bits` bits a digit that are the part's own, where `shift` bytes stand before it.
fn shifted(part: &[u8], shift: usize, bits: usize, encoding: &Encoding) -> Zeroizing<Vec<u8>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(shift + part.len()));
    bytes.resize(shift, 0);
    bytes.extend_from_slice(part);
    let mut digits = Zeroizing::new(vec![0; encoding.encode_len(bytes.len())]);
    encoding.encode_mut(&bytes, &mut digits);
    digits.truncate(bytes.len() * 8 / bits);
    digits.drain(..(shift * 8).div_ceil(bits));
    digits
}

/// The part as JSON, URLs and shells have it.
fn escapes(part: &[u8]) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    if part.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(byte)) {
        return found;
    }
    if let Ok(text) = std::str::from_utf8(part)
        && let Ok(json) = serde_json::to_string(text)
    {
        let inner = json.get(1..json.len().saturating_sub(1)).unwrap_or_default();
        found.push(inner.as_bytes().to_vec());
        found.push(inner.replace('/', "\\/").into_bytes());
        let ascii: String = inner
            .chars()
            .map(|c| {
                if c.is_ascii() {
                    c.to_string()
                } else {
                    c.escape_unicode().to_string().replace(['{', '}'], "")
                }
            })
            .collect();
        found.push(ascii.into_bytes());
    }
    for quote in [&b"'\\''"[..], b"\\'"] {
        if part.contains(&b'\'') {
            found.push(part.split(|byte| *byte == b'\'').collect::<Vec<_>>().join(quote));
        }
    }
    let safe = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./,:@%+=".contains(&byte);
    let mut escaped = Vec::with_capacity(part.len() * 2);
    for byte in part {
        escaped.extend((!safe(*byte)).then_some(b'\\'));
        escaped.push(*byte);
    }
    found.push(escaped);
    for kept in [&b"-_.~"[..], b"-_.!~*'()", b"-_.~:/?#[]@!$&'()*+,;=", b"-_.~/"] {
        for digits in [b"0123456789ABCDEF", b"0123456789abcdef"] {
            let mut escaped = Vec::with_capacity(part.len() * 3);
            for byte in part {
                if byte.is_ascii_alphanumeric() || kept.contains(byte) {
                    escaped.push(*byte);
                } else {
                    let digit = |four: u8| digits.get(usize::from(four)).copied().unwrap_or_default();
                    escaped.extend([b'%', digit(byte >> 4), digit(byte & 15)]);
                }
            }
            found.push(escaped);
        }
    }
    found.sort();
    found.dedup();
    found
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Password,
    Plain,
    /// A component that is made of ordinary parts, or several together: secret as a whole only.
    Whole,
}

/// The components of a value: its lines, and what a URL, a DSN, JSON or PEM is made of.
struct Parts {
    found: Vec<(Zeroizing<Vec<u8>>, Kind)>,
    /// The value is made of parts, some of which are no secret.
    structured: bool,
}

impl Parts {
    fn of(value: &[u8]) -> Self {
        let mut parts = Self { found: Vec::new(), structured: false };
        let lines: Vec<&[u8]> = value.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).collect();
        let pem = value.starts_with(b"-----BEGIN ");
        let text = std::str::from_utf8(value).ok();
        if text.is_some_and(|text| parts.json(text)) {
            // Its lines are made of its leaves.
            return parts;
        }
        if lines.len() > 1 {
            parts.structured = true;
            for line in lines.iter().filter(|line| !line.starts_with(b"-----")) {
                parts.push(line, Kind::Plain);
            }
        }
        if pem {
            parts.structured = true;
            let body: Vec<u8> = lines
                .iter()
                .filter(|line| !line.starts_with(b"-----"))
                .flat_map(|line| line.iter().copied())
                .collect();
            parts.push(&body, Kind::Whole);
        } else if let Some(text) = text.filter(|_| lines.len() == 1) {
            parts.url(text);
            parts.dsn(text);
        }
        parts
    }

    fn push(&mut self, part: &[u8], kind: Kind) {
        if !part.is_empty() && !self.found.iter().any(|(known, as_kind)| **known == part && *as_kind == kind)
        {
            self.found.push((Zeroizing::new(part.to_vec()), kind));
        }
    }

    /// What is percent-encoded is cut as what it stands for.
    fn push_escaped(&mut self, part: &str, kind: Kind) {
        let decoded = percent_decode(part);
        if decoded != part.as_bytes() {
            self.push(part.as_bytes(), Kind::Whole);
        }
        self.push(&decoded, kind);
    }

    /// `scheme://user:password@host:port/path?query` (RFC 3986, 3).
    fn url(&mut self, text: &str) {
        let Some((scheme, rest)) = text.split_once("://") else { return };
        if scheme.is_empty()
            || !scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+.-".contains(&byte))
        {
            return;
        }
        self.structured = true;
        let (authority, tail) = rest.find(['/', '?', '#']).map_or((rest, ""), |at| rest.split_at(at));
        let (user_info, host) = authority.rsplit_once('@').unwrap_or(("", authority));
        if !user_info.is_empty() {
            self.push(rest.as_bytes(), Kind::Whole);
            self.push(authority.as_bytes(), Kind::Whole);
            self.push(user_info.as_bytes(), Kind::Whole);
        }
        let (user, password) = user_info.split_once(':').unwrap_or((user_info, ""));
        self.push(user.as_bytes(), Kind::Whole);
        self.push_escaped(password, Kind::Password);
        let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
        if name != "localhost"
            && !name.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
            && !name.starts_with('[')
        {
            self.push(name.as_bytes(), Kind::Whole);
        }
        for piece in tail.split(['/', '?', '#', '&']) {
            let piece = piece.split_once('=').map_or(piece, |(_, value)| value);
            self.push_escaped(piece, Kind::Plain);
        }
    }

    /// Whether it is JSON: its leaves.
    fn json(&mut self, text: &str) -> bool {
        if !text.trim_start().starts_with(['{', '[']) {
            return false;
        }
        let Ok(value) = serde_json::from_str(text) else { return false };
        self.structured = true;
        let mut open = vec![value];
        while let Some(value) = open.pop() {
            match value {
                serde_json::Value::String(leaf) => self.push(leaf.as_bytes(), Kind::Plain),
                serde_json::Value::Array(items) => open.extend(items),
                serde_json::Value::Object(fields) => open.extend(fields.into_iter().map(|(_, value)| value)),
                _ => {}
            }
        }
        true
    }

    /// `key=value`, `key=value;key=value` or `key=value key=value`.
    fn dsn(&mut self, text: &str) {
        let all: Vec<&str> = text.split([';', ' ']).filter(|pair| !pair.is_empty()).collect();
        let pairs: Vec<(&str, &str)> = all.iter().filter_map(|pair| pair.split_once('=')).collect();
        // What looks like one pair may be base64 with its padding.
        let padding = all.len() == 1 && pairs.iter().all(|(_, value)| matches!(*value, "" | "="));
        if pairs.len() != all.len() || padding {
            return;
        }
        self.structured = true;
        for (key, value) in pairs {
            let key = key.to_ascii_lowercase();
            let secret = ["pass", "pwd", "secret", "key", "token"].iter().any(|word| key.contains(word));
            self.push(value.as_bytes(), if secret { Kind::Password } else { Kind::Plain });
        }
    }
}

/// The bytes that `%XX` stand for.
fn percent_decode(text: &str) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let byte = after.get(..2).filter(|_| *first == b'%').and_then(hex_byte);
        match byte {
            Some(byte) => {
                decoded.push(byte);
                rest = after.get(2..).unwrap_or_default();
            }
            None => {
                decoded.push(*first);
                rest = after;
            }
        }
    }
    decoded
}

fn hex_byte(digits: &[u8]) -> Option<u8> {
    u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}
