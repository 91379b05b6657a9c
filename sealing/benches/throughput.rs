//! Sealing and opening secrets, and what a bundle costs its reader (docs/benchmarks.md).

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "a benchmark"
)]

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use protocol::{AccountId, EnvironmentId, ProjectId, SecretId};
use sealing::{EnvironmentKey, Manifest, Meta, Place, SecretValue};
use std::hint::black_box;
use zeroize::Zeroizing;

fn bench(criterion: &mut Criterion) {
    let place = Place {
        account: AccountId::from_bytes([1; 16]),
        project: ProjectId::from_bytes([2; 16]),
        environment: EnvironmentId::from_bytes([3; 16]),
    };
    let key = EnvironmentKey::make(place).unwrap();
    let value = |length| SecretValue::new(Zeroizing::new(vec![b'v'; length])).unwrap();
    let seal = |name: &str, value: &SecretValue| {
        let name = name.parse().unwrap();
        key.seal_secret(SecretId::from_bytes([4; 16]), 1, &name, &Meta::default(), value).unwrap()
    };
    for (what, length) in [("32 bytes", 32), ("64 KiB", 64 << 10)] {
        let mut group = criterion.benchmark_group(what);
        group.throughput(Throughput::Bytes(length as u64));
        let value = value(length);
        let sealed = seal("NAME", &value);
        group.bench_function("seal", |bencher| bencher.iter(|| seal("NAME", black_box(&value))));
        group.bench_function("open", |bencher| bencher.iter(|| key.open_secret(black_box(&sealed)).unwrap()));
        group.finish();
    }

    let value = value(32);
    let secrets: Vec<_> = (0..1_000).map(|number| seal(&format!("NAME_{number}"), &value)).collect();
    let (empty, buckets) = Manifest::empty().seal_next(&key, &[]).unwrap();
    let buckets: Vec<_> = buckets.into_iter().map(|bucket| bucket.blob).collect();
    let mut manifest = Manifest::open(&key, &empty, &buckets).unwrap();
    for secret in &secrets {
        manifest.put(EnvironmentKey::entry(secret));
    }
    let (root, buckets) = manifest.seal_next(&key, &[]).unwrap();
    let buckets: Vec<_> = buckets.into_iter().map(|bucket| bucket.blob).collect();
    criterion.bench_function("open a bundle of 1,000 secrets", |bencher| {
        bencher.iter(|| {
            Manifest::open(&key, black_box(&root), &buckets).unwrap();
            secrets.iter().map(|secret| key.open_secret(secret).unwrap()).collect::<Vec<_>>()
        });
    });
}

criterion_group!(benches, bench);
criterion_main!(benches);
