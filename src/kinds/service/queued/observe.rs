//! The reads of the queue. I/O; decides nothing.

use serde_json::Value;

use super::{between, parsed};
use crate::aws::Observer;
use crate::kinds::View;
use crate::model::{Moment, Seen};

/// The revisions between what a service runs and what its manifest declares, both included; `None` where nothing waits.
pub(in super::super) async fn revisions(
    observer: &Observer,
    view: &View<'_>,
    service: &Value,
    fresh: Moment,
) -> Option<Seen<Vec<Value>>> {
    let (family, numbers) = between(view, service)?;
    let listed = match observer.revisions(family, fresh).await {
        Seen::Present(listed) => listed,
        Seen::Absent => return Some(Seen::Absent),
        Seen::Unknown(why) => return Some(Seen::Unknown(why)),
    };
    let mut documents = Vec::new();
    for arn in listed.iter().rev() {
        let number = parsed(arn).map(|(_, number)| number);
        if number.is_none_or(|number| !numbers.contains(&number)) {
            continue;
        }
        match observer.task_definition(arn).await {
            Seen::Present(document) => documents.push(document),
            Seen::Absent => {}
            Seen::Unknown(why) => return Some(Seen::Unknown(why)),
        }
    }
    Some(Seen::Present(documents))
}
