//! Who may ask how often: guesses at a passphrase, and strangers.

use kit::{Answer, Http, Owner, Vault, make_email, make_token, make_token_auth};
use protocol::{
    Bytes32, Code,
    body::{Account, DeleteAccount, Device, NewPassphrase, OwnerProof, PreLogin, Recover, Written},
};
use std::collections::{HashMap, HashSet};

fn wrong() -> Bytes32 {
    Bytes32::new(make_token_auth())
}

fn log_in(http: &Http, email: &str, login: &Bytes32, device: Option<&Device>) -> Answer {
    // As text: some spellings are no `Email` of this program's own writing.
    let body = serde_json::json!({
        "email": email, "login": login, "session": make_token(), "device": device,
    });
    http.post("/v1/sessions", &body)
}

fn code(answer: &Answer) -> Option<Code> {
    (answer.status >= 400).then(|| answer.refusal().code)
}

/// Fifty ways to write one address.
fn spellings(email: &str) -> Vec<String> {
    let (user, host) = email.split_once('@').unwrap();
    let full_width = |text: &str| -> String {
        text.chars()
            .map(|c| match c {
                '!'..='~' => char::from_u32(c as u32 + 0xFEE0).unwrap(),
                other => other,
            })
            .collect()
    };
    let upper_each = |step: usize| -> String {
        email.char_indices().map(|(i, c)| if i % step == 0 { c.to_ascii_uppercase() } else { c }).collect()
    };
    let mut all = vec![
        email.to_owned(),
        email.to_uppercase(),
        format!("{}@{host}", user.to_uppercase()),
        format!("{user}@{}", host.to_uppercase()),
        format!("{}@{host}", full_width(user)),
        format!("{user}@{}", full_width(host)),
        full_width(email),
        full_width(&email.to_uppercase()),
        email.replace('e', "ｅ"),
        email.replace('m', "Ｍ"),
        // Each becomes an ASCII letter by NFKC: a sign for "ex", a letter-like sign.
        email.replace('c', "ℂ"),
        email.replace('e', "ℯ"),
        email.replace('l', "ℓ"),
        email.replace('x', "ⅹ"),
        email.replace('.', "．"),
    ];
    for space in ["\u{20}", "\t", "\n", "\r\n", "\u{a0}", "\u{2003}", "\u{2009}", "\u{202f}", "\u{3000}"] {
        all.extend([format!("{space}{email}"), format!("{email}{space}"), format!("{space}{email}{space}")]);
    }
    all.extend((2..=20).map(upper_each));
    let mut seen = HashSet::new();
    all.retain(|spelling| seen.insert(spelling.clone()));
    all.truncate(50);
    assert_eq!(all.len(), 50);
    all
}

#[test]
fn an_address_has_ten_wrong_tries_at_an_account_however_it_is_spelled() {
    let vault = Vault::behind_proxy();
    let owner = Owner::sign_up(vault);
    let http = vault.http();
    // What is right costs no try.
    for _ in 0..12 {
        log_in(&http, &owner.email, &owner.login, None).ok();
    }
    let answers: Vec<Answer> =
        spellings(&owner.email).iter().map(|spelling| log_in(&http, spelling, &wrong(), None)).collect();
    let codes: Vec<_> = answers.iter().map(code).collect();
    assert!(codes[..10].iter().all(|one| *one == Some(Code::LoginFailed)), "{codes:?}");
    assert!(codes[10..].iter().all(|one| *one == Some(Code::TooManyRequests)), "{codes:?}");
    let wait = answers[10].refusal().retry_after.unwrap();
    assert!((800..=900).contains(&wait), "{wait}");
    assert_eq!(answers[10].headers.get("retry-after"), Some(&wait.to_string()));
    // The right passphrase is not looked at either; and a neighbour in the same /64 is the same.
    assert_eq!(code(&log_in(&vault.http(), &owner.email, &owner.login, None)), None);
    let here = vault.http().from("2001:db8:77:1::1");
    (0..10).for_each(|_| drop(log_in(&here, &owner.email, &wrong(), None)));
    let neighbour = vault.http().from("2001:db8:77:1:ffff::2");
    assert_eq!(code(&log_in(&neighbour, &owner.email, &owner.login, None)), Some(Code::TooManyRequests));
    let other = vault.http().from("2001:db8:77:2::1");
    assert_eq!(code(&log_in(&other, &owner.email, &owner.login, None)), None);
}

