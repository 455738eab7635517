//! The part of a `SandboxSeed` about what is around the services. See `seed`.

use std::collections::BTreeMap;

use serde_json::Value;

use super::ACCOUNT;
use super::seed::Object;
use super::surroundings::{Ingress, Known, Role, SecurityGroup, Subnet, Surroundings};

/// The members of `spec` that are read here.
pub(super) const MEMBERS: [&str; 6] = [
    "subnets",
    "vpcs",
    "securityGroups",
    "roles",
    "secrets",
    "logGroups",
];

/// What a seed tells of other regions than its own: roles are in all of them, and a log group may name
/// its region.
#[derive(Debug, Default)]
pub(super) struct Elsewhere {
    pub(super) roles: Known<Role>,
    /// Region (`None` for the seed's own) and name.
    pub(super) log_groups: Vec<(Option<String>, String)>,
}

/// Reads them.
pub(super) fn read(spec: &Object<'_>, region: &str) -> Result<(Surroundings, Elsewhere), String> {
    let mut elsewhere = Elsewhere {
        roles: named(spec, "roles", "arn", &["trusts", "denies"], role)?,
        ..Elsewhere::default()
    };
    for (path, item) in spec.items("logGroups")? {
        elsewhere.log_groups.push(match item {
            Value::String(name) => (None, name.clone()),
            item => {
                let object = Object::read(item, &path, &["name", "region"])?;
                let region = object.text("region")?.map(str::to_owned);
                (region, object.required("name")?.to_owned())
            }
        });
    }
    let secrets = spec.texts("secrets")?.unwrap_or_default();
    let around = Surroundings {
        subnets: named(spec, "subnets", "id", &["vpc", "zone", "cidr"], subnet)?,
        vpcs: named(spec, "vpcs", "id", &[], |_| Ok(()))?,
        security_groups: named(spec, "securityGroups", "id", &["vpc", "ingress"], group)?,
        roles: Known::default(),
        secrets: secrets
            .into_iter()
            .map(|one| secret(&one, region))
            .collect(),
    };
    Ok((around, elsewhere))
}

/// A list whose items are names, or objects with a name and more. A name alone closes the kind, and so
/// does an empty list; an object describes one thing and leaves the kind open.
fn named<T: Default>(
    spec: &Object<'_>,
    member: &str,
    name: &str,
    more: &[&str],
    read: impl Fn(&Object<'_>) -> Result<T, String>,
) -> Result<Known<T>, String> {
    let known: Vec<&str> = std::iter::once(name).chain(more.iter().copied()).collect();
    let items = spec.items(member)?;
    let mut found = Known {
        closed: spec.has(member) && items.is_empty(),
        listed: BTreeMap::new(),
    };
    for (path, item) in items {
        if let Value::String(name) = item {
            found.closed = true;
            found.listed.insert(name.clone(), T::default());
        } else {
            let object = Object::read(item, &path, &known)?;
            let name = object.required(name)?.to_owned();
            found.listed.insert(name, read(&object)?);
        }
    }
    Ok(found)
}

fn subnet(object: &Object<'_>) -> Result<Subnet, String> {
    let text = |member| Ok::<_, String>(object.text(member)?.map(str::to_owned));
    Ok(Subnet {
        vpc: text("vpc")?,
        zone: text("zone")?,
        cidr: text("cidr")?,
    })
}

fn group(object: &Object<'_>) -> Result<SecurityGroup, String> {
    let ingress = |(path, item): (String, &Value)| {
        let rule = Object::read(item, &path, &["port", "source"])?;
        let port = rule.get("port", "a port", Value::as_i64)?;
        Ok(Ingress {
            port: port.ok_or_else(|| format!("{path}.port: missing; give a port"))?,
            source: rule.required("source")?.to_owned(),
        })
    };
    let rules = object.items("ingress")?.into_iter().map(ingress);
    let rules = rules.collect::<Result<Vec<_>, String>>()?;
    Ok(SecurityGroup {
        vpc: object.text("vpc")?.map(str::to_owned),
        ingress: object.has("ingress").then_some(rules),
    })
}

fn role(object: &Object<'_>) -> Result<Role, String> {
    let mut role = Role::default();
    if let Some(trusts) = object.texts("trusts")? {
        role.trusts = trusts;
    }
    role.denies = object.texts("denies")?.unwrap_or_default();
    Ok(role)
}

/// Name and ARN of a secret that is given by either. An ARN ends in `-` and six characters.
fn secret(given: &str, region: &str) -> (String, String) {
    if let Some((_, tail)) = given.split_once(":secret:") {
        let name = tail.rsplit_once('-').map_or(tail, |(name, _)| name);
        return (name.to_owned(), given.to_owned());
    }
    let arn = format!("arn:aws:secretsmanager:{region}:{ACCOUNT}:secret:{given}-AbCdEf");
    (given.to_owned(), arn)
}
