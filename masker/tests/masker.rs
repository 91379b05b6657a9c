//! The mask against independent encoders, and its invariants.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use proptest::prelude::*;
use securecode_masker::{Masker, is_weak};
use std::collections::BTreeMap;

const URL: &str = "postgres://app:Kq7vX2mWp9RtZ4nB@db.internal.example.com:5432/shop?sslmode=require";
const TOKEN: &str = "sk_live_51Hq8ZkT2vYw7Jr3XbN6mPd9";
const HEX: &str = "9f3ac1de07b54e6d8a21f0c97e55b3d4418a6b0c";

fn masker() -> Masker {
    static MASKER: std::sync::OnceLock<Masker> = std::sync::OnceLock::new();
    MASKER.get_or_init(make_masker).clone()
}

fn make_masker() -> Masker {
    let secrets =
        [("DATABASE_URL", URL), ("STRIPE_KEY", TOKEN), ("PEPPER", HEX), ("PIN", "4711"), ("WORD", "hunter")];
    Masker::new(secrets.map(|(name, value)| (name, value.as_bytes()))).unwrap()
}

/// Every way of printing a value that the mask promises to find, by encoders of its own.
fn printed(value: &str) -> Vec<(&'static str, String)> {
    let bytes = value.as_bytes();
    let each = |print: &dyn Fn(&u8) -> String, between: &str| {
        bytes.iter().map(print).collect::<Vec<_>>().join(between)
    };
    let base64 = |bytes: &[u8]| data_encoding::BASE64.encode(bytes);
    let with = |before: &str| format!("{before}{value}\n").into_bytes();
    let lines = |text: &str, width: usize| {
        text.as_bytes()
            .chunks(width)
            .map(|line| String::from_utf8_lossy(line).into_owned())
            .collect::<Vec<_>>()
            .join("\n")
    };
    vec![
        ("plain", value.to_owned()),
        ("in text", format!("error: cannot connect to {value}, giving up")),
        ("reversed", value.chars().rev().collect()),
        ("upper", value.to_uppercase()),
        ("lower", value.to_lowercase()),
        ("rot13", value.chars().map(rot13).collect()),
        ("hex", each(&|byte| format!("{byte:02x}"), "")),
        ("HEX", each(&|byte| format!("{byte:02X}"), ":")),
        ("hex groups", each(&|byte| format!("{byte:02x}"), " ")),
        ("\\x", each(&|byte| format!("\\x{byte:02x}"), "")),
        ("0x", each(&|byte| format!("0x{byte:02x}"), ", ")),
        ("octal", each(&|byte| format!("{byte:03o}"), " ")),
        ("\\octal", each(&|byte| format!("\\{byte:03o}"), "")),
        ("decimal", format!("[{}]", each(&|byte| format!("{byte}"), ", "))),
        ("percent", each(&|byte| format!("%{byte:02X}"), "")),
        ("a character a line", each(&|byte| char::from(*byte).to_string(), "\n")),
        ("dashes", each(&|byte| char::from(*byte).to_string(), " - ")),
        ("base64", base64(bytes)),
        ("base64 of more", base64(&with("x"))),
        ("base64 of still more", base64(&with("ab"))),
        ("base64 of an assignment", base64(&with("export KEY="))),
        ("base64 in lines", lines(&base64(&with("K=")), 20)),
        ("base64url", data_encoding::BASE64URL_NOPAD.encode(bytes)),
        ("base32", data_encoding::BASE32.encode(bytes)),
        ("base32 of more", data_encoding::BASE32.encode(&with("abc"))),
        ("JSON", serde_json::to_string(value).unwrap()),
        ("half", value[..value.len().saturating_sub(7)].to_owned()),
    ]
}

fn rot13(c: char) -> char {
    match c {
        'a'..='m' | 'A'..='M' => char::from(c as u8 + 13),
        'n'..='z' | 'N'..='Z' => char::from(c as u8 - 13),
        c => c,
    }
}

/// The secret part of each value: what must not be left, not even eight characters of it.
fn secret_part(value: &str) -> &str {
    if value == URL { "Kq7vX2mWp9RtZ4nB" } else { value }
}

/// Whether eight characters of the secret, encoded as the text was, are left.
fn left_over(masked: &str, value: &str) -> bool {
    let squash =
        |text: &str| text.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_lowercase();
    let masked = squash(masked);
    printed(secret_part(value))
        .iter()
        .filter(|(kind, _)| !kind.contains("in ") && !kind.contains(" of ") && *kind != "half")
        .any(|(kind, form)| {
            let form = squash(form);
            let width = match *kind {
                "hex" | "HEX" | "hex groups" | "percent" => 16,
                "octal" | "\\octal" | "0x" | "\\x" => 24,
                "decimal" => 20,
                kind if kind.starts_with("base64") => 14,
                kind if kind.starts_with("base32") => 16,
                _ => 8,
            };
            form.as_bytes().windows(width).any(|window| masked.contains(std::str::from_utf8(window).unwrap()))
        })
}