/// Byte for byte, but for the request's id.
#[test]
fn an_address_without_an_account_is_refused_like_one_with() {
    let vault = Vault::behind_proxy();
    let owner = Owner::sign_up(vault);
    let course = |email: &str| -> Vec<(u16, String, Vec<String>)> {
        let http = vault.http();
        (0..13)
            .map(|_| {
                let answer = log_in(&http, email, &wrong(), None);
                let mut problem = answer.refusal();
                problem.request_id.clear();
                // The two courses may begin in different seconds.
                problem.retry_after = problem.retry_after.map(|_| 0);
                (
                    answer.status,
                    serde_json::to_string(&problem).unwrap(),
                    answer.headers.into_keys().collect(),
                )
            })
            .collect()
    };
    assert_eq!(course(&owner.email), course(&make_email()));
}

#[test]
fn recovery_and_log_in_have_one_count() {
    let vault = Vault::behind_proxy();
    let owner = Owner::sign_up(vault);
    let http = vault.http();
    let recover = || {
        let body = Recover {
            email: owner.email.parse().unwrap(),
            recovery: wrong(),
            session: make_token(),
            device: None,
        };
        code(&http.post("/v1/recoveries", &body))
    };
    let codes: Vec<_> =
        (0..6).flat_map(|_| [recover(), code(&log_in(&http, &owner.email, &wrong(), None))]).collect();
    assert!(codes[..10].iter().all(|one| *one == Some(Code::LoginFailed)), "{codes:?}");
    assert!(codes[10..].iter().all(|one| *one == Some(Code::TooManyRequests)), "{codes:?}");
}

#[test]
fn a_session_has_ten_wrong_proofs_of_its_own() {
    let vault = Vault::behind_proxy();
    let owner = Owner::sign_up(vault);
    let new = |proof| NewPassphrase {
        proof,
        kdf: protocol::body::Kdf { salt: protocol::Salt([7; 16]), memory_kib: 65536, passes: 3, lanes: 1 },
        login: owner.login.clone(),
        account_key: kit::random_blob(),
        recovery: None,
    };
    let change = |proof| owner.http.put("/v1/account/passphrase", &new(proof));
    let delete = || {
        let body = DeleteAccount { proof: OwnerProof::Recovery(wrong()) };
        owner.http.post("/v1/account/delete", &body)
    };
    for _ in 0..12 {
        let _: Written = change(OwnerProof::Login(owner.login.clone())).json();
    }
    let codes: Vec<_> =
        (0..6).flat_map(|_| [code(&change(OwnerProof::Login(wrong()))), code(&delete())]).collect();
    assert!(codes[..10].iter().all(|one| *one == Some(Code::LoginFailed)), "{codes:?}");
    assert!(codes[10..].iter().all(|one| *one == Some(Code::TooManyRequests)), "{codes:?}");
    let right = change(OwnerProof::Login(owner.login.clone()));
    assert_eq!(code(&right), Some(Code::TooManyRequests));
    // Neither the account nor its other sessions are locked by it.
    let _: Account = log_in(&vault.http(), &owner.email, &owner.login, None).json();
    owner.http.get("/v1/account").ok();
}

#[test]
fn tries_that_race_are_counted() {
    let vault = Vault::behind_proxy();
    let owner = Owner::sign_up(vault);
    let counts = race(&owner.email, &[vault.http()], 40);
    assert_eq!(counts, HashMap::from([(Code::LoginFailed, 10), (Code::TooManyRequests, 30)]));
}

