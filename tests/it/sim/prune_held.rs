//! What no manifest declares any more stays as it is while a person holds it, its cluster or everything, and goes
//! afterwards.

use std::time::Duration;

use evenkeel::model::Service;
use evenkeel::status::Status;
use serde_json::{Value, json};

use super::prune::{AUTH, SCALING, SERVICE_GOES, orphan, rests};
use super::world::{Daemon, World, pass};

const HOLD: &str = "evenkeel.dev/hold";
const TEXT: &str = "by=ana reason=incident 7";
const OF_SERVICE: &str = "Service/nova/auth-service";
const OF_TARGET: &str = "ScalableTarget/nova/auth-service";

/// What keeps an orphan, for a person.
fn why(status: &Status, what: &str) -> String {
    let all = status.prune.iter().flat_map(|prune| &prune.orphans);
    let mut found = all.filter(|one| format!("{}/{}", one.kind, one.name) == what);
    found.next().unwrap().message.clone()
}

impl World {
    /// Nothing of it is written for an hour and over a restart, and `what` says that ana holds it. Gives the
    /// daemon that goes on.
    async fn stays_held(&self, daemon: Daemon, what: &str) -> Daemon {
        daemon
            .until("it is looked at", |status| orphan(status, what).is_some())
            .await;
        let writes = self.writes();
        pass(Duration::from_mins(30)).await;
        daemon.kill();
        let daemon = self.pruner(Duration::ZERO).await;
        pass(Duration::from_mins(30)).await;
        assert_eq!(self.writes(), writes);
        let status = daemon.board.read();
        assert_eq!(orphan(&status, what), Some(("stays", "Refused")));
        let told = why(&status, what);
        assert!(
            told.contains("ana") && told.contains("incident 7"),
            "{told}"
        );
        daemon
    }

    /// Ends the hold of the service, for which there is no manifest, as the AWS CLI does.
    async fn untag(&self, arn: &Value) {
        let input = json!({"resourceArn": arn, "tagKeys": [HOLD]});
        self.person.call(Service::Ecs, "UntagResource", input).await;
    }
}

/// The service's own hold, its scalable target included, which goes before it.
#[tokio::test(start_paused = true)]
async fn a_service_that_is_held_is_not_drained_and_goes_when_the_hold_ends() {
    for (seed, scaled) in [(1500, false), (1501, true)] {
        let world = World::auth(seed).await;
        let mut expected = SERVICE_GOES.map(str::to_owned).to_vec();
        if scaled {
            world.write("scaling.yaml", SCALING);
            expected.insert(0, "DeregisterScalableTarget".to_owned());
        }
        let daemon = world.pruner(Duration::ZERO).await;
        daemon.converged().await;
        let arn = world.auth_arn().await;
        world.set_tag(&arn, HOLD, TEXT).await;
        let made = world.writes().len();
        world.remove(AUTH);
        if scaled {
            world.remove("scaling.yaml");
        }
        daemon.look().await;
        let first = if scaled { OF_TARGET } else { OF_SERVICE };
        let daemon = world.stays_held(daemon, first).await;
        assert_eq!(world.since(made), Vec::<String>::new());
        world.untag(&arn).await;
        let made = world.writes().len();
        pass(Duration::from_mins(20)).await;
        rests(&daemon).await;
        assert_eq!(world.since(made), expected);
    }
}

/// A hold that begins while the tasks of a drained service stop: it is not deleted before the hold ends.
#[tokio::test(start_paused = true)]
async fn a_hold_that_begins_in_the_middle_keeps_what_is_left() {
    let world = World::auth(1505).await;
    let daemon = world.pruner(Duration::ZERO).await;
    daemon.converged().await;
    let arn = world.auth_arn().await;
    let made = world.writes().len();
    world.remove(AUTH);
    daemon.look().await;
    daemon
        .until("it is drained", |_| world.count("UpdateService") == 1)
        .await;
    world.set_tag(&arn, HOLD, TEXT).await;
    let daemon = world.stays_held(daemon, OF_SERVICE).await;
    // The person's own tag is the last of them.
    assert_eq!(
        world.since(made),
        [&SERVICE_GOES[..2], &["TagResource"]].concat()
    );
    world.untag(&arn).await;
    let made = world.writes().len();
    pass(Duration::from_mins(20)).await;
    rests(&daemon).await;
    assert_eq!(world.since(made), SERVICE_GOES[2..]);
}

/// A hold of the cluster keeps the service and what it uses; one of everything a load balancer too, which is of no cluster.
#[tokio::test(start_paused = true)]
async fn a_held_cluster_and_a_hold_of_everything_keep_what_is_no_longer_declared() {
    for (seed, key) in [(1510, Some("Cluster/nova")), (1511, None)] {
        let world = World::auth(seed).await;
        let spare = "apiVersion: evenkeel.dev/v1alpha1\nkind: LoadBalancer\nmetadata: {name: spare}\nspec:\n  Subnets: [subnet-0a1b2c3d4e5f60001, subnet-0a1b2c3d4e5f60002]\n  SecurityGroups: [sg-0a1b2c3d4e5f60001]\n";
        world.write("spare.yaml", spare);
        let daemon = world.pruner(Duration::ZERO).await;
        daemon.converged().await;
        world.hold(&daemon, key).await;
        let made = world.writes().len();
        world.remove(AUTH);
        world.remove("spare.yaml");
        daemon.look().await;
        pass(Duration::from_mins(30)).await;
        let everything = key.is_none();
        let gone = if everything {
            Vec::new()
        } else {
            vec!["DeleteLoadBalancer".to_owned()]
        };
        assert_eq!(world.since(made), gone, "{key:?}");
        let status = daemon.board.read();
        assert_eq!(orphan(&status, OF_SERVICE), Some(("stays", "Refused")));
        world.resume(&daemon, key).await;
        let made = world.writes().len();
        pass(Duration::from_mins(20)).await;
        rests(&daemon).await;
        // The load balancer goes while the service's tasks stop.
        let (balancers, rest): (Vec<String>, Vec<String>) = world
            .since(made)
            .into_iter()
            .partition(|write| write == "DeleteLoadBalancer");
        assert_eq!(rest, SERVICE_GOES, "{key:?}");
        assert_eq!(balancers.len(), usize::from(everything));
    }
}
