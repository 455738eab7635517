//! The reads of a scaling policy: itself, and its scalable target before it is made.

use super::Observed;
use crate::aws::Observer;
use crate::kinds::View;
use crate::kinds::scalable_target::resource_id;
use crate::model::{Moment, Seen};

pub(super) async fn observe(observer: &Observer, view: &View<'_>, fresh: Moment) -> Observed {
    let id = resource_id(&view.spec);
    let policy = observer
        .scaling_policy(id, view.resource.aws_name(), fresh)
        .await;
    let target = match policy {
        Seen::Absent => Some(observer.scalable_target(id, fresh).await),
        Seen::Present(_) | Seen::Unknown(_) => None,
    };
    Observed { policy, target }
}
