//! What `CodeDeploy` remembers of our attempts: the digest in a deployment's description, and how each
//! attempt ended. Pure.

use serde_json::Value;

use super::supersede::Marks;
use super::text;
use crate::kinds::heal::time;
use crate::manifest::Revision;

/// What every description of ours begins with.
const MARK: &str = "evenkeel ";

/// Characters of a description, at most (aws-facts 2.3).
const LONGEST: usize = 256;

/// The description of a deployment of ours: the attempt, and the commit that declares the service.
pub(super) fn description(attempt: &str, revision: Option<&Revision>) -> String {
    let mut text = format!("{MARK}attempt={attempt}");
    if let Some(revision) = revision {
        text.push_str(&format!(
            " commit={} {} {}: {}",
            revision.commit,
            time(revision.time),
            revision.author,
            revision.message
        ));
    }
    text.chars().take(LONGEST).collect()
}

/// The description of a deployment of ours of another commit than the one that declares the service now.
pub(super) fn described_by(attempt: &str, commit: Option<&str>) -> String {
    let mut text = description(attempt, None);
    if let Some(commit) = commit {
        text.push_str(&format!(" commit={commit}"));
    }
    text.chars().take(LONGEST).collect()
}

/// The number of the retry in a description of ours.
pub(super) fn retry_of(description: &str) -> Option<usize> {
    let mut words = description.strip_prefix(MARK)?.split_whitespace();
    let number = words.nth(1)?.strip_prefix("retry=")?;
    number.parse().ok()
}

/// A description of ours with the number of the retry, by which each is a write of its own to those who look for writes that
/// are made again and again.
pub(super) fn of_retry(description: &str, number: usize) -> String {
    let Some(attempt) = description.strip_prefix(MARK) else {
        return description.to_owned();
    };
    let (attempt, rest) = attempt.split_once(' ').unwrap_or((attempt, ""));
    let text = format!("{MARK}{attempt} retry={number} {rest}");
    text.trim_end().chars().take(LONGEST).collect()
}

/// The description of a deployment that goes back to what `good` brought, as somebody ordered. It counts as an
/// attempt of that content.
pub(super) fn rollback_description(good: &Value, by: &str) -> String {
    let id = text(good, "deploymentId");
    let attempt = attempt_of(good).map_or_else(|| format!("rollback-to-{id}"), str::to_owned);
    let text = format!("{MARK}attempt={attempt} rollback to {id}, ordered by {by}");
    text.chars().take(LONGEST).collect()
}

/// The attempt's digest in a description of ours; `None` for a deployment of somebody else.
pub(super) fn attempt_of(deployment: &Value) -> Option<&str> {
    let words = text(deployment, "description").strip_prefix(MARK)?;
    words
        .split_whitespace()
        .find_map(|word| word.strip_prefix("attempt="))
}

/// The deployment that failed: the one that a rollback takes back, or itself.
pub(super) fn failed_one(deployment: &Value) -> &str {
    match rolled_back_by(deployment, "rollbackTriggeringDeploymentId") {
        "" => text(deployment, "deploymentId"),
        triggering => triggering,
    }
}

/// The commit in a description of ours.
pub(super) fn commit_of(deployment: &Value) -> Option<&str> {
    attempt_of(deployment)?;
    let mut words = text(deployment, "description").split_whitespace();
    words.find_map(|word| word.strip_prefix("commit="))
}

/// Whether a deployment is in flight.
pub(super) fn in_flight(deployment: &Value) -> bool {
    !matches!(
        text(deployment, "status"),
        "Succeeded" | "Failed" | "Stopped"
    )
}

/// The deployment that a rollback undoes; empty if AWS does not say.
pub(super) fn undone_by(rollback: &Value) -> &str {
    rolled_back_by(rollback, "rollbackTriggeringDeploymentId")
}

/// Whether `CodeDeploy` itself started it to go back.
pub(super) fn is_rollback(deployment: &Value) -> bool {
    text(deployment, "creator") == "codeDeployRollback"
        || !rolled_back_by(deployment, "rollbackTriggeringDeploymentId").is_empty()
}

fn rolled_back_by<'a>(deployment: &'a Value, member: &str) -> &'a str {
    deployment
        .get("rollbackInfo")
        .map(|info| text(info, member))
        .unwrap_or_default()
}

/// How the last attempt of a payload ended badly.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct BadEnd {
    /// The deployment.
    pub(super) id: String,
    /// What a person needs to know.
    pub(super) why: String,
    /// Whether no other rollout came after it.
    pub(super) newest: bool,
}

/// Whether an alarm or a hook ended a deployment: a word on its content, whoever stopped it besides (aws-facts 2.4).
pub(super) fn is_condemned(deployment: &Value) -> bool {
    let error = deployment.get("errorInformation");
    let code = error.map_or("", |error| text(error, "code"));
    matches!(code, "ALARM_ACTIVE" | "HOOK_EXECUTION_FAILURE")
}

