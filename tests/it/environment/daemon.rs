//! The daemon for one environment.

use std::time::Duration;

use evenkeel::model::Service;
use serde_json::json;

use super::stage::{Stage, write};
use super::{ENVIRONMENTS, TASK};

const FILES: &[(&str, &str)] = &[("environments.yaml", ENVIRONMENTS), ("web.yaml", TASK)];

#[tokio::test(start_paused = true)]
async fn the_chosen_environments_values_reach_aws() {
    let stage = Stage::new(FILES);
    let daemon = stage.daemon("staging").await;
    daemon.converged().await;
    let live = stage
        .ask(
            Service::Ecs,
            "DescribeTaskDefinition",
            json!({"taskDefinition": "web"}),
        )
        .await;
    let container = &live["taskDefinition"]["containerDefinitions"][0];
    assert_eq!(container["image"], "public.ecr.aws/x/web:1.5.0");
    assert_eq!(container["command"][2], "exec ${HOME}/web");
    assert_eq!(
        container["environment"],
        json!([{"name": "LEVEL", "value": "debug"}])
    );
    daemon.stop().await;
}

#[tokio::test(start_paused = true)]
async fn credentials_of_the_wrong_account_write_nothing_and_it_is_said_until_it_is_right() {
    let stage = Stage::new(FILES);
    let daemon = stage.daemon("production").await;
    for _ in 0..3 {
        let status = daemon
            .until("refused", |status| status.source.error.is_some())
            .await;
        let error = status.source.error.unwrap();
        assert!(
            error.contains("999999999999") && error.contains("123456789012"),
            "{error}"
        );
        assert!(status.resources.is_empty() && !status.first_cycle_done);
        tokio::time::sleep(Duration::from_mins(5)).await;
    }
    assert_eq!(stage.writes(), Vec::<String>::new());
    write(
        stage.folder.path(),
        "environments.yaml",
        &ENVIRONMENTS.replace("999999999999", "123456789012"),
    );
    daemon.converged().await;
    assert_eq!(stage.writes(), ["RegisterTaskDefinition"]);
    daemon.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_set_in_force_is_not_written_any_more_once_the_account_is_wrong() {
    let stage = Stage::new(FILES);
    let daemon = stage.daemon("staging").await;
    daemon.converged().await;
    let wrong = ENVIRONMENTS.replace("123456789012", "888888888888");
    write(stage.folder.path(), "environments.yaml", &wrong);
    write(
        stage.folder.path(),
        "web.yaml",
        &TASK
            .replace("256", "512")
            .replace("\"512\"\n  container", "\"1024\"\n  container"),
    );
    daemon.look().await;
    tokio::time::sleep(Duration::from_hours(1)).await;
    assert_eq!(stage.writes(), ["RegisterTaskDefinition"]);
    assert!(
        daemon
            .board
            .read()
            .source
            .error
            .unwrap()
            .contains("888888888888")
    );
    daemon.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_changed_region_asks_for_a_restart_and_leaves_what_is_in_force() {
    let stage = Stage::new(FILES);
    let daemon = stage.daemon("staging").await;
    daemon.converged().await;
    let moved = ENVIRONMENTS.replace("eu-central-1", "eu-west-1");
    write(stage.folder.path(), "environments.yaml", &moved);
    daemon.look().await;
    let status = daemon.board.read();
    assert!(status.source.error.unwrap().contains("restart"));
    assert_eq!(status.resources.len(), 1);
    daemon.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_wrong_account_is_wrong_until_the_right_one_is_proven() {
    let stage = Stage::new(FILES);
    let daemon = stage.daemon("staging").await;
    daemon.converged().await;
    let wrong = ENVIRONMENTS.replace("123456789012", "888888888888");
    write(stage.folder.path(), "environments.yaml", &wrong);
    daemon.look().await;
    // From here on there is something to write.
    stage.by_hand(
        "AmazonEC2ContainerServiceV20141113.DeregisterTaskDefinition",
        &json!({"taskDefinition": "web:1"}),
    );
    let before = stage.writes();
    // Nobody says any more whose credentials these are; then the manifest is broken.
    stage.wire.answer("Action=GetCallerIdentity", 403, "no");
    for (change, told) in [(wrong.as_str(), "cannot be told"), ("{", "staging")] {
        write(stage.folder.path(), "environments.yaml", change);
        daemon.look().await;
        tokio::time::sleep(Duration::from_hours(1)).await;
        let error = daemon.board.read().source.error.unwrap();
        assert!(error.contains(told), "{error}");
        assert_eq!(stage.writes(), before, "{error}");
    }
    stage.wire.forget();
    write(stage.folder.path(), "environments.yaml", ENVIRONMENTS);
    daemon.look().await;
    daemon.converged().await;
    assert_eq!(stage.writes()[before.len()..], ["RegisterTaskDefinition"]);
    daemon.stop().await;
}