#[test]
fn every_printed_form_is_masked() {
    for value in [URL, TOKEN, HEX] {
        for (kind, text) in printed(value) {
            let masked = String::from_utf8(masker().mask(text.as_bytes())).unwrap();
            assert!(!left_over(&masked, value), "{kind} of {value}: {masked}");
            assert!(masked.contains('['), "{kind}: {masked}");
            assert!(!masker().find(text.as_bytes()).is_empty(), "{kind}");
            // The control: without the mask it is there.
            if kind != "in text" && kind != "half" {
                assert!(
                    left_over(&text, value) || kind.starts_with("base"),
                    "{kind} is not looked for: {text}"
                );
            }
        }
    }
}

#[test]
fn what_is_cut_off_is_masked_from_its_first_block_on() {
    // The blocks of both stand every eight characters of the token, and every twelve of the digits. In the other case
    // only what is whole is found.
    let looked_for = |kind: &str| !matches!(kind, "half" | "upper" | "lower");
    for (value, name, first, block) in [(TOKEN, "STRIPE_KEY", 8, 8), (HEX, "PEPPER", 0, 12)] {
        for end in first + block..=value.len() {
            let masked = masker().mask(format!("see {}... there", &value[..end]).as_bytes());
            assert_eq!(String::from_utf8(masked).unwrap(), format!("see [{name}]... there"));
            for (kind, text) in printed(&value[..end]) {
                let masked = String::from_utf8(masker().mask(text.as_bytes())).unwrap();
                assert!(
                    !looked_for(kind) || !left_over(&masked, value),
                    "{kind} of {end} bytes of {value}: {masked}"
                );
            }
        }
        for start in 1..=value.len() - block {
            for (kind, text) in printed(&value[start..]) {
                let masked = String::from_utf8(masker().mask(text.as_bytes())).unwrap();
                assert!(
                    !looked_for(kind) || !left_over(&masked, value),
                    "{kind} from {start} of {value}: {masked}"
                );
            }
        }
        for start in 0..value.len() {
            for end in start + 2 * block - 1..=value.len() {
                let masked = masker().mask(&value.as_bytes()[start..end]);
                assert!(start < first || masked.starts_with(b"["), "{start}..{end} of {value}");
            }
        }
    }
}

#[test]
fn parts_that_are_no_block_are_not_looked_for() {
    let upper = TOKEN[..24].to_uppercase();
    for part in [&TOKEN[..15], &TOKEN[9..23], &TOKEN[25..], &HEX[..11], &HEX[1..23], &upper] {
        assert_eq!(masker().mask(part.as_bytes()), part.as_bytes());
    }
    assert_eq!(masker().mask(TOKEN.to_uppercase().as_bytes()), b"[STRIPE_KEY]");
    let jwt = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U";
    let masker = Masker::new([("JWT", jwt.as_bytes())]).unwrap();
    let (public, signature) = jwt.rsplit_once('.').unwrap();
    assert_eq!(masker.mask(public.as_bytes()), public.as_bytes(), "what a JWT says is public");
    assert_eq!(masker.mask(signature.as_bytes()), b"[JWT]");
    assert_eq!(masker.mask(jwt.as_bytes()), b"[JWT]");
}

#[test]
fn only_a_cut_off_value_takes_its_neighbours_along() {
    let masked = |text: String| String::from_utf8(masker().mask(text.as_bytes())).unwrap();
    assert_eq!(masked(format!("{TOKEN}abc-def")), "[STRIPE_KEY]abc-def");
    assert_eq!(masked(format!("abc{TOKEN}")), "abc[STRIPE_KEY]");
    // As far as one more block would go, whether the value goes on so or not.
    assert_eq!(masked(format!("{}2vYw7Jr", &TOKEN[..16])), "[STRIPE_KEY]");
    assert_eq!(masked(format!("{}2vYw7Jx.", &TOKEN[..16])), "[STRIPE_KEY].");
    assert_eq!(masked(format!("{}abc_def-ghi", &TOKEN[..16])), "[STRIPE_KEY]hi");
    assert_eq!(masked(format!("{} abc", &TOKEN[..16])), "[STRIPE_KEY] abc");
    assert_eq!(masked("51 Hq 8Z kT ab cdefgh".to_owned()), "[STRIPE_KEY]h");
}

