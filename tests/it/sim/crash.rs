//! The daemon dies after every k-th mutating call, and a new one with an empty memory goes on.

use super::world::World;

/// Bootstraps one service and changes its image, dying once after the k-th write. Gives the writes,
/// sorted.
async fn run(crash_after: u64) -> (Vec<String>, String) {
    let world = World::auth(30).await;
    world.wire.crash_after(crash_after);
    let mut daemon = world.daemon().await;
    for edit in [false, true] {
        if edit {
            world.release(&daemon).await;
        }
        daemon = world.converged_in_spite_of_a_crash(daemon).await;
    }
    let mut writes = world.writes();
    writes.sort();
    let image = world
        .person
        .image(&world.person.primary("nova", "auth-service").await)
        .await;
    (writes, image)
}

#[tokio::test(start_paused = true)]
async fn a_crash_after_any_write_changes_nothing_of_the_end() {
    let (calm, image) = run(0).await;
    for k in 1..=calm.len() as u64 {
        let (writes, after) = run(k).await;
        assert_eq!(after, image, "crash after write {k}");
        assert_eq!(
            writes, calm,
            "crash after write {k}: something was written twice or not at all"
        );
    }
}
