//! Secrets and parameters that containers are handed: that they exist. No value is read, so whether a
//! secret has the JSON key that is named is not known.

use serde_json::Value;

use super::judge::{Judge, Place, items, text};
use super::question::Question;

/// What a `valueFrom` names (ECS developer guide, "Pass sensitive data to a container").
#[derive(Debug, PartialEq, Eq)]
enum Named<'a> {
    Parameter(&'a str),
    Secret {
        id: String,
        stage: Option<&'a str>,
        version: Option<&'a str>,
    },
    /// In this region or account, which is another one.
    Elsewhere(&'a str),
}

impl Judge<'_> {
    /// Those of a task definition.
    pub(super) fn secrets(&mut self) {
        for (pointer, _) in items(self.spec(), "/containerDefinitions") {
            for list in ["/secrets", "/logConfiguration/secretOptions"] {
                self.values_from(&format!("{pointer}{list}"));
            }
            let pointer = format!("{pointer}/repositoryCredentials/credentialsParameter");
            if let Some(id) = text(self.spec(), &pointer) {
                let region = part_of(id, REGION).filter(|region| *region != self.place.region);
                match region {
                    Some(region) => self.elsewhere(id, region, &pointer),
                    None => self.secret(id, None, None, &pointer),
                }
            }
        }
    }

    /// Those of a service: what the log of Service Connect is handed.
    pub(super) fn service_secrets(&mut self) {
        self.values_from("/serviceConnectConfiguration/logConfiguration/secretOptions");
    }

    fn values_from(&mut self, list: &str) {
        for (pointer, one) in items(self.spec(), list) {
            let pointer = format!("{pointer}/valueFrom");
            let Some(from) = text(one, "/valueFrom") else {
                continue;
            };
            match named(from, self.place) {
                Named::Parameter(name) => self.parameter(name, &pointer),
                Named::Secret { id, stage, version } => self.secret(&id, stage, version, &pointer),
                Named::Elsewhere(place) => self.elsewhere(from, place, &pointer),
            }
        }
    }

    fn elsewhere(&mut self, what: &str, place: &str, pointer: &str) {
        let why = format!("it is in {place}");
        self.unchecked(what.to_owned(), &why, pointer);
    }

    fn parameter(&mut self, name: &str, pointer: &str) {
        let Some(seen) = self.ask(Question::Parameter(name.to_owned()), pointer) else {
            return;
        };
        if seen.is_none() {
            let message = format!("the parameter `{name}` does not exist");
            let hint = format!(
                "Put it (aws ssm put-parameter --type SecureString --name {name} ...), or correct the name; a secret \
                 of Secrets Manager is named by its ARN."
            );
            self.error("missing-parameter", pointer, message, hint);
        }
    }

    fn secret(&mut self, id: &str, stage: Option<&str>, version: Option<&str>, pointer: &str) {
        let Some(seen) = self.ask(Question::Secret(id.to_owned()), pointer) else {
            return;
        };
        let Some(secret) = seen else {
            let message = format!("the secret `{id}` does not exist");
            let hint = "Create it, or correct the ARN, the six characters at its end included: aws secretsmanager \
                        list-secrets";
            self.error("missing-secret", pointer, message, hint);
            return;
        };
        if secret
            .get("DeletedDate")
            .is_some_and(|date| !date.is_null())
        {
            let message = format!("the secret `{id}` is being deleted");
            let hint = format!("Restore it: aws secretsmanager restore-secret --secret-id {id}");
            self.error("missing-secret", pointer, message, hint);
            return;
        }
        let versions = secret
            .get("VersionIdsToStages")
            .and_then(Value::as_object)
            .cloned()
            .unwrap_or_default();
        if let Some(version) = version.filter(|version| !versions.contains_key(*version)) {
            let message = format!("the secret `{id}` has no version `{version}`");
            let hint = "Leave the version out for the current one.";
            self.error("missing-secret", pointer, message, hint);
        }
        let has_stage = |stage: &str| {
            let mut all = versions.values().filter_map(Value::as_array).flatten();
            all.any(|one| one == stage)
        };
        if let Some(stage) = stage.filter(|stage| !has_stage(stage)) {
            let message = format!("no version of the secret `{id}` has the stage `{stage}`");
            let hint = "Leave the stage out for AWSCURRENT.";
            self.error("missing-secret", pointer, message, hint);
        }
    }
}

/// Where an ARN names its region and its account.
const REGION: usize = 3;
const ACCOUNT: usize = 4;

fn part_of(arn: &str, part: usize) -> Option<&str> {
    arn.starts_with("arn:").then(|| arn.split(':').nth(part))?
}

fn named<'a>(from: &'a str, place: &Place) -> Named<'a> {
    if let Some(other) = part_of(from, REGION).filter(|other| *other != place.region) {
        return Named::Elsewhere(other);
    }
    if from.starts_with("arn:") && from.contains(":secretsmanager:") {
        let parts: Vec<&str> = from.split(':').collect();
        let part = |at: usize| parts.get(at).copied().filter(|part| !part.is_empty());
        return Named::Secret {
            id: parts[..parts.len().min(7)].join(":"),
            stage: part(8),
            version: part(9),
        };
    }
    // A parameter that another account shares is not among the own ones that are listed. A secret is
    // asked for by its ARN, wherever it is.
    if let Some(other) = part_of(from, ACCOUNT).filter(|other| *other != place.account) {
        return Named::Elsewhere(other);
    }
    // `parameter/name` is the name, with a slash before it if it has more.
    let name = match from.split_once(":parameter/") {
        Some((arn, rest)) if rest.contains('/') => &from[arn.len() + ":parameter".len()..],
        Some((_, rest)) => rest,
        None => from,
    };
    let name = name.split_once(':').map_or(name, |(name, _)| name);
    Named::Parameter(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_four_spellings() {
        let in_region = |region: &str| Place {
            account: "1".to_owned(),
            region: region.to_owned(),
        };
        let place = &in_region("eu-west-1");
        for (from, name) in [
            ("plain", "plain"),
            ("/app/key", "/app/key"),
            ("/app/key:3", "/app/key"),
            ("arn:aws:ssm:eu-west-1:1:parameter/plain", "plain"),
            ("arn:aws:ssm:eu-west-1:1:parameter/app/key", "/app/key"),
        ] {
            assert_eq!(named(from, place), Named::Parameter(name), "{from}");
        }
        let arn = "arn:aws:secretsmanager:eu-west-1:1:secret:prod/db-AbCdEf";
        let secret = |stage, version| Named::Secret {
            id: arn.to_owned(),
            stage,
            version,
        };
        assert_eq!(named(arn, place), secret(None, None));
        let with = format!("{arn}:key:AWSPREVIOUS:");
        assert_eq!(named(&with, place), secret(Some("AWSPREVIOUS"), None));
        let with = format!("{arn}:::v1");
        assert_eq!(named(&with, place), secret(None, Some("v1")));
        assert_eq!(
            named(arn, &in_region("us-east-1")),
            Named::Elsewhere("eu-west-1")
        );
        let shared = "arn:aws:ssm:eu-west-1:2:parameter/app/key";
        assert_eq!(named(shared, place), Named::Elsewhere("2"));
        let other = "arn:aws:secretsmanager:eu-west-1:2:secret:db-AbCdEf";
        assert!(matches!(named(other, place), Named::Secret { .. }));
    }
}
