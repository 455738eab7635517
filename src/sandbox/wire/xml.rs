//! Writing AWS Query answers: XML with lists of `<member>`, and of `<item>` for EC2.

use super::super::AwsError;
use serde_json::Value;

/// The content type of answers.
pub(super) const TYPE: &str = "text/xml";

/// The body of a success: `<OpResponse><OpResult>..</OpResult><ResponseMetadata>..`.
pub(super) fn output(namespace: &str, operation: &str, output: &Value, id: &str) -> Vec<u8> {
    let mut xml = format!("<{operation}Response xmlns=\"{namespace}\">");
    element(&mut xml, &format!("{operation}Result"), output, "member");
    xml.push_str("<ResponseMetadata>");
    text_element(&mut xml, "RequestId", id);
    xml.push_str("</ResponseMetadata></");
    xml.push_str(operation);
    xml.push_str("Response>");
    xml.into_bytes()
}

/// The body of a refusal.
pub(super) fn error(namespace: &str, error: &AwsError, id: &str) -> Vec<u8> {
    let mut xml = format!("<ErrorResponse xmlns=\"{namespace}\"><Error>");
    text_element(
        &mut xml,
        "Type",
        if error.status < 500 {
            "Sender"
        } else {
            "Receiver"
        },
    );
    text_element(&mut xml, "Code", &error.code);
    text_element(&mut xml, "Message", &error.message);
    xml.push_str("</Error>");
    text_element(&mut xml, "RequestId", id);
    xml.push_str("</ErrorResponse>");
    xml.into_bytes()
}

/// The body of a success of EC2: the members stand in the response itself.
pub(super) fn ec2_output(operation: &str, output: &Value, id: &str) -> Vec<u8> {
    let mut xml =
        format!("<{operation}Response xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\">");
    text_element(&mut xml, "requestId", id);
    for (name, value) in output.as_object().into_iter().flatten() {
        element(&mut xml, name, value, "item");
    }
    xml.push_str(&format!("</{operation}Response>"));
    xml.into_bytes()
}

/// The body of a refusal of EC2.
pub(super) fn ec2_error(error: &AwsError, id: &str) -> Vec<u8> {
    let mut xml = "<Response><Errors><Error>".to_owned();
    text_element(&mut xml, "Code", &error.code);
    text_element(&mut xml, "Message", &error.message);
    xml.push_str("</Error></Errors>");
    text_element(&mut xml, "RequestID", id);
    xml.push_str("</Response>");
    xml.into_bytes()
}

fn element(xml: &mut String, name: &str, value: &Value, of_list: &str) {
    match value {
        Value::Null => {}
        Value::Bool(flag) => text_element(xml, name, if *flag { "true" } else { "false" }),
        Value::Number(number) => text_element(xml, name, &number.to_string()),
        Value::String(text) => text_element(xml, name, text),
        Value::Array(items) => wrap(xml, name, |xml| {
            for item in items {
                element(xml, of_list, item, of_list);
            }
        }),
        Value::Object(members) => wrap(xml, name, |xml| {
            for (member, value) in members {
                element(xml, member, value, of_list);
            }
        }),
    }
}

fn text_element(xml: &mut String, name: &str, text: &str) {
    wrap(xml, name, |xml| {
        // Control characters cannot stand in XML 1.0, escaped or not.
        let clean: String = text
            .chars()
            .map(|c| {
                if c.is_control() && !matches!(c, '\t' | '\n' | '\r') {
                    '\u{fffd}'
                } else {
                    c
                }
            })
            .collect();
        xml.push_str(&quick_xml::escape::escape(clean.as_str()));
    });
}

fn wrap(xml: &mut String, name: &str, content: impl FnOnce(&mut String)) {
    xml.push('<');
    xml.push_str(name);
    xml.push('>');
    content(xml);
    xml.push_str("</");
    xml.push_str(name);
    xml.push('>');
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn values_become_elements() {
        let value = json!({ "A": [{ "B": 1 }, { "B": true }], "C": "<&\u{1}", "D": null, "E": [] });
        let xml = String::from_utf8(output("ns", "Op", &value, "id")).unwrap();
        assert_eq!(
            xml,
            "<OpResponse xmlns=\"ns\"><OpResult><A><member><B>1</B></member><member><B>true</B>\
             </member></A><C>&lt;&amp;\u{fffd}</C><E></E></OpResult><ResponseMetadata><RequestId>id\
             </RequestId></ResponseMetadata></OpResponse>"
        );
    }
}
