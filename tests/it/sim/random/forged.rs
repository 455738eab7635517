//! Histories that somebody forged: each monitor has one here that it must not let pass.

use std::collections::BTreeSet;

use super::monitors::{AFTER, BEFORE, Bars, Moment, Run, judge};
use super::sight::{End, Rollout, Sight};
use super::stage::Engine;

fn rollout(id: &str, content: &str, end: End) -> Rollout {
    Rollout {
        id: id.to_owned(),
        content: Some(content.to_owned()),
        end,
        early: false,
        moved: false,
        took_over: false,
    }
}

/// A service that runs `a`, with what has been rolled out, newest first.
fn sight(rollouts: Vec<Rollout>) -> Sight {
    Sight {
        rollouts,
        production: vec![("blue".to_owned(), 100, 2), ("green".to_owned(), 0, 0)],
        running: [("a".to_owned(), 2)].into(),
        desired: 2,
        moved_over: false,
    }
}

fn moment(starts: Option<&str>, before: Sight, after: Sight) -> Moment {
    Moment {
        operation: starts.map_or("", |_| "UpdateService").to_owned(),
        starts: starts.map(str::to_owned),
        stops: None,
        runs: None,
        before,
        after,
        texts: 0,
        retries: 0,
        meddled: false,
        bars: Bars::default(),
    }
}

fn good() -> Rollout {
    rollout("1", "a", End::Good)
}

/// The start of `b` from a service at rest.
fn start() -> Moment {
    let after = sight(vec![rollout("2", "b", End::Flying), good()]);
    moment(Some("b"), sight(vec![good()]), after)
}

#[track_caller]
fn finds(engine: Engine, history: &[Moment], monitor: &str) {
    let wrong = judge(engine, history);
    let found = !wrong.is_empty() && wrong.iter().all(|why| why.starts_with(monitor));
    assert!(found, "{monitor}: {wrong:#?}");
}

#[test]
fn a_history_as_it_should_be_passes() {
    let mut baking = start().after;
    baking.rollouts[0].took_over = true;
    baking.running = [("b".to_owned(), 2)].into();
    baking.production = vec![("blue".to_owned(), 0, 0), ("green".to_owned(), 100, 2)];
    let calm = [start(), moment(None, baking.clone(), baking)];
    for engine in [Engine::CodeDeploy, Engine::Native, Engine::Rolling] {
        assert_eq!(judge(engine, &calm), Vec::<String>::new());
    }
}

#[test]
fn a_second_rollout_is_found() {
    let two = vec![
        rollout("3", "c", End::Flying),
        rollout("2", "b", End::Flying),
        good(),
    ];
    let look = moment(None, sight(two.clone()), sight(two));
    finds(Engine::CodeDeploy, &[start(), look], "one rollout");
    // On top of one that has moved traffic, and of somebody else's.
    for moved in [true, false] {
        let mut before = start().after;
        before.rollouts[0].moved = moved;
        let mut after = before.clone();
        after.rollouts[0].end = End::Superseded;
        after.rollouts.insert(0, rollout("3", "c", End::Flying));
        let second = moment(Some("c"), before, after);
        let history = [start(), second.clone()];
        if moved {
            finds(Engine::Native, &history, "one rollout");
        } else {
            assert_eq!(judge(Engine::Native, &history), Vec::<String>::new());
            finds(Engine::Native, &[second], "one rollout");
        }
    }
}

#[test]
fn content_that_failed_and_is_started_again_is_found() {
    let failed = vec![rollout("2", "b", End::Bad), good()];
    let mut again = start();
    again.before = sight(failed.clone());
    again.after = sight([vec![rollout("3", "b", End::Flying)], failed].concat());
    finds(Engine::Rolling, std::slice::from_ref(&again), "quarantine");
    // Each text is one attempt.
    again.texts = 1;
    assert_eq!(
        judge(Engine::Rolling, std::slice::from_ref(&again)),
        Vec::<String>::new()
    );
    finds(
        Engine::Rolling,
        &[again.clone(), again.clone()],
        "quarantine",
    );
    // What made room was no attempt.
    let mut third = again.clone();
    let superseded = rollout("3", "b", End::Superseded);
    third.before.rollouts.insert(0, superseded);
    third.after.rollouts = third.before.rollouts.clone();
    let fourth = rollout("4", "b", End::Flying);
    third.after.rollouts.insert(0, fourth);
    assert_eq!(
        judge(Engine::Rolling, &[again, third]),
        Vec::<String>::new()
    );
}

