//! The Git servers: where each puts its proof and what it calls a push. Pure.

use axum::http::HeaderMap;

/// A kind of Git server. The last part of its address is its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Provider {
    /// GitHub and GitHub Enterprise.
    GitHub,
    /// `GitLab`.
    GitLab,
    /// Bitbucket Cloud and Data Center.
    Bitbucket,
    /// Gitea, Forgejo and Gogs.
    Gitea,
}

/// How a request proves where it comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Proof {
    /// The HMAC-SHA256 of the body.
    Hmac(Vec<u8>),
    /// The secret itself.
    Token(Vec<u8>),
}

/// What a request tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Told {
    /// Branches or tags have moved.
    Push,
    /// The hook was set up or is tried out.
    Ping,
    /// Something else, which the hook need not send.
    Other,
}

impl Provider {
    /// Every one.
    pub(super) const ALL: [Self; 4] = [Self::GitHub, Self::GitLab, Self::Bitbucket, Self::Gitea];

    /// Its name in the address and in metrics.
    pub(super) fn label(self) -> &'static str {
        match self {
            Self::GitHub => "github",
            Self::GitLab => "gitlab",
            Self::Bitbucket => "bitbucket",
            Self::Gitea => "gitea",
        }
    }

    /// The headers that may hold the proof. `X-Gogs-Signature` and Forgejo's hold what Gitea's does.
    fn proof_headers(self) -> &'static [&'static str] {
        match self {
            Self::GitHub => &["x-hub-signature-256"],
            Self::GitLab => &["x-gitlab-token"],
            Self::Bitbucket => &["x-hub-signature"],
            Self::Gitea => &[
                "x-gitea-signature",
                "x-forgejo-signature",
                "x-gogs-signature",
            ],
        }
    }

    fn told_headers(self) -> &'static [&'static str] {
        match self {
            Self::GitHub => &["x-github-event"],
            Self::GitLab => &["x-gitlab-event"],
            Self::Bitbucket => &["x-event-key"],
            Self::Gitea => &["x-gitea-event", "x-forgejo-event", "x-gogs-event"],
        }
    }

    /// The proof of a request.
    ///
    /// # Errors
    /// What is missing or malformed, for the person who sets the hook up; no part of a value.
    pub(super) fn proof(self, headers: &HeaderMap) -> Result<Proof, String> {
        let names = self.proof_headers();
        let Some(value) = names.iter().find_map(|name| headers.get(*name)) else {
            return Err(format!(
                "the header {} is missing: give the hook a secret",
                names[0]
            ));
        };
        if self == Self::GitLab {
            return Ok(Proof::Token(value.as_bytes().to_vec()));
        }
        let text = value.to_str().unwrap_or_default();
        let hex_digits = text.strip_prefix("sha256=").unwrap_or(text);
        match hex::decode(hex_digits) {
            Ok(bytes) if bytes.len() == 32 => Ok(Proof::Hmac(bytes)),
            _ => Err(format!(
                "the header {} is not the HMAC-SHA256 of the body in hexadecimal",
                names[0]
            )),
        }
    }

    /// What a request tells.
    pub(super) fn told(self, headers: &HeaderMap) -> Told {
        let names = self.told_headers();
        let event = names
            .iter()
            .find_map(|name| headers.get(*name))
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default();
        match (self, event) {
            (Self::GitHub | Self::Gitea, "push" | "create" | "delete")
            | (Self::GitLab, "Push Hook" | "Tag Push Hook" | "System Hook")
            | (Self::Bitbucket, "repo:push" | "repo:refs_changed") => Told::Push,
            (Self::GitHub | Self::Gitea, "ping") | (Self::Bitbucket, "diagnostics:ping") => {
                Told::Ping
            }
            _ => Told::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderName, HeaderValue};

    use super::*;

    fn headers(of: &[(&'static str, &str)]) -> HeaderMap {
        of.iter()
            .map(|(name, value)| {
                (
                    HeaderName::from_static(name),
                    HeaderValue::from_str(value).unwrap(),
                )
            })
            .collect()
    }

    #[test]
    fn each_server_has_its_proof() {
        let digest = "ab".repeat(32);
        let prefixed = format!("sha256={digest}");
        let hmac = Ok(Proof::Hmac(vec![0xab; 32]));
        for (provider, name, value) in [
            (Provider::GitHub, "x-hub-signature-256", &prefixed),
            (Provider::Bitbucket, "x-hub-signature", &prefixed),
            (Provider::Gitea, "x-gitea-signature", &digest),
            (Provider::Gitea, "x-forgejo-signature", &digest),
        ] {
            assert_eq!(provider.proof(&headers(&[(name, value)])), hmac, "{name}");
        }
        assert_eq!(
            Provider::GitLab.proof(&headers(&[("x-gitlab-token", "hush")])),
            Ok(Proof::Token(b"hush".to_vec()))
        );
    }

    #[test]
    fn an_older_or_broken_proof_is_none() {
        // Bitbucket and GitHub have the SHA-1 one under nearly the same name.
        let sha1 = format!("sha1={}", "ab".repeat(20));
        for value in [&sha1, "sha256=", "sha256=zz", "sha256=abcd", ""] {
            let found = Provider::Bitbucket.proof(&headers(&[("x-hub-signature", value)]));
            assert!(found.is_err(), "{value}");
        }
        for provider in Provider::ALL {
            let missing = provider.proof(&HeaderMap::new()).unwrap_err();
            assert!(missing.contains(provider.proof_headers()[0]), "{missing}");
        }
    }

    #[test]
    fn only_pushes_wake() {
        for (provider, name, value, told) in [
            (Provider::GitHub, "x-github-event", "push", Told::Push),
            (Provider::GitHub, "x-github-event", "ping", Told::Ping),
            (Provider::GitHub, "x-github-event", "issues", Told::Other),
            (
                Provider::GitLab,
                "x-gitlab-event",
                "Tag Push Hook",
                Told::Push,
            ),
            (Provider::GitLab, "x-gitlab-event", "Note Hook", Told::Other),
            (
                Provider::Bitbucket,
                "x-event-key",
                "repo:refs_changed",
                Told::Push,
            ),
            (
                Provider::Bitbucket,
                "x-event-key",
                "diagnostics:ping",
                Told::Ping,
            ),
            (Provider::Gitea, "x-forgejo-event", "push", Told::Push),
            (Provider::GitHub, "x-gitea-event", "push", Told::Other),
        ] {
            assert_eq!(provider.told(&headers(&[(name, value)])), told, "{value}");
        }
    }
}
