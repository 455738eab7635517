//! What becomes of all orphans, in their order. Pure.

use std::collections::{BTreeMap, BTreeSet};

use super::declared::Declared;
use super::judge::judge;
use super::limit::exceeded;
use super::marks::{May, may};
use super::{Histories, Hold, Live, Orphan, Subject};
use crate::kinds::PRUNE_TAG;
use crate::manifest::DesiredSet;
use crate::model::{FactBoard, Step};

/// What becomes of one orphan now.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// This step is taken.
    Goes(Step),
    /// It goes when something has passed by itself.
    Waits(Why, String),
    /// It stays until a person or a manifest changes something.
    Stays(Why, String),
}

/// Why an orphan is still there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Why {
    /// It is not missed for long enough.
    Grace,
    /// Tasks are stopping.
    Draining,
    /// A deployment is in flight.
    DeploymentInFlight,
    /// Something uses it.
    InUse,
    /// Its tag says that it is never pruned.
    Never,
    /// Its manifest wanted a person to confirm, and nobody has.
    Unconfirmed,
    /// It carries no mark of a source.
    Unmarked,
    /// The source that declared it is not among those that declare something now.
    OtherSource,
    /// That its manifest was removed, and history not rewritten, is not known.
    HistoryUnknown,
    /// It holds images.
    HasImages,
    /// Deletion protection is on.
    Protected,
    /// More would go than may.
    Limit,
    /// AWS refused the step; it is tried again later.
    Refused,
}

impl Why {
    /// Every reason.
    pub const ALL: [Self; 13] = [
        Self::Grace,
        Self::Draining,
        Self::DeploymentInFlight,
        Self::InUse,
        Self::Never,
        Self::Unconfirmed,
        Self::Unmarked,
        Self::OtherSource,
        Self::HistoryUnknown,
        Self::HasImages,
        Self::Protected,
        Self::Limit,
        Self::Refused,
    ];

    /// The reason as one `CamelCase` word: metric label, JSON and text.
    pub fn label(self) -> &'static str {
        match self {
            Self::Grace => "Grace",
            Self::Draining => "Draining",
            Self::DeploymentInFlight => "DeploymentInFlight",
            Self::InUse => "InUse",
            Self::Never => "Never",
            Self::Unconfirmed => "Unconfirmed",
            Self::Unmarked => "Unmarked",
            Self::OtherSource => "OtherSource",
            Self::HistoryUnknown => "HistoryUnknown",
            Self::HasImages => "HasImages",
            Self::Protected => "Protected",
            Self::Limit => "Limit",
            Self::Refused => "Refused",
        }
    }
}

/// An orphan and its verdict.
#[derive(Clone, Debug, PartialEq)]
pub struct Judged {
    /// What it is.
    pub subject: Subject,
    /// Its ARN.
    pub arn: String,
    /// Cluster and name of the services that it is or belongs to: what holds them holds it.
    pub services: Vec<(String, String)>,
    /// What becomes of it.
    pub verdict: Verdict,
}

/// What becomes of all of them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Pruning {
    /// Each, in the order in which they go.
    pub orphans: Vec<Judged>,
    /// What keeps up all of them that nobody has confirmed.
    pub held: Option<(Hold, String)>,
}

impl Pruning {
    /// The next step, with what it is of.
    pub fn step(&self) -> Option<(&Judged, &Step)> {
        self.orphans.iter().find_map(|one| match &one.verdict {
            Verdict::Goes(step) => Some((one, step)),
            Verdict::Waits(..) | Verdict::Stays(..) => None,
        })
    }

    /// Whether something moves on by itself. What waits for its user moves when that does.
    pub fn waits(&self) -> bool {
        let mut all = self.orphans.iter();
        all.any(|one| matches!(one.verdict, Verdict::Waits(why, _) if why != Why::InUse))
    }
}

