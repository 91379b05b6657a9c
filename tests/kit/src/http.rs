use protocol::{AccessToken, Problem};
use serde::{Serialize, de::DeserializeOwned};
use std::{cell::RefCell, sync::RwLock};

/// Raw requests to a vault.
#[derive(Clone)]
pub struct Http {
    agent: ureq::Agent,
    url: String,
    token: Option<String>,
    address: String,
}

/// The header by which a vault behind a proxy is told where a request came from; Cloudflare's name for it.
pub(crate) const ADDRESS_HEADER: &str = "cf-connecting-ip";

/// What came back.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The headers, by lower-case name.
    pub headers: std::collections::BTreeMap<String, String>,
    /// The body.
    pub text: String,
}

/// A request that was sent, and what came back.
#[derive(Debug)]
pub struct Asked {
    /// `GET`, …
    pub method: String,
    /// With the query.
    pub path: String,
    /// What came back.
    pub answer: Answer,
}

/// Held by each request that is under way: workerd answers a fault when somebody else writes to its database's file
/// meanwhile ([`crate::Vault::behind`]).
pub(crate) static ASKING: RwLock<()> = RwLock::new(());

thread_local! {
    static HEARD: RefCell<Option<Vec<Asked>>> = const { RefCell::new(None) };
}

/// What this thread asks of vaults meanwhile.
pub fn heard(asking: impl FnOnce()) -> Vec<Asked> {
    HEARD.set(Some(vec![]));
    asking();
    HEARD.take().unwrap_or_default()
}

impl Http {
    pub(crate) fn new(url: &str, address: String) -> Self {
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            // workerd closes connections that idle, and a POST is not sent twice.
            .max_idle_age(std::time::Duration::from_secs(1))
            .build()
            .new_agent();
        Self { agent, url: url.to_owned(), token: None, address }
    }

    /// The same, with this credential.
    pub fn with(&self, token: &AccessToken) -> Self {
        self.with_text(&token.expose())
    }

    /// The same, with this text for a credential.
    pub fn with_text(&self, token: &str) -> Self {
        Self { token: Some(token.to_owned()), ..self.clone() }
    }

    /// The credential that it sends.
    pub fn token(&self) -> Option<&str> {
        self.token.as_deref()
    }

    /// The same, from this address, where the vault is behind a proxy (as workerd is).
    pub fn from(&self, address: &str) -> Self {
        Self { address: address.to_owned(), ..self.clone() }
    }

    /// `GET`.
    pub fn get(&self, path: &str) -> Answer {
        self.send("GET", path, None)
    }

    /// `DELETE`.
    pub fn delete(&self, path: &str) -> Answer {
        self.send("DELETE", path, None)
    }

    /// `POST` of JSON.
    pub fn post(&self, path: &str, body: &impl Serialize) -> Answer {
        self.send("POST", path, Some(serde_json::to_string(body).expect("JSON")))
    }

    /// `PUT` of JSON.
    pub fn put(&self, path: &str, body: &impl Serialize) -> Answer {
        self.send("PUT", path, Some(serde_json::to_string(body).expect("JSON")))
    }

    /// Any method, with any text for a body.
    ///
    /// `wrangler dev` has a proxy of its own before workerd, which answers 503 in its own words when it took a
    /// pooled connection that workerd has closed, after an early 413 for example. The Worker has not seen such
    /// a request, so it is sent again.
    pub fn send(&self, method: &str, path: &str, body: Option<String>) -> Answer {
        for _ in 0..5 {
            let answer = self.send_once(method, path, body.clone());
            if !(answer.status == 503 && answer.text.starts_with("Your worker restarted mid-request")) {
                return answer;
            }
        }
        panic!("the proxy before workerd has no connection")
    }

    fn send_once(&self, method: &str, path: &str, body: Option<String>) -> Answer {
        let _asking = ASKING.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        let mut request = ureq::http::Request::builder().method(method).uri(format!("{}{path}", self.url));
        request = request.header(ADDRESS_HEADER, &self.address);
        if let Some(token) = &self.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let response = match body {
            Some(body) => self
                .agent
                .run(request.header("content-type", "application/json").body(body).expect("a request")),
            None => self.agent.run(request.body(()).expect("a request")),
        };
        let mut response = response.expect("an answer");
        let headers = response.headers().iter();
        let headers = headers
            .map(|(name, value)| (name.to_string(), value.to_str().unwrap_or("").to_owned()))
            .collect();
        let text = response.body_mut().with_config().limit(16 << 20).read_to_string().expect("text");
        let answer = Answer { status: response.status().as_u16(), headers, text };
        HEARD.with_borrow_mut(|heard| {
            if let Some(heard) = heard {
                heard.push(Asked { method: method.into(), path: path.into(), answer: answer.clone() });
            }
        });
        answer
    }
}

impl Answer {
    /// The body of a success.
    #[track_caller]
    pub fn json<T: DeserializeOwned>(&self) -> T {
        assert!((200..300).contains(&self.status), "{} {}", self.status, self.text);
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    /// A success without a body that matters.
    #[track_caller]
    pub fn ok(&self) {
        assert!((200..300).contains(&self.status), "{} {}", self.status, self.text);
    }

    /// The body of a refusal: status, code and type agree.
    #[track_caller]
    pub fn refusal(&self) -> Problem {
        let problem: Problem = serde_json::from_str(&self.text)
            .unwrap_or_else(|error| panic!("{error}: {} {}", self.status, self.text));
        assert_eq!((problem.status, problem.code.status()), (self.status, self.status));
        assert_eq!(self.headers.get("content-type").map(String::as_str), Some("application/problem+json"));
        problem
    }
}