#[test]
fn a_start_that_something_bars_is_found() {
    let bars = [
        Bars {
            held: true,
            ..Bars::default()
        },
        Bars {
            closed: true,
            ..Bars::default()
        },
        Bars {
            content: Some("b".to_owned()),
            ..Bars::default()
        },
        Bars {
            kept: true,
            ..Bars::default()
        },
        Bars {
            unready: true,
            ..Bars::default()
        },
    ];
    for bars in bars {
        let mut barred = start();
        barred.bars = bars;
        finds(Engine::Rolling, &[barred], "barred");
    }
    let mut other = start();
    other.bars.content = Some("c".to_owned());
    assert_eq!(judge(Engine::Rolling, &[other]), Vec::<String>::new());
    // What is to finish makes no room.
    let mut second = start();
    second.before = start().after;
    second.before.rollouts[0].content = Some("c".to_owned());
    second.after.rollouts[0].end = End::Superseded;
    let third = rollout("3", "b", End::Flying);
    second.after.rollouts.insert(0, third);
    assert_eq!(
        judge(Engine::Rolling, &[second.clone()]),
        Vec::<String>::new()
    );
    second.bars.finish = true;
    finds(Engine::Rolling, &[second], "one rollout");
}

#[test]
fn traffic_to_nowhere_is_found() {
    let mut shifted = sight(vec![good()]);
    shifted.production = vec![("blue".to_owned(), 0, 2), ("green".to_owned(), 100, 0)];
    let mut call = moment(None, sight(vec![good()]), shifted.clone());
    call.operation = "ModifyRule".to_owned();
    for engine in [Engine::CodeDeploy, Engine::Native, Engine::Rolling] {
        finds(engine, std::slice::from_ref(&call), "traffic");
    }
    call.meddled = true;
    assert_eq!(judge(Engine::Native, &[call]), Vec::<String>::new());
    // A start from a state that ECS does not leave.
    let mut split = start();
    split.before.production = vec![("blue".to_owned(), 50, 2), ("green".to_owned(), 50, 2)];
    split.after.production = split.before.production.clone();
    finds(Engine::Native, std::slice::from_ref(&split), "traffic");
    finds(Engine::CodeDeploy, &[split], "traffic");
    let mut sick = start();
    sick.before.production = vec![("blue".to_owned(), 100, 0)];
    sick.after.production = sick.before.production.clone();
    finds(Engine::Native, std::slice::from_ref(&sick), "traffic");
    finds(Engine::CodeDeploy, &[sick], "traffic");
}

#[test]
fn an_old_revision_that_is_gone_too_early_is_found() {
    let mut early = start().after;
    early.running = [("a".to_owned(), 0), ("b".to_owned(), 1)].into();
    let look = moment(None, early.clone(), early);
    finds(Engine::Native, &[start(), look.clone()], "old revision");
    // After all of the new content ran, it may go back.
    let mut over = start().after;
    over.running = [("b".to_owned(), 2)].into();
    let history = [start(), moment(None, over.clone(), over), look];
    assert_eq!(judge(Engine::Native, &history), Vec::<String>::new());
}

#[test]
fn what_makes_room_is_not_the_old_revision() {
    let mut coming = start().after;
    coming.running = [("a".to_owned(), 2), ("b".to_owned(), 2)].into();
    let mut second = moment(Some("c"), coming.clone(), coming);
    second.after.rollouts[0].end = End::Superseded;
    let third = rollout("3", "c", End::Flying);
    second.after.rollouts.insert(0, third);
    let mut gone = second.after.clone();
    gone.running = [("a".to_owned(), 2), ("b".to_owned(), 0)].into();
    let look = moment(None, gone.clone(), gone.clone());
    let mut history = vec![start(), second, look];
    assert_eq!(judge(Engine::Rolling, &history), Vec::<String>::new());
    gone.running = [("b".to_owned(), 2)].into();
    history.push(moment(None, gone.clone(), gone));
    finds(Engine::Rolling, &history, "old revision");
}

