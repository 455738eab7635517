//! The reads of the tags that may hold a key: clusters by the hundred in one call, a service with its
//! cluster's others. I/O; decides nothing.

use serde_json::Value;

use super::Place;
use crate::aws::Observer;
use crate::model::{Moment, Seen};

/// Reads. What was read before `fresh` is not used.
pub(crate) async fn observe(
    observer: &Observer,
    places: Vec<Place>,
    fresh: Moment,
) -> Vec<(Place, Seen<Value>)> {
    let mut read = Vec::new();
    for place in places {
        let seen = match &place {
            Place::Service { cluster, name } => observer.service(cluster, name, fresh).await,
            Place::Cluster { name, .. } => observer.cluster(name, fresh).await,
        };
        read.push((place, seen));
    }
    read
}
