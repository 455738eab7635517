//! What planners of several kinds do alike: waiting, refusing, naming differences, building steps.
//! It decides nothing about any one kind.

use serde_json::{Map, Value};

use super::View;
use crate::document::{Change, Rules};
use crate::model::{Block, Call, Drift, Facts, Key, Outcome, Plan, Seen, Service, Step, Wait};

/// One write.
pub(crate) fn step(service: Service, operation: &'static str, input: Value, why: String) -> Step {
    Step {
        call: Call {
            service,
            operation,
            input,
        },
        why,
    }
}

/// The facts of a resource whose ARN is this, if it has one yet.
pub(crate) fn facts(view: &View<'_>, arn: Option<&str>, ready: bool) -> Facts {
    Facts {
        arn: arn.map(str::to_owned),
        name: view.resource.aws_name().to_owned(),
        ready,
        ..Facts::default()
    }
}

/// A plan that waits for these resources.
pub(crate) fn waits_for(keys: &[Key]) -> Plan {
    let names: Vec<String> = keys.iter().map(ToString::to_string).collect();
    let text = format!("waits for {}", names.join(", "));
    Plan::only(Outcome::Waiting(Wait::DependencyNotReady, text))
}

/// The plan for a manifest with references that cannot be replaced yet, with the facts of what is
/// live already; `None` when every reference is replaced.
pub(crate) fn unresolved(view: &View<'_>, live: &Seen<Value>, arn_member: &str) -> Option<Plan> {
    if view.unresolved.is_empty() {
        return None;
    }
    let arn = live
        .present()
        .and_then(|live| live.get(arn_member)?.as_str());
    let plan = waits_for(&view.unresolved);
    Some(if arn.is_some() {
        plan.with_facts(facts(view, arn, true))
    } else {
        plan
    })
}

/// The plan for something of which a read failed: nothing is decided, nothing is written.
pub(crate) fn unknown(what: &str, why: &str) -> Plan {
    let text = format!("cannot read {what}: {why}");
    Plan::only(Outcome::Waiting(Wait::ObservationUnknown, text))
}

/// What was read of a part of something that exists, or the plan for not knowing it. `None` when
/// it was not read because nothing declares it.
pub(crate) fn known<'a, T>(
    part: &str,
    what: &str,
    seen: Option<&'a Seen<T>>,
    facts: &Facts,
) -> Result<Option<&'a T>, Box<Plan>> {
    let reason = match seen {
        None => return Ok(None),
        Some(Seen::Present(value)) => return Ok(Some(value)),
        Some(Seen::Absent) => "AWS says that there are none, so it has just gone",
        Some(Seen::Unknown(reason)) => reason,
    };
    Err(Box::new(
        unknown(&format!("{part} {what}"), reason).with_facts(facts.clone()),
    ))
}

/// A text member of an answer, or the plan for an answer that lacks it.
pub(crate) fn text<'a>(live: &'a Value, member: &str, what: &str) -> Result<&'a str, Box<Plan>> {
    live.get(member)
        .and_then(Value::as_str)
        .ok_or_else(|| Box::new(unknown(what, &format!("the answer has no {member}"))))
}

/// The plan that creates something with these steps.
pub(crate) fn creating(view: &View<'_>, steps: Vec<Step>) -> Plan {
    let mut changes = Changes::new("", Vec::new());
    changes.steps = steps;
    changes.into_plan(facts(view, None, false))
}

/// The differences of one resource that exists, and the steps that mend them.
pub(crate) struct Changes<'a> {
    /// The resource as a person reads it: `target group nova-auth-blue`.
    what: &'a str,
    /// Every difference found so far.
    pub(crate) drift: Vec<Drift>,
    /// The steps so far.
    pub(crate) steps: Vec<Step>,
    /// Why differences stay as they are.
    kept: Option<Outcome>,
}

impl<'a> Changes<'a> {
    /// These differences, and no step yet.
    pub(crate) fn new(what: &'a str, drift: Vec<Drift>) -> Self {
        Self {
            what,
            drift,
            steps: Vec::new(),
            kept: None,
        }
    }

    /// Leaves everything as it is live, for this reason.
    pub(crate) fn keep(&mut self, outcome: Outcome) {
        self.steps.retain(Step::only_records);
        self.kept = Some(outcome);
    }

    /// Adds the step of an operation that changes top-level members, if any of them differs. Its
    /// input is the identity and, whole, each member that differs.
    pub(crate) fn modify(
        &mut self,
        service: Service,
        operation: &'static str,
        rules: &Rules,
        identity: &[(&str, &str)],
        spec: &Value,
    ) {
        let members = members_by(&self.drift, rules, operation);
        if members.is_empty() {
            return;
        }
        let why = why(self.what, &self.drift, &members);
        self.steps.push(step(
            service,
            operation,
            input(identity, spec, &members),
            why,
        ));
    }

    /// Adds differences found elsewhere, and the step that mends them, if there are any.
    pub(crate) fn mend(&mut self, call: Call, differences: Vec<Drift>) {
        if differences.is_empty() {
            return;
        }
        let all: Vec<&Drift> = differences.iter().collect();
        let why = format!("update {}: {}", self.what, listed(&all));
        self.steps.push(Step { call, why });
        self.drift.extend(differences);
    }

    /// Adds the step that records what is declared, before all others (see [`super::members`]).
    pub(crate) fn record(&mut self, call: Call) {
        let why = format!("record what is declared of {}", self.what);
        self.steps.insert(0, Step { call, why });
    }

