//! One member of a YAML or JSON text changed where it stands; comments and layout around it stay. Pure.
//!
//! What it is not: it does not know what a member means, and does not prove that the text reads as it is to
//! afterwards. Who edits reads it again ([`super::accept()`]).

use serde_json::Value;

use super::overlay;
use super::tree::{Data, Entry, Node};
use super::yaml;

/// The text with the value at this path below `root` as wanted: `Null` takes it out. `None` where the path leads nowhere,
/// or where no place for it is known. Elements of a list are named as in [`crate::model::Drift::path`].
pub(super) fn with(text: &str, root: &Node, path: &[String], want: &Value) -> Option<String> {
    let (last, above) = path.split_last()?;
    let mut parent = (root, "");
    for segment in above {
        parent = (child(parent, segment)?, segment);
    }
    let at = child(parent, last);
    match (&parent.0.data, at, want) {
        (_, Some(node), want) if !want.is_null() => replaced(text, node, want),
        (Data::Map(entries), Some(_), _) => {
            let index = entries.iter().position(|entry| entry.key == *last)?;
            without_member(text, parent.0, index)
        }
        (Data::List(items), Some(node), _) => {
            let index = items.iter().position(|item| std::ptr::eq(item, node))?;
            without_item(text, parent.0, index)
        }
        (Data::Map(entries), None, want) if !want.is_null() => {
            with_member(text, parent.0, entries, last, want)
        }
        (Data::List(items), None, want) if !want.is_null() => {
            with_item(text, parent.0, items, want)
        }
        _ => None,
    }
}

/// The value at a path of a spec that was read, found as [`with`] finds it.
pub(super) fn at<'a>(root: &'a Node, path: &[String]) -> Option<&'a Node> {
    let mut found = (root, "");
    for segment in path {
        found = (child(found, segment)?, segment);
    }
    Some(found.0)
}

/// A member by its name, or an element by its key, its text or its index.
fn child<'a>((node, name): (&'a Node, &str), segment: &str) -> Option<&'a Node> {
    match &node.data {
        Data::Map(_) => node.get(&[segment]),
        Data::List(items) => {
            let keyed = items
                .iter()
                .find(|item| overlay::is_named(name, item, segment));
            let whole = || items.iter().find(|item| item.as_text() == Some(segment));
            let index = || {
                let structured = items.iter().any(|item| matches!(item.data, Data::Map(_)));
                let by_index = !structured || overlay::keys_of(name).next().is_none();
                let index = segment.parse::<usize>().ok().filter(|_| by_index)?;
                items.get(index)
            };
            keyed.or_else(whole).or_else(index)
        }
        _ => None,
    }
}

/// Where a value ends: the byte after its last one.
fn end_of(text: &str, node: &Node) -> Option<usize> {
    let children: Vec<&Node> = match &node.data {
        Data::Map(entries) => entries.iter().map(|entry| &entry.value).collect(),
        Data::List(items) => items.iter().collect(),
        _ => return Some(node.place.end),
    };
    let mut end = node.place.start;
    for child in children {
        end = end.max(end_of(text, child)?);
    }
    let Some(close) = flow(text, node) else {
        return Some(end);
    };
    let from = end.max(node.place.start + 1);
    let rest = text.get(from..)?;
    let found = rest.find(|c: char| !c.is_whitespace() && c != ',')?;
    rest[found..].starts_with(close).then_some(from + found + 1)
}

/// What closes a collection that is written within brackets.
fn flow(text: &str, node: &Node) -> Option<char> {
    match text.get(node.place.start..)?.chars().next()? {
        '{' if matches!(node.data, Data::Map(_)) => Some('}'),
        '[' if matches!(node.data, Data::List(_)) => Some(']'),
        _ => None,
    }
}

fn replaced(text: &str, node: &Node, want: &Value) -> Option<String> {
    let end = end_of(text, node)?;
    let old = text.get(node.place.start..end)?;
    let collection = matches!(node.data, Data::Map(_) | Data::List(_));
    let before = text.get(line_start(text, node.place.start)..node.place.start)?;
    // Only what stands in brackets has an end that is sure; a text in lines of its own has its mark above them.
    let quoted = old.starts_with(['"', '\'']);
    let in_lines = !collection && !quoted && before.trim().is_empty();
    if (collection && flow(text, node).is_none()) || in_lines || old.starts_with(['*', '&', '!']) {
        return None;
    }
    Some(spliced(text, node.place.start, end, &written(want, quoted)))
}

