//! Owners, keys for the gateway, and pipelines that use them.

use crate::front::{Does, Front};
use kit::{Key, Owner, Vault};
use protocol::{
    AccessToken, Permission, Problem,
    body::{Grant, Written},
};
use sealing::{ApiKey, Audience, EnvironmentKey, EnvironmentNames};
use securecode_gateway::{Gateway, log::Event, native, router};
use std::{
    collections::BTreeMap,
    sync::{Mutex, OnceLock, PoisonError},
    time::Duration,
};

/// What the gateway said to its operator, natively.
pub(crate) static LINES: Mutex<Vec<String>> = Mutex::new(vec![]);

fn log(event: &Event<'_>) {
    LINES.lock().unwrap_or_else(PoisonError::into_inner).push(event.line());
}

/// Where the gateway is.
pub(crate) fn gateway() -> &'static str {
    static SHARED: OnceLock<String> = OnceLock::new();
    let front = Front::shared();
    SHARED.get_or_init(|| {
        if let Ok(url) = std::env::var("SECURECODE_TEST_GATEWAY") {
            return url;
        }
        let (tell, told) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            let runtime =
                tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async {
                let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
                tell.send(format!("http://{}", listener.local_addr().expect("its address")))
                    .expect("a listener");
                let vault = Box::new(native::Blocking::new(&front.url));
                let gateway = Gateway::new(&front.url, vault).expect("a vault's address");
                native::serve(router(gateway, log), listener, std::future::pending()).await;
            });
        });
        told.recv().expect("an address")
    })
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    #[track_caller]
    pub(crate) fn ok(self) -> Vec<u8> {
        assert_eq!(self.status, 200, "{}", self.text());
        self.body
    }

    #[track_caller]
    pub(crate) fn refusal(&self) -> Problem {
        let problem: Problem =
            serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("{} {}", self.status, self.text()));
        assert_eq!((problem.status, problem.code.status()), (self.status, self.status));
        assert_eq!(self.headers["content-type"], "application/problem+json");
        assert_eq!(problem.kind, format!("urn:securecode:problem:{}", problem.code));
        assert_eq!(self.headers["x-request-id"], problem.request_id);
        problem
    }
}

/// Where pipelines are, as far as Cloudflare tells (RFC 3849).
pub(crate) const ADDRESS: &str = "2001:db8::7";

/// `GET` at the gateway with this for an `Authorization`.
pub(crate) fn get(path: &str, authorization: Option<&str>) -> Answer {
    send("GET", path, authorization)
}

pub(crate) fn send(method: &str, path: &str, authorization: Option<&str>) -> Answer {
    let config = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .max_idle_age(Duration::from_millis(1))
        .timeout_global(Some(Duration::from_secs(60)));
    let mut request = ureq::http::Request::builder().method(method).uri(format!("{}{path}", gateway()));
    request = request.header("cf-connecting-ip", ADDRESS);
    if let Some(authorization) = authorization {
        request = request.header("authorization", authorization);
    }
    let mut response = config.build().new_agent().run(request.body(()).unwrap()).unwrap();
    let headers = response.headers().iter();
    let headers = headers.map(|(name, value)| (name.to_string(), value.to_str().unwrap_or("").to_owned()));
    Answer {
        status: response.status().as_u16(),
        headers: headers.collect(),
        body: response.body_mut().read_to_vec().unwrap(),
    }
}

/// A key in a pipeline's hands, and the vault's address that it is for.
pub(crate) struct Pipeline(pub(crate) ApiKey, pub(crate) Audience);

impl Pipeline {
    pub(crate) fn get(&self, path: &str) -> Answer {
        get(path, Some(&format!("Bearer {}", *self.0.expose())))
    }

    /// What is sent to the vault of it.
    pub(crate) fn token(&self) -> AccessToken {
        self.0.derive_token(&self.1)
    }

    pub(crate) fn front_does(&self, what: Does) -> &Self {
        Front::shared().does(&self.token(), what);
        self
    }
}

/// An owner with one environment.
pub(crate) struct Shop {
    pub(crate) owner: Owner,
    /// A key that writes, and asks the vault itself.
    pub(crate) writer: Key,
    audience: Audience,
}

pub(crate) const GATEWAY: [Permission; 2] = [Permission::Read, Permission::Gateway];

impl Shop {
    pub(crate) fn with(secrets: &[(&str, &[u8])]) -> Self {
        let front = Front::shared();
        Self::at(&front.vault, &front.url, secrets)
    }

    /// In that vault, whose address is this.
    pub(crate) fn at(vault: &Vault, url: &str, secrets: &[(&str, &[u8])]) -> Self {
        let mut owner = Owner::sign_up(vault);
        let project = owner.project();
        let environment = owner.environment(project);
        let writer = owner.key(&environment, &[Permission::Read, Permission::Write]);
        if !secrets.is_empty() {
            let _: Written = writer.http.post(&writer.path("/changes"), &writer.change(secrets, &[])).json();
        }
        Self { owner, writer, audience: url.parse().unwrap() }
    }

    pub(crate) fn environment(&self) -> EnvironmentKey {
        self.writer.environment.clone()
    }

    /// A key that may be used at the gateway.
    pub(crate) fn pipeline(&mut self) -> Pipeline {
        self.pipeline_with(&GATEWAY, None)
    }

    pub(crate) fn pipeline_with(&mut self, permissions: &[Permission], expires_at: Option<u64>) -> Pipeline {
        self.pipeline_of(&[(&self.environment(), "shop", "dev")], permissions, expires_at)
    }

    pub(crate) fn pipeline_of(
        &mut self,
        environments: &[(&EnvironmentKey, &str, &str)],
        permissions: &[Permission],
        expires_at: Option<u64>,
    ) -> Pipeline {
        let pipeline = Pipeline(ApiKey::make().unwrap(), self.audience.clone());
        let keys: Vec<_> = environments.iter().map(|(key, ..)| *key).collect();
        let (next, mut body) = self.owner.new_key(&pipeline.0, &keys, permissions);
        body.token = pipeline.token();
        body.expires_at = expires_at;
        let wrap = pipeline.0.derive_wrap();
        let grants = environments.iter().map(|(key, project, environment)| {
            let names = EnvironmentNames {
                project: project.parse().unwrap(),
                environment: environment.parse().unwrap(),
                production: false,
            };
            let environment = key.place().environment;
            Grant { environment, key: wrap.wrap_environment_key(key.place(), 1, key, &names).unwrap() }
        });
        body.grants = grants.collect();
        let _: Written = self.owner.http.put(&format!("/v1/keys/{}", pipeline.0.id()), &body).json();
        self.owner.wrote(next);
        pipeline
    }
}
