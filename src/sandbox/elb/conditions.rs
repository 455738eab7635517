//! Conditions of rules: checking what is sent, and the form they are kept and read back in.
//!
//! Invariant: a kept `host-header` or `path-pattern` condition has its values twice, in `Values` and
//! in its configuration, as AWS reads them back. The values of path-pattern, source-ip and
//! http-header come back in another order than they were sent in, those of host-header do not.

use super::super::{AwsError, input};
use serde_json::{Value, json};

/// At most this many values in all conditions of a rule (ALB quotas page).
const MAX_VALUES: usize = 5;

/// Field, member of its configuration, whether AWS reorders the values, and whether they may stand
/// in the older member `Values`.
const FIELDS: &[(&str, &str, bool, bool)] = &[
    ("host-header", "HostHeaderConfig", false, true),
    ("path-pattern", "PathPatternConfig", true, true),
    ("http-header", "HttpHeaderConfig", true, false),
    ("query-string", "QueryStringConfig", false, false),
    (
        "http-request-method",
        "HttpRequestMethodConfig",
        false,
        false,
    ),
    ("source-ip", "SourceIpConfig", true, false),
];

/// The conditions of a request in read-back form.
pub(super) fn read(input: &Value) -> Result<Vec<Value>, AwsError> {
    let sent = input::list(input, "Conditions");
    if sent.is_empty() {
        return Err(invalid("A condition must be specified"));
    }
    let mut count = 0;
    let mut kept = Vec::new();
    for condition in sent {
        let field = input::filled(condition, "Field")
            .ok_or_else(|| invalid("A condition field must be specified"))?;
        let Some((_, member, reordered, plain)) = FIELDS.iter().find(|known| known.0 == field)
        else {
            return Err(invalid(format!(
                "Condition field '{field}' must be one of '[path-pattern, host-header, http-header, \
                 query-string, http-request-method, source-ip]'"
            )));
        };
        let config = &condition[*member];
        let expressions = [config, condition]
            .map(|holder| input::list(holder, "RegexValues"))
            .concat();
        if !expressions.is_empty() {
            kept.push(of_expressions(field, member, config, &expressions)?);
            count += expressions.len();
            continue;
        }
        let old = input::list(condition, "Values");
        let new = input::list(config, "Values");
        if !old.is_empty() && !new.is_empty() && old != new {
            return Err(invalid(format!(
                "Specify the values in Values or in {member}, not both"
            )));
        }
        if !plain && new.is_empty() && !old.is_empty() {
            return Err(invalid(format!(
                "The values of '{field}' must be specified in {member}"
            )));
        }
        let mut values = if new.is_empty() {
            old.to_vec()
        } else {
            new.to_vec()
        };
        if values.is_empty() {
            return Err(invalid("A condition value must be specified"));
        }
        check_values(field, &values)?;
        count += values.len();
        if *reordered {
            // Which order is AWS's secret; descending differs from what people write.
            values.sort_by(|a, b| b.as_str().cmp(&a.as_str()));
        }
        let mut config = json!({ "Values": values });
        if field == "http-header" {
            let name = input::filled(&condition[*member], "HttpHeaderName")
                .ok_or_else(|| invalid("HttpHeaderConfig must specify HttpHeaderName"))?;
            config = json!({ "HttpHeaderName": name, "Values": values });
        }
        if let Some(family) = input::filled(&condition[*member], "IpAddressType") {
            config["IpAddressType"] = json!(family);
        }
        kept.push(if *plain {
            json!({ "Field": field, "Values": values, *member: config })
        } else {
            json!({ "Field": field, *member: config })
        });
    }
    if count > MAX_VALUES {
        return Err(invalid(format!(
            "A rule can only have '{MAX_VALUES}' condition values"
        )));
    }
    Ok(kept)
}

/// A condition of regular expressions, which only three fields take (`RuleCondition` of the service
/// model). They stand in the field's configuration alone.
fn of_expressions(
    field: &str,
    member: &str,
    config: &Value,
    expressions: &[Value],
) -> Result<Value, AwsError> {
    if !matches!(field, "host-header" | "path-pattern" | "http-header") {
        return Err(invalid(format!("'{field}' takes no regular expressions")));
    }
    let mut kept = json!({ "RegexValues": expressions });
    if let Some(name) = input::filled(config, "HttpHeaderName") {
        kept["HttpHeaderName"] = json!(name);
    }
    Ok(json!({ "Field": field, member: kept }))
}

fn check_values(field: &str, values: &[Value]) -> Result<(), AwsError> {
    for value in values {
        let text = value.as_str();
        let problem = match field {
            "path-pattern" => text.is_none_or(|path| path.is_empty() || path.len() > 128),
            "host-header" => text.is_none_or(|host| host.is_empty() || host.len() > 128),
            "source-ip" => text.is_none_or(|cidr| !is_cidr(cidr)),
            "query-string" => input::filled(value, "Value").is_none(),
            _ => text.is_none_or(str::is_empty),
        };
        if problem {
            return Err(invalid(format!(
                "The condition value {value} of '{field}' is not valid"
            )));
        }
    }
    Ok(())
}

fn is_cidr(text: &str) -> bool {
    text.split_once('/').is_some_and(|(address, bits)| {
        let most = match address.parse::<std::net::IpAddr>() {
            Ok(address) if address.is_ipv4() => 32,
            Ok(_) => 128,
            Err(_) => return false,
        };
        bits.parse::<u8>().is_ok_and(|bits| bits <= most)
    })
}

fn invalid(message: impl Into<String>) -> AwsError {
    AwsError::new("ValidationError", message)
}
