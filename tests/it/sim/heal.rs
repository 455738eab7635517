//! What becomes of changes that somebody makes, by `sync.selfHeal`; and fights with another controller.

use std::time::Duration;

use evenkeel::ask::{Answer, Question};
use evenkeel::model::{Block, Outcome, Service, Wait};
use evenkeel::status::EventKind;
use serde_json::{Value, json};

use super::console::{AUTH, SERVICE};
use super::world::{Daemon, World, pass};

const GROUP: &str = "TargetGroup/nova-auth-blue";

fn kept(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Blocked(Block::DriftKept, _))
}

fn found(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Blocked(Block::DriftFound, _))
}

impl World {
    /// The auth service with this way to heal, for the service and its blue target group, at rest.
    async fn healing(self_heal: &str, seed: u64) -> (Self, Daemon) {
        let world = Self::auth(seed).await;
        let file = world.folder.path().join(AUTH);
        let text = std::fs::read_to_string(&file).unwrap();
        let documents: Vec<String> = text
            .split("\n---\n")
            .map(|one| {
                let is = |kind: &str, name: &str| {
                    one.contains(&format!("kind: {kind}\n"))
                        && one.contains(&format!("name: {name}\n"))
                };
                if is("Service", "auth-service") || is("TargetGroup", "nova-auth-blue") {
                    format!("{}\nsync:\n  selfHeal: {self_heal}\n", one.trim_end())
                } else {
                    one.to_owned()
                }
            })
            .collect();
        std::fs::write(&file, documents.join("\n---\n")).unwrap();
        let daemon = world.daemon().await;
        daemon.converged().await;
        pass(Duration::from_mins(3)).await;
        (world, daemon)
    }

    async fn count_of(&self) -> Value {
        self.person.service("nova", "auth-service").await["desiredCount"].clone()
    }

    async fn set_count(&self, count: u64) {
        let input = json!({"cluster": "nova", "service": "auth-service", "desiredCount": count});
        self.person.call(Service::Ecs, "UpdateService", input).await;
    }

    async fn path(&self) -> Value {
        self.groups().await["TargetGroups"][0]["HealthCheckPath"].clone()
    }

    async fn groups(&self) -> Value {
        let input = json!({"Names": ["nova-auth-blue"]});
        self.person
            .call(Service::Elb, "DescribeTargetGroups", input)
            .await
    }

