//! Pruning from a repository: a manifest that is missing because history was rewritten was not removed, for a
//! daemon that has just started neither.

use std::sync::Arc;
use std::time::Duration;

use evenkeel::aws::{Aws, Connection, connect};
use evenkeel::clock::Clock;
use evenkeel::controller::{Controller, Event, Prune, Settings, Until};
use evenkeel::metrics::Metrics;
use evenkeel::model::{Call, Moment, Service};
use evenkeel::mount::Mounted;
use evenkeel::source::Followed;
use evenkeel::status::{Board, Status};
use serde_json::json;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::*;

#[tokio::test]
async fn whether_a_commit_follows_is_asked_as_far_back_as_it_takes() {
    let repo = Repo::new();
    let first = repo.git(&["rev-parse", "HEAD"]);
    let server = Server::http(&repo, &[]);
    let options = "branch=main&path=prod";
    for address in [repo.address(options), server.address(&repo, "", options)] {
        for name in ["x", "y"] {
            repo.commit(name);
        }
        let side = repo.git(&["commit-tree", "HEAD^{tree}", "-m", "side"]);
        let read = sources(&[&address]);
        let together = look(&read).await.unwrap();
        let root = together.sources[0].root.clone();
        let head = commit_of(&together).to_owned();
        // The fetch was of one commit alone.
        assert_eq!(read.follows(&root, &head).await, Followed::Yes);
        assert_eq!(
            read.follows(&root, &first).await,
            Followed::Yes,
            "{address}"
        );
        for unknown in [side.as_str(), &"0".repeat(40), "", "main"] {
            let followed = read.follows(&root, unknown).await;
            assert!(
                matches!(followed, Followed::NotKnown(_)),
                "{unknown}: {followed:?}"
            );
        }
        assert!(matches!(
            read.follows(Path::new("other"), &head).await,
            Followed::NotKnown(_)
        ));
        // What is in force is as it was.
        assert_eq!(commit_of(&look(&read).await.unwrap()), head);
    }
    let allowed = sources(&[&repo.address("branch=main&path=prod&allowHistoryRewrite=true")]);
    let root = look(&allowed).await.unwrap().sources[0].root.clone();
    assert_eq!(
        allowed.follows(&root, &"0".repeat(40)).await,
        Followed::NoHistory
    );
}

/// A simulated AWS, ten minutes a second.
struct Stage {
    mounted: Mounted,
    clock: Clock,
}

struct Daemon {
    board: Board,
    events: mpsc::Sender<Event>,
    task: JoinHandle<evenkeel::controller::Ended>,
}

impl Stage {
    fn new() -> Self {
        let clock = Clock::starting_at(Moment(1_767_225_600_000), 600);
        let mounted = Mounted::new(clock.clone());
        Self { mounted, clock }
    }

    async fn aws(&self) -> Aws {
        let connection = Connection::Sandbox {
            http: self.mounted.http_client(),
            region: "us-east-1".to_owned(),
        };
        let metrics = Arc::new(Metrics::new());
        connect(connection, self.clock.clone(), metrics)
            .await
            .unwrap()
    }

    async fn daemon(&self, address: &str) -> Daemon {
        let settings = Settings {
            prune: Some(Prune {
                percent: 50,
                grace: Duration::ZERO,
            }),
            ..Settings::default()
        };
        let board = Board::default();
        let controller = Controller::new(
            self.aws().await,
            self.clock.clone(),
            Arc::new(Metrics::new()),
            board.clone(),
            sources(&[address]),
            settings,
        );
        let (events, receiver) = mpsc::channel(16);
        let task = tokio::spawn(controller.run(receiver, Until::Stopped));
        Daemon {
            board,
            events,
            task,
        }
    }

    /// The status of a cluster at AWS.
    async fn cluster(&self, name: &str) -> String {
        let call = Call {
            service: Service::Ecs,
            operation: "DescribeClusters",
            input: json!({"clusters": [name]}),
        };
        let answer = self.aws().await.call(&call).await.unwrap();
        answer["clusters"][0]["status"].as_str().unwrap().to_owned()
    }
}

impl Daemon {
    async fn until(&self, what: &str, reached: impl Fn(&Status) -> bool) {
        for _ in 0..1200 {
            if reached(&self.board.read()) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("not reached: {what}: {:#?}", self.board.read());
    }

    /// Waits until the orphan of this name stays for this reason.
    async fn stays(&self, name: &str, reason: &str) {
        self.until(reason, |status| {
            let orphans = status.prune.iter().flat_map(|prune| &prune.orphans);
            let mut found = orphans.filter(|one| one.name == name);
            found.any(|one| (one.state, one.reason) == ("stays", reason))
        })
        .await;
    }

    async fn look(&self) {
        self.events.send(Event::Pushed).await.unwrap();
    }

    async fn stop(self) {
        self.events.send(Event::Stop).await.unwrap();
        self.task.await.unwrap();
    }
}

fn settled(status: &Status) -> bool {
    status.first_cycle_done
        && status.resources.len() == 3
        && status.resources.values().all(|one| one.arn.is_some())
}

#[tokio::test]
async fn a_rewritten_history_prunes_nothing_before_and_after_a_restart() {
    let repo = Repo::new();
    for name in ["b", "c"] {
        repo.write(&format!("prod/{name}.yaml"), &cluster(name));
    }
    let good = repo.commit("second");
    let address = repo.address("branch=main&path=prod");
    let stage = Stage::new();
    let daemon = stage.daemon(&address).await;
    daemon.until("three clusters", settled).await;

    // The head that lacks the manifest is held.
    repo.git(&["rm", "--quiet", "prod/c.yaml"]);
    repo.git(&["commit", "--quiet", "--amend", "-m", "rewritten"]);
    daemon.look().await;
    daemon
        .until("held", |status| {
            let held = status.prune.as_ref().and_then(|prune| prune.held.as_ref());
            held.is_some_and(|(reason, _)| *reason == "SourceTrouble")
        })
        .await;
    assert_eq!(stage.cluster("c").await, "ACTIVE");
    daemon.stop().await;

    // A daemon that knows nothing of it takes the head, and what AWS remembers keeps the cluster.
    let daemon = stage.daemon(&address).await;
    daemon.stays("c", "HistoryUnknown").await;
    assert_eq!(stage.cluster("c").await, "ACTIVE");
    daemon.stop().await;

    // Removed as it should be, it goes: by a commit that comes after the one that declared it.
    repo.git(&["reset", "--quiet", "--hard", &good]);
    repo.git(&["rm", "--quiet", "prod/c.yaml"]);
    repo.commit("removed");
    let daemon = stage.daemon(&address).await;
    daemon
        .until("pruned", |status| {
            status.prune.as_ref().is_some_and(|prune| {
                prune.looked_at.is_some() && prune.held.is_none() && prune.orphans.is_empty()
            })
        })
        .await;
    assert_eq!(stage.cluster("c").await, "INACTIVE");
    assert_eq!(stage.cluster("b").await, "ACTIVE");
    daemon.stop().await;
}