/// What the orphans are judged by.
#[derive(Clone, Debug)]
pub struct Terms<'a> {
    /// The manifests in force.
    pub set: &'a DesiredSet,
    /// What their passes told.
    pub facts: &'a FactBoard,
    /// How many of each kind are declared and were made here.
    pub declared: &'a BTreeMap<&'static str, usize>,
    /// Whether commits follow those of the marks.
    pub histories: &'a Histories,
    /// ARNs of those that are not missed for long enough.
    pub missed_lately: &'a BTreeSet<String>,
    /// The share that may go, in percent.
    pub percent: u8,
}

/// Decides.
pub fn plan(orphans: &[Orphan], terms: &Terms<'_>) -> Pruning {
    let index = Declared::new(terms.set, terms.facts);
    let mut verdicts: Vec<Option<Verdict>> = Vec::new();
    let mut marked = Vec::new();
    for (at, orphan) in orphans.iter().enumerate() {
        let verdict = match permission(orphan, orphans, &index, terms) {
            Err((why, text)) => Some(Verdict::Stays(why, text)),
            Ok(may) => {
                if may == May::Marked {
                    marked.push(at);
                }
                None
            }
        };
        verdicts.push(verdict);
    }
    let mut staying = terms.declared.clone();
    for (orphan, verdict) in orphans.iter().zip(&verdicts) {
        if verdict.is_some() {
            *staying.entry(orphan.subject.kind()).or_default() += 1;
        }
    }
    let limited: Vec<&Subject> = marked.iter().map(|at| &orphans[*at].subject).collect();
    let held = exceeded(&limited, &staying, terms.percent).map(|text| (Hold::Limit, text));
    if let Some((_, text)) = &held {
        for at in marked {
            verdicts[at] = Some(Verdict::Stays(Why::Limit, text.clone()));
        }
    }
    let of = |goes: bool| -> Vec<&Orphan> {
        let all = orphans.iter().zip(&verdicts);
        all.filter(|(_, verdict)| verdict.is_none() == goes)
            .map(|(orphan, _)| orphan)
            .collect()
    };
    let (going, staying) = (of(true), of(false));
    let judged = orphans
        .iter()
        .zip(verdicts.clone())
        .map(|(orphan, verdict)| {
            let verdict = verdict.unwrap_or_else(|| {
                // Whoever confirmed has waited.
                let confirmed = orphan.tag(PRUNE_TAG).is_some();
                if !confirmed && terms.missed_lately.contains(&orphan.arn) {
                    let text = "its manifest has been gone for a moment only".to_owned();
                    return Verdict::Waits(Why::Grace, text);
                }
                judge(orphan, &going, &staying)
            });
            Judged {
                subject: orphan.subject.clone(),
                arn: orphan.arn.clone(),
                services: orphan.services(),
                verdict,
            }
        });
    let mut judged: Vec<Judged> = judged.collect();
    judged.sort_by(|a, b| (&a.subject, &a.arn).cmp(&(&b.subject, &b.arn)));
    Pruning {
        orphans: judged,
        held,
    }
}

/// Whether an orphan may go, whatever uses it.
fn permission(
    orphan: &Orphan,
    orphans: &[Orphan],
    index: &Declared<'_>,
    terms: &Terms<'_>,
) -> Result<May, (Why, String)> {
    let own = may(orphan, terms.set, terms.histories);
    // A scalable target goes with its service, whatever marks it got when it was made.
    let may = match (own, scaled(orphan, orphans)) {
        (Err((Why::Unmarked | Why::OtherSource | Why::HistoryUnknown, _)), Some(service)) => {
            may(service, terms.set, terms.histories)?
        }
        (own, _) => own?,
    };
    if let Live::ImageRepository(true) = orphan.live {
        return Err((Why::HasImages, "it holds images".to_owned()));
    }
    if let Some(key) = index.naming(&orphan.subject, &orphan.arn) {
        return Err((Why::InUse, format!("the manifest {key} names it")));
    }
    Ok(may)
}

/// The orphan that this scalable target scales.
fn scaled<'a>(target: &Orphan, orphans: &'a [Orphan]) -> Option<&'a Orphan> {
    let Subject::ScalableTarget(id) = &target.subject else {
        return None;
    };
    orphans.iter().find(|one| match &one.subject {
        Subject::Service(cluster, name) => *id == format!("service/{cluster}/{name}"),
        _ => false,
    })
}
