//! Puts what is known of other resources in the place of references. Pure.

use serde_json::Value;

use super::set::{Ask, Reference, Resource};
use crate::model::{FactBoard, Key};

/// The spec with every reference replaced by what it stands for, and the targets that are not ready
/// (nothing known, not ready, or without an ARN where one is needed): their members are left out.
pub fn resolve(resource: &Resource, facts: &FactBoard) -> (Value, Vec<Key>) {
    let mut spec = resource.spec.clone();
    let mut unresolved = Vec::new();
    // From the last to the first, so that a list's earlier elements keep their places.
    for reference in resource.references.iter().rev() {
        let answer = answer(reference, facts);
        if answer.is_none() && !unresolved.contains(&reference.target) {
            unresolved.push(reference.target.clone());
        }
        replace(&mut spec, reference, answer);
    }
    unresolved.sort();
    (spec, unresolved)
}

fn answer(reference: &Reference, facts: &FactBoard) -> Option<String> {
    let facts = facts.get(&reference.target).filter(|facts| facts.ready)?;
    match reference.ask {
        Ask::Arn => facts.arn.clone(),
        Ask::Label => facts.label.clone(),
        Ask::Name => Some(facts.name.clone()).filter(|name| !name.is_empty()),
    }
}

/// Takes the reference out of the spec and puts the answer, if there is one, under the member that
/// AWS knows.
fn replace(spec: &mut Value, reference: &Reference, answer: Option<String>) -> Option<()> {
    let (parent, member) = reference.pointer.rsplit_once('/')?;
    let Ok(index) = member.parse::<usize>() else {
        let members = spec.pointer_mut(parent)?.as_object_mut()?;
        members.shift_remove(member);
        if let Some(answer) = answer {
            members.insert(reference.member.to_owned(), Value::String(answer));
        }
        return Some(());
    };
    // An element of a list of references, such as `listenerRefs`: the list becomes the AWS member.
    let (owner, list) = parent.rsplit_once('/')?;
    let members = spec.pointer_mut(owner)?.as_object_mut()?;
    if let Some(answer) = answer {
        let arns = members
            .entry(reference.member)
            .or_insert_with(|| Value::Array(Vec::new()))
            .as_array_mut()?;
        arns.insert(0, Value::String(answer));
    }
    if index == 0 {
        members.shift_remove(list);
    }
    Some(())
}
