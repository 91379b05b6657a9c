use crate::digest;
use protocol::Digest;

/// The first byte of what is hashed to a leaf, so that no node can pass for one (RFC 6962, section 2.1).
pub(crate) const LEAF: u8 = 0;
const NODE: u8 = 1;

/// The root of the Merkle tree over these leaves, in this order (RFC 6962, section 2.1).
pub fn root(leaves: &[Digest]) -> Digest {
    // Roots of the complete trees that the leaves so far make up, the largest first. Two of one size are joined,
    // as digits are carried when counting in binary.
    let mut complete: Vec<Digest> = Vec::new();
    for (number, leaf) in leaves.iter().enumerate() {
        complete.push(*leaf);
        for _ in 0..number.trailing_ones() {
            join_last_two(&mut complete);
        }
    }
    while complete.len() > 1 {
        join_last_two(&mut complete);
    }
    complete.pop().unwrap_or_else(|| digest(b""))
}

fn join_last_two(roots: &mut Vec<Digest>) {
    if let (Some(right), Some(left)) = (roots.pop(), roots.pop()) {
        roots.push(node(&left, &right));
    }
}

fn node(left: &Digest, right: &Digest) -> Digest {
    digest(&[&[NODE][..], left.as_bytes(), right.as_bytes()].concat())
}

#[cfg(test)]
mod tests {
    use super::*;
    use data_encoding::HEXLOWER;
    use proptest::prelude::*;

    /// As RFC 6962 writes it down.
    fn root_of_rfc(leaves: &[Digest]) -> Digest {
        match leaves {
            [] => digest(b""),
            [one] => *one,
            more => {
                let (left, right) = more.split_at(more.len().next_power_of_two() / 2);
                node(&root_of_rfc(left), &root_of_rfc(right))
            }
        }
    }

    #[test]
    fn the_roots_are_those_of_certificate_transparency() {
        let inputs = [
            "",
            "00",
            "10",
            "2021",
            "3031",
            "40414243",
            "5051525354555657",
            "606162636465666768696a6b6c6d6e6f",
        ];
        let leaves: Vec<Digest> = inputs
            .iter()
            .map(|hex| digest(&[&[LEAF][..], &HEXLOWER.decode(hex.as_bytes()).unwrap()].concat()))
            .collect();
        let roots = [
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
            "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
            "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
            "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
            "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
            "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        ];
        for (count, expected) in roots.iter().enumerate() {
            assert_eq!(root(&leaves[..count]).to_string(), *expected, "{count} leaves");
        }
    }

    fn some_leaves() -> impl Strategy<Value = Vec<Digest>> {
        proptest::collection::vec(any::<[u8; 32]>().prop_map(Digest::from_bytes), 1..200)
    }

    proptest! {
        #[test]
        fn the_root_is_that_of_the_definition(leaves in some_leaves()) {
            prop_assert_eq!(root(&leaves), root_of_rfc(&leaves));
        }

        #[test]
        fn no_leaf_can_be_changed_dropped_doubled_added_or_moved(
            leaves in some_leaves(), at in any::<prop::sample::Index>(), to in any::<prop::sample::Index>(),
            bit in 0..256_usize, added in any::<[u8; 32]>(),
        ) {
            let (at, to) = (at.index(leaves.len()), to.index(leaves.len()));
            let tampered = |tamper: &dyn Fn(&mut Vec<Digest>)| {
                let mut other = leaves.clone();
                tamper(&mut other);
                root(&other)
            };
            let whole = root(&leaves);
            prop_assert_ne!(whole, tampered(&|all| {
                let mut bytes = *all[at].as_bytes();
                bytes[bit / 8] ^= 1 << (bit % 8);
                all[at] = Digest::from_bytes(bytes);
            }));
            prop_assert_ne!(whole, tampered(&|all| { all.remove(at); }));
            prop_assert_ne!(whole, tampered(&|all| all.insert(to, all[at])));
            prop_assert_ne!(whole, tampered(&|all| all.insert(to, Digest::from_bytes(added))));
            if leaves[at] != leaves[to] {
                prop_assert_ne!(whole, tampered(&|all| all.swap(at, to)));
            }
        }
    }
}
