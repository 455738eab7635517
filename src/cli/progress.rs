//! Progress of a run on a terminal; plain lines where there is none. Reads the status board only.

use std::collections::BTreeMap;
use std::io::IsTerminal as _;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::output;
use crate::model::{Key, Outcome, Rollout};
use crate::status::{Board, Status};

/// How often (real time) the board is looked at: fast enough for the eye.
const EVERY: Duration = Duration::from_millis(150);

/// Progress being shown.
pub(super) struct Shown {
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Shown {
    /// Shows the last state and stops.
    pub(super) async fn finish(self) {
        // The task has ended by itself if it does not listen.
        self.stop.send(()).ok();
        drop(self.task.await);
    }
}

/// Starts showing.
pub(super) fn show(board: Board) -> Shown {
    let (stop, mut stopped) = oneshot::channel();
    let task = tokio::spawn(async move {
        let mut view = View::new();
        loop {
            let last = tokio::time::timeout(EVERY, &mut stopped).await.is_ok();
            view.update(&board.read());
            if last {
                view.finish();
                return;
            }
        }
    });
    Shown { stop, task }
}

struct View {
    bars: Option<Bars>,
    told: BTreeMap<Key, String>,
}

struct Bars {
    all: MultiProgress,
    total: ProgressBar,
    rollouts: BTreeMap<Key, ProgressBar>,
}

impl View {
    fn new() -> Self {
        let bars = std::io::stderr().is_terminal().then(Bars::new);
        Self {
            bars,
            told: BTreeMap::new(),
        }
    }

    fn update(&mut self, status: &Status) {
        match &mut self.bars {
            Some(bars) => bars.update(status),
            None => self.lines(status),
        }
    }

    /// One line for each resource whose outcome changed.
    fn lines(&mut self, status: &Status) {
        for (key, resource) in &status.resources {
            let line = resource.outcome.to_string();
            if self.told.get(key) != Some(&line) {
                output::note(&format!("{key}  {line}\n"));
                self.told.insert(key.clone(), line);
            }
        }
    }

    fn finish(&self) {
        if let Some(bars) = &self.bars {
            drop(bars.all.clear());
        }
    }
}

impl Bars {
    fn new() -> Self {
        let all = MultiProgress::new();
        let total = all.add(ProgressBar::new(0));
        total.set_style(style("{bar:30.green} {pos}/{len} converged  {msg:.dim}"));
        Self {
            all,
            total,
            rollouts: BTreeMap::new(),
        }
    }

    fn update(&mut self, status: &Status) {
        let done = status
            .resources
            .values()
            .filter(|resource| resource.outcome == Outcome::Converged)
            .count();
        let all = status.source.valid.max(status.resources.len());
        self.total
            .set_length(u64::try_from(all).unwrap_or(u64::MAX));
        self.total
            .set_position(u64::try_from(done).unwrap_or(u64::MAX));
        let acting = status
            .resources
            .iter()
            .find(|(_, resource)| matches!(resource.outcome, Outcome::Acting(_)));
        self.total.set_message(
            acting
                .map(|(_, resource)| resource.outcome.message().to_owned())
                .unwrap_or_default(),
        );
        for (key, resource) in &status.resources {
            match &resource.rollout {
                Some(rollout) => {
                    let bar = self.rollouts.entry(key.clone()).or_insert_with(|| {
                        let bar = self.all.add(ProgressBar::new(100));
                        bar.set_style(style("  {bar:20.blue} {msg}"));
                        bar
                    });
                    bar.set_position(new_weight(rollout));
                    bar.set_message(format!("{} {}", key.name, rollout_line(rollout)));
                }
                None => {
                    if let Some(bar) = self.rollouts.remove(key) {
                        bar.finish_and_clear();
                        self.all.remove(&bar);
                    }
                }
            }
        }
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

/// The share of production traffic on the new tasks, in percent.
fn new_weight(rollout: &Rollout) -> u64 {
    let percent = rollout
        .weights
        .map_or(0.0, |(_, new)| new)
        .clamp(0.0, 100.0);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "clamped to 0..=100"
    )]
    let whole = percent as u64;
    whole
}

fn rollout_line(rollout: &Rollout) -> String {
    let event = rollout
        .events
        .iter()
        .find(|(_, status)| status == "InProgress");
    let event = event
        .map(|(name, _)| format!(" {name}"))
        .unwrap_or_default();
    format!("{} {}{event}", rollout.id, rollout.stage.label())
}