    /// The plan: `Acting`, or if there are no steps why differences stay, or `Converged`.
    pub(crate) fn into_plan(self, facts: Facts) -> Plan {
        let outcome = acting(&self.steps).or(self.kept);
        let outcome = outcome.unwrap_or(Outcome::Converged);
        let plan = Plan::only(outcome).with_facts(facts).with_drift(self.drift);
        Plan {
            steps: self.steps,
            ..plan
        }
    }
}

/// What these steps do; `None` if there are none. Records are told only where there is nothing else.
pub(crate) fn acting(steps: &[Step]) -> Option<Outcome> {
    let of = |records: bool| -> Vec<&str> {
        let told = steps.iter().filter(|step| step.only_records() == records);
        told.map(|step| step.why.as_str()).collect()
    };
    let whys = Some(of(false)).filter(|whys| !whys.is_empty());
    let whys = whys.unwrap_or_else(|| of(true));
    (!whys.is_empty()).then(|| Outcome::Acting(whys.join("; ")))
}

/// The outcome if some of these differences can only be mended by a new resource.
pub(crate) fn recreate_required(what: &str, drift: &[Drift], rules: &Rules) -> Option<Outcome> {
    let fixed: Vec<&Drift> = drift
        .iter()
        .filter(|d| rules.change(&d.path) == Change::Recreate)
        .collect();
    (!fixed.is_empty()).then(|| refusal(what, &fixed))
}

/// The outcome for differences that only a new resource mends.
pub(crate) fn refusal(what: &str, fixed: &[&Drift]) -> Outcome {
    let text = format!(
        "AWS cannot change {} of {what}: set the manifest back, or give the resource another name",
        listed(fixed)
    );
    Outcome::Blocked(Block::RecreateRequired, text)
}

/// Differences as a person reads them: `/Port (80 live, 81 desired)`.
pub(crate) fn listed(drift: &[&Drift]) -> String {
    let one = |d: &&Drift| {
        let desired = match (d.reset, &d.desired) {
            (true, Value::Null) => "no longer declared".to_owned(),
            (true, default) => format!("{} AWS's default, no longer declared", shown(default)),
            (false, desired) => format!("{} desired", shown(desired)),
        };
        format!("{} ({} live, {desired})", d.path, shown(&d.live))
    };
    drift.iter().map(one).collect::<Vec<_>>().join(", ")
}

fn shown(value: &Value) -> String {
    if value.is_null() {
        "absent".to_owned()
    } else {
        value.to_string()
    }
}

/// The top-level members that differ and that this operation changes, each once.
pub(crate) fn members_by<'a>(
    drift: &'a [Drift],
    rules: &Rules,
    operation: &'static str,
) -> Vec<&'a str> {
    let mut members: Vec<&str> = Vec::new();
    for difference in drift
        .iter()
        .filter(|d| rules.change(&d.path) == Change::By(operation))
    {
        let member = crate::document::top_member(&difference.path);
        if !members.contains(&member) {
            members.push(member);
        }
    }
    members
}

/// An input of these members and, whole, those of the document that are named.
pub(crate) fn input(identity: &[(&str, &str)], spec: &Value, members: &[&str]) -> Value {
    let mut input = Map::new();
    for (name, value) in identity {
        input.insert((*name).to_owned(), Value::from(*value));
    }
    for name in members {
        if let Some(value) = spec.get(*name) {
            input.insert((*name).to_owned(), value.clone());
        }
    }
    Value::Object(input)
}

/// The document with this member set. Anything but an object is left as it is.
pub(crate) fn with_member(mut document: Value, member: &str, value: Value) -> Value {
    if let Value::Object(members) = &mut document {
        members.insert(member.to_owned(), value);
    }
    document
}

/// Why an update is made: `update target group x: /Port (80 live, 81 desired)`.
pub(crate) fn why(what: &str, drift: &[Drift], members: &[&str]) -> String {
    let of: Vec<&Drift> = drift
        .iter()
        .filter(|d| members.contains(&crate::document::top_member(&d.path)))
        .collect();
    format!("update {what}: {}", listed(&of))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const RULES: Rules = Rules {
        members: &[],
        scalars_by_text: true,
        changes: &[("Matcher", Change::By("ModifyTargetGroup"))],
        other_changes: Change::Recreate,
    };

    fn drift(path: &str) -> Drift {
        Drift {
            path: path.to_owned(),
            live: json!(80),
            desired: Value::Null,
            reset: false,
        }
    }

    #[test]
    fn a_refusal_names_field_live_and_desired() {
        let both = [drift("/Port"), drift("/Matcher/HttpCode")];
        let outcome = recreate_required("target group x", &both, &RULES).unwrap();
        assert_eq!(outcome.reason(), "RecreateRequired");
        assert!(
            outcome
                .message()
                .contains("/Port (80 live, absent desired)"),
            "{outcome}"
        );
        assert!(!outcome.message().contains("Matcher"), "{outcome}");
        assert_eq!(recreate_required("x", &both[1..], &RULES), None);
    }

    #[test]
    fn an_operation_gets_each_changed_member_once_and_whole() {
        let found = [
            drift("/Matcher/HttpCode"),
            drift("/Matcher/GrpcCode"),
            drift("/Port"),
        ];
        let members = members_by(&found, &RULES, "ModifyTargetGroup");
        assert_eq!(members, ["Matcher"]);
        let spec = json!({"Matcher": {"HttpCode": "200"}, "Port": 80});
        let built = input(&[("TargetGroupArn", "arn")], &spec, &members);
        assert_eq!(
            built,
            json!({"TargetGroupArn": "arn", "Matcher": {"HttpCode": "200"}})
        );
    }
}
