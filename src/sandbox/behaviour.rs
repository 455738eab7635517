//! How containers of an image behave: the knobs that make a deployment fail. Not the images
//! themselves (see `ecr`) and not the tasks that run them (see `ecs`).
//!
//! Invariants: what a pattern says wins over what was said when the image was pushed, and of several
//! matching patterns the newest wins. A behaviour pushed with an image belongs to its digest; tags
//! lead to it for as long as they point at that digest.

use std::collections::BTreeMap;

/// How containers of one image behave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Behaviour {
    /// The container exits with this code, `start_seconds` after it started.
    pub crash: Option<i64>,
    /// The task never leaves `PENDING`.
    pub hang: bool,
    /// The container runs but fails the health checks of load balancer and container.
    pub unhealthy: bool,
    /// The pull fails with `CannotPullContainerError`.
    pub missing: bool,
    /// Seconds from `PENDING` to `RUNNING`.
    pub start_seconds: u32,
}

impl Default for Behaviour {
    /// Pulls, starts within ten seconds and stays healthy.
    fn default() -> Self {
        Self {
            crash: None,
            hang: false,
            unhealthy: false,
            missing: false,
            start_seconds: 10,
        }
    }
}

/// The behaviours of a region's images.
#[derive(Debug, Default)]
pub struct Behaviours {
    /// Pattern and behaviour, newest last.
    patterns: Vec<(String, Behaviour)>,
    /// `repository@digest` to the behaviour that was pushed with it.
    pushed: BTreeMap<String, Behaviour>,
    /// `repository:tag` to `repository@digest`.
    tags: BTreeMap<String, String>,
}

impl Behaviours {
    /// The behaviour of an image reference as a task definition names it.
    pub fn of(&self, image: &str) -> Behaviour {
        let names = self.names(image);
        let pattern = self
            .patterns
            .iter()
            .rev()
            .find(|(pattern, _)| names.iter().any(|name| matches(pattern, name)));
        pattern
            .map(|(_, behaviour)| behaviour)
            .or_else(|| names.iter().find_map(|name| self.pushed.get(name)))
            .cloned()
            .unwrap_or_default()
    }

    /// Sets the behaviour of every image that `pattern` matches; `*` stands for any text. The
    /// pattern may leave out the registry's host.
    pub fn set(&mut self, pattern: &str, behaviour: Behaviour) {
        self.patterns.retain(|(known, _)| known != pattern);
        self.patterns.push((pattern.to_owned(), behaviour));
    }

    /// Records what was pushed: `repository` with the registry's host, its digest and the tag that
    /// now points at it. Without a behaviour the digest keeps the one it has.
    pub fn pushed(
        &mut self,
        repository: &str,
        digest: &str,
        tag: Option<&str>,
        behaviour: Option<Behaviour>,
    ) {
        let image = format!("{repository}@{digest}");
        if let Some(behaviour) = behaviour {
            self.pushed.insert(image.clone(), behaviour);
        }
        if let Some(tag) = tag {
            self.tags.insert(format!("{repository}:{tag}"), image);
        }
    }

    /// Every name under which the image may be known: itself, its digest, the tags of that digest.
    fn names(&self, image: &str) -> Vec<String> {
        let (name, digest) = match image.split_once('@') {
            Some((name, digest)) => (name, Some(digest)),
            None => (image, None),
        };
        let (repository, tag) = split_tag(name);
        let reference = if let Some(digest) = digest {
            format!("{repository}@{digest}")
        } else {
            let tagged = format!("{repository}:{}", tag.unwrap_or("latest"));
            self.tags.get(&tagged).cloned().unwrap_or(tagged)
        };
        let aliases = self.tags.iter().filter(|(_, image)| **image == reference);
        let mut names: Vec<String> = aliases.map(|(tag, _)| tag.clone()).collect();
        names.push(image.to_owned());
        names.push(reference);
        names
    }
}

/// Splits `host:5000/name:tag` into name and tag: a colon before the last slash is a port.
pub(crate) fn split_tag(name: &str) -> (&str, Option<&str>) {
    match name.rsplit_once(':') {
        Some((repository, tag)) if !tag.contains('/') => (repository, Some(tag)),
        _ => (name, None),
    }
}

/// Whether the pattern matches the whole name, or the name without its registry's host.
fn matches(pattern: &str, name: &str) -> bool {
    let short = name
        .split_once('/')
        .filter(|(host, _)| host.contains(['.', ':']));
    glob(pattern, name) || short.is_some_and(|(_, rest)| glob(pattern, rest))
}

/// `*` stands for any text, the empty one included; everything else for itself.
pub(crate) fn glob(pattern: &str, name: &str) -> bool {
    let Some((head, rest)) = pattern.split_once('*') else {
        return pattern == name;
    };
    let Some(tail) = name.strip_prefix(head) else {
        return false;
    };
    (0..=tail.len()).any(|at| tail.get(at..).is_some_and(|tail| glob(rest, tail)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn crash() -> Behaviour {
        Behaviour {
            crash: Some(1),
            ..Behaviour::default()
        }
    }

    #[test]
    fn a_pushed_behaviour_follows_the_digest_and_its_tags() {
        let mut behaviours = Behaviours::default();
        behaviours.pushed("h.io/a", "sha256:1", Some("v1"), Some(crash()));
        behaviours.pushed("h.io/a", "sha256:1", Some("latest"), None);
        for image in [
            "h.io/a:v1",
            "h.io/a@sha256:1",
            "h.io/a",
            "h.io/a:other@sha256:1",
        ] {
            assert_eq!(behaviours.of(image), crash(), "{image}");
        }
        behaviours.pushed("h.io/a", "sha256:2", Some("latest"), None);
        assert_eq!(
            behaviours.of("h.io/a"),
            Behaviour::default(),
            "the tag moved on"
        );
        assert_eq!(behaviours.of("h.io/a:v1"), crash());
    }

    #[test]
    fn the_newest_matching_pattern_wins() {
        let mut behaviours = Behaviours::default();
        behaviours.pushed("h.io/team/a", "sha256:1", Some("1.4.0"), None);
        behaviours.set("team/*", crash());
        assert_eq!(
            behaviours.of("h.io/team/a@sha256:1"),
            crash(),
            "host left out"
        );
        behaviours.set(
            "*:1.4.*",
            Behaviour {
                hang: true,
                ..Behaviour::default()
            },
        );
        assert!(
            behaviours.of("h.io/team/a@sha256:1").hang,
            "a pattern for the tag hits the digest"
        );
        assert_eq!(behaviours.of("team/b:2"), crash());
        assert_eq!(behaviours.of("b:2"), Behaviour::default());
    }

    #[test]
    fn a_port_is_no_tag() {
        assert_eq!(split_tag("h:5000/a"), ("h:5000/a", None));
        assert_eq!(split_tag("h:5000/a:1"), ("h:5000/a", Some("1")));
    }
}