fn with_member(
    text: &str,
    map: &Node,
    entries: &[Entry],
    name: &str,
    want: &Value,
) -> Option<String> {
    let first = entries.first();
    let quoted = first.is_none_or(|one| text[one.key_place.start..].starts_with('"'));
    let member = format!(
        "{}: {}",
        written(&name.into(), quoted),
        written(want, quoted)
    );
    if flow(text, map).is_some() {
        let at = map.place.start + 1;
        let comma = if first.is_some() { ", " } else { "" };
        return Some(spliced(text, at, at, &format!("{member}{comma}")));
    }
    // After a member of one line, at its column.
    let in_a_line = |entry: &&Entry| {
        let end = end_of(text, &entry.value);
        let value = end.and_then(|end| text.get(entry.key_place.start..end));
        value.is_some_and(|value| !value.contains('\n')) && !matches!(entry.value.data, Data::Null)
    };
    let entry = entries.iter().rfind(in_a_line)?;
    let end = end_of(text, &entry.value)?;
    let line_end = text[end..].find('\n').map_or(text.len(), |at| end + at);
    let indent = " ".repeat(entry.key_place.column.checked_sub(1)?);
    Some(spliced(
        text,
        line_end,
        line_end,
        &format!("\n{indent}{member}"),
    ))
}

fn with_item(text: &str, list: &Node, items: &[Node], want: &Value) -> Option<String> {
    if flow(text, list).is_some() {
        let Some(last) = items.last() else {
            let at = list.place.start + 1;
            return Some(spliced(text, at, at, &written(want, true)));
        };
        let end = end_of(text, last)?;
        let quoted = text[last.place.start..].starts_with('"');
        let item = format!(", {}", written(want, quoted));
        return Some(spliced(text, end, end, &item));
    }
    let last = items.last()?;
    let (_, dash) = item_line(text, last)?;
    let end = end_of(text, last)?;
    let line_end = text[end..].find('\n').map_or(text.len(), |at| end + at);
    let item = format!("\n{dash}{}", written(want, false));
    Some(spliced(text, line_end, line_end, &item))
}

/// Where the line of a block list's element starts, and what stands on it before the element.
fn item_line<'a>(text: &'a str, item: &Node) -> Option<(usize, &'a str)> {
    let start = line_start(text, item.place.start);
    let before = text.get(start..item.place.start)?;
    (before.trim() == "-").then_some((start, before))
}

fn without_item(text: &str, list: &Node, index: usize) -> Option<String> {
    let items = list.items();
    if flow(text, list).is_some() {
        let bounds = |one: &Node| Some((one.place.start, end_of(text, one)?));
        return without_part(text, items.len(), index, |at| bounds(&items[at]));
    }
    let item = items.get(index)?;
    let (line, _) = item_line(text, item)?;
    // An empty block list would be no list.
    (items.len() > 1).then(|| lines_cut(text, line, end_of(text, item)))?
}

fn without_member(text: &str, map: &Node, index: usize) -> Option<String> {
    let entries = map.entries();
    if flow(text, map).is_some() {
        let bounds = |one: &Entry| Some((one.key_place.start, end_of(text, &one.value)?));
        return without_part(text, entries.len(), index, |at| bounds(&entries[at]));
    }
    let entry = entries.get(index)?;
    let line = line_start(text, entry.key_place.start);
    let alone = text.get(line..entry.key_place.start)?.trim().is_empty();
    (alone && entries.len() > 1).then(|| lines_cut(text, line, end_of(text, &entry.value)))?
}

/// A bracket's text without one of its parts and the comma beside it.
fn without_part(
    text: &str,
    count: usize,
    index: usize,
    bounds: impl Fn(usize) -> Option<(usize, usize)>,
) -> Option<String> {
    let (start, end) = bounds(index)?;
    let (from, to) = if index + 1 < count {
        (start, bounds(index + 1)?.0)
    } else if index > 0 {
        (bounds(index - 1)?.1, end)
    } else {
        (start, end)
    };
    Some(spliced(text, from, to, ""))
}