/// The bad end of the newest attempt with this digest, if it ended badly; what made room for a newer manifest
/// (`marks`) did not. `history` is newest first.
///
/// The marks forget the oldest: before one that made room, only what failed of itself counts. And where the very newest
/// rollout made room, its content had been let start after all that came before.
pub(super) fn bad_end(history: &[Value], attempt: &str, marks: &Marks<'_>) -> Option<BadEnd> {
    let rollouts = history.iter().filter(|deployment| !is_rollback(deployment));
    let rollouts: Vec<&Value> = rollouts.collect();
    let newest = *rollouts.first()?;
    let own = rollouts
        .iter()
        .copied()
        .filter(|deployment| attempt_of(deployment) == Some(attempt));
    let mut made_room = false;
    let mut found = None;
    for deployment in own {
        if marks.made_room(deployment) {
            if std::ptr::eq(deployment, newest) {
                return None;
            }
            made_room = true;
        } else if !made_room || text(deployment, "status") != "Stopped" || is_condemned(deployment)
        {
            found = Some(deployment);
            break;
        }
    }
    let found = found?;
    let status = text(found, "status");
    if !matches!(status, "Failed" | "Stopped") {
        return None;
    }
    Some(BadEnd {
        id: text(found, "deploymentId").to_owned(),
        why: explain(found, history),
        newest: text(found, "deploymentId") == text(newest, "deploymentId"),
    })
}

/// Whether the newest rollout made room for a newer manifest, or the newest deployment that succeeded was
/// ours, of another payload than this one. `history` is newest first. What is live then is what we made of an
/// earlier manifest, and nobody's change.
pub(super) fn left_by_us(history: &[Value], attempt: &str, marks: &Marks<'_>) -> bool {
    let mut rollouts = history.iter().filter(|deployment| !is_rollback(deployment));
    if rollouts
        .next()
        .is_some_and(|newest| marks.made_room(newest))
    {
        return true;
    }
    history
        .iter()
        .find(|deployment| text(deployment, "status") == "Succeeded")
        .and_then(attempt_of)
        .is_some_and(|theirs| theirs != attempt)
}

