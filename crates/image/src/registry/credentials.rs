//! What `docker login` stored.

use std::collections::BTreeMap;
use std::io::{Seek, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use lupine_tool::Tool;
use serde::Deserialize;

/// A credential helper that waits for a person must not hang a pull.
const HELPER_LIMIT: Duration = Duration::from_secs(30);
/// What Docker Hub goes by in config.json.
const HUB: &str = "https://index.docker.io/v1/";

/// Who to be at a registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Credentials {
    /// User name.
    pub user: String,
    /// Password.
    pub password: String,
    /// An OAuth2 refresh token instead of a password.
    pub identity_token: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct DockerConfig {
    auths: BTreeMap<String, Auth>,
    creds_store: Option<String>,
    cred_helpers: BTreeMap<String, String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Auth {
    auth: Option<String>,
    username: Option<String>,
    password: Option<String>,
    identitytoken: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct HelperAnswer {
    username: String,
    secret: String,
}

impl Credentials {
    /// What a `Basic` header holds.
    pub fn basic(&self) -> String {
        STANDARD.encode(format!("{}:{}", self.user, self.password))
    }
}

/// The credentials for `registry` in `$DOCKER_CONFIG` or `~/.docker`, if any.
/// A file that cannot be read counts as absent: the registry may not need any.
pub(crate) fn find(registry: &str) -> Option<Credentials> {
    let dir = std::env::var_os("DOCKER_CONFIG")
        .filter(|dir| !dir.is_empty())
        .map(PathBuf::from)
        .or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".docker")))?;
    find_in(&dir.join("config.json"), registry)
}

fn find_in(file: &Path, registry: &str) -> Option<Credentials> {
    let config: DockerConfig = serde_json::from_slice(&std::fs::read(file).ok()?).ok()?;
    let key = if registry == "docker.io" {
        HUB
    } else {
        registry
    };
    let helper = config
        .cred_helpers
        .get(registry)
        .or(config.creds_store.as_ref());
    if let Some(credentials) = helper.and_then(|helper| ask_helper(helper, key)) {
        return Some(credentials);
    }
    let mut auths = config.auths.iter();
    let (_, auth) = auths.find(|(name, _)| host_of(name) == host_of(key))?;
    stored(auth)
}

/// Host and port of what config.json calls a registry: `https://HOST/v1/`, `HOST`.
fn host_of(name: &str) -> &str {
    let name = name.split_once("://").map_or(name, |(_, rest)| rest);
    name.split('/').next().unwrap_or(name)
}

fn stored(auth: &Auth) -> Option<Credentials> {
    let decoded = auth
        .auth
        .as_deref()
        .and_then(|text| STANDARD.decode(text.trim()).ok())
        .and_then(|bytes| String::from_utf8(bytes).ok());
    let (user, password) = match decoded.as_deref().and_then(|text| text.split_once(':')) {
        Some((user, password)) => (user.to_owned(), password.trim_end_matches('\0').to_owned()),
        None => (
            auth.username.clone().unwrap_or_default(),
            auth.password.clone().unwrap_or_default(),
        ),
    };
    let identity_token = auth.identitytoken.clone().filter(|token| !token.is_empty());
    (!user.is_empty() || identity_token.is_some()).then_some(Credentials {
        user,
        password,
        identity_token,
    })
}

/// Asks `docker-credential-NAME`, which reads the registry's name from stdin.
fn ask_helper(name: &str, key: &str) -> Option<Credentials> {
    let mut question = tempfile::tempfile().ok()?;
    question.write_all(key.as_bytes()).ok()?;
    question.rewind().ok()?;
    let output = Tool::new(format!("docker-credential-{name}"))
        .arg("get")
        .stdin(question)
        .timeout(HELPER_LIMIT)
        .run()
        .ok()?;
    let answer: HelperAnswer = serde_json::from_slice(&output.stdout).ok()?;
    let token = answer.username == "<token>";
    Some(Credentials {
        identity_token: token.then(|| answer.secret.clone()),
        user: answer.username,
        password: answer.secret,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lookup(json: &str, registry: &str) -> Option<(String, String)> {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("config.json");
        std::fs::write(&file, json).unwrap();
        find_in(&file, registry).map(|c| (c.user, c.password))
    }

    #[test]
    fn stored_logins_are_found_by_host() {
        let json = r#"{"auths":{"https://index.docker.io/v1/":{"auth":"aHViOnB3"},
            "localhost:5000":{"auth":"dTpwOnE="},"https://r.example":{"username":"n","password":"s"},
            "empty.example":{}}}"#;
        let pair = |u: &str, p: &str| Some((u.to_owned(), p.to_owned()));
        assert_eq!(lookup(json, "docker.io"), pair("hub", "pw"));
        assert_eq!(lookup(json, "localhost:5000"), pair("u", "p:q"));
        assert_eq!(lookup(json, "r.example"), pair("n", "s"));
        assert_eq!(lookup(json, "empty.example"), None);
        assert_eq!(lookup(json, "other.example"), None);
        assert_eq!(lookup("{", "r.example"), None);
    }

    #[test]
    fn a_missing_helper_is_no_error() {
        let json = r#"{"credsStore":"not-here","auths":{"r.example":{"auth":"dTpw"}}}"#;
        assert!(lookup(json, "r.example").is_some());
    }
}
