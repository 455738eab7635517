//! How a pass ended. Waiting, blocked and converged are outcomes here, not errors.

use std::fmt;

/// The outcome of one pass over one key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Live state is what the manifest says; nothing to do.
    Converged,
    /// Something was written; it will be observed afresh shortly. The text names what.
    Acting(String),
    /// Nothing to write now; time or another resource will move it on.
    Waiting(Wait, String),
    /// Only a person or a new manifest can move it on.
    Blocked(Block, String),
    /// AWS refused, or a rollout ended badly.
    Failed(Fail, String),
}

/// Why a resource waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Wait {
    /// A person wants nothing written for now (a [`super::Hold`]).
    Held,
    /// A referenced resource is not ready.
    DependencyNotReady,
    /// The image is not in its repository yet. Only a push can move it on.
    ImageNotFound,
    /// A deployment is in flight.
    RolloutInProgress,
    /// A one-off task before or after a rollout runs.
    TaskRunning,
    /// A deployment waits for a person (CodeDeploy `Ready`).
    ApprovalPending,
    /// A deployment that somebody else started is in flight.
    ForeignDeployment,
    /// AWS is still building it up (a load balancer provisioning, tasks starting).
    Provisioning,
    /// Somebody changed live state; it is changed back after the grace time.
    DriftGrace,
    /// A rollout is to start, and no window for it is open.
    WindowClosed,
    /// A rollout is to start, and as many are in flight as may be at once.
    RolloutLimit,
    /// Somebody changed live state again and again; it is changed back after a while.
    HealBackoff,
    /// A read failed, so nothing can be decided.
    ObservationUnknown,
    /// A call failed in a way that passes by itself; it is tried again with backoff.
    TransientError,
}

/// Why a resource is blocked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Block {
    /// The change needs a new resource; never done unasked.
    RecreateRequired,
    /// This very content failed or was rolled back; a new manifest or the retry annotation lifts it.
    Quarantined,
    /// A `CODE_DEPLOY` service that no `DeploymentGroup` manifest names.
    NoDeploymentGroup,
    /// The manifest is not valid together with the rest of the set.
    ManifestInvalid,
    /// What is live cannot be handled safely (said in the text), so it is left alone.
    Unsupported,
    /// Production traffic is not where the tasks are, or no healthy target is where it goes.
    TrafficMismatch,
    /// Somebody changed live state, and the manifest says to leave it so (`sync.selfHeal: off`).
    DriftKept,
    /// Somebody changed live state, and the manifest wants a person to decide (`sync.selfHeal: notify`).
    DriftFound,
    /// A content waited for a person's approval for as long as its manifest says, and nobody gave it.
    ApprovalTimedOut,
    /// What is written is changed back again and again by somebody else, so it is not written any more.
    Contested,
}

/// Why a resource failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fail {
    /// AWS refused the request as wrong.
    Rejected,
    /// AWS refused for want of permission.
    AccessDenied,
    /// An AWS quota is exhausted.
    QuotaExceeded,
    /// A rollout failed or was rolled back.
    RolloutFailed,
    /// A one-off task before or after a rollout failed.
    TaskFailed,
    /// A defect of this program.
    Internal,
}

impl Wait {
    /// Every reason.
    pub const ALL: [Self; 14] = [
        Self::Held,
        Self::DependencyNotReady,
        Self::ImageNotFound,
        Self::RolloutInProgress,
        Self::TaskRunning,
        Self::ApprovalPending,
        Self::ForeignDeployment,
        Self::Provisioning,
        Self::DriftGrace,
        Self::HealBackoff,
        Self::WindowClosed,
        Self::RolloutLimit,
        Self::ObservationUnknown,
        Self::TransientError,
    ];

