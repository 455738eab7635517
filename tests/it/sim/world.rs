//! One simulated AWS, one folder of manifests, and daemons that come and go.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use evenkeel::ask::{Answer, Asker, Carried, Question, Refusal, channel};
use evenkeel::aws::{Aws, Connection, connect};
use evenkeel::clock::Clock;
use evenkeel::controller::{Controller, Ended, Event, Settings, Until};
use evenkeel::manifest::{LoadOptions, load};
use evenkeel::metrics::Metrics;
use evenkeel::model::{Command, Key, Moment, Order, Outcome};
use evenkeel::mount::Mounted;
use evenkeel::source::{Dir, Sources};
use evenkeel::status::{Board, Status};
use tempfile::TempDir;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::aws::Person;
use super::faults::Wire;

/// 2026-01-01, in milliseconds since the epoch.
const START: Moment = Moment(1_767_225_600_000);

/// Longer than any scenario takes to come to rest: a crashing image is given an hour by CodeDeploy.
pub(crate) const LONG: Duration = Duration::from_hours(3);

/// The world of one scenario.
pub(crate) struct World {
    pub mounted: Mounted,
    pub clock: Clock,
    pub wire: Wire,
    pub person: Person,
    pub folder: TempDir,
    seed: u64,
}

impl World {
    /// A world whose source is `manifests/<folder>`, restricted to these files; all of them if none
    /// is named.
    pub(crate) async fn new(folder: &str, only: &[&str], seed: u64) -> Self {
        fastrand::seed(seed);
        let clock = Clock::starting_at(START, 1);
        let mounted = Mounted::new(clock.clone());
        let target = tempfile::tempdir().unwrap();
        let root = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("manifests")
            .join(folder);
        copy(&root, target.path(), only);
        let files = Dir::new(target.path()).read().unwrap().files;
        let loaded = load(&files, &LoadOptions::default());
        assert!(loaded.diagnostics.is_empty(), "{:#?}", loaded.diagnostics);
        mounted.seed("us-east-1", &loaded.seeds).unwrap();
        let wire = Wire::new(mounted.clone(), seed);
        let person = Person::new(&mounted, &clock).await;
        Self {
            mounted,
            clock,
            wire,
            person,
            folder: target,
            seed,
        }
    }

    /// A world with these manifests, by file name, and nothing else.
    pub(crate) async fn of(files: &[(String, Vec<u8>)]) -> Self {
        let seed = 1;
        fastrand::seed(seed);
        let clock = Clock::starting_at(START, 1);
        let mounted = Mounted::new(clock.clone());
        let folder = tempfile::tempdir().unwrap();
        for (name, bytes) in files {
            std::fs::write(folder.path().join(name), bytes).unwrap();
        }
        let wire = Wire::new(mounted.clone(), seed);
        let person = Person::new(&mounted, &clock).await;
        Self {
            mounted,
            clock,
            wire,
            person,
            folder,
            seed,
        }
    }

    /// The auth service of Nova with what it needs, and nothing else.
    pub(crate) async fn auth(seed: u64) -> Self {
        let only = [
            "cluster.yaml",
            "load-balancer.yaml",
            "sandbox.yaml",
            "services/auth.yaml",
        ];
        Self::new("nova", &only, seed).await
    }

    /// Changes a manifest's text.
    pub(crate) fn edit(&self, file: &str, from: &str, to: &str) {
        let path = self.folder.path().join(file);
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{file} has no {from}");
        std::fs::write(path, text.replace(from, to)).unwrap();
    }

    /// Ships the next image of [`World::auth`]'s service, and lets the daemon look.
    pub(crate) async fn release(&self, daemon: &Daemon) {
        self.edit(
            "services/auth.yaml",
            "auth-service:1.4.0",
            "auth-service:1.5.0",
        );
        daemon.look().await;
    }

    /// Adds or replaces a manifest.
    pub(crate) fn write(&self, file: &str, text: &str) {
        std::fs::write(self.folder.path().join(file), text).unwrap();
    }

    /// Waits until all is converged; if the daemon dies on the way (as told by the wire), another one with
    /// an empty memory goes on.
    pub(crate) async fn converged_in_spite_of_a_crash(&self, daemon: Daemon) -> Daemon {
        let crashed = tokio::select! {
            biased;
            () = self.wire.crashed() => true,
            _ = daemon.converged() => false,
        };
        if !crashed {
            return daemon;
        }
        daemon.kill();
        let next = self.daemon().await;
        next.converged().await;
        next
    }

    /// A client on the wire.
    pub(crate) async fn wired(&self, metrics: Arc<Metrics>) -> Aws {
        let connection = Connection::Sandbox {
            http: self.wire.http_client(),
            region: "us-east-1".to_owned(),
        };
        connect(connection, self.clock.clone(), metrics)
            .await
            .unwrap()
    }

    /// Starts a daemon with an empty memory.
    pub(crate) async fn daemon(&self) -> Daemon {
        let source = Dir::new(self.folder.path());
        self.daemon_of(source, Settings::default()).await
    }

