//! Clean text, the worst text, and how long a masker takes to make (docs/benchmarks.md).

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "a benchmark"
)]

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use securecode_masker::Masker;
use std::hint::black_box;

const SIZE: usize = 16 << 20;

/// Values as people have them: tokens, and addresses with passwords in them.
fn secrets(count: usize) -> Vec<(String, Vec<u8>)> {
    let mut state = 0x2545_F491_4F6C_DD1D_u64;
    let mut letter = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        char::from(b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"[(state % 62) as usize])
    };
    (0..count)
        .map(|n| {
            let token: String = (0..32).map(|_| letter()).collect();
            let value = if n % 4 == 0 {
                format!("postgres://app:{token}@db{n}.internal.example.com:5432/shop")
            } else {
                token
            };
            (format!("SECRET_{n}"), value.into_bytes())
        })
        .collect()
}

fn build(secrets: &[(String, Vec<u8>)]) -> Masker {
    Masker::new(secrets.iter().map(|(name, value)| (name.as_str(), value.as_slice()))).expect("a masker")
}

fn run(masker: &Masker, text: &[u8]) -> usize {
    let mut stream = masker.stream();
    let (mut output, mut length) = (Vec::with_capacity(1 << 17), 0);
    for piece in text.chunks(1 << 16) {
        output.clear();
        stream.push(piece, &mut output);
        length += output.len();
    }
    output.clear();
    stream.finish(&mut output);
    length + output.len()
}

fn bench(criterion: &mut Criterion) {
    let secrets = secrets(100);
    let masker = build(&secrets);
    let clean: Vec<u8> = include_bytes!("../src/forms.rs").iter().copied().cycle().take(SIZE).collect();
    assert_eq!(masker.mask(&clean), clean);
    // The beginnings of values, and values but for their last byte, again and again.
    let repeated = |part: fn(&[u8]) -> &[u8]| -> Vec<u8> {
        let parts = secrets.iter().flat_map(|(_, value)| part(value).iter().copied().chain(*b"/-/"));
        parts.collect::<Vec<u8>>().iter().copied().cycle().take(SIZE).collect()
    };
    let begun = repeated(|value| &value[..value.len() / 4]);
    let nearly = repeated(|value| &value[..value.len() - 1]);
    let mut group = criterion.benchmark_group("masker");
    group.sample_size(10).throughput(Throughput::Bytes(SIZE as u64));
    group.bench_function("clean text", |bencher| bencher.iter(|| run(&masker, black_box(&clean))));
    group.bench_function("beginnings of values", |bencher| bencher.iter(|| run(&masker, black_box(&begun))));
    group.bench_function("values but a byte", |bencher| bencher.iter(|| run(&masker, black_box(&nearly))));
    group.finish();
    criterion.bench_function("build for 100 secrets", |bencher| bencher.iter(|| build(black_box(&secrets))));
}

criterion_group!(benches, bench);
criterion_main!(benches);
