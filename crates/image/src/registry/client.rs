//! One repository of one registry over HTTP: authentication, statuses, retries.

use std::io::Read;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ureq::config::RedirectAuthHeaders;
use ureq::http::{HeaderMap, Response};
use ureq::tls::{RootCerts, TlsConfig};
use ureq::{Agent, Body};

use super::challenge::{self, Challenge};
use super::credentials::{self, Credentials};
use super::retry::{Failure, retry};
use crate::{DockerRef, ImageError, RegistryError};

/// How long to wait for a connection.
const CONNECT_LIMIT: Duration = Duration::from_secs(15);
/// How long a registry may be silent, within a transfer or before an answer.
const SILENCE_LIMIT: Duration = Duration::from_secs(60);
/// Most bytes of an error that are read.
const ANSWER_MAX: u64 = 1 << 20;
/// Registries that are spoken to without TLS, besides those on loopback.
const INSECURE: &str = "LUPINE_INSECURE_REGISTRIES";

/// One repository of one registry.
pub(crate) struct Client {
    pub(super) agent: Agent,
    /// `http://HOST:PORT/v2/REPOSITORY`.
    pub(super) base: String,
    registry: String,
    pub(super) repository: String,
    pub(super) credentials: Option<Credentials>,
    /// The `Authorization` header that worked last.
    authorization: Mutex<Option<String>>,
    /// Whether the registry ever answered: then silence means that it died.
    reached: AtomicBool,
}

impl Client {
    /// Prepares; connects to nobody yet.
    pub fn new(reference: &DockerRef) -> Result<Self, ImageError> {
        let tls = TlsConfig::builder()
            .root_certs(RootCerts::PlatformVerifier)
            .build();
        let agent = Agent::config_builder()
            .http_status_as_error(false)
            .redirect_auth_headers(RedirectAuthHeaders::SameHost)
            .timeout_connect(Some(CONNECT_LIMIT))
            .timeout_recv_response(Some(SILENCE_LIMIT))
            .timeout_per_read(Some(SILENCE_LIMIT))
            .user_agent(concat!("lupine/", env!("CARGO_PKG_VERSION")))
            .input_buffer_size(1 << 17)
            .tls_config(tls)
            .build()
            .new_agent();
        let host = match reference.registry.as_str() {
            "docker.io" => "registry-1.docker.io",
            host => host,
        };
        let scheme = if is_plain(host, &std::env::var(INSECURE).unwrap_or_default()) {
            "http"
        } else {
            "https"
        };
        Ok(Self {
            agent,
            base: format!("{scheme}://{host}/v2/{}", reference.repository),
            registry: reference.registry.clone(),
            repository: reference.repository.clone(),
            credentials: credentials::find(&reference.registry),
            authorization: Mutex::new(None),
            reached: AtomicBool::new(false),
        })
    }

    /// Registry and repository, for messages.
    pub fn name(&self) -> String {
        format!("{}/{}", self.registry, self.repository)
    }

    /// Host and port, for messages.
    pub fn registry(&self) -> &str {
        &self.registry
    }

    /// A manifest's or index's bytes and the digest that the registry gives it.
    pub fn manifest(
        &self,
        selector: &str,
        accept: &str,
        max: u64,
    ) -> Result<(Vec<u8>, Option<String>), ImageError> {
        let what = format!("the manifest of {}:{selector}", self.name());
        retry(|| {
            let address = format!("{}/manifests/{selector}", self.base);
            let answer = self.get(&address, &[("accept", accept)], &what)?;
            if answer.status() == 404 {
                return Err(Failure::from(RegistryError::NotFound {
                    registry: self.registry.clone(),
                    repository: self.repository.clone(),
                    selector: selector.into(),
                    message: message(answer),
                }));
            }
            let digest = header(answer.headers(), "docker-content-digest");
            let mut bytes = Vec::new();
            let mut reader = answer.into_body().into_reader().take(max + 1);
            reader
                .read_to_end(&mut bytes)
                .map_err(|error| Failure::passing(self.broken(&what, &error)))?;
            if bytes.len() as u64 > max {
                return Err(Failure::from(ImageError::TooMuch {
                    place: what.clone(),
                    what: "bytes",
                    limit: max,
                }));
            }
            Ok((bytes, digest))
        })
    }