    /// Starts a daemon with an empty memory, this source and these settings but the seed.
    pub(crate) async fn daemon_of(&self, source: impl Into<Sources>, settings: Settings) -> Daemon {
        let metrics = Arc::new(Metrics::new());
        let aws = self.wired(Arc::clone(&metrics)).await;
        let board = Board::default();
        let settings = Settings {
            seed: self.seed,
            ..settings
        };
        let controller = Controller::new(
            aws,
            self.clock.clone(),
            Arc::clone(&metrics),
            board.clone(),
            source,
            settings,
        );
        let (asker, asks) = channel();
        let controller = controller.with_asks(asks);
        let (events, receiver) = mpsc::channel(16);
        let task = tokio::spawn(controller.run(receiver, Until::Stopped));
        Daemon {
            events,
            board,
            asker,
            metrics,
            task,
        }
    }

    /// Writes that AWS carried out so far, as `operation` names in order.
    pub(crate) fn writes(&self) -> Vec<String> {
        self.mounted.with(|sandbox| {
            sandbox
                .mutations()
                .filter(|call| call.error.is_none())
                .map(|call| call.operation.clone())
                .collect()
        })
    }

    /// How many calls of this operation AWS has got so far.
    pub(crate) fn calls(&self, operation: &str) -> usize {
        self.mounted.with(|sandbox| {
            let calls = sandbox.journal().iter();
            calls.filter(|call| call.operation == operation).count()
        })
    }

    /// How many writes of this operation AWS carried out so far.
    pub(crate) fn count(&self, operation: &str) -> usize {
        self.writes()
            .iter()
            .filter(|write| *write == operation)
            .count()
    }
}

fn copy(from: &Path, to: &Path, only: &[&str]) {
    for file in Dir::new(from).read().unwrap().files {
        let relative = Path::new(&file.path).strip_prefix(from).unwrap();
        if only.is_empty() || only.iter().any(|name| relative == Path::new(name)) {
            let target = to.join(relative);
            std::fs::create_dir_all(target.parent().unwrap()).unwrap();
            std::fs::write(target, file.bytes).unwrap();
        }
    }
}

/// A running daemon.
pub(crate) struct Daemon {
    pub events: mpsc::Sender<Event>,
    pub board: Board,
    pub asker: Asker,
    metrics: Arc<Metrics>,
    task: JoinHandle<Ended>,
}

impl Daemon {
    /// The lines of a metric, as they are scraped.
    pub(crate) fn metric(&self, name: &str) -> Vec<String> {
        let text = self.metrics.render(&self.board.read());
        let lines = text.lines().filter(|line| line.starts_with(name));
        lines.map(str::to_owned).collect()
    }

    /// Waits (simulated time) until `reached`, and gives the status; fails after `LONG`.
    pub(crate) async fn until(&self, what: &str, reached: impl Fn(&Status) -> bool) -> Status {
        let attempt = async {
            loop {
                let status = self.board.read();
                if reached(&status) {
                    return status;
                }
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        };
        match tokio::time::timeout(LONG, attempt).await {
            Ok(status) => status,
            Err(elapsed) => {
                panic!(
                    "not reached: {what} ({elapsed})\n{}",
                    outcomes(&self.board.read())
                )
            }
        }
    }

    /// Waits until everything is converged.
    pub(crate) async fn converged(&self) -> Status {
        self.until("everything converged", |status| {
            status.first_cycle_done
                && !status.resources.is_empty()
                && status
                    .resources
                    .values()
                    .all(|resource| resource.outcome == Outcome::Converged)
        })
        .await
    }

    /// Waits until the outcome of this key satisfies a condition, and gives the outcome.
    pub(crate) async fn outcome(&self, key: &str, reached: impl Fn(&Outcome) -> bool) -> Outcome {
        let key: Key = key.parse().unwrap();
        let status = self
            .until(&format!("an outcome of {key}"), |status| {
                status
                    .resources
                    .get(&key)
                    .is_some_and(|resource| reached(&resource.outcome))
            })
            .await;
        status.resources[&key].outcome.clone()
    }

    /// Makes it read the source.
    pub(crate) async fn look(&self) {
        self.events.send(Event::SourceChanged).await.unwrap();
        tokio::time::sleep(Duration::from_secs(1)).await;
    }

    /// Gives it a command, as `ann`.
    pub(crate) async fn order(&self, key: &str, command: Command) -> Result<Carried, Refusal> {
        let order = Order {
            command,
            by: "ann".to_owned(),
        };
        let question = Question::Command(key.parse().unwrap(), order);
        match self.asker.ask(question).await? {
            Answer::Carried(carried) => Ok(carried),
            other => panic!("{other:?}"),
        }
    }

    /// Gives it a command that does not apply; gives why.
    pub(crate) async fn refuses(&self, key: &str, command: Command) -> String {
        match self.order(key, command.clone()).await {
            Err(Refusal::NotApplicable(why)) => why,
            other => panic!("{command:?}: {other:?}"),
        }
    }

    /// Ends it as a crash does: at once, wherever it is.
    pub(crate) fn kill(self) {
        self.task.abort();
    }

    /// Stops it as SIGTERM does.
    pub(crate) async fn stop(self) -> Ended {
        self.events.send(Event::Stop).await.unwrap();
        self.task.await.unwrap()
    }
}

/// Every outcome that is not converged, for a failing test's message.
pub(crate) fn outcomes(status: &Status) -> String {
    let open = status
        .resources
        .iter()
        .filter(|(_, one)| one.outcome != Outcome::Converged);
    open.map(|(key, one)| format!("{key}: {}", one.outcome))
        .collect::<Vec<_>>()
        .join("\n")
}

/// Lets simulated time pass.
pub(crate) async fn pass(time: Duration) {
    tokio::time::sleep(time).await;
}