#[test]
fn a_value_becomes_its_name() {
    let masked = masker().mask(format!("a {TOKEN} b {URL}\n").as_bytes());
    assert_eq!(String::from_utf8(masked).unwrap(), "a [STRIPE_KEY] b [DATABASE_URL]\n");
}

#[test]
fn weak_values_are_masked_as_whole_tokens() {
    assert!(is_weak(b"4711") && is_weak(b"hunter") && is_weak(b"Production") && is_weak(b"1234567890"));
    assert!(!is_weak(b"hunter2hunter2") && !is_weak(TOKEN.as_bytes()));
    let masked = masker().mask(b"pin=4711, 14711, 4711a; hunter hunters huntergatherer 4711");
    assert_eq!(masked, b"pin=[PIN], 14711, 4711a; [WORD] hunters huntergatherer [PIN]");
}

#[test]
fn components_are_masked_and_public_words_are_not() {
    let masked = |text: &str| String::from_utf8(masker().mask(text.as_bytes())).unwrap();
    assert_eq!(masked("password Kq7vX2mWp9RtZ4nB!"), "password [DATABASE_URL]!");
    assert_eq!(masked("host db.internal.example.com"), "host [DATABASE_URL]");
    for clean in [
        "postgres://localhost:5432/",
        "connecting to postgres, sslmode=require, shop, app",
        "sk_live_",
        "https://example.com/",
    ] {
        assert_eq!(masked(clean), clean);
    }
}

#[test]
fn structured_values_are_masked_by_their_parts() {
    let json = br#"{"type":"service","private_key":"-----BEGIN KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcw\n-----END KEY-----\n"}"#;
    let pem = b"-----BEGIN KEY-----\nMIIEpAIBAAKCAQEA7bq2Xv9sKcTgW1n4\nZ8yRfMdQ0aLhUoJtVxEiBwNpGs3C5k6r\n-----END KEY-----\n";
    let dsn = b"Server=db.internal;User=app;Password=kT5-wq;Database=shop";
    let masker = Masker::new([("J", &json[..]), ("P", &pem[..]), ("D", &dsn[..])]).unwrap();
    for text in
        ["MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcw", "MIIEpAIBAAKCAQEA7bq2Xv9sKcTgW1n4", "kT5-wq", "db.internal"]
    {
        assert!(!String::from_utf8(masker.mask(text.as_bytes())).unwrap().contains(text), "{text}");
    }
    assert_eq!(masker.mask(b"-----BEGIN KEY-----"), b"-----BEGIN KEY-----");
}

#[test]
fn clean_text_passes_unharmed() {
    let secrets: Vec<(String, String)> = (0..50)
        .map(|n| {
            let token = data_encoding::HEXLOWER.encode(&[
                n,
                n.wrapping_mul(7),
                n.wrapping_mul(13),
                91,
                200 - n,
                n ^ 0x5a,
                3,
                77,
                18,
                99,
                n,
                1,
            ]);
            (
                format!("N{n}"),
                if n % 3 == 0 { format!("mysql://root:{token}@localhost:3306/app") } else { token },
            )
        })
        .collect();
    let masker = Masker::new(secrets.iter().map(|(name, value)| (name.as_str(), value.as_bytes()))).unwrap();
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut texts = 0;
    for path in [
        "Cargo.lock",
        "README.md",
        "masker/src/forms.rs",
        "sealing/src/lib.rs",
        "mcp-client/src/mcp/mod.rs",
        "docs/protocol.md",
    ] {
        let text = std::fs::read(folder.join(path)).unwrap();
        assert!(masker.mask(&text) == text, "{path}");
        texts += text.len();
    }
    assert!(texts > 50_000);
    let program = std::fs::read(std::env::current_exe().unwrap()).unwrap();
    assert!(masker.mask(&program) == program, "a binary was changed");
}

#[test]
fn what_cannot_be_a_value_comes_out_when_idle() {
    let (mut stream, mut output) = (masker().stream(), Vec::new());
    stream.push(b"Password: ", &mut output);
    stream.idle(&mut output);
    assert_eq!(output, b"Password: ");
    stream.push(b"\nsk_live_51Hq", &mut output);
    stream.idle(&mut output);
    assert_eq!(output, b"Password: \n", "the beginning of a value is held");
    stream.push(&TOKEN.as_bytes()[12..], &mut output);
    stream.finish(&mut output);
    assert_eq!(output, b"Password: \n[STRIPE_KEY]");
}

