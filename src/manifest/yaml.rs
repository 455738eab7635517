//! Text to trees with places: YAML, and JSON as the part of YAML that it is. Not the manifest schema.
//!
//! Built on the event parser under `serde-saphyr`, because a deserializer gives no place for every
//! path and stops at the first mistake.
//!
//! Invariants:
//! - Never panics and never runs long: depth, nodes (aliases expanded) and documents are bounded.
//! - A plain scalar is a number exactly when JSON would call it one, a boolean only as `true` or
//!   `false` (YAML 1.2): `yes`, `on`, `0755`, `1.4.0` and `12:30` are texts.
//! - A mistake's text never quotes a value of the file.

use std::collections::{BTreeMap, BTreeSet};

use serde_saphyr::granit_parser::{self, Event, Parser, ScalarStyle, Span, Tag};

use super::tree::{Data, Entry, Node, Place};

/// Deeper than any AWS document (the deepest member of the service models lies 8 levels down, a
/// policy document within it a few more), and shallow enough for recursion on any thread's stack.
const MAX_DEPTH: usize = 64;
/// Values in one file, aliases expanded: a 1 MiB file without aliases cannot hold more.
const MAX_NODES: usize = 500_000;
/// Documents in one file.
const MAX_DOCUMENTS: usize = 5_000;

/// A mistake in the text itself.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Mistake {
    pub(super) place: Place,
    pub(super) code: &'static str,
    pub(super) message: String,
    pub(super) hint: Option<&'static str>,
}

/// One document of a file.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Document {
    pub(super) root: Node,
    /// Mistakes that leave the rest of the document readable, such as a key that stands twice.
    pub(super) mistakes: Vec<Mistake>,
}

/// A whole file: the documents before the first syntax error, and that error.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Parsed {
    pub(super) documents: Vec<Document>,
    pub(super) broken: Option<Mistake>,
}

/// Reads every document of a text. Documents of comments or nothing are left out.
pub(super) fn parse(text: &str) -> Parsed {
    let options = granit_parser::options! {
        flow_nesting_limit: MAX_DEPTH,
        block_nesting_limit: MAX_DEPTH,
        emit_comments: false,
        emit_anchor_events: false,
        // A minified JSON document may have a long text as a key.
        simple_key_max_lookahead: 8192,
    };
    let mut builder = Builder {
        events: Parser::new_from_str_with_options(text, options),
        anchors: BTreeMap::new(),
        mistakes: Vec::new(),
        nodes: 0,
    };
    let mut parsed = Parsed::default();
    loop {
        match builder.document() {
            Ok(Some(root)) => {
                let mistakes = std::mem::take(&mut builder.mistakes);
                if root.data != Data::Null || !mistakes.is_empty() {
                    parsed.documents.push(Document { root, mistakes });
                }
                if parsed.documents.len() > MAX_DOCUMENTS {
                    parsed.broken = Some(too_large("a file may hold at most 5000 documents"));
                    return parsed;
                }
            }
            Ok(None) => return parsed,
            Err(mistake) => {
                parsed.broken = Some(mistake);
                return parsed;
            }
        }
    }
}

struct Builder<'a> {
    events: Parser<'a, granit_parser::StrInput<'a>>,
    anchors: BTreeMap<usize, Node>,
    mistakes: Vec<Mistake>,
    nodes: usize,
}

type Next<'a> = Option<(Event<'a>, Span)>;

