//! What is kept for each target, and variations of it, on every machine and without an engine.
//! They are the same each time: what is new is for the engine to find. `SECURECODE_TEST_FULL=1` tries a hundred times as
//! many.

use proptest::{
    collection::vec,
    prelude::*,
    sample::{Index, select},
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use securecode_fuzz::TARGETS;
use std::{fs, path::Path};

fn kept(name: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(name);
    let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    entries.map(|entry| fs::read(entry.unwrap().path()).unwrap()).collect()
}

/// A kept text with some of its bytes replaced, taken out, doubled, or put in from another.
fn variation(kept: Vec<Vec<u8>>) -> impl Strategy<Value = Vec<u8>> {
    let change = (any::<Index>(), 0..4_u8, vec(any::<u8>(), 0..6), any::<Index>(), select(kept.clone()));
    (select(kept), vec(change, 0..5)).prop_map(|(mut text, changes)| {
        for (at, way, bytes, to, other) in changes {
            let (from, to) = (at.index(text.len() + 1), to.index(text.len() + 1));
            let (from, to) = (from.min(to), from.max(to));
            match way {
                0 => drop(text.splice(from..to.min(from + bytes.len()), bytes)),
                1 => drop(text.drain(from..to)),
                2 => drop(text.splice(from..from, text[from..to].to_vec())),
                _ => drop(text.splice(from..to, other)),
            }
            text.truncate(1 << 14);
        }
        text
    })
}

#[test]
fn every_target_bears_what_is_kept_and_variations_of_it() {
    let cases = if std::env::var_os("SECURECODE_TEST_FULL").is_some() { 100_000 } else { 1_000 };
    for (name, run) in TARGETS {
        let kept = kept(name);
        kept.iter().for_each(|text| run(text));
        let config = Config { cases, failure_persistence: None, ..Config::default() };
        let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
        let bears = |text: Vec<u8>| {
            run(&text);
            Ok(())
        };
        if let Err(failure) = runner.run(&variation(kept), bears) {
            panic!("{name}: {failure}");
        }
    }
}