#[test]
fn many_and_empty_secrets() {
    let many: Vec<(String, String)> =
        (0..1000).map(|n| (format!("N{n}"), format!("tok_{n:06}_x9{}", n * 7919))).collect();
    let masker = Masker::new(many.iter().map(|(name, value)| (name.as_str(), value.as_bytes()))).unwrap();
    assert_eq!(masker.mask(b"see tok_000123_x9974037."), b"see [N123].");
    let empty = Masker::new([("A", &b""[..])]).unwrap();
    assert_eq!(empty.mask(b"text"), b"text");
    assert!(Masker::new([("A", vec![7_u8; 17 << 20].as_slice())]).is_err(), "fails closed");
}

fn pieces(masker: &Masker, text: &[u8], cuts: &[usize]) -> Vec<u8> {
    let (mut stream, mut output) = (masker.stream(), Vec::new());
    let mut at = 0;
    for cut in cuts.iter().copied().chain([text.len()]) {
        let cut = cut.clamp(at, text.len());
        stream.push(&text[at..cut], &mut output);
        at = cut;
    }
    stream.finish(&mut output);
    output
}

#[test]
fn any_split_point_gives_the_same_output() {
    let masker = masker();
    for value in [URL, TOKEN, HEX, "4711"] {
        for (kind, text) in printed(value) {
            let text = format!("before {text} after");
            let whole = masker.mask(text.as_bytes());
            for cut in 0..text.len() {
                assert!(pieces(&masker, text.as_bytes(), &[cut]) == whole, "{kind} cut at {cut}");
            }
            for size in [1, 2, 3, 7] {
                let cuts: Vec<usize> = (0..text.len()).step_by(size).collect();
                assert!(pieces(&masker, text.as_bytes(), &cuts) == whole, "{kind} in pieces of {size}");
            }
        }
    }
}

#[test]
fn a_run_without_end_is_given_out_as_it_comes() {
    for text in [&TOKEN[8..16], &HEX[..13]] {
        let (mut stream, mut output) = (masker().stream(), Vec::new());
        for _ in 0..1000 {
            stream.push(text.repeat(10).as_bytes(), &mut output);
        }
        assert!(output.starts_with(b"["), "all is held");
        stream.push(b" and then", &mut output);
        stream.finish(&mut output);
        assert!(output.ends_with(b"] and then"));
        assert_eq!(output, masker().mask(format!("{} and then", text.repeat(10_000)).as_bytes()));
    }
}

/// The encodings that an attacker prints guesses in.
const ENCODINGS: [fn(&[u8]) -> String; 14] = [
    |bytes| String::from_utf8_lossy(bytes).into_owned(),
    |bytes| String::from_utf8_lossy(bytes).to_uppercase(),
    |bytes| bytes.iter().rev().map(|byte| char::from(*byte)).collect(),
    |bytes| bytes.iter().map(|byte| rot13(char::from(*byte))).collect(),
    |bytes| bytes.iter().map(|byte| format!("{} ", char::from(*byte))).collect(),
    |bytes| bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
    |bytes| bytes.iter().map(|byte| format!("\\x{byte:02x}")).collect(),
    |bytes| bytes.iter().map(|byte| format!("0x{byte:02x}, ")).collect(),
    |bytes| bytes.iter().map(|byte| format!("{byte:03o} ")).collect(),
    |bytes| bytes.iter().map(|byte| format!("{byte}, ")).collect(),
    |bytes| data_encoding::BASE64_NOPAD.encode(bytes),
    |bytes| data_encoding::BASE64_NOPAD.encode(&[b"x", bytes].concat()),
    |bytes| data_encoding::BASE64_NOPAD.encode(&[b"xy", bytes].concat()),
    |bytes| data_encoding::BASE32_NOPAD.encode(bytes),
];

/// What a masker tells of the character behind a known beginning of a value, or before a known end. The attacker prints
/// every window that ends there with every candidate, in every encoding, and notes the candidates whose masked text has
/// another shape than all others': those that were noted most often.
fn told(masker: &Masker, known: &[u8], before: bool, alphabet: &[u8]) -> Vec<u8> {
    let mut votes = [0_usize; 256];
    for encode in ENCODINGS {
        for length in 1..=known.len() {
            let mut shapes: BTreeMap<usize, BTreeMap<_, Vec<u8>>> = BTreeMap::new();
            for candidate in alphabet {
                let text = match before {
                    true => [&[*candidate], &known[..length]].concat(),
                    false => [&known[known.len() - length..], &[*candidate]].concat(),
                };
                let text = encode(&text);
                let masked = masker.mask(text.as_bytes());
                let shape = (masked.len(), masked.iter().position(|byte| *byte == b'['));
                shapes.entry(text.len()).or_default().entry(shape).or_default().push(*candidate);
            }
            // Where two or fewer differ from the rest: a letter in either case.
            for odd in shapes.values().filter(|alike| alike.len() > 1).flat_map(BTreeMap::values) {
                if odd.len() <= 2 {
                    odd.iter().for_each(|candidate| votes[usize::from(*candidate)] += 1);
                }
            }
        }
    }
    let most = votes.iter().copied().max().unwrap().max(1);
    alphabet.iter().copied().filter(|candidate| votes[usize::from(*candidate)] == most).collect()
}

