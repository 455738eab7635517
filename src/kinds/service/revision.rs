//! What of a service only its service revision reads back: which revision to read, and the service with
//! what it says. Pure; read in `observe`.
//!
//! Invariant: a revision that cannot be told makes no difference, and one that could not be read makes
//! the service unknown.

use serde_json::Value;

use super::rules::ON_THE_REVISION;
use super::{items, text};
use crate::kinds::View;
use crate::model::Seen;

/// The service revisions to be read: those that run, if the manifest declares a member that only they
/// read back.
pub(super) fn wanted(view: &View<'_>, service: &Value) -> Vec<String> {
    let mut declared = ON_THE_REVISION.iter().map(|member| view.spec.get(*member));
    if !declared.any(|value| value.is_some_and(|value| !value.is_null())) {
        return Vec::new();
    }
    running(service)
}

/// The ARNs of the revisions whose tasks run: several while a deployment is under way.
pub(crate) fn running(service: &Value) -> Vec<String> {
    let all = items(service, "currentServiceRevisions").map(|one| text(one, "arn"));
    all.filter(|arn| !arn.is_empty())
        .map(str::to_owned)
        .collect()
}

/// The revision that is to be: the newest of those that run. While an older one is gone back to, that
/// is still the one that failed, until the last of its tasks is gone.
pub(crate) fn newest(revisions: Vec<Seen<Value>>) -> Option<Seen<Value>> {
    let mut newest: Option<Value> = None;
    for seen in revisions {
        match seen {
            Seen::Unknown(why) => return Some(Seen::Unknown(why)),
            Seen::Absent => {}
            Seen::Present(revision) => {
                let made = |one: &Value| one["createdAt"].as_f64().unwrap_or_default();
                if newest
                    .as_ref()
                    .is_none_or(|other| made(other) < made(&revision))
                {
                    newest = Some(revision);
                }
            }
        }
    }
    newest.map(Seen::Present)
}

/// The service with what its revision says; without one, with what is declared.
pub(super) fn overlaid(service: &Value, revision: Option<&Value>, view: &View<'_>) -> Value {
    let mut service = service.clone();
    for member in ON_THE_REVISION {
        if let Some(value) = revision.unwrap_or(&view.spec).get(member) {
            service[member] = value.clone();
        }
    }
    service
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::kinds::testing::Scene;
    use crate::model::Kind;

    #[test]
    fn revisions_are_read_only_for_what_they_alone_tell() {
        let service = json!({"currentServiceRevisions": [{"arn": "r-1"}, {"arn": "r-2"}]});
        let of = |spec: Value| {
            let scene = Scene::default().with(Kind::Service, "web", spec);
            wanted(&scene.view(Kind::Service, "web"), &service)
        };
        assert_eq!(of(json!({"monitoring": {}})), ["r-1", "r-2"]);
        assert_eq!(of(json!({"monitoring": null})), Vec::<String>::new());
        assert_eq!(
            of(json!({"volumeConfigurations": []})),
            Vec::<String>::new()
        );
    }

    #[test]
    fn the_newest_one_counts_and_one_that_is_not_known_is_told() {
        let made = |at: f64| Seen::Present(json!({"createdAt": at}));
        assert_eq!(
            newest(vec![made(1.0), made(3.0), Seen::Absent, made(2.0)]),
            Some(made(3.0))
        );
        assert_eq!(newest(vec![Seen::Absent]), None);
        let unknown = Seen::Unknown("throttled".to_owned());
        assert_eq!(newest(vec![made(1.0), unknown.clone()]), Some(unknown));
    }

    #[test]
    fn without_a_revision_there_is_no_difference() {
        let spec = json!({"monitoring": {"a": 1}});
        let scene = Scene::default().with(Kind::Service, "web", spec.clone());
        let view = scene.view(Kind::Service, "web");
        assert_eq!(overlaid(&json!({}), None, &view), spec);
        let live = json!({"monitoring": {"a": 2}});
        assert_eq!(overlaid(&json!({}), Some(&live), &view), live);
    }
}
