//! Reads how a service is scaled: its scalable target and the policies. I/O.

use super::read::{Reader, optional, text};
use super::shape;
use crate::model::Kind;

impl Reader<'_> {
    /// Adds the scalable target of a service, if it has one, and its policies.
    pub(super) async fn scaling(
        &mut self,
        cluster: &str,
        service: &str,
        suspended_by_us: bool,
        file: &str,
    ) -> Result<(), String> {
        let id = format!("service/{cluster}/{service}");
        let what = format!("the scalable target of {id}");
        let seen = self.observer.scalable_target(&id, self.fresh).await;
        let Some(mut live) = optional(seen, &what)? else {
            return Ok(());
        };
        let arn = text(&live, "ScalableTargetARN");
        let tags = self.observer.scalable_target_tags(&arn, self.fresh).await;
        if let Some(tags) = optional(tags, &format!("the tags of {what}"))? {
            live["Tags"] = tags;
        }
        if suspended_by_us && let Some(members) = live.as_object_mut() {
            // For the deployment in flight: nobody's wish.
            members.shift_remove("SuspendedState");
        }
        let request = shape::request(Kind::ScalableTarget, &live);
        self.account
            .add(Kind::ScalableTarget, &[&id], service, file, request);
        let seen = self.observer.scaling_policies_of(&id, self.fresh).await;
        let policies = optional(seen, &format!("the scaling policies of {id}"))?;
        for live in policies.unwrap_or_default() {
            let arn = text(&live, "PolicyARN");
            let wanted = format!("{service}-{}", text(&live, "PolicyName"));
            let request = shape::request(Kind::ScalingPolicy, &live);
            self.account
                .add(Kind::ScalingPolicy, &[&arn], &wanted, file, request);
        }
        Ok(())
    }
}
