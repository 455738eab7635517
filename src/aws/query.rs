//! The AWS Query protocol's two shapes: a document as a form, an XML answer as a document.
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

/// The form body of a Query request: `Action=…&Version=…&Name=…&Actions.member.1.Type=…`.
pub(super) fn form(operation: &str, version: &str, document: &Value) -> String {
    let mut out = form_urlencoded::Serializer::new(String::new());
    out.append_pair("Action", operation);
    out.append_pair("Version", version);
    append(&mut out, "", document);
    out.finish()
}

fn append(out: &mut form_urlencoded::Serializer<'_, String>, path: &str, value: &Value) {
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
                append(out, &format!("{path}.member.{}", index + 1), item);
            }
        }
        Value::Object(members) => {
            for (name, member) in members {
                let path = if path.is_empty() {
                    name.clone()
                } else {
                    format!("{path}.{name}")
                };
                append(out, &path, member);
            }
        }
    }
}

/// The content of `<…Result>` as a document, or `Null` if there is none.
pub(super) fn document(xml: &str) -> Result<Value, String> {
    let mut reader = Reader::from_str(xml);
    reader.config_mut().trim_text(false);
    let root = loop {
        match reader.read_event().map_err(|e| e.to_string())? {
            Event::Start(_) => break element(&mut reader, 0)?,
            Event::Eof => return Err("the answer holds no element".to_owned()),
            _ => {}
        }
    };
    let Value::Object(members) = root.unwrap_or_default() else {
        return Ok(Value::Null);
    };
    Ok(members
        .into_iter()
        .find(|(name, _)| name.ends_with("Result"))
        .map_or(Value::Null, |(_, v)| v))
}

/// How deep an answer may nest. ELBv2's deepest is under ten; the bound keeps a hostile answer
/// from exhausting the stack.
const MAX_DEPTH: usize = 64;

/// The depth of the `<…Result>` element: the response is 0.
const RESULT: usize = 1;

/// What an empty member of an element at this depth stands for.
fn empty(depth: usize) -> Option<Value> {
    (depth == RESULT).then(|| Value::Array(Vec::new()))
}

/// Reads to the end of the element just opened. `None` for an empty one.
fn element(reader: &mut Reader<&[u8]>, depth: usize) -> Result<Option<Value>, String> {
    if depth > MAX_DEPTH {
        return Err("the answer nests too deep".to_owned());
    }
    let mut text = String::new();
    let mut members = Map::new();
    let mut items = Vec::new();
    let mut is_list = false;
    loop {
        match reader.read_event().map_err(|e| e.to_string())? {
            Event::Start(start) => {
                let name = start.local_name().as_ref().to_owned();
                let value = element(reader, depth + 1)?;
                if name == "member" {
                    is_list = true;
                    items.push(value.unwrap_or(Value::String(String::new())));
                } else if let Some(value) = value.or_else(|| empty(depth)) {
                    members.insert(name, value);
                }
            }
            Event::Empty(start) => {
                if let Some(value) = empty(depth) {
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