    /// One attempt at a blob from byte `from` on; 200, 206 or 416.
    pub fn blob(&self, digest: &str, from: u64) -> Result<Response<Body>, Failure> {
        let address = format!("{}/blobs/{digest}", self.base);
        let range = format!("bytes={from}-");
        let headers: &[(&str, &str)] = if from > 0 { &[("range", &range)] } else { &[] };
        let answer = self.get(&address, headers, &format!("blob {digest}"))?;
        if answer.status() == 404 {
            return Err(Failure::from(RegistryError::BlobNotFound {
                registry: self.registry.clone(),
                repository: self.repository.clone(),
                digest: digest.into(),
            }));
        }
        Ok(answer)
    }

    /// A transfer that broke off.
    pub fn broken(&self, what: &str, why: &impl ToString) -> RegistryError {
        RegistryError::Broken {
            registry: self.registry.clone(),
            what: what.into(),
            why: why.to_string(),
        }
    }

    /// One request, authenticated where that is asked for. Passes on 2xx, 404 and 416.
    fn get(
        &self,
        address: &str,
        headers: &[(&str, &str)],
        what: &str,
    ) -> Result<Response<Body>, Failure> {
        let known = self.authorization().clone();
        let answer = self.send(address, headers, known.as_deref(), what)?;
        if answer.status() != 401 {
            return self.judge(answer, what);
        }
        let challenges = answer.headers().get_all("www-authenticate").iter();
        let challenge = challenges
            .filter_map(|value| challenge::parse(value.to_str().ok()?))
            .next();
        let authorization = self.authorize(challenge, known.as_deref())?;
        let answer = self.send(address, headers, Some(&authorization), what)?;
        if answer.status() == 401 {
            return Err(self.unauthorized().into());
        }
        *self.authorization() = Some(authorization);
        self.judge(answer, what)
    }

    fn authorization(&self) -> std::sync::MutexGuard<'_, Option<String>> {
        let guard = self.authorization.lock();
        guard.unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    pub(super) fn send(
        &self,
        address: &str,
        headers: &[(&str, &str)],
        authorization: Option<&str>,
        what: &str,
    ) -> Result<Response<Body>, Failure> {
        let mut request = self.agent.get(address);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(value) = authorization {
            request = request.header("authorization", value);
        }
        let answer = request
            .call()
            .map_err(|error| self.no_answer(&error, what))?;
        self.reached.store(true, Ordering::Relaxed);
        Ok(answer)
    }

    /// What the lack of any answer means.
    pub(super) fn no_answer(&self, error: &ureq::Error, what: &str) -> Failure {
        let tls = matches!(error, ureq::Error::Tls(_) | ureq::Error::Rustls(_))
            || error.to_string().contains("InvalidContentType");
        let why = if tls {
            format!(
                "{error}; if it speaks plain http, put {} into {INSECURE}",
                self.registry
            )
        } else {
            error.to_string()
        };
        if self.reached.load(Ordering::Relaxed) {
            return Failure::passing(self.broken(what, &why));
        }
        let not_there = RegistryError::NotThere {
            registry: self.registry.clone(),
            why,
        };
        use std::io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
        let cut = [
            BrokenPipe,
            ConnectionAborted,
            ConnectionReset,
            UnexpectedEof,
        ];
        match error {
            ureq::Error::Timeout(_) => Failure::passing(not_there),
            ureq::Error::Io(io) if !tls && cut.contains(&io.kind()) => {
                Failure::passing(self.broken(what, error))
            }
            _ => not_there.into(),
        }
    }

