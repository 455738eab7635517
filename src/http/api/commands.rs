//! `POST /api/v1/resources/Service/NAME/COMMAND`: commands about the rollout of a service. Behind the token,
//! as all that changes something (see `writes`).

use axum::Json;
use axum::extract::rejection::{JsonRejection, PathRejection};
use axum::extract::{Path, State};
use serde::Deserialize;
use serde_json::{Value, json};

use super::errors::Error;
use super::reads::{named, unexpected};
use crate::ask::{Answer, Question};
use crate::http::server::Shared;
use crate::http::status::time;
use crate::model::{Command, Order};

/// How long a name may be, in characters.
const LONGEST_NAME: usize = 64;

/// What a command may be given; which of it, is the command's.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Given {
    by: String,
    #[serde(default)]
    foreign: bool,
    #[serde(default)]
    terminate: bool,
    digest: Option<String>,
}

type Named = Result<Path<(String, String)>, PathRejection>;
type Body = Result<Json<Given>, JsonRejection>;
type Answered = Result<Json<Value>, Error>;

pub(super) async fn abort(shared: State<Shared>, path: Named, body: Body) -> Answered {
    order(shared, path, body, "abort").await
}

pub(super) async fn promote(shared: State<Shared>, path: Named, body: Body) -> Answered {
    order(shared, path, body, "promote").await
}

pub(super) async fn approve(shared: State<Shared>, path: Named, body: Body) -> Answered {
    order(shared, path, body, "approve").await
}

pub(super) async fn reject(shared: State<Shared>, path: Named, body: Body) -> Answered {
    order(shared, path, body, "reject").await
}

pub(super) async fn rollback(shared: State<Shared>, path: Named, body: Body) -> Answered {
    order(shared, path, body, "rollback").await
}

async fn order(
    State(shared): State<Shared>,
    path: Named,
    body: Body,
    command: &'static str,
) -> Answered {
    let key = named(path)?;
    let Json(given) = body.map_err(|error| Error::invalid(error.body_text()))?;
    let order = Order {
        command: read(command, &given)?,
        by: who(&given.by)?,
    };
    let by = order.by.clone();
    let question = Question::Command(key.clone(), order);
    let Answer::Carried(carried) = shared.api.asker.ask(question).await? else {
        return Err(unexpected());
    };
    Ok(Json(json!({
        "now": time(Some(carried.at)),
        "resource": key.to_string(),
        "command": command,
        "by": by,
        "deployment": carried.deployment,
        "done": carried.done,
    })))
}

/// The command, if all that is given is its own.
fn read(command: &str, given: &Given) -> Result<Command, Error> {
    let digest = given.digest.as_deref().map(str::trim);
    if digest.is_some_and(|digest| {
        digest.is_empty() || digest.len() > 100 || !digest.bytes().all(|b| b.is_ascii_graphic())
    }) {
        return Err(Error::invalid(
            "`digest` is no digest of a content, such as v1:0123456789abcdef0123456789abcdef; `evenkeel describe` shows it",
        ));
    }
    let digest = digest.map(str::to_owned);
    let stray = [
        (
            "foreign",
            given.foreign,
            &["abort", "promote", "rollback"][..],
        ),
        ("terminate", given.terminate, &["promote"][..]),
        ("digest", digest.is_some(), &["approve", "reject"][..]),
    ]
    .into_iter()
    .find(|(_, is_given, of)| *is_given && !of.contains(&command));
    if let Some((member, _, of)) = stray {
        let of = of.join(", ");
        return Err(Error::invalid(format!(
            "`{member}` is not of {command}, but of {of}"
        )));
    }
    let foreign = given.foreign;
    Ok(match (command, digest) {
        ("abort", _) => Command::Abort { foreign },
        ("promote", _) => Command::Promote {
            foreign,
            terminate: given.terminate,
        },
        ("approve", Some(digest)) => Command::Approve { digest },
        ("approve", None) => {
            return Err(Error::invalid(
                "approve needs the `digest` of the content that is approved; `evenkeel describe` shows it",
            ));
        }
        ("rollback", _) => Command::Rollback { foreign },
        (_, digest) => Command::Reject { digest },
    })
}

/// A name, as whoever asks says it.
fn who(by: &str) -> Result<String, Error> {
    let by = by.trim();
    if by.is_empty() || by.chars().count() > LONGEST_NAME || by.chars().any(char::is_control) {
        return Err(Error::invalid(format!(
            "`by` is to say who orders it, in 1 to {LONGEST_NAME} characters"
        )));
    }
    Ok(by.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(text: &str) -> Given {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn a_command_takes_what_is_its_own() {
        let digest = "v1:0123456789ab".to_owned();
        for (command, text, expected) in [
            ("abort", r#"{"by": "a"}"#, Command::Abort { foreign: false }),
            (
                "promote",
                r#"{"by": "a", "foreign": true, "terminate": true}"#,
                Command::Promote {
                    foreign: true,
                    terminate: true,
                },
            ),
            (
                "approve",
                r#"{"by": "a", "digest": " v1:0123456789ab "}"#,
                Command::Approve {
                    digest: digest.clone(),
                },
            ),
            ("reject", r#"{"by": "a"}"#, Command::Reject { digest: None }),
            (
                "rollback",
                r#"{"by": "a", "foreign": true}"#,
                Command::Rollback { foreign: true },
            ),
        ] {
            let read = read(command, &given(text)).unwrap();
            assert_eq!(read, expected);
            assert_eq!(read.label(), command);
        }
        for (command, text) in [
            ("abort", r#"{"by": "a", "terminate": true}"#),
            ("abort", r#"{"by": "a", "digest": "v1:0123456789"}"#),
            ("approve", r#"{"by": "a"}"#),
            (
                "approve",
                r#"{"by": "a", "digest": "v1:0123456789", "foreign": true}"#,
            ),
            ("reject", r#"{"by": "a", "digest": ""}"#),
            ("reject", r#"{"by": "a", "foreign": true}"#),
        ] {
            assert!(read(command, &given(text)).is_err(), "{command} {text}");
        }
    }

    #[test]
    fn who_orders_it_is_said_in_a_line() {
        assert_eq!(who(" ann@example.com ").unwrap(), "ann@example.com");
        for by in ["", "  ", "a\nb", &"a".repeat(65)] {
            assert!(who(by).is_err(), "{by:?}");
        }
    }
}
