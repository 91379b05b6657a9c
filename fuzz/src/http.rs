//! The vault's HTTP service, by whoever has no credential.

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{Request, StatusCode},
};
use securecode_vault::{
    database::Pending,
    host::{Host, Strangers, Surroundings},
    native, router,
};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tower_service::Service;

/// Lets everybody in: what is sought is not the limit.
struct Everybody;

impl Strangers for Everybody {
    fn admit(&self, _: String, _: u64) -> Pending<'_, Result<(), u64>> {
        Box::pin(async { Ok(()) })
    }
}

struct Vault {
    router: Router,
    runtime: Runtime,
    _folder: TempDir,
}

thread_local! {
    static VAULT: Option<Vault> = vault();
}

fn vault() -> Option<Vault> {
    let folder = tempfile::tempdir().ok()?;
    let opened = native::open(&folder.path().join("data"), || 1 << 31, |_| ()).ok()?;
    let host = Host::new(Surroundings { strangers: Box::new(Everybody), ..opened });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().ok()?;
    Some(Vault { router: router(host), runtime, _folder: folder })
}

/// `METHOD PATH`, then lines of headers, an empty line, and the body.
pub(crate) fn http(data: &[u8]) {
    let (head, body) = match data.windows(2).position(|pair| pair == b"\n\n") {
        Some(at) => (&data[..at], &data[at + 2..]),
        None => (data, &data[data.len()..]),
    };
    let Ok(head) = std::str::from_utf8(head) else { return };
    let mut lines = head.lines();
    let Some((method, path)) = lines.next().and_then(|line| line.split_once(' ')) else { return };
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in lines.filter_map(|line| line.split_once(": ")) {
        request = request.header(name, value);
    }
    let Ok(request) = request.body(Body::from(body.to_vec())) else { return };
    VAULT.with(|vault| {
        let Some(Vault { router, runtime, .. }) = vault else { panic!("the vault does not open") };
        let answer = runtime.block_on(async {
            let Ok(answer) = router.clone().call(request).await;
            let status = answer.status();
            (status, to_bytes(answer.into_body(), 1 << 20).await.unwrap_or_default())
        });
        let (status, said) = answer;
        assert!(status < StatusCode::INTERNAL_SERVER_ERROR, "{status}");
        for word in body.split(|byte| !byte.is_ascii_alphanumeric()).filter(|word| word.len() >= 40) {
            assert!(!said.windows(word.len()).any(|part| part == word), "an answer quotes the body");
        }
    });
}
