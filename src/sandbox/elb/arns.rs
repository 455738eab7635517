//! ARNs and names of ELBv2 resources: making and checking them.

use super::super::{ACCOUNT, AwsError, World};

/// What an ARN of the service names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    LoadBalancer,
    Listener,
    Rule,
    TargetGroup,
}

impl Kind {
    /// The kind an ARN claims to be of.
    pub(super) fn of(arn: &str) -> Option<Self> {
        let rest = arn.strip_prefix("arn:aws:elasticloadbalancing:")?;
        let resource = rest.splitn(3, ':').nth(2)?;
        match resource.split('/').next()? {
            "loadbalancer" => Some(Self::LoadBalancer),
            "listener" => Some(Self::Listener),
            "listener-rule" => Some(Self::Rule),
            "targetgroup" => Some(Self::TargetGroup),
            _ => None,
        }
    }

    /// The noun of AWS's messages.
    fn noun(self) -> &'static str {
        match self {
            Self::LoadBalancer => "load balancer",
            Self::Listener => "listener",
            Self::Rule => "listener rule",
            Self::TargetGroup => "target group",
        }
    }

    /// The refusal for one that does not exist.
    pub(super) fn not_found(self) -> AwsError {
        let (code, message) = match self {
            Self::LoadBalancer => (
                "LoadBalancerNotFound",
                "One or more load balancers not found",
            ),
            Self::Listener => ("ListenerNotFound", "One or more listeners not found"),
            Self::Rule => ("RuleNotFound", "One or more rules not found"),
            Self::TargetGroup => ("TargetGroupNotFound", "One or more target groups not found"),
        };
        AwsError::new(code, message)
    }

    /// Refuses an ARN that is not of this kind.
    pub(super) fn check(self, arn: &str) -> Result<(), AwsError> {
        if Self::of(arn) == Some(self) {
            return Ok(());
        }
        let noun = self.noun();
        Err(AwsError::new(
            "ValidationError",
            format!("'{arn}' is not a valid {noun} ARN"),
        ))
    }
}

/// Sixteen hexadecimal digits.
pub(super) fn new_id(world: &mut World) -> String {
    let mut id = world.next_hex();
    id.truncate(16);
    id
}

/// `arn:aws:elasticloadbalancing:REGION:ACCOUNT:RESOURCE`.
pub(super) fn arn(world: &World, resource: &str) -> String {
    format!(
        "arn:aws:elasticloadbalancing:{}:{ACCOUNT}:{resource}",
        world.region
    )
}

/// Checks the name of a load balancer or target group: at most 32 letters, digits and hyphens, no
/// hyphen at either end (service model).
pub(super) fn check_name(kind: Kind, name: &str) -> Result<(), AwsError> {
    let noun = if kind == Kind::TargetGroup {
        "Target group"
    } else {
        "Load balancer"
    };
    let problem = if name.is_empty() {
        format!("{noun} name must not be empty")
    } else if name.len() > 32 {
        format!("{noun} name '{name}' cannot be longer than '32' characters")
    } else if !name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') {
        format!(
            "{noun} name '{name}' can only contain characters that are alphanumeric characters and \
             hyphens(-)"
        )
    } else if name.starts_with('-') || name.ends_with('-') {
        format!("{noun} name '{name}' cannot begin or end with a hyphen(-)")
    } else if kind == Kind::LoadBalancer && name.starts_with("internal-") {
        format!("{noun} name '{name}' cannot begin with 'internal-'")
    } else {
        return Ok(());
    };
    Err(AwsError::new("ValidationError", problem))
}
