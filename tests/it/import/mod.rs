//! `import`, then `plan`: what was made by this program, and what was made by hand.

mod by_hand;
mod made_here;
mod scaled;

use std::collections::BTreeMap;
use std::sync::Arc;

use evenkeel::aws::{Aws, Connection, connect};
use evenkeel::controller::{Preview, preview};
use evenkeel::import::{Imported, Wanted, import};
use evenkeel::kinds::Policy;
use evenkeel::manifest::{LoadOptions, Loaded, SourceFile, load};
use evenkeel::metrics::Metrics;
use evenkeel::model::Outcome;

use crate::sim::world::World;

/// A client of the world's AWS with empty caches.
async fn client(world: &World) -> Aws {
    let connection = Connection::Sandbox {
        http: world.mounted.http_client(),
        region: "us-east-1".to_owned(),
    };
    connect(connection, world.clock.clone(), Arc::new(Metrics::new()))
        .await
        .unwrap()
}

/// Imports services of a cluster; all of them if none is named.
async fn imported(world: &World, cluster: &str, services: &[&str]) -> Imported {
    let wanted = Wanted {
        cluster: cluster.to_owned(),
        services: services.iter().map(|name| (*name).to_owned()).collect(),
        group: None,
    };
    import(&client(world).await, &world.clock, &wanted)
        .await
        .unwrap()
}

/// Loads imported files; every one must be valid, without a warning.
fn loaded(imported: &Imported) -> Loaded {
    let files: Vec<SourceFile> = imported
        .files
        .iter()
        .map(|(path, text)| SourceFile {
            path: path.clone(),
            bytes: text.clone().into_bytes(),
        })
        .collect();
    let loaded = load(&files, &LoadOptions::default());
    assert!(loaded.diagnostics.is_empty(), "{:#?}", loaded.diagnostics);
    loaded
}

/// Plans imported files.
async fn plans(world: &World, imported: &Imported) -> Preview {
    let aws = client(world).await;
    aws.account().await.unwrap();
    let set = loaded(imported).set;
    preview(aws, world.clock.clone(), Policy::default(), set).await
}

/// Asserts that nothing is to be done for any manifest.
async fn nothing_to_do(world: &World, imported: &Imported) {
    let before = world.writes();
    for (key, plan) in plans(world, imported).await {
        assert!(plan.steps.is_empty(), "{key}: {:#?}", plan.steps);
        assert!(plan.drift.is_empty(), "{key}: {:#?}", plan.drift);
        assert_eq!(plan.outcome, Outcome::Converged, "{key}");
    }
    assert_eq!(world.writes(), before, "an import or a plan wrote to AWS");
}

/// The files by path.
fn by_path(imported: &Imported) -> BTreeMap<&str, &str> {
    let files = imported.files.iter();
    files
        .map(|(path, text)| (path.as_str(), text.as_str()))
        .collect()
}