#[test]
fn a_retry_that_is_one_too_many_is_found() {
    let failed = || Rollout {
        early: true,
        ..rollout("2", "b", End::Bad)
    };
    let mut again = start();
    again.before = sight(vec![failed(), good()]);
    again.after = sight(vec![rollout("3", "b", End::Flying), failed(), good()]);
    again.retries = 1;
    let one = [again.clone()];
    assert_eq!(judge(Engine::CodeDeploy, &one), Vec::<String>::new());
    finds(
        Engine::CodeDeploy,
        &[again.clone(), again.clone()],
        "quarantine",
    );
    // What failed later is not tried again at all.
    again.before.rollouts[0].early = false;
    finds(Engine::CodeDeploy, &[again], "quarantine");
}

#[test]
fn a_start_without_its_approval_is_found() {
    let mut barred = start();
    barred.bars.approved = Some(BTreeSet::from(["c".to_owned()]));
    finds(Engine::Native, std::slice::from_ref(&barred), "barred");
    let approved = Some(BTreeSet::from(["b".to_owned()]));
    barred.bars.approved = approved;
    assert_eq!(judge(Engine::Native, &[barred]), Vec::<String>::new());
}

#[test]
fn a_count_that_a_person_set_and_that_is_changed_back_is_found() {
    let mut changed = sight(vec![good()]);
    changed.desired = 1;
    let mut call = moment(None, changed, sight(vec![good()]));
    call.operation = "UpdateService".to_owned();
    assert_eq!(
        judge(Engine::Rolling, std::slice::from_ref(&call)),
        Vec::<String>::new()
    );
    call.bars.kept_count = true;
    finds(Engine::Rolling, &[call], "barred");
}

#[test]
fn a_stop_that_nobody_asked_for_is_found() {
    let flying = start().after;
    let mut stop = moment(None, flying.clone(), flying.clone());
    stop.operation = "StopServiceDeployment".to_owned();
    stop.stops = Some("2".to_owned());
    let history = [start(), stop.clone()];
    assert_eq!(judge(Engine::Native, &history), Vec::<String>::new());
    finds(Engine::Rolling, &history, "unasked");
    finds(Engine::Native, std::slice::from_ref(&stop), "unasked");
    // Its traffic has moved for a minute.
    let mut moving = flying;
    moving.rollouts[0].moved = true;
    moving.production = vec![("blue".to_owned(), 90, 2), ("green".to_owned(), 10, 2)];
    let look = moment(None, moving.clone(), moving);
    let mut history = vec![start()];
    history.extend(std::iter::repeat_n(look, 12));
    history.push(stop.clone());
    finds(Engine::Native, &history, "unasked");
    finds(Engine::CodeDeploy, &history, "unasked");
    stop.bars.ordered = true;
    *history.last_mut().unwrap() = stop.clone();
    assert_eq!(judge(Engine::Native, &history), Vec::<String>::new());
    let mut finishes = stop;
    finishes.bars.ordered = false;
    finishes.bars.finish = true;
    finds(Engine::Native, &[start(), finishes.clone()], "unasked");
    finishes.operation = "ContinueServiceDeployment".to_owned();
    finishes.stops = None;
    finds(Engine::Native, &[start(), finishes], "unasked");
}

#[test]
fn a_task_that_runs_twice_or_too_late_or_too_early_is_found() {
    let run = |command: &str, content: &str| Run {
        command: command.to_owned(),
        content: content.to_owned(),
    };
    let mut early = start();
    early.bars.tasks = true;
    finds(Engine::Rolling, std::slice::from_ref(&early), "tasks");
    early.bars.done.insert(run(BEFORE, "b"));
    assert_eq!(
        judge(Engine::Rolling, std::slice::from_ref(&early)),
        Vec::<String>::new()
    );
    let rest = start().after;
    let mut task = moment(None, rest.clone(), rest);
    task.operation = "RunTask".to_owned();
    task.runs = Some(run(AFTER, "b"));
    finds(Engine::Rolling, &[start(), task.clone()], "tasks");
    task.runs = Some(run(AFTER, "a"));
    let once = [start(), task.clone()];
    assert_eq!(judge(Engine::Rolling, &once), Vec::<String>::new());
    task.bars.done.insert(run(AFTER, "a"));
    finds(Engine::Rolling, &[start(), task], "tasks");
}
