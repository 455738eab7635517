//! Tags of every kind of ELBv2 resource: at most 50, keys unique, 20 resources to a request.

use super::super::{AwsError, World, input};
use super::arns::Kind;
use super::{Pairs, State};
use serde_json::{Value, json};

/// The `Tags` of a request.
pub(super) fn read(input: &Value) -> Result<Pairs, AwsError> {
    let mut tags = Pairs::new();
    for tag in input::list(input, "Tags") {
        let key = input::filled(tag, "Key")
            .ok_or_else(|| AwsError::new("ValidationError", "A tag key must be specified"))?;
        if key.starts_with("aws:") {
            return Err(AwsError::new(
                "ValidationError",
                format!("The tag key '{key}' must not begin with 'aws:'"),
            ));
        }
        let value = input::text(tag, "Value").unwrap_or_default();
        if tags.insert(key.to_owned(), value.to_owned()).is_some() {
            return Err(AwsError::new(
                "DuplicateTagKeys",
                format!("The tag key '{key}' stands more than once"),
            ));
        }
    }
    check_count(&tags)?;
    Ok(tags)
}

fn check_count(tags: &Pairs) -> Result<(), AwsError> {
    if tags.len() <= 50 {
        return Ok(());
    }
    Err(AwsError::new(
        "TooManyTags",
        "A resource can have at most 50 tags",
    ))
}

impl State {
    /// ARN and tags of everything there is.
    pub(in super::super) fn tagged(&self) -> impl Iterator<Item = (String, &Pairs)> {
        let balancers = self
            .load_balancers
            .values()
            .map(|one| (&one.arn, &one.tags));
        let listeners = self.listeners.values().map(|one| (&one.arn, &one.tags));
        let rules = self.rules.values().map(|one| (&one.arn, &one.tags));
        let groups = self.target_groups.values().map(|one| (&one.arn, &one.tags));
        let all = balancers.chain(listeners).chain(rules).chain(groups);
        all.map(|(arn, tags)| (arn.clone(), tags))
    }

    fn tags_mut(&mut self, arn: &str) -> Result<&mut Pairs, AwsError> {
        let kind = Kind::of(arn).ok_or_else(|| {
            AwsError::new(
                "ValidationError",
                format!("'{arn}' is not a valid resource ARN"),
            )
        })?;
        let tags = match kind {
            Kind::LoadBalancer => self
                .load_balancers
                .get_mut(arn)
                .map(|found| &mut found.tags),
            Kind::Listener => self.listeners.get_mut(arn).map(|found| &mut found.tags),
            Kind::Rule => self.rules.get_mut(arn).map(|found| &mut found.tags),
            Kind::TargetGroup => self.target_groups.get_mut(arn).map(|found| &mut found.tags),
        };
        tags.ok_or_else(|| kind.not_found())
    }
}

/// The ARNs of a request, 1 to 20, all of them known.
fn resources(state: &mut State, input: &Value) -> Result<Vec<String>, AwsError> {
    let arns = input::texts(input, "ResourceArns");
    if arns.is_empty() || arns.len() > 20 {
        return Err(AwsError::new(
            "ValidationError",
            format!(
                "{} resource ARNs specified; a request takes 1 to 20",
                arns.len()
            ),
        ));
    }
    for arn in &arns {
        state.tags_mut(arn)?;
    }
    Ok(arns)
}

/// Adds tags or replaces their values, on all resources or on none.
pub(super) fn add(world: &mut World, input: &Value) -> Result<Value, AwsError> {
    let arns = resources(&mut world.elb, input)?;
    let new = read(input)?;
    for arn in &arns {
        let mut all = world.elb.tags_mut(arn)?.clone();
        all.extend(new.clone());
        check_count(&all)?;
    }
    for arn in &arns {
        world.elb.tags_mut(arn)?.extend(new.clone());
    }
    Ok(json!({}))
}

/// Removes tags by key; an unknown key is passed over.
pub(super) fn remove(world: &mut World, input: &Value) -> Result<Value, AwsError> {
    let keys = input::texts(input, "TagKeys");
    for arn in resources(&mut world.elb, input)? {
        world
            .elb
            .tags_mut(&arn)?
            .retain(|key, _| !keys.contains(key));
    }
    Ok(json!({}))
}

/// The tags of up to 20 resources.
pub(super) fn describe(world: &mut World, input: &Value) -> Result<Value, AwsError> {
    let mut described = Vec::new();
    for arn in resources(&mut world.elb, input)? {
        let tags: Vec<Value> = world
            .elb
            .tags_mut(&arn)?
            .iter()
            .map(|(key, value)| json!({ "Key": key, "Value": value }))
            .collect();
        described.push(json!({ "ResourceArn": arn, "Tags": tags }));
    }
    Ok(json!({ "TagDescriptions": described }))
}