/// One failed deployment in a sentence: its id, AWS's code and message, and what became of it.
pub(super) fn explain(deployment: &Value, history: &[Value]) -> String {
    let id = text(deployment, "deploymentId");
    let status = text(deployment, "status").to_lowercase();
    let mut sentence = format!("deployment {id} {status}");
    if let Some(error) = deployment.get("errorInformation") {
        sentence.push_str(&format!(
            ": {}: {}",
            text(error, "code"),
            text(error, "message")
        ));
    }
    let by = rolled_back_by(deployment, "rollbackDeploymentId");
    if !by.is_empty() {
        let end = history
            .iter()
            .find(|other| text(other, "deploymentId") == by);
        let end = end.map_or("", |other| text(other, "status"));
        sentence.push_str(&match end {
            "Succeeded" => format!("; rolled back by {by}"),
            "" => format!("; rollback {by} was started"),
            other => format!("; rollback {by} is {other}"),
        });
    }
    sentence
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::Moment;

    fn deployment(id: &str, attempt: &str, status: &str) -> Value {
        json!({"deploymentId": id, "status": status, "description": description(attempt, None), "creator": "user"})
    }

    #[test]
    fn a_description_carries_the_attempt_and_a_foreign_one_carries_none() {
        assert_eq!(
            attempt_of(&deployment("d-1", "v1:ab", "Created")),
            Some("v1:ab")
        );
        assert_eq!(attempt_of(&json!({"description": "hotfix by hand"})), None);
        assert_eq!(attempt_of(&json!({})), None);
        let revision = Revision {
            commit: "c".repeat(40),
            author: "attempt=v1:other".to_owned(),
            message: "ä".repeat(300),
            time: Moment(1_767_225_600_000),
        };
        let attempt = format!("v1:{}", "a".repeat(32));
        let described = description(&attempt, Some(&revision));
        assert_eq!(described.chars().count(), 256);
        let carried = format!(" commit={} 2026-01-01T00:00:00Z ", revision.commit);
        assert!(described.contains(&carried), "{described}");
        let deployment = json!({"description": described});
        assert_eq!(attempt_of(&deployment), Some(attempt.as_str()));
    }

    #[test]
    fn a_retry_is_the_same_attempt_by_its_number() {
        let revision = Revision {
            commit: "c".repeat(40),
            time: Moment(0),
            author: "ann".to_owned(),
            message: "ä".repeat(300),
        };
        for revision in [None, Some(&revision)] {
            let first = description("v1:ab", revision);
            let second = of_retry(&first, 2);
            assert!(
                second.starts_with("evenkeel attempt=v1:ab retry=2"),
                "{second}"
            );
            assert!(second.chars().count() <= LONGEST);
            assert_eq!((retry_of(&first), retry_of(&second)), (None, Some(2)));
            let deployment = json!({"description": second});
            assert_eq!(attempt_of(&deployment), Some("v1:ab"));
            assert_eq!(
                commit_of(&deployment),
                revision.map(|revision| revision.commit.as_str())
            );
        }
    }

    fn none() -> Marks<'static> {
        Marks::default()
    }

    /// What made room is neither a bad end nor somebody's change; what failed before it still is one.
    #[test]
    fn what_was_superseded_says_nothing_of_its_content() {
        let service = json!({"tags": [{"key": super::super::supersede::TAG, "value": "d-2"}]});
        let marks = Marks::of(&service);
        let stopped = deployment("d-2", "v1:a", "Stopped");
        let rollback =
            json!({"deploymentId": "d-3", "status": "Succeeded", "creator": "codeDeployRollback"});
        let history = [rollback, stopped.clone()];
        assert_eq!(bad_end(&history, "v1:a", &marks), None);
        assert!(bad_end(&history, "v1:a", &none()).is_some());
        assert!(left_by_us(&history, "v1:a", &marks));
        assert!(!left_by_us(&history, "v1:a", &none()));
        // It was a retry, which goes on from there.
        let failed = [stopped.clone(), deployment("d-1", "v1:a", "Failed")];
        assert_eq!(bad_end(&failed, "v1:a", &marks), None);
        // Before another content's rollout, what failed counts, and a stop whose mark is forgotten does not.
        let other = deployment("d-4", "v1:b", "Succeeded");
        let older = |status: &str| {
            let history = [
                other.clone(),
                stopped.clone(),
                deployment("d-1", "v1:a", status),
            ];
            bad_end(&history, "v1:a", &marks).map(|end| end.id)
        };
        assert_eq!(older("Failed").as_deref(), Some("d-1"));
        assert_eq!(older("Stopped"), None);
        assert_eq!(older("Succeeded"), None);
    }

    /// A stop that did not arrive leaves its mark on a deployment that goes on; what ended that is no word of ours.
    #[test]
    fn what_an_alarm_or_a_hook_ended_is_a_bad_end_although_it_is_marked() {
        let service = json!({"tags": [{"key": super::super::supersede::TAG, "value": "d-2"}]});
        let marks = Marks::of(&service);
        for (code, condemned) in [
            ("ALARM_ACTIVE", true),
            ("HOOK_EXECUTION_FAILURE", true),
            ("MANUAL_STOP", false),
        ] {
            let mut stopped = deployment("d-2", "v1:a", "Stopped");
            stopped["errorInformation"] = json!({"code": code, "message": ""});
            let end = bad_end(&[stopped.clone()], "v1:a", &marks);
            assert_eq!(end.is_some(), condemned, "{code}");
            assert_eq!(left_by_us(&[stopped], "v1:a", &marks), !condemned, "{code}");
        }
    }

    #[test]
    fn only_the_newest_attempt_of_a_payload_counts() {
        let failed_then_fixed = [
            deployment("d-2", "v1:a", "Succeeded"),
            deployment("d-1", "v1:a", "Failed"),
        ];
        assert_eq!(bad_end(&failed_then_fixed, "v1:a", &none()), None);
        let failed = [
            deployment("d-3", "v1:b", "Succeeded"),
            deployment("d-1", "v1:a", "Failed"),
        ];
        assert_eq!(
            bad_end(&failed, "v1:a", &none()).map(|end| end.newest),
            Some(false)
        );
        assert_eq!(bad_end(&failed, "v1:zz", &none()), None);
    }

    #[test]
    fn what_an_earlier_deployment_of_ours_left_is_told_from_a_change_by_hand() {
        let by_hand =
            json!({"deploymentId": "d-9", "status": "Succeeded", "description": "hotfix"});
        let ours = deployment("d-2", "v1:b", "Succeeded");
        let failed = deployment("d-3", "v1:c", "Failed");
        assert!(left_by_us(&[failed, ours.clone()], "v1:a", &none()));
        assert!(
            !left_by_us(std::slice::from_ref(&ours), "v1:b", &none()),
            "live has left it since"
        );
        assert!(!left_by_us(&[by_hand, ours], "v1:a", &none()));
        assert!(!left_by_us(&[], "v1:a", &none()));
    }

    #[test]
    fn a_rollback_is_not_an_attempt_and_is_told() {
        let mut first = deployment("d-1", "v1:a", "Failed");
        first["errorInformation"] = json!({"code": "TIMEOUT", "message": "no steady state"});
        first["rollbackInfo"] = json!({"rollbackDeploymentId": "d-2"});
        let rollback =
            json!({"deploymentId": "d-2", "status": "Succeeded", "creator": "codeDeployRollback"});
        let end = bad_end(&[rollback, first], "v1:a", &none()).unwrap();
        assert!(end.newest);
        assert_eq!(
            end.why,
            "deployment d-1 failed: TIMEOUT: no steady state; rolled back by d-2"
        );
    }
}
