//! Bearer tokens, from the token server that a registry names.

use std::io::Read;

use serde::Deserialize;
use ureq::Body;
use ureq::http::Response;

use super::challenge::query_encode;
use super::client::Client;
use super::credentials::Credentials;
use super::retry::Failure;
use crate::RegistryError;

/// Most bytes of a token that are read.
const TOKEN_MAX: u64 = 1 << 20;
/// What a request for a token is called in messages.
const WHAT: &str = "a request for a token";

#[derive(Deserialize)]
struct TokenAnswer {
    token: Option<String>,
    access_token: Option<String>,
}

impl Client {
    /// Gets a token from the token server at `realm`.
    pub(super) fn token(
        &self,
        realm: &str,
        service: Option<&str>,
        scope: Option<&str>,
    ) -> Result<String, Failure> {
        let pull = format!("repository:{}:pull", self.repository);
        let scope = query_encode(scope.unwrap_or(&pull));
        let service = query_encode(service.unwrap_or_default());
        // Credentials that came over TLS do not leave without it.
        let safe = realm.starts_with("https://") || self.base.starts_with("http://");
        let credentials = self.credentials.as_ref().filter(|_| safe);
        let query = format!("service={service}&scope={scope}");
        let answer = self.ask_for_token(realm, &query, credentials)?;
        if matches!(answer.status().as_u16(), 400 | 401 | 403) {
            return Err(self.unauthorized().into());
        }
        let answer = self.judge(answer, WHAT)?;
        let mut bytes = Vec::new();
        let mut reader = answer.into_body().into_reader().take(TOKEN_MAX);
        reader
            .read_to_end(&mut bytes)
            .map_err(|error| Failure::passing(self.broken(WHAT, &error)))?;
        let token = serde_json::from_slice::<TokenAnswer>(&bytes).ok();
        let token = token.and_then(|answer| answer.token.or(answer.access_token));
        token.ok_or_else(|| {
            Failure::from(RegistryError::Unexpected {
                registry: self.registry().into(),
                what: WHAT.into(),
                why: "something that is no token".into(),
            })
        })
    }

    fn ask_for_token(
        &self,
        realm: &str,
        query: &str,
        credentials: Option<&Credentials>,
    ) -> Result<Response<Body>, Failure> {
        let refresh = credentials.and_then(|c| c.identity_token.as_ref());
        let Some(refresh) = refresh else {
            let basic = credentials.map(|c| format!("Basic {}", c.basic()));
            let mark = if realm.contains('?') { '&' } else { '?' };
            return self.send(
                &format!("{realm}{mark}{query}"),
                &[],
                basic.as_deref(),
                WHAT,
            );
        };
        let form = format!(
            "grant_type=refresh_token&client_id=lupine&{query}&refresh_token={}",
            query_encode(refresh)
        );
        let request = self.agent.post(realm);
        request
            .header("content-type", "application/x-www-form-urlencoded")
            .send(form)
            .map_err(|error| self.no_answer(&error, WHAT))
    }
}