impl<'a> Builder<'a> {
    fn next(&mut self) -> Result<Next<'a>, Mistake> {
        self.events.next().transpose().map_err(|error| {
            let at = error.marker();
            let place = Place {
                line: at.line().max(1),
                column: at.col() + 1,
                start: at.byte_offset().unwrap_or(0),
                end: at.byte_offset().unwrap_or(0),
                ..Place::default()
            };
            let message = format!("this is not valid YAML: {}", error.kind());
            Mistake {
                place,
                code: "syntax",
                message,
                hint: hint_for(error.kind()),
            }
        })
    }

    /// The next document's root; `None` at the end of the file.
    fn document(&mut self) -> Result<Option<Node>, Mistake> {
        self.anchors.clear();
        let mut root = None;
        while let Some((event, span)) = self.next()? {
            match event {
                Event::StreamStart | Event::DocumentStart(..) => {}
                Event::StreamEnd => return Ok(root),
                Event::DocumentEnd => {
                    return Ok(Some(root.unwrap_or(Node {
                        place: place(&span),
                        data: Data::Null,
                    })));
                }
                event => root = Some(self.node(event, &span, 0)?),
            }
        }
        Ok(root)
    }

    fn node(&mut self, event: Event<'a>, span: &Span, depth: usize) -> Result<Node, Mistake> {
        let place = place(span);
        self.nodes += 1;
        if self.nodes > MAX_NODES {
            return Err(Mistake {
                place,
                ..too_large("the file holds too many values")
            });
        }
        if depth > MAX_DEPTH {
            return Err(Mistake {
                place,
                ..too_large("the values are nested too deeply")
            });
        }
        let (data, anchor) = match event {
            Event::Alias(id) => return self.alias(id, place),
            Event::Scalar(text, style, anchor, tag) => {
                (self.scalar(&text, style, tag.as_deref(), place), anchor)
            }
            Event::SequenceStart(_, anchor, tag) => {
                self.refuse_tag(tag.as_deref(), place);
                (Data::List(self.list(depth)?), anchor)
            }
            Event::MappingStart(_, anchor, tag) => {
                self.refuse_tag(tag.as_deref(), place);
                (Data::Map(self.map(depth)?), anchor)
            }
            _ => (Data::Null, 0),
        };
        let node = Node { place, data };
        if anchor != 0 {
            self.anchors.insert(anchor, node.clone());
        }
        Ok(node)
    }

    fn list(&mut self, depth: usize) -> Result<Vec<Node>, Mistake> {
        let mut items = Vec::new();
        while let Some((event, span)) = self.next()? {
            if matches!(event, Event::SequenceEnd) {
                break;
            }
            items.push(self.node(event, &span, depth + 1)?);
        }
        Ok(items)
    }

    fn map(&mut self, depth: usize) -> Result<Vec<Entry>, Mistake> {
        let mut entries: Vec<Entry> = Vec::new();
        let mut seen = BTreeSet::new();
        let mut merged = Vec::new();
        while let Some((event, span)) = self.next()? {
            if matches!(event, Event::MappingEnd) {
                break;
            }
            let key_place = place(&span);
            let plain = matches!(event, Event::Scalar(_, ScalarStyle::Plain, ..));
            let key = match &event {
                Event::Scalar(text, ..) => Some(text.clone().into_owned()),
                _ => None,
            };
            if key.is_none() {
                self.node(event, &span, depth + 1)?;
            }
            let Some((event, span)) = self.next()? else {
                break;
            };
            let value = self.node(event, &span, depth + 1)?;
            match key {
                None => self.mistake(
                    key_place,
                    "syntax",
                    "a key must be a single word or text",
                    None,
                ),
                Some(key) if key == "<<" && plain => merged.push((key_place, value)),
                Some(key) if seen.insert(key.clone()) => entries.push(Entry {
                    key,
                    key_place,
                    value,
                }),
                Some(key) => {
                    let message = format!("the key `{key}` stands here a second time");
                    let hint = "YAML would silently keep one of the two; remove one.";
                    self.mistake(key_place, "duplicate-key", &message, Some(hint));
                }
            }
        }
        for (place, value) in merged {
            self.merge(&mut entries, &mut seen, place, value);
        }
        Ok(entries)
    }

    /// `<<: *defaults`: members that are not given otherwise.
    fn merge(
        &mut self,
        entries: &mut Vec<Entry>,
        seen: &mut BTreeSet<String>,
        place: Place,
        value: Node,
    ) {
        match value.data {
            Data::Map(defaults) => {
                for entry in defaults {
                    if seen.insert(entry.key.clone()) {
                        entries.push(entry);
                    }
                }
            }
            Data::List(all) if all.iter().all(|one| matches!(one.data, Data::Map(_))) => {
                for one in all {
                    self.merge(entries, seen, place, one);
                }
            }
            _ => self.mistake(place, "syntax", "`<<` takes a map or a list of maps", None),
        }
    }

    fn alias(&mut self, id: usize, place: Place) -> Result<Node, Mistake> {
        let Some(node) = self.anchors.get(&id) else {
            self.mistake(
                place,
                "syntax",
                "an alias may not stand inside its own anchor",
                None,
            );
            return Ok(Node {
                place,
                data: Data::Null,
            });
        };
        self.nodes += node.size();
        if self.nodes > MAX_NODES {
            return Err(Mistake {
                place,
                ..too_large("the aliases expand to too many values")
            });
        }
        Ok(Node {
            place,
            data: node.data.clone(),
        })
    }

    fn scalar(&mut self, text: &str, style: ScalarStyle, tag: Option<&Tag>, place: Place) -> Data {
        match tag.map(|tag| tag.core_suffix()) {
            None if style == ScalarStyle::Plain => plain(text),
            None | Some(Some("str")) => Data::Text(text.to_owned()),
            Some(Some("int" | "float" | "bool" | "null")) => plain(text),
            Some(_) => {
                self.refuse_tag(tag, place);
                Data::Text(text.to_owned())
            }
        }
    }

    fn refuse_tag(&mut self, tag: Option<&Tag>, place: Place) {
        if tag.is_some_and(|tag| !matches!(tag.core_suffix(), Some("map" | "seq" | "str"))) {
            let hint =
                "Tags such as `!Ref` or `!Sub` belong to other tools; write the value itself.";
            self.mistake(
                place,
                "syntax",
                "YAML tags are not understood here",
                Some(hint),
            );
        }
    }

    fn mistake(
        &mut self,
        place: Place,
        code: &'static str,
        message: &str,
        hint: Option<&'static str>,
    ) {
        self.mistakes.push(Mistake {
            place,
            code,
            message: message.to_owned(),
            hint,
        });
    }
}