/// So many wrong tries of each at once, by eight threads, in every spelling; how they were answered.
fn race(email: &str, from: &[Http], each: usize) -> HashMap<Code, usize> {
    let spellings = spellings(email);
    let tries: Vec<(&Http, &str)> = (0..each)
        .flat_map(|number| from.iter().map(move |http| (http, number)))
        .map(|(http, number)| (http, spellings[number % spellings.len()].as_str()))
        .collect();
    let answers: Vec<Code> = std::thread::scope(|scope| {
        let threads: Vec<_> = tries
            .chunks(tries.len().div_ceil(8))
            .map(|part| {
                scope.spawn(move || {
                    part.iter()
                        .map(|(http, email)| log_in(http, email, &wrong(), None).refusal().code)
                        .collect::<Vec<_>>()
                })
            })
            .collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    let mut counts = HashMap::new();
    for code in answers {
        *counts.entry(code).or_default() += 1;
    }
    counts
}

/// 10,000 tries from 200 addresses in 50 spellings (2,000 at the edge, where they take longer): 100 are looked at; and the
/// owner gets in from a machine that logged in before, which has no more than ten tries of its own.
#[test]
fn an_account_has_a_hundred_tries_from_everywhere_and_its_owner_gets_in() {
    let vault = Vault::behind_proxy();
    let owner = Owner::sign_up(vault);
    let http = vault.http();
    let from: Vec<Http> = (0..200)
        .map(|number| http.from(&format!("198.51.{}.{}", 100 + number / 100, number % 100)))
        .collect();
    let each = if Vault::is_at_the_edge() { 10 } else { 50 };
    let counts = race(&owner.email, &from, each);
    let refused = from.len() * each - 100;
    assert_eq!(counts, HashMap::from([(Code::LoginFailed, 100), (Code::TooManyRequests, refused)]));

    let new_place = vault.http();
    assert_eq!(code(&log_in(&new_place, &owner.email, &owner.login, None)), Some(Code::TooManyRequests));
    let account: Account = log_in(&new_place, &owner.email, &owner.login, Some(&owner.device)).json();
    assert_eq!(account.device.unwrap().id, owner.device.id, "it stays the same machine");
    // Also from where the guesses came.
    let _: Account = log_in(&from[0], &owner.email, &owner.login, Some(&owner.device)).json();

    let codes: Vec<_> =
        (0..12).map(|_| code(&log_in(&vault.http(), &owner.email, &wrong(), Some(&owner.device)))).collect();
    assert!(codes[..10].iter().all(|one| *one == Some(Code::LoginFailed)), "{codes:?}");
    assert!(codes[10..].iter().all(|one| *one == Some(Code::TooManyRequests)), "{codes:?}");
}

#[test]
fn a_device_that_the_vault_did_not_make_for_the_account_is_a_stranger() {
    let vault = Vault::behind_proxy();
    let (owner, other) = (Owner::sign_up(vault), Owner::sign_up(vault));
    let http = vault.http();
    let strangers = [
        other.device.clone(),
        Device { proof: wrong(), ..owner.device.clone() },
        Device { id: other.device.id, ..owner.device.clone() },
    ];
    for number in 0..10 {
        let device = &strangers[number % strangers.len()];
        assert_eq!(code(&log_in(&http, &owner.email, &wrong(), Some(device))), Some(Code::LoginFailed));
    }
    for device in &strangers {
        let answer = log_in(&http, &owner.email, &owner.login, Some(device));
        assert_eq!(code(&answer), Some(Code::TooManyRequests));
    }
    // It opens nothing by itself.
    assert_eq!(
        code(&log_in(&vault.http(), &owner.email, &wrong(), Some(&owner.device))),
        Some(Code::LoginFailed)
    );
}

#[test]
fn a_quarter_of_an_hour_later_there_are_tries_again_and_old_ones_are_forgotten() {
    let vault = Vault::native_behind_proxy();
    let owner = Owner::sign_up(&vault);
    let http = vault.http();
    let tries = |count: usize| -> Vec<_> {
        (0..count).map(|_| code(&log_in(&http, &owner.email, &wrong(), None))).collect()
    };
    tries(4);
    vault.pass(600);
    let codes = tries(7);
    assert_eq!(codes[5..], [Some(Code::LoginFailed), Some(Code::TooManyRequests)]);
    let wait = log_in(&http, &owner.email, &wrong(), None).refusal().retry_after.unwrap();
    assert!((290..=300).contains(&wait), "{wait}");
    vault.pass(wait - 2);
    assert_eq!(tries(1), [Some(Code::TooManyRequests)]);
    vault.pass(3);
    let codes = tries(11);
    assert_eq!(codes[9..], [Some(Code::LoginFailed), Some(Code::TooManyRequests)]);

    vault.sweep();
    assert_eq!(vault.count("tries"), 2, "the account's and the address's");
    vault.pass(900);
    vault.sweep();
    assert_eq!(vault.count("tries"), 0);
}

#[test]
fn what_is_counted_cannot_be_read() {
    let vault = Vault::native_behind_proxy();
    let owner = Owner::sign_up(&vault);
    log_in(&vault.http().from("192.0.2.77"), &owner.email, &wrong(), None).refusal();
    log_in(&vault.http(), &owner.email, &wrong(), Some(&owner.device)).refusal();
    let database = vault.database();
    let mut select = database.prepare("SELECT subject FROM tries").unwrap();
    let subjects: Vec<String> = select.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    assert!(subjects.len() >= 3);
    let index: String = database.query_row("SELECT email_index FROM accounts", [], |row| row.get(0)).unwrap();
    for subject in &subjects {
        assert_eq!(subject.len(), 43, "a MAC and nothing else");
        assert_ne!(*subject, index);
    }
}

/// The default of both hosts: 60 requests of strangers a minute for each address, whatever they ask.
#[test]
fn strangers_may_ask_sixty_times_a_minute_for_each_address() {
    let vault = Vault::behind_proxy();
    let owner = Owner::sign_up(vault);
    let body = PreLogin { email: make_email().parse().unwrap() };
    // At the edge a minute is the clock's, so what is asked across its end has two of them.
    let second =
        || std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs() % 60;
    while second() > 40 {
        std::thread::sleep(std::time::Duration::from_millis(500));
    }
    let http = vault.http();
    let mut refused = 0;
    for number in 0..90 {
        // `wrangler dev` has a proxy that loses its connection over a body that was refused unread, so there what is
        // refused has none.
        let kind = if number < 60 || !Vault::is_at_the_edge() { number % 5 } else { 3 + number % 2 };
        let answer = match kind {
            0 => http.post("/v1/prelogin", &body),
            1 => http.post("/v1/accounts", &serde_json::json!({ "email": 1 })),
            2 => log_in(&http, &make_email(), &wrong(), None),
            3 => http.with(&make_token()).get("/v1/usage"),
            _ => http.get("/v1/usage"),
        };
        let too_many = code(&answer) == Some(Code::TooManyRequests);
        if number < 60 {
            assert!(!too_many, "{number}");
        } else if too_many {
            let wait = answer.refusal().retry_after.unwrap();
            assert!((1..=60).contains(&wait), "{wait}");
            refused += 1;
        }
    }
    // Natively one more is admitted for each second that passed meanwhile.
    assert!((10..=30).contains(&refused), "{refused}");
    // Nobody else is refused: no other address, and no good credential at this one.
    vault.http().post("/v1/prelogin", &body).ok();
    http.with(&owner.session).get("/v1/usage").ok();
}
