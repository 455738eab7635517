//! Paging of the list operations: pages of 100, with an opaque token. Not filtering.

use serde_json::{Value, json};

use super::super::AwsError;
use super::input::text;

/// Items to a page.
const PAGE: usize = 100;

/// One page of `all` as `{member: [...], nextToken?}`, at the place that the request's `nextToken`
/// names. The token is the offset; items that vanish between two calls shift the rest, as on AWS.
pub(super) fn page(input: &Value, member: &str, all: Vec<Value>) -> Result<Value, AwsError> {
    let start = match text(input, "nextToken") {
        None => 0,
        Some(token) => usize::from_str_radix(token, 16)
            .ok()
            .filter(|start| token.len() == 32 && *start < all.len())
            .ok_or_else(|| {
                let text = format!("The specified next token is not valid: {token}");
                AwsError::new("InvalidNextTokenException", text)
            })?,
    };
    let more = all.len() > start + PAGE;
    let items: Vec<Value> = all.into_iter().skip(start).take(PAGE).collect();
    let mut answer = json!({ member: items });
    if more {
        answer["nextToken"] = json!(format!("{:032x}", start + PAGE));
    }
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_leads_to_the_rest_and_a_forged_one_is_refused() {
        let all: Vec<Value> = (0..150).map(|n| json!(n)).collect();
        let first = page(&json!({}), "xs", all.clone()).unwrap();
        assert_eq!(first["xs"].as_array().unwrap().len(), 100);
        let second = page(&json!({"nextToken": first["nextToken"]}), "xs", all.clone()).unwrap();
        assert_eq!(second["xs"][0], 100);
        assert_eq!(second["xs"].as_array().unwrap().len(), 50);
        assert!(second.get("nextToken").is_none());
        let forged = page(&json!({"nextToken": "zz"}), "xs", all).unwrap_err();
        assert_eq!(forged.code, "InvalidNextTokenException");
    }
}