    async fn set_path(&self, path: &str) {
        let arn = &self.groups().await["TargetGroups"][0]["TargetGroupArn"];
        let input = json!({"TargetGroupArn": arn, "HealthCheckPath": path});
        self.person
            .call(Service::Elb, "ModifyTargetGroup", input)
            .await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_somebody_changed_stays_where_the_manifest_says_so() {
    let (world, daemon) = World::healing("off", 310).await;
    world.set_count(3).await;
    world.set_path("/up").await;
    let outcome = daemon.outcome(SERVICE, kept).await;
    for part in [
        "/desiredCount from 3 to 2",
        "evenkeel pause Service/auth-service --reason",
        "evenkeel diff Service/auth-service --output patch",
        "evenkeel resync Service/auth-service --heal-now",
    ] {
        assert!(outcome.message().contains(part), "{outcome}");
    }
    daemon.outcome(GROUP, kept).await;
    let drift = &daemon.board.read().resources[&SERVICE.parse().unwrap()].drift;
    assert_eq!(drift[0].path, "/desiredCount");
    let writes = world.writes();
    daemon.kill();
    // A restart does not take it for a change of the manifest.
    let daemon = world.daemon().await;
    daemon.outcome(SERVICE, kept).await;
    daemon.outcome(GROUP, kept).await;
    pass(Duration::from_hours(1)).await;
    assert_eq!(world.writes(), writes);
    // A person has the one changed back now, and nothing else.
    let asked = daemon
        .asker
        .ask(Question::Heal(GROUP.parse().unwrap()))
        .await;
    assert!(matches!(asked, Ok(Answer::Resync(_))), "{asked:?}");
    daemon
        .outcome(GROUP, |one| *one == Outcome::Converged)
        .await;
    assert_eq!(world.path().await, "/health");
    assert_eq!(world.count_of().await, 3);
    world.set_path("/up").await;
    daemon.outcome(GROUP, kept).await;
    // A change of the manifest is carried out, whole.
    world.edit(AUTH, "desiredCount: 2", "desiredCount: 4");
    daemon.look().await;
    daemon
        .outcome(SERVICE, |one| *one == Outcome::Converged)
        .await;
    assert_eq!(world.count_of().await, 4);
    assert_eq!(world.path().await, "/up", "of another manifest");
}

#[tokio::test(start_paused = true)]
async fn a_deployment_is_not_reverted_either_and_a_person_decides() {
    let (world, daemon) = World::healing("notify", 311).await;
    world.set_count(3).await;
    daemon.outcome(SERVICE, found).await;
    let events = daemon.board.events().after(0).events;
    let told = events.iter().filter(|event| event.kind == EventKind::Drift);
    assert_eq!(told.count(), 1, "told once");
    pass(Duration::from_hours(1)).await;
    assert_eq!(world.count_of().await, 3);
    // The person takes it into the manifest: nothing to write but the record.
    let writes = world.count("UpdateService");
    world.edit(AUTH, "desiredCount: 2", "desiredCount: 3");
    daemon.look().await;
    daemon.converged().await;
    assert_eq!(world.count("UpdateService"), writes);
}

/// The same of what only a deployment changes back.
#[tokio::test(start_paused = true)]
async fn a_hotfix_stays_until_a_person_has_it_reverted() {
    for (how, seed) in [("off", 315), ("notify", 316)] {
        let (world, daemon) = World::healing(how, seed).await;
        world.foreign_deployment().await;
        let starts = world.count("CreateDeployment");
        let stays = |outcome: &Outcome| kept(outcome) || found(outcome);
        let outcome = daemon.outcome(SERVICE, stays).await;
        assert_eq!(kept(&outcome), how == "off", "{outcome}");
        for part in ["--output patch", "--heal-now", "evenkeel pause"] {
            assert!(outcome.message().contains(part), "{outcome}");
        }
        daemon.kill();
        let daemon = world.daemon().await;
        pass(Duration::from_mins(20)).await;
        daemon.outcome(SERVICE, stays).await;
        assert_eq!(world.count("CreateDeployment"), starts);
        let question = Question::Heal(SERVICE.parse().unwrap());
        let asked = daemon.asker.ask(question).await;
        assert!(matches!(asked, Ok(Answer::Resync(_))), "{asked:?}");
        daemon.converged().await;
        assert_eq!(world.count("CreateDeployment"), starts + 1);
    }
}

#[tokio::test(start_paused = true)]
async fn it_is_changed_back_after_a_while() {
    let (world, daemon) = World::healing("{after: 20m}", 312).await;
    world.set_count(3).await;
    world.set_path("/up").await;
    let grace = |outcome: &Outcome| matches!(outcome, Outcome::Waiting(Wait::DriftGrace, _));
    daemon.outcome(SERVICE, grace).await;
    daemon.outcome(GROUP, grace).await;
    pass(Duration::from_mins(15)).await;
    assert_eq!(world.count_of().await, 3);
    assert_eq!(world.path().await, "/up");
    pass(Duration::from_mins(10)).await;
    daemon.converged().await;
    assert_eq!(world.count_of().await, 2);
    assert_eq!(world.path().await, "/health");
}

/// Another controller flips a field back each minute: each heal takes, and none lasts.
#[tokio::test(start_paused = true)]
async fn a_fight_with_another_controller_is_given_up_and_told() {
    let world = World::auth(313).await;
    let daemon = world.daemon().await;
    daemon.converged().await;
    let before = world.count("UpdateService");
    let mut theirs = 0;
    let contested = |outcome: &Outcome| matches!(outcome, Outcome::Blocked(Block::Contested, _));
    let key = SERVICE.parse().unwrap();
    for _ in 0..20 {
        if world.count_of().await == 2 {
            world.set_count(1).await;
            theirs += 1;
        }
        pass(Duration::from_mins(1)).await;
    }
    let outcome = daemon.board.read().resources[&key].outcome.clone();
    assert!(contested(&outcome), "{outcome}");
    assert!(outcome.message().contains("somebody else"), "{outcome}");
    let ours = world.count("UpdateService") - before - theirs;
    assert_eq!((ours, theirs), (5, 6), "five heals within the hour");
    pass(Duration::from_hours(2)).await;
    assert_eq!(world.count_of().await, 1, "time alone does not end it");
    // They stop, and a person has us look again.
    daemon
        .events
        .send(evenkeel::controller::Event::Resync("signal"))
        .await
        .unwrap();
    daemon.converged().await;
    assert_eq!(world.count_of().await, 2);
}

/// A change now and then is healed for ever.
#[tokio::test(start_paused = true)]
async fn a_change_now_and_then_is_no_fight() {
    let world = World::auth(314).await;
    let daemon = world.daemon().await;
    daemon.converged().await;
    for _ in 0..7 {
        world.set_count(1).await;
        pass(Duration::from_mins(16)).await;
        daemon.converged().await;
        assert_eq!(world.count_of().await, 2);
    }
}
