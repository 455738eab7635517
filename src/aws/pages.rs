//! Listings that AWS answers in pages, joined. Not the batching of readers (`observer`).

use serde_json::Value;

use super::{Aws, Fault};
use crate::model::{Call, Service};

/// No listing that we follow has more pages: 3,000 target groups are eight pages of 400, 6,000 scaling
/// policies 600 of ten, and a service that pages without end must not hold a pass for ever.
const MAX_PAGES: usize = 1000;

/// The names of a paging token in the request and in the answer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Token {
    pub(crate) asked: &'static str,
    pub(crate) answered: &'static str,
}

/// A listing.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Listing<'a> {
    pub(crate) service: Service,
    pub(crate) operation: &'static str,
    /// The member of an answer that holds the items.
    pub(crate) items: &'a str,
    pub(crate) token: Token,
    /// The region that is asked, if it is another one: see [`Aws::call_in`].
    pub(crate) region: Option<&'a str>,
}

impl Aws {
    /// Every page of a listing, joined.
    pub(crate) async fn pages(
        &self,
        listing: &Listing<'_>,
        mut input: Value,
    ) -> Result<Vec<Value>, Fault> {
        let Listing {
            service,
            operation,
            items,
            token,
            region,
        } = *listing;
        let mut all = Vec::new();
        for _ in 0..MAX_PAGES {
            let call = Call {
                service,
                operation,
                input: input.clone(),
            };
            let mut answer = match region {
                Some(region) => self.call_in(region, &call).await?,
                None => self.call(&call).await?,
            };
            all.extend(list(service, operation, &mut answer, items)?);
            match answer.get(token.answered).and_then(Value::as_str) {
                Some(next) if !next.is_empty() => input[token.asked] = Value::from(next),
                _ => return Ok(all),
            }
        }
        Err(Fault::internal(
            service,
            operation,
            format!("more than {MAX_PAGES} pages"),
        ))
    }
}

/// The array member `name` of an answer, taken out.
///
/// # Errors
/// If the answer lacks it: every list of these operations is in every whole answer, and a truncated
/// one must not be taken for an empty world. (An empty list in a Query answer is an empty element,
/// which is told apart by the codec.)
pub(crate) fn list(
    service: Service,
    operation: &'static str,
    answer: &mut Value,
    name: &str,
) -> Result<Vec<Value>, Fault> {
    match answer.get_mut(name).map(Value::take) {
        Some(Value::Array(items)) => Ok(items),
        _ => Err(Fault::internal(
            service,
            operation,
            format!("the answer has no list {name}"),
        )),
    }
}
