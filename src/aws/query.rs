//! The AWS Query protocol's two shapes: a document as a form, an XML answer as a document. And those of
//! its dialect that EC2 speaks: lists without `member` in the form, lists of `item` in an answer without
//! a `…Result` around it.
//!
//! Not an XML library (that is `quick-xml`) and not the SDK's own codec: the SDK still builds the
//! request and checks the answer; this carries the members that its types do not know.
//!
//! Invariants:
//! - Scalars of an answer are strings: the protocol has no types. Compare by string form.
//! - An empty element is left out of the document, whatever it was: list, structure or string; but
//!   one directly in the result is an empty list, so that a listing with nothing in it can be told
//!   from an answer without its listing.

use quick_xml::Reader;
use quick_xml::events::Event;
use serde_json::{Map, Value};

/// How lists are written and read, and where the content of an answer is.
#[derive(Clone, Copy, Debug)]
struct Dialect {
    /// What stands between a list's name and an element's number in a form.
    between: &'static str,
    /// The name of a list's elements in an answer.
    element: &'static str,
    /// The depth of the element that holds the content: the response is 0.
    content: usize,
}

/// Everybody's but EC2's.
const QUERY: Dialect = Dialect {
    between: ".member.",
    element: "member",
    content: 1,
};

/// EC2's.
const EC2: Dialect = Dialect {
    between: ".",
    element: "item",
    content: 0,
};

/// The form body of a Query request: `Action=…&Version=…&Name=…&Actions.member.1.Type=…`.
pub(super) fn form(operation: &str, version: &str, document: &Value) -> String {
    form_in(QUERY, operation, version, document)
}

/// The form body of a request to EC2: `Action=…&Version=…&SubnetId.1=…`.
pub(super) fn ec2_form(operation: &str, version: &str, document: &Value) -> String {
    form_in(EC2, operation, version, document)
}

fn form_in(dialect: Dialect, operation: &str, version: &str, document: &Value) -> String {
    let mut out = form_urlencoded::Serializer::new(String::new());
    out.append_pair("Action", operation);
    out.append_pair("Version", version);
    append(&mut out, dialect, "", document);
    out.finish()
}

fn append(
    out: &mut form_urlencoded::Serializer<'_, String>,
    dialect: Dialect,
    path: &str,
    value: &Value,
) {
    match value {
        Value::Null => {}
        Value::Bool(flag) => {
            out.append_pair(path, if *flag { "true" } else { "false" });
        }
        Value::Number(number) => {
            out.append_pair(path, &number.to_string());
        }
        Value::String(text) => {
            out.append_pair(path, text);
        }
        Value::Array(items) => {
            if items.is_empty() {
                // An empty list is sent as an empty member, as the SDKs do.
                out.append_pair(path, "");
            }
            for (index, item) in items.iter().enumerate() {
                let path = format!("{path}{}{}", dialect.between, index + 1);
                append(out, dialect, &path, item);
            }
        }
        Value::Object(members) => {
            for (name, member) in members {
                let path = if path.is_empty() {
                    name.clone()
                } else {
                    format!("{path}.{name}")
                };
                append(out, dialect, &path, member);
            }
        }
    }
}

/// The content of `<…Result>` as a document, or `Null` if there is none.
pub(super) fn document(xml: &str) -> Result<Value, String> {
    Ok(root(xml, QUERY)?
        .into_iter()
        .find(|(name, _)| name.ends_with("Result"))
        .map_or(Value::Null, |(_, v)| v))
}

/// The content of an answer of EC2 as a document.
pub(super) fn ec2_document(xml: &str) -> Result<Value, String> {
    Ok(Value::Object(root(xml, EC2)?))
}

/// Code and message of a refusal by EC2.
pub(super) fn ec2_error(xml: &str) -> Option<(String, String)> {
    let root = root(xml, EC2).ok()?;
    let error = root.get("Errors")?.get("Error")?;
    let text = |member: &str| Some(error.get(member)?.as_str()?.to_owned());
    Some((text("Code")?, text("Message").unwrap_or_default()))
}

/// The members of the answer's outermost element.
fn root(xml: &str, dialect: Dialect) -> Result<Map<String, Value>, String> {
    let mut reader = Reader::from_str(xml);
    reader.config_mut().trim_text(false);
    let root = loop {
        match reader.read_event().map_err(|e| e.to_string())? {
            Event::Start(_) => break element(&mut reader, dialect, 0)?,
            Event::Eof => return Err("the answer holds no element".to_owned()),
            _ => {}
        }
    };
    match root.unwrap_or_default() {
        Value::Object(members) => Ok(members),
        _ => Ok(Map::new()),
    }
}

/// How deep an answer may nest. ELBv2's deepest is under ten; the bound keeps a hostile answer
/// from exhausting the stack.
const MAX_DEPTH: usize = 64;

