//! Rules of a scalable target, and those that it shares with its policies. The policies' own are in
//! `scaling_policy`.

use super::super::envelope::Draft;
use super::super::sections::SUSPEND;
use super::super::world::World;
use super::Rules;
use super::service::controller;

impl Rules<'_, '_, '_> {
    pub(super) fn scalable_target(&mut self) {
        self.scaled_service();
        self.demand(
            &["MinCapacity", "MaxCapacity"],
            None,
            "a scalable target has both",
        );
        self.range();
        self.scaled_tags();
        let spec = self.spec();
        if let Some(role) = spec.entry("RoleARN") {
            let message =
                "ECS services are scaled by a service-linked role, whatever role is given";
            self.warning("no-effect", role.key_place, "RoleARN", message)
                .hint("Remove it.");
        }
        let Some(service) = self.world.scaled_service(self.draft) else {
            return;
        };
        self.declared_count(service);
        let suspends = self
            .draft
            .beside
            .get("sync")
            .and_then(|sync| sync.get(SUSPEND));
        let by_code_deploy = controller(&service.spec) == "CODE_DEPLOY";
        if suspends.and_then(serde_json::Value::as_bool) == Some(true) && !by_code_deploy {
            let message = format!(
                "{} is not deployed by CodeDeploy: nothing is suspended during its deployments",
                service.key
            );
            let place = self.draft.name_place;
            let path = format!("sync.{SUSPEND}");
            self.findings
                .warning("no-effect", place, path, message)
                .hint("ECS itself scales nothing in during its own deployments.");
        }
    }

    /// What is scaled: a service of ECS, and not a daemon.
    pub(super) fn scaled_service(&mut self) {
        let spec = self.spec();
        for (member, only) in super::super::constant_members(self.draft.key.kind) {
            let other = spec.text(member).filter(|text| text != only);
            if let Some(other) = other {
                let message = format!("`{other}`: only ECS services are scaled");
                self.error("not-allowed", spec.place_of(member), member, message)
                    .hint(format!("Leave it out; it is `{only}`."));
            }
        }
        if let Some(id) = spec.text("ResourceId")
            && self.world.scaled_names(self.draft).is_none()
        {
            let message = format!("`{id}` names no ECS service");
            self.error(
                "bad-value",
                spec.place_of("ResourceId"),
                "ResourceId",
                message,
            )
            .hint("Write `service/CLUSTER/SERVICE`, or `ServiceRef` to name a manifest.");
        }
        let service = self.world.scaled_service(self.draft);
        if let Some(service) = service
            && service.spec.text("schedulingStrategy") == Some("DAEMON")
        {
            let place = self.place_of_service();
            let message = format!(
                "{} has the scheduling strategy `DAEMON`, and so no count to scale",
                service.key
            );
            self.error("not-allowed", place, "ServiceRef", message);
        }
    }

    pub(super) fn place_of_service(&self) -> super::Place {
        let spec = self.spec();
        let member = ["ServiceRef", "ResourceId"]
            .into_iter()
            .find(|member| spec.entry(member).is_some());
        member.map_or(spec.place, |member| spec.place_of(member))
    }

    fn range(&mut self) {
        let spec = self.spec();
        let (min, max) = (spec.int("MinCapacity"), spec.int("MaxCapacity"));
        for (member, value) in [("MinCapacity", min), ("MaxCapacity", max)] {
            if value.is_some_and(|value| value < 0) {
                self.error(
                    "out-of-range",
                    spec.place_of(member),
                    member,
                    "cannot be negative",
                );
            }
        }
        if let (Some(min), Some(max)) = (min, max)
            && min > max
        {
            let message = format!("{min} is more than the `MaxCapacity` of {max}");
            self.error(
                "out-of-range",
                spec.place_of("MinCapacity"),
                "MinCapacity",
                message,
            );
        }
    }

    /// A declared count outside of the range lasts until the target is registered.
    fn declared_count(&mut self, service: &Draft) {
        let spec = self.spec();
        let (Some(count), Some(min), Some(max)) = (
            service.spec.int("desiredCount"),
            spec.int("MinCapacity"),
            spec.int("MaxCapacity"),
        ) else {
            return;
        };
        if count < min || count > max {
            let (member, bound) = if count < min {
                ("MinCapacity", min)
            } else {
                ("MaxCapacity", max)
            };
            let message = format!(
                "the `desiredCount` of {} is {count}; AWS makes it {bound} when the target is registered",
                service.key
            );
            self.warning("no-effect", spec.place_of(member), member, message)
                .hint(
                    "Once a service is scaled its declared count is only what it is created with.",
                );
        }
    }

    fn scaled_tags(&mut self) {
        let Some(tags) = self.spec().get(&["Tags"]) else {
            return;
        };
        for entry in tags.entries() {
            if entry.key.to_ascii_lowercase().starts_with("aws:") {
                let message = format!(
                    "`{}`: AWS keeps tags that begin with `aws:` for itself",
                    entry.key
                );
                self.error(
                    "bad-name",
                    entry.key_place,
                    format!("Tags.{}", entry.key),
                    message,
                )
                .hint("Remove it; AWS sets it where it wants it.");
            }
        }
    }
}

/// The target groups of a service that may take its traffic: its own, and the other halves of its pairs.
pub(super) fn target_groups<'a>(service: &'a Draft, world: &World<'a>) -> Vec<&'a Draft> {
    let own = World::target_groups_of(service).filter_map(|key| world.get(key));
    let mut all: Vec<&Draft> = own.collect();
    for group in world.groups_of(&service.key) {
        all.extend(world.pair_of(group));
    }
    all
}