const CHARACTERS: &str = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// A value as services make them, how much of it is public, and of which characters it is.
fn token() -> impl Strategy<Value = (String, usize, &'static str)> {
    let beginning =
        prop::sample::select(vec!["", "sk_live_", "github_pat_", "xoxb-", "glpat-", "sk-ant-api03-"]);
    let random = prop_oneof![
        4 => "[0-9A-Za-z]{32,48}".prop_map(|random| (random, CHARACTERS)),
        1 => "[0-9a-f]{40}".prop_map(|random| (random, "0123456789abcdef")),
        1 => "[A-Z2-7]{32}".prop_map(|random| (random, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567")),
    ];
    (beginning, random).prop_map(|(beginning, (random, alphabet))| {
        (format!("{beginning}{random}"), beginning.len(), alphabet)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(6))]

    /// Who knows all of a block but a character learns that one: it is the whole block that is asked for. There it ends:
    /// of the next one they know nothing.
    #[test]
    fn no_value_is_read_character_by_character((value, public, alphabet) in token()) {
        let masker = Masker::new([("V", value.as_bytes())]).unwrap();
        let (bytes, alphabet) = (value.as_bytes(), alphabet.as_bytes());
        // At most two in any eight: base64 has half of a block's first character with the second.
        let far_apart = |learned: &[usize]| learned.windows(3).all(|three| three[2] - three[0] >= 8);
        let forward: Vec<usize> = (1..=value.len() - 16)
            .filter(|known| told(&masker, &bytes[..*known], false, alphabet) == [bytes[*known]])
            .collect();
        prop_assert!(forward.iter().all(|at| at + 1 >= public + 8), "{:?} of {}", forward, value);
        prop_assert!(far_apart(&forward), "{:?} of {}", forward, value);
        let backward: Vec<usize> = (public..value.len() - 16)
            .filter(|at| told(&masker, &bytes[at + 1..], true, alphabet) == [bytes[*at]])
            .collect();
        prop_assert!(far_apart(&backward), "{:?} of {}, from its end", backward, value);
    }
}

proptest! {
    #[test]
    fn pieces_do_not_matter(
        parts in prop::collection::vec((any::<prop::sample::Index>(), "[ -~\n]{0,12}|[a-z0-9_]{0,9}|"), 1..12),
        mut cuts in prop::collection::vec(0_usize..4000, 0..20),
    ) {
        // Also what was cut off, whose finds take their neighbours along.
        let cut_off = ["Kq7vX2mWp9R", &TOKEN[8..21], &TOKEN[16..], &HEX[..25]];
        let values = [URL, TOKEN, HEX].into_iter().chain(cut_off);
        let forms: Vec<String> = values.flat_map(printed).map(|(_, text)| text).collect();
        let text: String = parts.iter().map(|(form, between)| format!("{between}{}", form.get(&forms))).collect();
        cuts.sort_unstable();
        let masker = masker();
        prop_assert_eq!(pieces(&masker, text.as_bytes(), &cuts), masker.mask(text.as_bytes()));
    }

    #[test]
    fn any_value_is_masked_anywhere(
        value in prop::collection::vec(any::<u8>(), 8..80),
        before in prop::collection::vec(any::<u8>(), 0..300),
        after in prop::collection::vec(any::<u8>(), 0..300),
    ) {
        prop_assume!(!is_weak(&value));
        let masker = Masker::new([("V", value.as_slice())]).unwrap();
        let text = [before.as_slice(), &value, &after].concat();
        let masked = masker.mask(&text);
        prop_assert!(!masked.windows(value.len()).any(|window| window == value));
    }

    #[test]
    fn random_bytes_pass(text in prop::collection::vec(any::<u8>(), 0..4000), cut in 0_usize..4000) {
        let masker = masker();
        prop_assert_eq!(pieces(&masker, &text, &[cut]), text);
    }
}
