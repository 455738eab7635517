//! `evenkeel import`: manifests from live services.

use std::sync::Arc;

use super::args::ImportArgs;
use super::{output, write};
use crate::aws::{Connection, connect};
use crate::clock::Clock;
use crate::import::{Wanted, import as read};
use crate::metrics::Metrics;

/// Imports.
pub(super) async fn import(args: &ImportArgs) -> Result<u8, String> {
    let clock = Clock::wall(1);
    let aws = connect(
        Connection::Environment,
        clock.clone(),
        Arc::new(Metrics::new()),
    )
    .await?;
    let group = args.application.clone().zip(args.deployment_group.clone());
    let wanted = Wanted {
        cluster: args.cluster.clone(),
        services: args.service.clone(),
        group,
    };
    let imported = read(&aws, &clock, &wanted).await?;
    let written = write::files(&args.out, &imported.files, args.force)?;
    output::result(&written);
    for note in &imported.notes {
        output::note(&format!("note: {note}\n"));
    }
    output::result(&format!(
        "See that nothing is to be done: evenkeel plan --source {}\n",
        args.out.display()
    ));
    Ok(if imported.notes.is_empty() { 0 } else { 2 })
}
