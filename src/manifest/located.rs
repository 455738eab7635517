//! The places of every member of every manifest, for findings that are made after loading: what AWS says
//! of a value is told at the value. Not the findings themselves, and no part of what is desired.

use std::collections::BTreeMap;

use super::diagnostic::{Diagnostic, Findings, Severity};
use super::envelope::Draft;
use super::load::Readable;
use super::mask;
use super::tree::{Data, Place};
use crate::document::Secrets;
use crate::model::Key;

/// Where everything stands.
#[derive(Debug, Default)]
pub struct Located<'a> {
    drafts: BTreeMap<Key, Draft>,
    texts: BTreeMap<&'a str, Readable<'a>>,
    paths: Vec<&'a str>,
    secrets: Secrets,
}

impl<'a> Located<'a> {
    pub(super) fn new(
        drafts: Vec<Draft>,
        texts: Vec<Readable<'a>>,
        paths: Vec<&'a str>,
        secrets: Secrets,
    ) -> Self {
        let mut by_key = BTreeMap::new();
        for draft in drafts {
            by_key.entry(draft.key.clone()).or_insert(draft);
        }
        Self {
            drafts: by_key,
            texts: texts.into_iter().map(|text| (text.path, text)).collect(),
            paths,
            secrets,
        }
    }

    /// A text without the values that may be shown nowhere.
    pub fn hidden(&self, text: &str) -> String {
        self.secrets.hide(text)
    }

    /// A finding about a member of a manifest.
    ///
    /// `pointer` is a JSON pointer into the spec as AWS knows it (where a reference stands for the
    /// member, the finding is at the reference; where the member is missing, at what holds it), or a
    /// path of what stands beside the spec, such as `rollout.hooks`.
    pub fn finding(
        &self,
        severity: Severity,
        code: &'static str,
        key: &Key,
        pointer: &str,
        message: &str,
        hint: &str,
    ) -> Diagnostic {
        let draft = self.drafts.get(key);
        let (file, place, path) = match draft {
            Some(draft) if pointer.is_empty() || pointer.starts_with('/') => {
                let (place, path) = place_of(draft, pointer);
                (draft.file_of_spec(), place, path)
            }
            Some(draft) => {
                let place = draft.rollout_place.unwrap_or(draft.place);
                (draft.file.as_str(), place, pointer.to_owned())
            }
            None => ("", Place::default(), pointer.to_owned()),
        };
        let other = place.other_file.checked_sub(1);
        let file = other
            .and_then(|index| self.paths.get(index).copied())
            .unwrap_or(file);
        let mut findings = Findings::of(file);
        // Whether the value may be judged has been decided: AWS was asked about it.
        let known = Place {
            unjudged: false,
            ..place
        };
        let message = self.secrets.hide(message);
        let found = match severity {
            Severity::Error => findings.error(code, known, path, message),
            Severity::Warning => findings.warning(code, known, path, message),
        };
        found.hint(self.secrets.hide(hint));
        let text = self.texts.get(file).filter(|_| !known.is_computed());
        if let Some(text) = text {
            found.excerpt = Some(mask::excerpt(text.content, &text.secrets, known));
        }
        found.clone()
    }
}

/// The place of a member in a spec, and how a person names it.
fn place_of(draft: &Draft, pointer: &str) -> (Place, String) {
    let mut node = &draft.spec;
    let mut place = node.place;
    let mut path = "spec".to_owned();
    let mut parent = String::new();
    let mut rest = pointer;
    while let Some(after) = rest.strip_prefix('/') {
        let step = after.split('/').next().unwrap_or_default();
        rest = &after[step.len()..];
        let name = step.replace("~1", "/").replace("~0", "~");
        let found = match &node.data {
            Data::List(items) => name.parse().ok().and_then(|at: usize| items.get(at)),
            _ => node.get(&[name.as_str()]),
        };
        let Some(found) = found else {
            let reference = draft.links.iter().find(|link| {
                link.row.aws == name
                    && link.pointer == format!("{parent}/{}{rest}", link.row.member)
            });
            if let Some(link) = reference {
                return (link.place, link.path.clone());
            }
            break;
        };
        if matches!(node.data, Data::List(_)) {
            path.push_str(&format!("[{name}]"));
        } else {
            path.push_str(&format!(".{name}"));
        }
        node = found;
        place = node.place;
        parent.push('/');
        parent.push_str(step);
    }
    (place, path)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::json;

    use super::super::{LoadOptions, Scope, SourceFile, load_located};
    use super::*;
    use crate::jsonnet::{Answer, Answers};
    use crate::model::Kind;

    #[test]
    fn a_finding_stands_at_the_value_at_the_reference_or_at_what_lacks_it() {
        let text = "\
apiVersion: evenkeel.dev/v1alpha1
kind: TargetGroup
metadata: {name: blue}
spec: {TargetType: ip, Protocol: HTTP, Port: 80, VpcId: vpc-0123abcd}
---
apiVersion: evenkeel.dev/v1alpha1
kind: Service
metadata: {name: web}
spec:
  taskDefinition: web
  networkConfiguration:
    awsvpcConfiguration:
      subnets:
        - subnet-0123abcd
        - subnet-0123abce
  loadBalancers:
    - {targetGroupRef: blue, containerName: app, containerPort: 80}
";
        let files = [SourceFile {
            path: "a.yaml".to_owned(),
            bytes: text.as_bytes().to_vec(),
        }];
        let answers = Answers::new();
        let (_, located) =
            load_located(&files, &LoadOptions::default(), &Scope::default(), &answers);
        let key = Key::new(Kind::Service, "web");
        let at = |pointer: &str| {
            let found = located.finding(Severity::Error, "x", &key, pointer, "m", "h");
            assert_eq!(found.file, "a.yaml");
            assert!(found.excerpt.is_some());
            (found.line, found.path)
        };
        let path = "spec.networkConfiguration.awsvpcConfiguration.subnets[1]";
        let pointer = "/networkConfiguration/awsvpcConfiguration/subnets/1";
        assert_eq!(at(pointer), (15, path.to_owned()));
        let path = "spec.loadBalancers[0].targetGroupRef";
        assert_eq!(at("/loadBalancers/0/targetGroupArn"), (17, path.to_owned()));
        assert_eq!(at("/loadBalancers/0/nothing").0, 17);
        assert_eq!(at("rollout.hooks").1, "rollout.hooks");
    }

    #[test]
    fn what_was_computed_has_no_line_and_no_excerpt() {
        let text = "import 'x'";
        let files = [SourceFile {
            path: "a.jsonnet".to_owned(),
            bytes: text.as_bytes().to_vec(),
        }];
        let manifest = json!({
            "apiVersion": "evenkeel.dev/v1alpha1", "kind": "Cluster", "metadata": {"name": "web"}, "spec": {},
        });
        let answer = Answer {
            value: Ok(manifest),
            imports: BTreeSet::new(),
        };
        let answers = Answers::from([("a.jsonnet".to_owned(), answer)]);
        let (_, located) =
            load_located(&files, &LoadOptions::default(), &Scope::default(), &answers);
        let key = Key::new(Kind::Cluster, "web");
        let found = located.finding(Severity::Error, "x", &key, "/settings", "m", "h");
        assert_eq!((found.whereabouts().as_str(), found.line), ("a.jsonnet", 0));
        assert_eq!(found.excerpt, None);
    }
}
