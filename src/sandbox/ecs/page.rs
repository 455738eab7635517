//! Paging: `maxResults` and `nextToken`. Not the filters that come before it.

use super::refuse::invalid;
use super::{AwsError, input};
use serde_json::{Map, Value};

/// What every token of this module starts with; the index of the next item follows.
const TOKEN: &str = "page-";

/// One page of `all` under the name `member`, with a `nextToken` if there is more.
pub(crate) fn page(
    member: &str,
    all: Vec<Value>,
    request: &Value,
    default: usize,
    most: usize,
) -> Result<Value, AwsError> {
    let size = match input::int(request, "maxResults")? {
        None => default,
        Some(size) => usize::try_from(size)
            .ok()
            .filter(|size| (1..=most).contains(size))
            .ok_or_else(|| invalid(format!("maxResults must be between 1 and {most}.")))?,
    };
    let start = match input::text(request, "nextToken") {
        None => 0,
        Some(token) => token
            .strip_prefix(TOKEN)
            .and_then(|index| index.parse().ok())
            .ok_or_else(|| invalid("Invalid token."))?,
    };
    let total = all.len();
    let mut response = Map::new();
    let items: Vec<Value> = all.into_iter().skip(start).take(size).collect();
    response.insert(member.to_owned(), Value::Array(items));
    if start + size < total {
        response.insert(
            "nextToken".to_owned(),
            format!("{TOKEN}{}", start + size).into(),
        );
    }
    Ok(Value::Object(response))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn pages_follow_each_other_and_end() {
        let all: Vec<Value> = (0..5).map(Value::from).collect();
        let first = page("n", all.clone(), &json!({"maxResults": 3}), 10, 100).unwrap();
        assert_eq!(first["n"], json!([0, 1, 2]));
        let request = json!({"maxResults": 3, "nextToken": first["nextToken"]});
        assert_eq!(
            page("n", all.clone(), &request, 10, 100),
            Ok(json!({"n": [3, 4]}))
        );
        for wrong in [
            json!({"maxResults": 101}),
            json!({"maxResults": 0}),
            json!({"nextToken": "x"}),
        ] {
            let refused = page("n", all.clone(), &wrong, 10, 100).unwrap_err();
            assert_eq!(refused.code, "InvalidParameterException", "{wrong}");
        }
    }
}
