//! The traffic events: the listeners' weights over time. Every action of a listener that names a
//! target group of the pair is rewritten, all others are left alone; the target group that gets
//! nothing stays behind the listener with weight 0 (traveloka/terraform-aws-alb-single-listener#47).

use super::super::super::ecs::task_sets;
use super::super::super::{Time, World};
use super::super::deployments::{Deployment, Failure};
use super::install::not_behind;
use super::{ecs_failure, find};

/// A refusal by Elastic Load Balancing (from memory of AWS's wording).
pub(super) fn elb_failure(reason: &str) -> Failure {
    Failure::new(
        "ELASTIC_LOAD_BALANCING_INVALID",
        format!("The ELB could not be updated due to the following error: {reason}"),
    )
}

fn route(
    world: &mut World,
    deployment: &Deployment,
    listener: &str,
    weights: [u32; 2],
) -> Result<(), Failure> {
    let Some([blue, green]) = &deployment.pair else {
        return Err(not_behind(listener));
    };
    match world.elb.route_pair(listener, [blue, green], weights) {
        Ok(0) => Err(not_behind(listener)),
        Ok(_) => Ok(()),
        Err(reason) => Err(elb_failure(&reason)),
    }
}

/// Points the test listener at the replacement task set, or in a rollback back at the original.
pub(super) fn begin_test(world: &mut World, deployment: &mut Deployment) -> Result<(), Failure> {
    let Some(listener) = deployment.settings.test_listener.clone() else {
        return Ok(());
    };
    if deployment.rollback.of.is_some() {
        return if deployment.test_moved {
            route(world, deployment, &listener, [100, 0])
        } else {
            Ok(())
        };
    }
    deployment.test_moved = true;
    route(world, deployment, &listener, [0, 100])
}

/// Moves the first share of the production traffic.
pub(super) fn begin(world: &mut World, deployment: &mut Deployment) -> Result<(), Failure> {
    let share = deployment.routing.share_after(0);
    deployment.traffic_moved = true;
    deployment.share = share;
    let listener = deployment.settings.production_listener.clone();
    route(world, deployment, &listener, [100 - share, share])
}

/// Moves the share that is due; when all has moved, the replacement becomes the primary task set.
pub(super) fn poll(
    world: &mut World,
    deployment: &mut Deployment,
    since: Time,
) -> Result<bool, Failure> {
    let due = deployment.routing.share_after(world.now - since);
    if due != deployment.share {
        deployment.share = due;
        let listener = deployment.settings.production_listener.clone();
        route(world, deployment, &listener, [100 - due, due])?;
    }
    if due < 100 {
        return Ok(false);
    }
    let green = deployment
        .green
        .as_ref()
        .map(|set| set.id.clone())
        .unwrap_or_default();
    promote(world, deployment, &green)?;
    Ok(true)
}

fn promote(world: &mut World, deployment: &Deployment, id: &str) -> Result<(), Failure> {
    let (cluster, service) = (&deployment.settings.cluster, &deployment.settings.service);
    match find(world, deployment, id) {
        Some(view) if view.status == "PRIMARY" => Ok(()),
        _ => task_sets::promote(world, cluster, service, id)
            .map_err(|reason: String| ecs_failure(&reason)),
    }
}

/// Brings everything back to the original task set at once.
pub(super) fn restore(world: &mut World, deployment: &mut Deployment) -> Result<(), Failure> {
    if deployment.traffic_moved {
        let listener = deployment.settings.production_listener.clone();
        route(world, deployment, &listener, [100, 0])?;
    }
    let blue = deployment
        .blue
        .as_ref()
        .map(|set| set.id.clone())
        .unwrap_or_default();
    promote(world, deployment, &blue)
}

/// The percentages of the production traffic on the original and on the replacement task set.
pub(super) fn shares(world: &World, deployment: &Deployment) -> [f64; 2] {
    let Some([blue, green]) = &deployment.pair else {
        return [100.0, 0.0];
    };
    let listener = &deployment.settings.production_listener;
    let [blue, green] = world
        .elb
        .pair_weights(listener, [blue, green])
        .unwrap_or_default();
    let all = f64::from(blue) + f64::from(green);
    if all == 0.0 {
        return [0.0, 0.0];
    }
    [
        f64::from(blue) * 100.0 / all,
        f64::from(green) * 100.0 / all,
    ]
}
