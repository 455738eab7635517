//! `evenkeel plan`: what would be done and why.

use serde_json::{Value, json};

use super::args::{Output, PlanArgs};
use super::{output, prune, start};
use crate::controller::{Foresight, Preview, foresee, source_marks};
use crate::environment::load;
use crate::http::prune_json;
use crate::manifest::{Diagnostic, Severity, render_text};
use crate::model::{Block, Drift, Key, Outcome, Plan, Wait};
use crate::source::{Eagerness, Together};
use crate::status::PruneStatus;

/// Plans.
pub(super) async fn plan(args: &PlanArgs) -> Result<u8, String> {
    let started = start::start(&args.source).await?;
    let read = started.source.read(Eagerness::Due).await;
    let snapshot = read
        .and_then(Together::current)
        .map_err(|error| error.to_string())?;
    let (files, states) = (&snapshot.files, &snapshot.states);
    let scope = started.chosen.scope(files, states, &started.aws).await;
    let scope = scope.map_err(|error| error.to_string())?;
    let loaded = load(&snapshot.files, &started.load, &scope);
    if !loaded.diagnostics.is_empty() {
        output::note(&render_text(&loaded.diagnostics, output::colour()));
    }
    let account = started
        .aws
        .account()
        .await
        .map_err(|fault| format!("no AWS to plan against: {fault}"))?;
    let mut set = loaded.set;
    set.sources = source_marks(&snapshot.sources, started.chosen.name());
    let errors = loaded
        .diagnostics
        .iter()
        .find(|found| found.severity == Severity::Error)
        .map(|found| format!("{}: {}", found.whereabouts(), found.message));
    let limits = args.limits.limits();
    let by = Foresight {
        sources: &started.source,
        errors: errors.as_deref(),
        percent: args.prune.prune_max_percent,
        limits: &limits,
    };
    // A pass over every kind is in it: too large for the stack of whoever waits.
    let foreseeing = Box::pin(foresee(started.aws, started.clock, started.policy, set, by));
    let (plans, pruning) = foreseeing.await;
    let on = args.prune.prune;
    match args.output {
        Output::Json => {
            let mut document = document(&account, &plans, &loaded.diagnostics);
            document["prune"] = prune_json(&pruning);
            document["prune"]["on"] = json!(on);
            output::json(&document);
        }
        Output::Text => {
            output::result(&text(&plans));
            output::result(&pruned(&pruning, on));
        }
    }
    let code = exit_code(&plans, errors.is_some());
    Ok(if on { prune_code(&pruning, code) } else { code })
}

/// The exit code for pruning that is on, beside that of the rest: 1 is the worst.
fn prune_code(pruning: &PruneStatus, code: u8) -> u8 {
    match (code, prune::changes(pruning)) {
        (0, true) => 2,
        _ => code,
    }
}

/// What pruning would do.
fn pruned(pruning: &PruneStatus, on: bool) -> String {
    if pruning.orphans.is_empty() && pruning.held.is_none() {
        return String::new();
    }
    let of = |state: &str| {
        let all = pruning.orphans.iter();
        all.filter(|one| one.state == state).count()
    };
    let would = if on {
        "pruning"
    } else {
        "pruning, which is off (--prune), would do this"
    };
    format!(
        "{would}:\n{}{} to go, {} of them later; {} stay\n",
        prune::text(pruning),
        of("goes") + of("waits"),
        of("waits"),
        of("stays")
    )
}

/// 1 for an error, else 2 for changes, else 0.
fn exit_code(plans: &Preview, broken: bool) -> u8 {
    let unreadable = |plan: &Plan| {
        matches!(
            plan.outcome,
            Outcome::Failed(..) | Outcome::Waiting(Wait::ObservationUnknown, _)
        )
    };
    if broken || plans.values().any(unreadable) {
        1
    } else if plans.values().any(differs) {
        2
    } else {
        0
    }
}

/// Whether something would have to change, even if it is not done unasked.
fn differs(plan: &Plan) -> bool {
    !plan.steps.is_empty() || matches!(plan.outcome, Outcome::Blocked(Block::RecreateRequired, _))
}

/// Inputs are left out: they may hold secrets, and the differences say what changes.
fn document(account: &str, plans: &Preview, diagnostics: &[Diagnostic]) -> Value {
    let resources: Vec<Value> = plans
        .iter()
        .map(|(key, plan)| {
            let steps: Vec<Value> = plan
                .steps
                .iter()
                .map(|step| {
                    json!({"service": step.call.service.label(), "operation": step.call.operation, "why": step.why})
                })
                .collect();
            let drift: Vec<Value> = plan
                .drift
                .iter()
                .map(difference)
                .collect();
            json!({
                "key": key.to_string(),
                "outcome": plan.outcome.label(),
                "reason": plan.outcome.reason(),
                "message": plan.outcome.message(),
                "steps": steps,
                "drift": drift,
                "hold": plan.hold.as_ref().map(ToString::to_string),
            })
        })
        .collect();
    json!({
        "account": account,
        "changes": plans.values().map(|plan| plan.steps.len()).sum::<usize>(),
        "resources": resources,
        "diagnostics": crate::manifest::render_json(diagnostics),
    })
}

/// A difference; `reset` stands in it where the member is no longer declared.
fn difference(drift: &Drift) -> Value {
    let mut document = json!({"path": drift.path, "live": drift.live, "desired": drift.desired});
    if drift.reset {
        document["reset"] = json!(true);
    }
    document
}

fn text(plans: &Preview) -> String {
    let mut out = String::new();
    for (key, plan) in plans {
        if plan.steps.is_empty() && plan.outcome == Outcome::Converged {
            continue;
        }
        one(&mut out, key, plan);
    }
    let writes: usize = plans.values().map(|plan| plan.steps.len()).sum();
    let converged = plans
        .values()
        .filter(|plan| plan.steps.is_empty() && plan.outcome == Outcome::Converged)
        .count();
    let resting = plans.values().filter(|plan| plan.steps.is_empty()).count() - converged;
    out.push_str(&format!(
        "{writes} changes, {resting} waiting or blocked, {converged} as declared\n"
    ));
    out
}

fn one(out: &mut String, key: &Key, plan: &Plan) {
    let style = output::style(&plan.outcome);
    if plan.steps.is_empty() {
        out.push_str(&format!("  {key}  {style}{}{style:#}\n", plan.outcome));
    } else {
        out.push_str(&format!("{style}~{style:#} {key}\n"));
        if let Some(hold) = &plan.hold {
            out.push_str(&format!("    not before the hold ends: {hold}\n"));
        }
        for step in &plan.steps {
            out.push_str(&format!(
                "    {} ({} {})\n",
                step.why,
                step.call.service.label(),
                step.call.operation
            ));
        }
    }
    for drift in &plan.drift {
        let reset = match (drift.reset, drift.desired.is_null()) {
            (false, _) => "",
            (true, false) => " (AWS default; no longer declared)",
            (true, true) => " (no longer declared)",
        };
        out.push_str(&format!(
            "      {}: {} -> {}{reset}\n",
            drift.path, drift.live, drift.desired
        ));
    }
}
