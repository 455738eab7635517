//! An ELB listener, identified by its load balancer and its port: another port is another
//! listener, and the old one stays. Its rules are a kind of their own.
//!
//! Facts: ARN, ready as soon as it exists; the ARN by which ECS shifts its traffic, where it is asked for.

mod observe;
mod plan;
mod resets;

pub(crate) use resets::RESETS;

use serde_json::Value;

use super::{Reconciled, View};
use crate::aws::Observer;
use crate::document::{Change, Rules, Treat};
use crate::model::{Moment, Plan, Seen};

/// Listeners as a kind.
#[derive(Clone, Copy, Debug)]
pub struct Listener;

/// What one pass reads.
#[derive(Clone, Debug)]
pub struct Observed {
    /// The listener of the load balancer that has the port.
    pub listener: Seen<Value>,
    /// Attributes (`[{Key, Value}]`); not read when none are declared or remembered, or it is not there.
    pub attributes: Option<Seen<Value>>,
    /// Tags (`[{Key, Value}]`); not read when it is not there.
    pub tags: Option<Seen<Value>>,
    /// Its rules, the default one among them; read only for a service that shifts traffic by the default one.
    pub rules: Option<Seen<Vec<Value>>>,
}

const MODIFY: &str = "ModifyListener";
const ACTIONS: &str = "DefaultActions";

/// `ModifyListener` takes all that `CreateListener` does, except the load balancer (service model).
/// The actions are compared in [`super::forward`].
const RULES: Rules = Rules {
    members: &[
        ("/LoadBalancerArn", Treat::Ignored),
        ("/DefaultActions", Treat::Ignored),
        ("/Tags", Treat::Ignored),
        ("/Certificates", Treat::Keyed(&["CertificateArn"])),
        // Of an input only; answers always hold the default certificate.
        ("/Certificates/*/IsDefault", Treat::Ignored),
    ],
    scalars_by_text: true,
    changes: &[],
    other_changes: Change::By(MODIFY),
};

impl Reconciled for Listener {
    type Observed = Observed;

    async fn observe(observer: &Observer, view: &View<'_>, fresh: Moment) -> Observed {
        observe::observe(observer, view, fresh).await
    }

    fn plan(view: &View<'_>, observed: &Observed) -> Plan {
        plan::plan(view, observed)
    }
}
