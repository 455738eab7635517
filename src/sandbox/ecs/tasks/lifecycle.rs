//! The passage of a task through its states, and its health. Not its replacement.

use super::super::{Time, elb};
use super::{Phase, Stop, Task};

/// Attaching the network interface, in milliseconds.
const PROVISIONING: Time = 2_000;

/// From `PENDING` to a pull that failed.
const FAILED_PULL: Time = 3_000;

/// From SIGTERM to the end: what a well-behaved application needs of its 30 seconds.
const STOPPING: Time = 5_000;

/// How long a task without any health check must run to count as ready.
const PROVEN: Time = 3_000;

impl Task {
    /// Moves the task on to what it has become by `now`.
    pub(crate) fn advance(&mut self, now: Time) {
        if self.phase == Phase::Provisioning
            && !self.is_stopping()
            && now >= self.created_at + PROVISIONING
        {
            self.phase = Phase::Pending;
            self.pending_at = Some(now);
        }
        match self.phase {
            Phase::Provisioning | Phase::Pending | Phase::Running if self.is_stopping() => {
                self.phase = Phase::Stopping;
                self.stopping_at = Some(now);
            }
            Phase::Pending => self.start(now),
            Phase::Running => self.run(now),
            Phase::Stopping => {
                let wait = if self.started_at.is_some() {
                    STOPPING
                } else {
                    1_000
                };
                if self.stopping_at.is_none_or(|at| now >= at + wait) {
                    self.end(now);
                }
            }
            _ => {}
        }
    }

    /// `PENDING`: the pull fails, or the containers start.
    fn start(&mut self, now: Time) {
        let since = now - self.pending_at.unwrap_or(self.created_at);
        if let Some(container) = self.containers.iter_mut().find(|it| it.behaviour.missing) {
            if since >= FAILED_PULL {
                let image = &container.image;
                let reason = format!(
                    "CannotPullContainerError: pull image manifest has been retried 1 time(s): \
                     failed to resolve ref {image}: {image}: not found"
                );
                container.reason = Some(reason.clone());
                self.stop(Stop {
                    code: "TaskFailedToStart",
                    reason,
                });
            }
            return;
        }
        let needs = self
            .containers
            .iter()
            .map(|it| it.behaviour.start_seconds)
            .max()
            .unwrap_or(0);
        let hangs = self.containers.iter().any(|it| it.behaviour.hang);
        if !hangs && since >= Time::from(needs) * 1000 {
            self.phase = Phase::Running;
            self.started_at = Some(now);
        }
    }

    /// `RUNNING`: a container exits when its command or its image says so, and an essential one ends the task.
    fn run(&mut self, now: Time) {
        let since = self.age(now);
        let mut over = false;
        for container in &mut self.containers {
            let behaviour = &container.behaviour;
            let (code, seconds) = match (container.command, behaviour.crash) {
                (Some(command), _) => (command.exit_code, command.seconds),
                (None, Some(code)) => (code, behaviour.start_seconds),
                (None, None) => continue,
            };
            if since >= Time::from(seconds) * 1000 {
                container.exit_code.get_or_insert(code);
                over |= container.essential;
            }
        }
        if over {
            let reason = "Essential container in task exited".to_owned();
            self.stop(Stop {
                code: "EssentialContainerExited",
                reason,
            });
        }
    }

    /// Everything has exited.
    fn end(&mut self, now: Time) {
        self.phase = Phase::Stopped;
        self.stopped_at = Some(now);
        self.ready = false;
        if self.started_at.is_some() {
            for container in &mut self.containers {
                // 128 + SIGTERM is what a container without a handler leaves; a good one leaves 0.
                container.exit_code.get_or_insert(0);
            }
        }
    }

    /// Asks the task to stop. The first reason stays.
    pub(crate) fn stop(&mut self, stop: Stop) {
        if self.stop.is_none() {
            self.stop = Some(stop);
            self.ready = false;
        }
    }

    /// Milliseconds since it became `RUNNING`.
    pub(crate) fn age(&self, now: Time) -> Time {
        self.started_at.map_or(0, |at| now - at)
    }

    /// `healthStatus` of one container's health check: `UNKNOWN`, `HEALTHY` or `UNHEALTHY`; none
    /// without a check.
    pub(crate) fn container_health(&self, index: usize, now: Time) -> Option<&'static str> {
        let container = self.containers.get(index)?;
        let (first, given_up) = container.health?;
        let age = self.age(now);
        Some(match (self.started_at, container.behaviour.unhealthy) {
            (Some(_), false) if age >= first => "HEALTHY",
            (Some(_), true) if age >= given_up => "UNHEALTHY",
            _ => "UNKNOWN",
        })
    }

    /// `healthStatus` of the task: that of its essential containers that have a check.
    pub(crate) fn health(&self, now: Time) -> &'static str {
        let essential = (0..self.containers.len()).filter(|i| self.containers[*i].essential);
        let known: Vec<&str> = essential
            .filter_map(|i| self.container_health(i, now))
            .collect();
        if known.contains(&"UNHEALTHY") {
            "UNHEALTHY"
        } else if known.is_empty() || known.contains(&"UNKNOWN") {
            "UNKNOWN"
        } else {
            "HEALTHY"
        }
    }

    /// Registers a running task with its target groups and takes a stopping one out. Returns the
    /// groups if they were told anything.
    pub(crate) fn register(
        &mut self,
        elb: &mut elb::State,
        now: Time,
    ) -> Option<(bool, Vec<String>)> {
        let wanted = self.phase == Phase::Running && !self.is_stopping();
        if wanted == self.registered || self.targets.is_empty() {
            return None;
        }
        let answers = self.answers();
        let address = self.address();
        for (group, port) in &self.targets {
            if wanted {
                elb.register_target(group, &address, *port, &self.zone, answers, now);
            } else {
                elb.deregister_target(group, &address, *port, now);
            }
        }
        self.registered = wanted;
        Some((
            wanted,
            self.targets
                .iter()
                .map(|(group, _)| group.clone())
                .collect(),
        ))
    }

    /// Whether the application passes its health checks. One that is bound to crash does not.
    fn answers(&self) -> bool {
        !self
            .containers
            .iter()
            .any(|it| it.behaviour.unhealthy || it.behaviour.crash.is_some())
    }

    /// The first target group that finds the task unhealthy.
    pub(crate) fn unhealthy_in(&self, elb: &elb::State) -> Option<&str> {
        let address = self.address();
        let unhealthy = self.targets.iter().find(|(group, port)| {
            elb.target_state(group, &address, *port).as_deref() == Some("unhealthy")
        });
        unhealthy.map(|(group, _)| group.as_str())
    }

    /// Works out whether the task is ready: running for a while, its health checks passed, its
    /// targets healthy, or `unused` where no listener leads to them.
    pub(crate) fn judge(&mut self, elb: &elb::State, now: Time) {
        let address = self.address();
        let checked = self
            .containers
            .iter()
            .any(|it| it.essential && it.health.is_some());
        let crashes = self
            .containers
            .iter()
            .any(|it| it.essential && it.behaviour.crash.is_some());
        self.ready = self.phase == Phase::Running
            && !self.is_stopping()
            && !crashes
            && self.age(now) >= PROVEN
            && (!checked || self.health(now) == "HEALTHY")
            && (self.targets.is_empty() || self.registered)
            && self.targets.iter().all(|(group, port)| {
                let state = elb.target_state(group, &address, *port);
                matches!(state.as_deref(), Some("healthy" | "unused"))
            });
    }
}