fn too_large(message: &str) -> Mistake {
    Mistake {
        place: Place::default(),
        code: "too-large",
        message: message.to_owned(),
        hint: None,
    }
}

fn place(span: &Span) -> Place {
    let bytes = span.byte_range().unwrap_or_default();
    Place {
        line: span.start.line().max(1),
        column: span.start.col() + 1,
        start: bytes.start,
        end: bytes.end,
        ..Place::default()
    }
}

fn hint_for(kind: &granit_parser::ErrorKind) -> Option<&'static str> {
    use granit_parser::ErrorKind as Kind;
    match kind {
        Kind::TabInIndentation | Kind::TabInBlockIndentation | Kind::TabNotAllowed => {
            Some("Indent with spaces.")
        }
        Kind::UnknownAnchor => Some("A text that begins with `*` must stand in quotes."),
        Kind::UnclosedQuotedScalar => Some("A closing quote is missing."),
        Kind::InvalidIndentation | Kind::ExpectedBlockMappingKey => {
            Some("Members of one map must be indented alike.")
        }
        _ => None,
    }
}

/// What an unquoted scalar means.
fn plain(text: &str) -> Data {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Data::Null,
        "true" | "True" | "TRUE" => return Data::Bool(true),
        "false" | "False" | "FALSE" => return Data::Bool(false),
        _ => {}
    }
    let numeric = text.starts_with(|first: char| first == '-' || first.is_ascii_digit());
    if numeric && let Ok(number) = serde_json::from_str::<serde_json::Number>(text) {
        // Digits beyond 64 bits would lose some of them as a number.
        let whole = !text.contains(['.', 'e', 'E']);
        if !whole || number.is_i64() || number.is_u64() {
            return Data::Number(number);
        }
    }
    Data::Text(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn one(text: &str) -> Node {
        let parsed = parse(text);
        assert_eq!(parsed.broken, None, "{text}");
        assert_eq!(parsed.documents[0].mistakes, [], "{text}");
        parsed.documents[0].root.clone()
    }

    #[test]
    fn scalars_are_what_json_would_call_them() {
        let text = "[1, -2, 1.5, 1e3, 012, 0x1f, +1, 1_0, .5, 1.4.0, 12:30, yes, on, No, true, ~, '1', \
                    99999999999999999999, !!str 5]";
        let value = one(text).to_value();
        let expected = json!([
            1,
            -2,
            1.5,
            1000.0,
            "012",
            "0x1f",
            "+1",
            "1_0",
            ".5",
            "1.4.0",
            "12:30",
            "yes",
            "on",
            "No",
            true,
            null,
            "1",
            "99999999999999999999",
            "5"
        ]);
        assert_eq!(value, expected);
    }

    #[test]
    fn every_part_has_its_place() {
        let text = "a:\n  - b: 1\n    ü: \"x\"\n";
        let root = one(text);
        let item = &root.list("a")[0];
        let entry = item.entry("ü").unwrap();
        assert_eq!((entry.key_place.line, entry.key_place.column), (3, 5));
        let place = entry.value.place;
        assert_eq!((place.line, place.column), (3, 8));
        assert_eq!(&text[place.start..place.end], "\"x\"");
    }

    #[test]
    fn json_with_escapes_tabs_and_one_long_line() {
        let long = "x".repeat(3000);
        let text =
            format!("{{\n\t\"a\": \"\\ud83d\\ude00 \\/ \\u00e9\",\"b\":[{{\"c\":\"{long}\"}}]}}");
        assert_eq!(
            one(&text).to_value(),
            serde_json::from_str::<serde_json::Value>(&text).unwrap()
        );
    }

    #[test]
    fn merge_keys_give_defaults() {
        let root = one("base: &b {x: 1, y: 2}\nuse:\n  <<: *b\n  y: 3\n");
        assert_eq!(
            root.get(&["use"]).unwrap().to_value(),
            json!({"y": 3, "x": 1})
        );
    }

    #[test]
    fn mistakes_that_leave_the_document_readable() {
        for (text, code) in [
            ("a: 1\na: 2", "duplicate-key"),
            ("a: !Ref x", "syntax"),
            ("? [1]\n: 2", "syntax"),
            ("a: &x [*x]", "syntax"),
            ("<<: 5", "syntax"),
        ] {
            let parsed = parse(text);
            assert_eq!(parsed.broken, None, "{text}");
            assert_eq!(parsed.documents[0].mistakes[0].code, code, "{text}");
        }
    }

    #[test]
    fn documents_before_a_syntax_error_are_kept() {
        let parsed = parse("a: 1\n---\n# only a comment\n---\nb: 2\n---\nc: [1\nd: }\n");
        assert_eq!(parsed.documents.len(), 2);
        let broken = parsed.broken.unwrap();
        assert_eq!(broken.code, "syntax");
        assert!(broken.place.line >= 7, "{broken:?}");
    }

    #[test]
    fn bombs_do_not_go_off() {
        let mut laughs = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for n in 1..10 {
            let aliases = vec![format!("*a{}", n - 1); 10].join(", ");
            laughs.extend([format!("a{n}: &a{n} [{aliases}]\n")]);
        }
        assert_eq!(parse(&laughs).broken.unwrap().code, "too-large");
        for deep in [
            "[".repeat(100_000),
            "- ".repeat(100_000),
            "{a: ".repeat(100_000),
        ] {
            assert!(parse(&deep).broken.is_some());
        }
    }
}
