//! The one read of a cluster; its tags come with it.

use super::Observed;
use crate::aws::Observer;
use crate::kinds::View;
use crate::model::Moment;

pub(super) async fn observe(observer: &Observer, view: &View<'_>, fresh: Moment) -> Observed {
    Observed {
        cluster: observer.cluster(view.resource.aws_name(), fresh).await,
    }
}
