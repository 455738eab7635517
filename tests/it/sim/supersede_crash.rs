//! The daemon dies after every write on the way of a newer manifest into the place of an older deployment, where ECS
//! deploys (for `CodeDeploy`: `supersede`), and another one goes on.

use std::time::Duration;

use super::native_trouble::deployments_by_content;
use super::native_world::{BLUE_GREEN, history, web};
use super::world::pass;

/// Ships v2, and v3 while that is in flight, dying once after the k-th write of it; gives how many writes there were.
async fn newer(configuration: &str, crash_after: Option<usize>) -> usize {
    let world = web(configuration, 1440).await;
    let mut daemon = world.daemon().await;
    daemon.converged().await;
    let watch = world.watch();
    let before = world.writes().len();
    if let Some(k) = crash_after {
        world.wire.crash_after((before + k) as u64);
    }
    world.ship(&daemon, "v1", "v2").await;
    let older = async {
        while world.count("UpdateService") == 0 {
            pass(Duration::from_millis(200)).await;
        }
        pass(Duration::from_secs(4)).await;
    };
    let crashed = tokio::select! {
        biased;
        () = world.wire.crashed() => true,
        () = older => false,
    };
    if crashed {
        daemon.kill();
        daemon = world.daemon().await;
    }
    world.ship(&daemon, "v2", "v3").await;
    let daemon = world.converged_in_spite_of_a_crash(daemon).await;
    let what = format!("{configuration}, crash after write {crash_after:?}");
    assert_eq!(world.serves().await, "v3", "{what}");
    let contents = deployments_by_content(&world).await;
    assert!(
        contents.iter().all(|(_, count)| *count == 1),
        "{what}: {contents:?}"
    );
    let ends: Vec<String> = history(&world)
        .iter()
        .map(|one| one["status"].as_str().unwrap().to_owned())
        .collect();
    let made_room = ["SUCCESSFUL", "STOPPED", "SUCCESSFUL"];
    let at_once = ["SUCCESSFUL", "SUCCESSFUL"];
    // One that died before it started v2 need never start it.
    let early = crash_after.is_some() && ends == at_once;
    assert!(ends == made_room || early, "{what}: {ends:?}");
    watch.saw_nothing_wrong();
    let writes = world.writes().len() - before;
    world.at_rest(&daemon).await;
    writes
}

async fn after_every_write(configuration: &str) {
    let calm = Box::pin(newer(configuration, None)).await;
    assert!(calm >= 7, "{calm}");
    for k in 1..=calm {
        Box::pin(newer(configuration, Some(k))).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_crash_after_any_write_of_a_native_supersede_changes_nothing_of_the_end() {
    after_every_write(BLUE_GREEN).await;
}

#[tokio::test(start_paused = true)]
async fn a_crash_after_any_write_of_a_rolling_supersede_changes_nothing_of_the_end() {
    after_every_write("strategy: ROLLING").await;
}