/// Reads to the end of the element just opened. `None` for an empty one.
fn element(
    reader: &mut Reader<&[u8]>,
    dialect: Dialect,
    depth: usize,
) -> Result<Option<Value>, String> {
    if depth > MAX_DEPTH {
        return Err("the answer nests too deep".to_owned());
    }
    // What an empty member stands for here.
    let empty = || (depth == dialect.content).then(|| Value::Array(Vec::new()));
    let mut text = String::new();
    let mut members = Map::new();
    let mut items = Vec::new();
    let mut is_list = false;
    loop {
        match reader.read_event().map_err(|e| e.to_string())? {
            Event::Start(start) => {
                let name = start.local_name().as_ref().to_owned();
                let value = element(reader, dialect, depth + 1)?;
                if name == dialect.element {
                    is_list = true;
                    items.push(value.unwrap_or(Value::String(String::new())));
                } else if let Some(value) = value.or_else(empty) {
                    members.insert(name, value);
                }
            }
            Event::Empty(start) => {
                if let Some(value) = empty() {
                    members.insert(start.local_name().as_ref().to_owned(), value);
                }
            }
            Event::Text(bytes) => text.push_str(&bytes),
            Event::CData(bytes) => text.push_str(&bytes),
            Event::GeneralRef(reference) => {
                match reference.resolve_char_ref().map_err(|e| e.to_string())? {
                    Some(character) => text.push(character),
                    None => text.push_str(
                        quick_xml::escape::resolve_predefined_entity(&reference)
                            .ok_or_else(|| format!("unknown entity &{};", &*reference))?,
                    ),
                }
            }
            Event::End(_) => break,
            Event::Eof => return Err("the answer ends inside an element".to_owned()),
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) => {}
        }
    }
    Ok(if is_list {
        Some(Value::Array(items))
    } else if !members.is_empty() {
        Some(Value::Object(members))
    } else if text.trim().is_empty() {
        None
    } else {
        Some(Value::String(text))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_document_becomes_a_form() {
        let body = form(
            "CreateRule",
            "2015-12-01",
            &json!({"Priority": 10, "Actions": [{"Type": "forward", "On": true}], "Tags": [], "Skip": null}),
        );
        assert_eq!(
            body,
            "Action=CreateRule&Version=2015-12-01&Priority=10&Actions.member.1.Type=forward\
             &Actions.member.1.On=true&Tags="
        );
    }

    #[test]
    fn an_answer_becomes_a_document() {
        let xml = r#"<?xml version="1.0"?><DescribeThingsResponse xmlns="http://x/"><DescribeThingsResult>
            <Things><member><Name>a &amp; b&#33;</Name><Port>80</Port><Empty/></member></Things>
            <NextMarker></NextMarker></DescribeThingsResult><ResponseMetadata><RequestId>1</RequestId>
            </ResponseMetadata></DescribeThingsResponse>"#;
        assert_eq!(
            document(xml),
            Ok(json!({"Things": [{"Name": "a & b!", "Port": "80"}], "NextMarker": []}))
        );
    }

    #[test]
    fn ec2_has_a_dialect() {
        let filter = json!({"Filter": [{"Name": "subnet-id", "Value": ["a", "b"]}]});
        assert_eq!(
            ec2_form("DescribeSubnets", "2016-11-15", &filter),
            "Action=DescribeSubnets&Version=2016-11-15&Filter.1.Name=subnet-id&Filter.1.Value.1=a\
             &Filter.1.Value.2=b"
        );
        let xml = "<DescribeSubnetsResponse><requestId>1</requestId><subnetSet><item><subnetId>a</subnetId>\
                   <tagSet/></item></subnetSet></DescribeSubnetsResponse>";
        let document = ec2_document(xml).unwrap();
        assert_eq!(document["subnetSet"], json!([{"subnetId": "a"}]));
        let none = "<R><requestId>1</requestId><subnetSet/></R>";
        assert_eq!(ec2_document(none).unwrap()["subnetSet"], json!([]));
        let refusal = "<Response><Errors><Error><Code>UnauthorizedOperation</Code><Message>no</Message></Error>\
                       </Errors><RequestID>1</RequestID></Response>";
        let told = ec2_error(refusal).unwrap();
        assert_eq!(told, ("UnauthorizedOperation".to_owned(), "no".to_owned()));
        assert_eq!(ec2_error("<html>"), None);
    }

    #[test]
    fn an_empty_listing_is_told_from_a_missing_one() {
        let with = "<R><DescribeResult><Things/></DescribeResult></R>";
        assert_eq!(document(with), Ok(json!({"Things": []})));
        let without = "<R><DescribeResult><Other>x</Other></DescribeResult></R>";
        assert_eq!(document(without), Ok(json!({"Other": "x"})));
    }

    #[test]
    fn a_broken_answer_is_an_error() {
        assert!(document("").is_err());
        assert!(document("<A><B>").is_err());
        assert!(document(&"<a>".repeat(1000)).is_err());
    }
}