    /// The reason as one `CamelCase` word: metric label, JSON and text.
    pub fn label(self) -> &'static str {
        match self {
            Self::Held => "Held",
            Self::DependencyNotReady => "DependencyNotReady",
            Self::ImageNotFound => "ImageNotFound",
            Self::RolloutInProgress => "RolloutInProgress",
            Self::TaskRunning => "TaskRunning",
            Self::ApprovalPending => "ApprovalPending",
            Self::ForeignDeployment => "ForeignDeployment",
            Self::Provisioning => "Provisioning",
            Self::DriftGrace => "DriftGrace",
            Self::HealBackoff => "HealBackoff",
            Self::WindowClosed => "WindowClosed",
            Self::RolloutLimit => "RolloutLimit",
            Self::ObservationUnknown => "ObservationUnknown",
            Self::TransientError => "TransientError",
        }
    }

    /// Whether only something outside AWS and this program (a push, an approval, the end of a hold, the time of
    /// the day) ends the
    /// wait.
    pub fn is_external(self) -> bool {
        matches!(
            self,
            Self::ImageNotFound | Self::ApprovalPending | Self::Held | Self::WindowClosed
        )
    }
}

impl Block {
    /// Every reason.
    pub const ALL: [Self; 10] = [
        Self::RecreateRequired,
        Self::Quarantined,
        Self::NoDeploymentGroup,
        Self::ManifestInvalid,
        Self::Unsupported,
        Self::TrafficMismatch,
        Self::DriftKept,
        Self::DriftFound,
        Self::ApprovalTimedOut,
        Self::Contested,
    ];

    /// The reason as one `CamelCase` word.
    pub fn label(self) -> &'static str {
        match self {
            Self::RecreateRequired => "RecreateRequired",
            Self::Quarantined => "Quarantined",
            Self::NoDeploymentGroup => "NoDeploymentGroup",
            Self::ManifestInvalid => "ManifestInvalid",
            Self::Unsupported => "Unsupported",
            Self::TrafficMismatch => "TrafficMismatch",
            Self::DriftKept => "DriftKept",
            Self::DriftFound => "DriftFound",
            Self::ApprovalTimedOut => "ApprovalTimedOut",
            Self::Contested => "Contested",
        }
    }
}

impl Fail {
    /// Every reason.
    pub const ALL: [Self; 6] = [
        Self::Rejected,
        Self::AccessDenied,
        Self::QuotaExceeded,
        Self::RolloutFailed,
        Self::TaskFailed,
        Self::Internal,
    ];

    /// The reason as one `CamelCase` word.
    pub fn label(self) -> &'static str {
        match self {
            Self::Rejected => "Rejected",
            Self::AccessDenied => "AccessDenied",
            Self::QuotaExceeded => "QuotaExceeded",
            Self::RolloutFailed => "RolloutFailed",
            Self::TaskFailed => "TaskFailed",
            Self::Internal => "Internal",
        }
    }
}

impl Outcome {
    /// The outcome's own word.
    pub fn label(&self) -> &'static str {
        match self {
            Self::Converged => "Converged",
            Self::Acting(_) => "Acting",
            Self::Waiting(..) => "Waiting",
            Self::Blocked(..) => "Blocked",
            Self::Failed(..) => "Failed",
        }
    }

    /// The reason's word; `Succeeded` and `Progressing` where the outcome has none of its own.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Converged => "Succeeded",
            Self::Acting(_) => "Progressing",
            Self::Waiting(reason, _) => reason.label(),
            Self::Blocked(reason, _) => reason.label(),
            Self::Failed(reason, _) => reason.label(),
        }
    }

    /// What a person needs to know; empty when converged.
    pub fn message(&self) -> &str {
        match self {
            Self::Converged => "",
            Self::Acting(text)
            | Self::Waiting(_, text)
            | Self::Blocked(_, text)
            | Self::Failed(_, text) => text,
        }
    }
}

impl Outcome {
    /// The same outcome with its text changed.
    #[must_use]
    pub fn with_message(mut self, change: impl FnOnce(&str) -> String) -> Self {
        if let Self::Acting(text)
        | Self::Waiting(_, text)
        | Self::Blocked(_, text)
        | Self::Failed(_, text) = &mut self
        {
            *text = change(text);
        }
        self
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Converged => f.write_str("Converged"),
            Self::Acting(text) => write!(f, "Acting: {text}"),
            Self::Waiting(..) | Self::Blocked(..) | Self::Failed(..) => {
                write!(f, "{} ({})", self.label(), self.reason())?;
                if self.message().is_empty() {
                    Ok(())
                } else {
                    write!(f, ": {}", self.message())
                }
            }
        }
    }
}
