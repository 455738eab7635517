//! `CloudFormation`: outputs of stacks, and exports.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::{Found, Why, plain, refused};
use crate::aws::Aws;
use crate::manifest::ValueFrom;
use crate::model::{Call, Service};

/// Pages of exports: 100 to a page, and an account may have 200 stacks' worth by default; this is
/// more than anybody has.
const MAX_PAGES: usize = 100;

/// Reads every output and export that is wanted: each stack once, the exports once.
pub(super) async fn read<'a>(
    wanted: &BTreeSet<&'a ValueFrom>,
    aws: &Aws,
    found: &mut Found<'a>,
) -> Result<(), Why<'a>> {
    let mut stacks: BTreeMap<&str, Map<String, Value>> = BTreeMap::new();
    let mut exports: Option<Map<String, Value>> = None;
    for from in wanted.iter().copied() {
        match from {
            ValueFrom::StackOutput { stack, output } => {
                if !stacks.contains_key(stack.as_str()) {
                    let outputs = outputs(from, stack, aws).await?;
                    stacks.insert(stack, outputs);
                }
                let value = stacks.get(stack.as_str()).and_then(|all| all.get(output));
                found.insert(from, value.cloned().map(plain));
            }
            ValueFrom::Export(name) => {
                if exports.is_none() {
                    exports = Some(all_exports(from, aws).await?);
                }
                let value = exports.as_ref().and_then(|all| all.get(name));
                found.insert(from, value.cloned().map(plain));
            }
            _ => {}
        }
    }
    Ok(())
}

async fn outputs<'a>(
    from: &'a ValueFrom,
    stack: &str,
    aws: &Aws,
) -> Result<Map<String, Value>, Why<'a>> {
    let call = Call {
        service: Service::CloudFormation,
        operation: "DescribeStacks",
        input: json!({"StackName": stack}),
    };
    match aws.call(&call).await {
        Ok(answer) => {
            let outputs = answer.pointer("/Stacks/0/Outputs");
            Ok(pairs(outputs, "OutputKey", "OutputValue"))
        }
        // It answers a ValidationError for a stack that is not there (API reference, DescribeStacks).
        Err(fault) if fault.message.contains("does not exist") => Ok(Map::new()),
        Err(fault) => Err(refused(from, &fault)),
    }
}

async fn all_exports<'a>(from: &'a ValueFrom, aws: &Aws) -> Result<Map<String, Value>, Why<'a>> {
    let mut exports = Map::new();
    let mut input = json!({});
    for _ in 0..MAX_PAGES {
        let call = Call {
            service: Service::CloudFormation,
            operation: "ListExports",
            input,
        };
        let answer = aws
            .call(&call)
            .await
            .map_err(|fault| refused(from, &fault))?;
        exports.append(&mut pairs(answer.get("Exports"), "Name", "Value"));
        match answer.get("NextToken") {
            Some(token) => input = json!({"NextToken": token}),
            None => return Ok(exports),
        }
    }
    Err((
        from,
        format!("there are more than {MAX_PAGES} pages of exports"),
    ))
}

fn pairs(list: Option<&Value>, key: &str, value: &str) -> Map<String, Value> {
    let all = list.and_then(Value::as_array).into_iter().flatten();
    all.filter_map(|one| {
        let empty = || Value::String(String::new());
        let value = one.get(value).cloned().unwrap_or_else(empty);
        Some((one.get(key)?.as_str()?.to_owned(), value))
    })
    .collect()
}
