//! The dashboard's files, as the native host serves them. At the edge the same files are the Worker's static assets,
//! with the headers of the same `dashboard/public/_headers`.

use axum::{
    body::{Body, Bytes},
    extract::Request,
    http::{HeaderMap, HeaderName, HeaderValue, Method, header},
    middleware::Next,
    response::Response,
};
use std::{collections::HashMap, fs, io, path::Path, sync::Arc};

/// What the page may do, and how long its files are kept, in the words that Cloudflare's assets know.
const RULES: &str = include_str!("../dashboard/public/_headers");

/// Why a folder is no dashboard.
#[derive(Debug, thiserror::Error)]
pub enum DashboardError {
    /// It cannot be read.
    #[error("{path}: {cause}; build the dashboard first: cargo xtask dashboard")]
    Io {
        /// Which file or folder.
        path: String,
        /// The system's cause.
        cause: io::Error,
    },
    /// Its `index.html` is missing.
    #[error("{path} has no index.html; build the dashboard first: cargo xtask dashboard")]
    NoPage {
        /// Which folder.
        path: String,
    },
    /// A file whose path is the API's.
    #[error("{path} would stand in the way of the API; take it out of the folder")]
    InTheWay {
        /// Which file.
        path: String,
    },
}

struct File {
    bytes: Bytes,
    headers: HeaderMap,
}

/// All files of the dashboard, read once: no request reaches the file system, so none leaves the folder.
#[derive(Clone)]
pub struct Dashboard(Arc<HashMap<String, File>>);

impl Dashboard {
    /// Reads a folder that `cargo xtask dashboard` built.
    ///
    /// # Errors
    /// When it cannot be read or is not one.
    pub fn read(folder: &Path) -> Result<Self, DashboardError> {
        let mut files = HashMap::new();
        read_into(folder, "", &mut files)?;
        let page = files.remove("/index.html");
        let page = page.ok_or_else(|| DashboardError::NoPage { path: folder.display().to_string() })?;
        files.insert("/".into(), page);
        Ok(Self(Arc::new(files)))
    }

    /// Answers with a file, or leaves the request to the API.
    pub async fn serve(self, request: Request, next: Next) -> Response {
        let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
        let Some(file) = self.0.get(request.uri().path()).filter(|_| is_read) else {
            return next.run(request).await;
        };
        let mut response = Response::new(Body::from(file.bytes.clone()));
        *response.headers_mut() = file.headers.clone();
        response
    }
}

fn read_into(folder: &Path, above: &str, files: &mut HashMap<String, File>) -> Result<(), DashboardError> {
    let io = |cause| DashboardError::Io { path: folder.display().to_string(), cause };
    for entry in fs::read_dir(folder).map_err(io)? {
        let entry = entry.map_err(io)?;
        let path = format!("{above}/{}", entry.file_name().to_string_lossy());
        let first = path.split('/').nth(1).unwrap_or_default();
        if ["v1", "healthz", "openapi.json"].contains(&first) {
            return Err(DashboardError::InTheWay { path: entry.path().display().to_string() });
        }
        if entry.file_type().map_err(io)?.is_dir() {
            read_into(&entry.path(), &path, files)?;
        } else if path != "/_headers" {
            let bytes = fs::read(entry.path()).map_err(io)?;
            let mut headers = rules(&path);
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type(&path)));
            files.insert(path, File { bytes: bytes.into(), headers });
        }
    }
    Ok(())
}

/// The headers of a path: of each block whose pattern it matches, where `! name` takes one away again.
fn rules(path: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let mut applies = false;
    for line in RULES.lines().filter(|line| !line.trim().is_empty()) {
        match line.strip_prefix("  ") {
            None => applies = line.strip_suffix('*').map_or(path == line, |start| path.starts_with(start)),
            Some(rule) if applies => match (rule.strip_prefix("! "), rule.split_once(": ")) {
                (Some(name), _) => {
                    headers.remove(name);
                }
                (None, Some((name, value))) => {
                    if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), value.parse()) {
                        headers.insert(name, value);
                    }
                }
                (None, None) => {}
            },
            Some(_) => {}
        }
    }
    headers
}

fn content_type(path: &str) -> &'static str {
    match path.rsplit('.').next() {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("wasm") => "application/wasm",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, content) in files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
        folder
    }

    #[test]
    fn the_page_is_fresh_and_what_has_a_hash_in_its_name_is_kept() {
        let made = folder(&[("index.html", "page"), ("assets/a-1.js", "script"), ("_headers", "")]);
        let Dashboard(files) = Dashboard::read(made.path()).unwrap();
        let mut paths: Vec<_> = files.keys().cloned().collect();
        paths.sort();
        assert_eq!(paths, ["/", "/assets/a-1.js"]);
        assert_eq!(files["/"].headers["cache-control"], "no-cache");
        assert_eq!(files["/assets/a-1.js"].headers["cache-control"], "public, max-age=31536000, immutable");
        assert_eq!(files["/assets/a-1.js"].headers["content-type"], "text/javascript; charset=utf-8");
        let policy = files["/"].headers["content-security-policy"].to_str().unwrap();
        assert!(policy.starts_with("default-src 'none'; script-src 'self' 'wasm-unsafe-eval';"), "{policy}");
        assert!(!policy.contains("unsafe-inline") && !policy.contains("'unsafe-eval'"), "{policy}");
    }

    #[test]
    fn a_folder_that_is_no_dashboard_or_would_hide_the_api_is_refused() {
        assert!(matches!(Dashboard::read(folder(&[]).path()), Err(DashboardError::NoPage { .. })));
        for name in ["v1/keys", "healthz", "openapi.json"] {
            let made = folder(&[("index.html", ""), (name, "")]);
            assert!(matches!(Dashboard::read(made.path()), Err(DashboardError::InTheWay { .. })), "{name}");
        }
    }
}