    /// Sorts statuses into those that may pass and those that will not.
    pub(super) fn judge(
        &self,
        answer: Response<Body>,
        what: &str,
    ) -> Result<Response<Body>, Failure> {
        let status = answer.status().as_u16();
        let registry = self.registry.clone();
        match status {
            200 | 206 | 404 | 416 => Ok(answer),
            403 => Err(Failure::from(RegistryError::Denied {
                registry,
                repository: self.repository.clone(),
                message: message(answer),
            })),
            429 => {
                let asked = header(answer.headers(), "retry-after");
                let retry_after_s = asked.and_then(|text| text.trim().parse().ok());
                Err(Failure::Retry {
                    error: RegistryError::RateLimited {
                        registry,
                        retry_after_s,
                    }
                    .into(),
                    after: retry_after_s.map(Duration::from_secs),
                    progressed: false,
                })
            }
            500..=599 => Err(Failure::passing(RegistryError::ServerFailed {
                registry,
                status,
                what: what.into(),
                message: message(answer),
            })),
            _ => Err(Failure::from(RegistryError::Unexpected {
                registry,
                what: what.into(),
                why: format!("status {status}"),
            })),
        }
    }

    pub(super) fn unauthorized(&self) -> RegistryError {
        RegistryError::Unauthorized {
            registry: self.registry.clone(),
            repository: self.repository.clone(),
            had_credentials: self.credentials.is_some(),
        }
    }

    /// The `Authorization` header that answers `challenge`.
    fn authorize(
        &self,
        challenge: Option<Challenge>,
        refused: Option<&str>,
    ) -> Result<String, Failure> {
        match (challenge, &self.credentials) {
            (Some(Challenge::Basic), Some(credentials)) => {
                let header = format!("Basic {}", credentials.basic());
                if refused == Some(&header) {
                    return Err(self.unauthorized().into());
                }
                Ok(header)
            }
            (
                Some(Challenge::Bearer {
                    realm,
                    service,
                    scope,
                }),
                _,
            ) => self
                .token(&realm, service.as_deref(), scope.as_deref())
                .map(|token| format!("Bearer {token}")),
            _ => Err(self.unauthorized().into()),
        }
    }
}

/// Whether a registry is spoken to without TLS.
fn is_plain(host: &str, insecure: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or(rest),
        None => host.split(':').next().unwrap_or(host),
    };
    let loopback = name == "localhost"
        || name
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback());
    loopback
        || insecure
            .split(',')
            .any(|entry| entry.trim() == host || entry.trim() == name)
}

fn header(headers: &HeaderMap, name: &str) -> Option<String> {
    Some(headers.get(name)?.to_str().ok()?.to_owned())
}

/// What the registry says in its error document, or its first words.
fn message(answer: Response<Body>) -> String {
    let mut bytes = Vec::new();
    let mut reader = answer.into_body().into_reader().take(ANSWER_MAX);
    if reader.read_to_end(&mut bytes).is_err() {
        return String::new();
    }
    let said: Option<serde_json::Value> = serde_json::from_slice(&bytes).ok();
    let message = said
        .as_ref()
        .and_then(|v| v["errors"][0]["message"].as_str().or(v["message"].as_str()));
    // The registry's words go to a terminal: no control characters from there.
    let text = message.map_or_else(
        || String::from_utf8_lossy(&bytes).into_owned(),
        str::to_owned,
    );
    text.chars().filter(|c| !c.is_control()).take(200).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_is_for_loopback_and_where_allowed() {
        for host in ["127.0.0.1:5000", "localhost", "[::1]:5000", "127.8.0.1"] {
            assert!(is_plain(host, ""), "{host}");
        }
        for host in [
            "localhost.example",
            "10.0.0.1:5000",
            "[::2]:5000",
            "docker.io",
        ] {
            assert!(!is_plain(host, ""), "{host}");
        }
        assert!(is_plain("10.0.0.1:5000", "x, 10.0.0.1:5000"));
        assert!(is_plain("r.example:5000", "r.example"));
    }
}
