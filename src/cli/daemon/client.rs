//! The HTTP client of the daemon's API. It follows no redirect and uses no proxy: a token goes nowhere but
//! to the address that was named.

use std::time::Duration;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::{Method, StatusCode, Url};
use serde_json::Value;

use super::args::{ServerArgs, TokenArgs};
use crate::cli::output;
use crate::model::Key;

/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(5);

/// How long an answer may take: longer than an AWS call that the daemon makes for it.
const ANSWER: Duration = Duration::from_secs(90);

/// A connection to a daemon.
pub(super) struct Client {
    server: Url,
    token: Option<String>,
    http: reqwest::Client,
}

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum Failure {
    /// Nothing answers.
    Unreachable(String),
    /// The daemon refuses, or what answers is none.
    Refused(String),
}

impl From<Failure> for String {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Unreachable(text) | Failure::Refused(text) => text,
        }
    }
}

impl Client {
    /// A client that only reads.
    pub(super) fn new(args: &ServerArgs) -> Result<Self, String> {
        Self::at(&args.server)
    }

    /// A client of the daemon at this address that only reads.
    pub(super) fn at(server: &str) -> Result<Self, String> {
        let wrong = |why: &str| format!("--server {server}: {why}, such as http://127.0.0.1:9464");
        let mut server = Url::parse(server).map_err(|_| wrong("is no URL"))?;
        if !matches!(server.scheme(), "http" | "https") || server.cannot_be_a_base() {
            return Err(wrong("is no HTTP URL"));
        }
        if !server.username().is_empty() || server.password().is_some() {
            return Err(
                "--server takes no user and password; the token is given by --api-token-file"
                    .to_owned(),
            );
        }
        server.set_query(None);
        server.set_fragment(None);
        let http = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT)
            .timeout(ANSWER)
            .build()
            .map_err(|error| format!("cannot make an HTTP client: {error}"))?;
        Ok(Self {
            server,
            token: None,
            http,
        })
    }

    /// A client that may write.
    pub(super) fn writing(args: &ServerArgs, token: &TokenArgs) -> Result<Self, String> {
        let client = Self::new(args)?;
        let token = super::token::first(token.api_token_file.as_deref())?;
        let local = matches!(
            client.server.host_str(),
            Some("127.0.0.1" | "localhost" | "[::1]")
        );
        if token.is_some() && client.server.scheme() == "http" && !local {
            output::note(&format!(
                "warning: the token goes to {} without encryption; put TLS before the daemon, or use a tunnel\n",
                client.server
            ));
        }
        Ok(Self { token, ..client })
    }

    /// Reads.
    pub(super) async fn get(&self, path: &str) -> Result<Value, Failure> {
        self.send(Method::GET, path, None).await
    }

    /// Asks for something to be done.
    pub(super) async fn post(&self, path: &str, body: &Value) -> Result<Value, Failure> {
        self.send(Method::POST, path, Some(body)).await
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Value, Failure> {
        let base = self.server.as_str().trim_end_matches('/');
        let mut request = self.http.request(method, format!("{base}/api/v1/{path}"));
        if let Some(body) = body {
            request = request
                .header("content-type", "application/json")
                .body(body.to_string());
        }
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        let unreachable = |error: &reqwest::Error| {
            Failure::Unreachable(format!(
                "no daemon answers at {}: {}; start one with `evenkeel run`, or name another by --server URL or \
                 EVENKEEL_SERVER",
                self.server,
                innermost(error)
            ))
        };
        let answer = request.send().await.map_err(|error| unreachable(&error))?;
        let status = answer.status();
        let text = answer.text().await.map_err(|error| unreachable(&error))?;
        let document: Option<Value> = serde_json::from_str(&text).ok();
        match document {
            Some(document) if status.is_success() => Ok(document),
            // A proxy before a daemon that is just being restarted.
            None if matches!(status.as_u16(), 502..=504) => Err(Failure::Unreachable(format!(
                "no daemon answers behind {} (HTTP {})",
                self.server,
                status.as_u16()
            ))),
            document => Err(Failure::Refused(refused(
                &self.server,
                status,
                document.as_ref(),
            ))),
        }
    }
}

/// What a refusal says.
fn refused(server: &Url, status: StatusCode, document: Option<&Value>) -> String {
    let message = document.and_then(|document| document.pointer("/error/message")?.as_str());
    message.map_or_else(
        || {
            format!(
                "what answers at {server} is no Even Keel daemon of this version (HTTP {}); name it by --server URL or \
                 EVENKEEL_SERVER",
                status.as_u16()
            )
        },
        super::text::clean,
    )
}

/// The cause that says something: `connection refused`, and not `error sending request`.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}

/// A resource's path.
pub(super) fn path_of(key: &Key) -> String {
    let name = utf8_percent_encode(&key.name, NON_ALPHANUMERIC);
    format!("resources/{}/{name}", key.kind)
}
