//! An ELB listener rule, identified by its listener and its priority: another priority is another
//! rule. The old one stays; it is removed by whoever deletes it, as nothing is deleted here, and it
//! keeps matching first while its number is the lower one. Moving it with `SetRulePriorities` would
//! need to know which live rule a manifest meant before, which no read tells.
//!
//! Facts: ARN; ready as soon as it exists.

mod conditions;
mod observe;
mod plan;
mod resets;

pub(crate) use resets::RESETS;

use serde_json::Value;

use super::{Reconciled, View};
use crate::aws::Observer;
use crate::document::{Change, Rules, Treat};
use crate::model::{Moment, Plan, Seen};

/// Listener rules as a kind.
#[derive(Clone, Copy, Debug)]
pub struct ListenerRule;

/// What one pass reads.
#[derive(Clone, Debug)]
pub struct Observed {
    /// All rules of the listener, the default one included.
    pub rules: Seen<Vec<Value>>,
    /// Tags (`[{Key, Value}]`); not read when the rule is not there.
    pub tags: Option<Seen<Value>>,
}

impl Observed {
    /// The rule of this priority.
    fn rule(&self, spec: &Value) -> Seen<&Value> {
        match &self.rules {
            Seen::Unknown(reason) => Seen::Unknown(reason.clone()),
            Seen::Absent => Seen::Absent,
            Seen::Present(rules) => {
                conditions::of_priority(rules, spec).map_or(Seen::Absent, Seen::Present)
            }
        }
    }
}

const MODIFY: &str = "ModifyRule";
const ACTIONS: &str = "Actions";
const TRANSFORMS: &str = "Transforms";

/// Conditions are compared in their normal form ([`conditions`]), actions in [`super::forward`].
/// ALB reorders the values of conditions (aws-facts 4).
const RULES: Rules = Rules {
    members: &[
        ("/ListenerArn", Treat::Ignored),
        ("/Priority", Treat::Ignored),
        ("/Actions", Treat::Ignored),
        ("/Tags", Treat::Ignored),
        ("/Conditions", Treat::Set),
        ("/Conditions/*/HostHeaderConfig/Values", Treat::Set),
        ("/Conditions/*/HostHeaderConfig/RegexValues", Treat::Set),
        ("/Conditions/*/PathPatternConfig/Values", Treat::Set),
        ("/Conditions/*/PathPatternConfig/RegexValues", Treat::Set),
        ("/Conditions/*/HttpHeaderConfig/Values", Treat::Set),
        ("/Conditions/*/HttpHeaderConfig/RegexValues", Treat::Set),
        ("/Conditions/*/QueryStringConfig/Values", Treat::Set),
        ("/Conditions/*/HttpRequestMethodConfig/Values", Treat::Set),
        ("/Conditions/*/SourceIpConfig/Values", Treat::Set),
        ("/Transforms", Treat::Keyed(&["Type"])),
    ],
    scalars_by_text: true,
    changes: &[],
    other_changes: Change::By(MODIFY),
};

impl Reconciled for ListenerRule {
    type Observed = Observed;

    async fn observe(observer: &Observer, view: &View<'_>, fresh: Moment) -> Observed {
        observe::observe(observer, view, fresh).await
    }

    fn plan(view: &View<'_>, observed: &Observed) -> Plan {
        plan::plan(view, observed)
    }
}