fn lines_cut(text: &str, start: usize, end: Option<usize>) -> Option<String> {
    let end = end?;
    let line_end = text[end..].find('\n').map_or(text.len(), |at| end + at + 1);
    Some(spliced(text, start, line_end, ""))
}

fn line_start(text: &str, at: usize) -> usize {
    text[..at].rfind('\n').map_or(0, |newline| newline + 1)
}

fn spliced(text: &str, from: usize, to: usize, new: &str) -> String {
    format!("{}{new}{}", &text[..from], &text[to..])
}

/// A value within a line: JSON, but a text bare where that reads as the text, and none around it is quoted.
fn written(value: &Value, quoted: bool) -> String {
    let json = value.to_string();
    let Some(text) = value.as_str().filter(|_| !quoted) else {
        return json;
    };
    let parsed = yaml::parse(&format!("a: {text}"));
    let bare = match &parsed.documents[..] {
        [one] => parsed.broken.is_none() && one.root.text("a") == Some(text),
        _ => false,
    };
    if bare && !text.contains([',', '{', '}', '[', ']', '\n', '#']) {
        text.to_owned()
    } else {
        json
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn edited(text: &str, path: &str, want: &Value) -> Option<String> {
        let path: Vec<String> = path.split('/').map(str::to_owned).collect();
        with(text, &yaml::parse(text).documents[0].root, &path, want)
    }

    const BLOCK: &str = "\
a: 1   # one
containerDefinitions:
  - name: web
    image: x:1 # the image
    cpu: 2
  - {name: side, image: \"y:1\"}
list:
  - p
  - q
row: [s, t]
";

    #[test]
    fn a_member_is_changed_put_in_and_taken_out_where_it_stands() {
        for (path, want, from, to) in [
            ("a", json!(2), "a: 1   #", "a: 2   #"),
            (
                "containerDefinitions/web/image",
                json!("x@sha256:0"),
                "x:1 # the",
                "x@sha256:0 # the",
            ),
            (
                "containerDefinitions/side/image",
                json!("y:2"),
                "\"y:1\"",
                "\"y:2\"",
            ),
            (
                "containerDefinitions/web/memory",
                json!(512),
                "    cpu: 2\n",
                "    cpu: 2\n    memory: 512\n",
            ),
            (
                "containerDefinitions/side/cpu",
                json!(1),
                "{name: side",
                "{cpu: 1, name: side",
            ),
            (
                "containerDefinitions/web/cpu",
                Value::Null,
                "    cpu: 2\n",
                "",
            ),
            (
                "containerDefinitions/side/image",
                Value::Null,
                ", image: \"y:1\"",
                "",
            ),
            ("list/q", Value::Null, "  - q\n", ""),
            ("list/r", json!("r"), "  - q\n", "  - q\n  - r\n"),
            ("row/u", json!("u"), "[s, t]", "[s, t, u]"),
            ("row/s", Value::Null, "[s, t]", "[t]"),
            ("row", json!(["1", "b,c"]), "[s, t]", "[\"1\",\"b,c\"]"),
        ] {
            let expected = BLOCK.replacen(from, to, 1);
            assert_ne!(expected, BLOCK);
            assert_eq!(edited(BLOCK, path, &want), Some(expected), "{path}");
        }
        let json = "{\n  \"a\": {\"b\": \"1\"}\n}\n";
        let expected = json.replace("\"1\"", "\"2\"");
        assert_eq!(edited(json, "a/b", &json!("2")), Some(expected));
        let expected = json.replace("{\"b\"", "{\"c\": \"3\", \"b\"");
        assert_eq!(edited(json, "a/c", &json!("3")), Some(expected));
    }

    #[test]
    fn what_has_no_sure_place_is_left_alone() {
        for (text, path, want) in [
            (BLOCK, "none/a", json!(1)),
            (BLOCK, "a/b", json!(1)),
            (BLOCK, "containerDefinitions", json!([])),
            (BLOCK, "containerDefinitions/web/name", Value::Null),
            ("a: &x 1\nb: *x\n", "b", json!(2)),
            ("a: |\n  text\n", "a", json!("other")),
        ] {
            assert_eq!(edited(text, path, &want), None, "{path}");
        }
    }
}
