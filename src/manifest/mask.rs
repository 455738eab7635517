//! Which values of a manifest may hold secrets, and source lines without them. Not the masking of
//! drift (the planners do that).
//!
//! Invariant: a value under one of the names in [`HOLDS_SECRETS`], or of a member whose name sounds
//! like a secret, or among an Environment's variables, never leaves this module. Whether a variable is a
//! secret is not asked: the word that says so may be the one that is misspelt.

use super::diagnostic::Excerpt;
use super::environment::ENVIRONMENT;
use super::tree::{Data, Entry, Node, Place};

/// Members whose whole content may be secret: environment variables, references to secrets, options
/// of drivers (tokens of log services), command lines.
const HOLDS_SECRETS: [&str; 10] = [
    "environment",
    "secrets",
    "secretOptions",
    "options",
    "driverOpts",
    "command",
    "entryPoint",
    "ClientSecret",
    "AuthenticationRequestExtraParams",
    "hookDetails",
];
/// Parts of a member's name that make its value a secret.
const SOUNDS_SECRET: [&str; 5] = ["password", "passwd", "secret", "token", "apikey"];
/// Members inside those that only name things.
const HARMLESS: [&str; 3] = ["name", "Name", "type"];
/// The member that holds the variables of an Environment.
const VARIABLES: &str = "variables";
/// What stands for a masked value.
pub(super) const MASK: &str = "\"****\"";
/// Longer lines (minified JSON) are cut around the finding.
const LINE_WIDTH: usize = 160;

/// Whether the value of a member of this name may hold secrets.
pub(super) fn is_secret(member: &str) -> bool {
    let lower = member.to_ascii_lowercase();
    HOLDS_SECRETS.contains(&member) || SOUNDS_SECRET.iter().any(|sound| lower.contains(sound))
}

/// The byte ranges of every value in a tree that may hold a secret, in order.
pub(super) fn secret_spans(root: &Node) -> Vec<(usize, usize)> {
    let mut spans = Vec::new();
    if root.text("kind") == Some(ENVIRONMENT) {
        let shown = ["apiVersion", "kind", "metadata"];
        for entry in beside(root, &shown) {
            let shown: &[&str] = match entry.key.as_str() {
                "spec" => &["account", "region", "roleArn"],
                _ => &[],
            };
            collect_variables(&entry.value, shown, &mut spans);
        }
    } else {
        collect(root, false, &mut spans);
    }
    spans.sort_unstable();
    spans
}

fn collect(node: &Node, secret: bool, spans: &mut Vec<(usize, usize)>) {
    match &node.data {
        Data::List(items) => items.iter().for_each(|item| collect(item, secret, spans)),
        Data::Map(entries) => {
            for entry in entries {
                let harmless = HARMLESS.contains(&entry.key.as_str())
                    && matches!(entry.value.data, Data::Text(_));
                let secret = !harmless && (secret || is_secret(&entry.key));
                collect(&entry.value, secret, spans);
            }
        }
        Data::Null => {}
        _ if secret => spans.push((node.place.start, node.place.end)),
        _ => {}
    }
}

fn beside<'a>(node: &'a Node, names: &'a [&str]) -> impl Iterator<Item = &'a Entry> {
    let entries = node.entries().iter();
    entries.filter(|entry| !names.contains(&entry.key.as_str()))
}

/// Every value but those of the members `shown`, and but the truth value that says whether another is a
/// secret.
fn collect_variables(node: &Node, shown: &[&str], spans: &mut Vec<(usize, usize)>) {
    for item in node.items() {
        collect_variables(item, &[], spans);
    }
    for entry in beside(node, shown) {
        let is_flag = entry.key == "secret" && matches!(entry.value.data, Data::Bool(_));
        if !is_flag {
            collect_variables(&entry.value, &[], spans);
        }
    }
    if !matches!(node.data, Data::Null | Data::List(_) | Data::Map(_)) {
        spans.push((node.place.start, node.place.end));
    }
}

/// The line of a finding and its neighbours, with these byte ranges masked.
pub(super) fn excerpt(text: &str, spans: &[(usize, usize)], place: Place) -> Excerpt {
    let first_line = place.line.saturating_sub(1).max(1);
    let mut out = Excerpt {
        first_line,
        text: String::new(),
        at: 0,
        length: 0,
    };
    let mut start = 0;
    for (index, raw) in text.split_inclusive('\n').enumerate() {
        let line = raw.trim_end_matches(['\n', '\r']);
        let number = index + 1;
        if number >= first_line && number <= place.line + 1 {
            let here = (number == place.line).then_some(place);
            let (shown, at) = masked_line(line, start, spans, here);
            let (shown, at) = narrowed(&shown, at);
            if number == place.line {
                out.at = out.text.len() + at.min(shown.len());
                out.length = covered(&shown, at, place);
            }
            out.text.extend(shown.chars().map(harmless));
            out.text.push('\n');
        }
        start += raw.len();
    }
    out
}

/// What a terminal would obey is shown as a space, of as many bytes, so that places stay right.
fn harmless(one: char) -> char {
    match (one.is_control() && one != '\t', one.len_utf8()) {
        (true, 1) => ' ',
        (true, _) => '\u{a0}',
        (false, _) => one,
    }
}

/// One line with its secrets replaced, and where `place` begins in it.
fn masked_line(
    line: &str,
    start: usize,
    spans: &[(usize, usize)],
    place: Option<Place>,
) -> (String, usize) {
    let end = start + line.len();
    let target = place.map_or(start, |place| place.start.clamp(start, end));
    let mut shown = String::new();
    let mut at = None;
    let mut next = start;
    let inside = spans.iter().filter(|(from, to)| *from < end && *to > start);
    for (from, to) in inside {
        let (from, to) = ((*from).max(next), (*to).min(end));
        if from > to {
            continue;
        }
        if at.is_none() && target <= from {
            at = Some(shown.len() + target.saturating_sub(next));
        }
        shown.push_str(text_between(line, next - start, from - start));
        if at.is_none() && target < to {
            at = Some(shown.len());
        }
        shown.push_str(MASK);
        next = to;
    }
    let at = at.unwrap_or(shown.len() + target.saturating_sub(next));
    shown.push_str(text_between(line, next - start, line.len()));
    (shown, at)
}

fn text_between(line: &str, from: usize, to: usize) -> &str {
    line.get(from..to).unwrap_or("")
}

/// At most [`LINE_WIDTH`] characters of a line around the byte `at`.
fn narrowed(line: &str, at: usize) -> (String, usize) {
    if line.chars().count() <= LINE_WIDTH {
        return (line.to_owned(), at);
    }
    let before: Vec<char> = line.get(..at).unwrap_or("").chars().collect();
    let kept: String = before
        .iter()
        .skip(before.len().saturating_sub(LINE_WIDTH / 2))
        .collect();
    let lead = if kept.chars().count() < before.len() {
        "…"
    } else {
        ""
    };
    let after: String = line
        .get(at..)
        .unwrap_or("")
        .chars()
        .take(LINE_WIDTH / 2)
        .collect();
    (format!("{lead}{kept}{after}…"), lead.len() + kept.len())
}

/// How much of the shown line the finding covers: its own length, but not beyond the line.
fn covered(shown: &str, at: usize, place: Place) -> usize {
    let rest = shown.get(at..).unwrap_or("");
    if rest.starts_with(MASK) {
        return MASK.len();
    }
    let length = place
        .end
        .saturating_sub(place.start)
        .min(rest.trim_end().len());
    let whole = (0..=length)
        .rev()
        .find(|length| rest.is_char_boundary(*length))
        .unwrap_or(0);
    whole.max(rest.chars().next().map_or(0, char::len_utf8))
}

/// Byte ranges to mask in a text that cannot be parsed: judged by indentation and by the words of
/// a line, in doubt too much.
pub(super) fn guessed_spans(text: &str) -> Vec<(usize, usize)> {
    let mut spans = Vec::new();
    // Indentation of the members that we are inside of and that may hold secrets.
    let mut inside: Option<usize> = None;
    let mut start = 0;
    for raw in text.split_inclusive('\n') {
        let line = raw.trim_end();
        let body = line.trim_start();
        let indent = line.len() - body.len();
        if !body.is_empty() {
            let item = body.starts_with("- ") || body == "-" || body.starts_with([']', '}']);
            if inside.is_some_and(|outer| indent < outer || (indent == outer && !item)) {
                inside = None;
            }
            let lower = line.to_ascii_lowercase();
            let word = HOLDS_SECRETS
                .iter()
                .map(|word| word.to_ascii_lowercase())
                .chain(SOUNDS_SECRET.map(str::to_owned))
                .chain([VARIABLES.to_owned()])
                .filter_map(|word| Some(lower.find(&word)? + word.len()))
                .min();
            let value = inside.map(|_| body.find(':').map_or(indent, |at| indent + at + 1));
            let from = word.into_iter().chain(value).min();
            if word.is_some() && inside.is_none() {
                inside = Some(indent);
            }
            if let Some(from) = from.filter(|from| line[*from..].chars().any(char::is_alphanumeric))
            {
                spans.push((start + from, start + line.len()));
            }
        }
        start += raw.len();
    }
    spans
}

#[cfg(test)]
mod tests {
    use super::super::{tree::Place, yaml};
    use super::*;

    fn shown(text: &str, needle: &str) -> String {
        let root = &yaml::parse(text).documents[0].root;
        let start = text.find(needle).unwrap();
        let line = text[..start].matches('\n').count() + 1;
        let place = Place {
            line,
            column: 1,
            start,
            end: start + needle.len(),
            ..Place::default()
        };
        let found = excerpt(text, &secret_spans(root), place);
        let marked = &found.text[found.at..found.at + found.length];
        format!("{}|{marked}", found.text)
    }

    #[test]
    fn an_excerpt_holds_nothing_that_a_terminal_obeys() {
        let place = Place {
            line: 1,
            start: 9,
            end: 10,
            ..Place::default()
        };
        let found = excerpt("a:\t\u{1b}[2J\u{9b}x\r\n", &[], place);
        assert_eq!(found.text, "a:\t [2J\u{a0}x\n");
        assert_eq!(&found.text[found.at..found.at + found.length], "x");
    }

    #[test]
    fn environment_values_are_masked_and_names_are_not() {
        let text = "environment:\n  - name: A\n    value: hunter2\n";
        assert_eq!(
            shown(text, "value"),
            "  - name: A\n    value: \"****\"\n|value"
        );
        assert_eq!(
            shown(text, "hunter2"),
            "  - name: A\n    value: \"****\"\n|\"****\""
        );
        let text =
            "{\"environment\": [{\"value\": \"hunter2\", \"name\": \"ü\", \"x\": 1}], \"b\": 2}";
        let expected = "{\"environment\": [{\"value\": \"****\", \"name\": \"ü\", \"x\": \"****\"}], \"b\": 2}\n|\"b\"";
        assert_eq!(shown(text, "\"b\""), expected);
    }

    #[test]
    fn block_texts_lists_and_telling_names_are_masked() {
        for text in [
            "environment:\n- name: K\n  value: |\n    hunter2\n    hunter2\nz: 1\n",
            "command: [sh, -c, hunter2]\nz: 1\n",
            "logConfiguration: {options: {splunk-token: hunter2}}\nz: 1\n",
            "labels: {db-password: hunter2}\nz: 1\n",
            "environment: {K: hunter2}\nz: 1\n",
            "a: &a hunter2\nenvironment: [{name: x, value: 'hunter2'}]\nz: 1\n",
        ] {
            let text = &text.replace("a: &a hunter2\n", "");
            let root = &yaml::parse(text).documents[0].root;
            for line in 1..=text.lines().count() {
                let place = Place {
                    line,
                    ..Place::default()
                };
                let found = excerpt(text, &secret_spans(root), place);
                assert!(!found.text.contains("hunter2"), "{}", found.text);
            }
        }
    }

    #[test]
    fn no_value_of_a_variable_is_shown_whatever_says_that_it_is_a_secret() {
        for variables in [
            "variables: {PW: {value: hunter2, secret: true, defualt: hunter2}}",
            "variables: {PW: {value: hunter2, secert: true}}",
            "variables: {name: hunter2, region: hunter2}",
            "varibles: {PW: hunter2}",
            "PW: hunter2",
        ] {
            let text = format!(
                "kind: Environment\nmetadata: {{name: staging}}\nspec:\n  region: eu-west-1\n  {variables}\n"
            );
            let shown = shown(&text, variables);
            assert!(!shown.contains("hunter2"), "{shown}");
            assert!(shown.contains("region: eu-west-1"), "{shown}");
            assert_eq!(
                shown.contains("secret: true"),
                text.contains("secret: true")
            );
        }
    }

    #[test]
    fn text_that_cannot_be_parsed_is_masked_by_guess() {
        for text in [
            "spec:\n  variables:\n    PW: {value: hunter2, secret: true}\n    B: [\n",
            "spec:\n  variables:\n    PW: hunter2\n    B: [\n",
            "environment:\n  - name: A\n    value: hunter2\n  - name: [\n",
            "environment:\n- name: A\n  value: hunter2\n- name: [\n",
            "\"environment\": [\n  {\"name\": \"A\", \"value\": \"hunter2\"},\n",
            "{\"a\": 1, \"environment\": [{\"value\": \"hunter2\"}",
            "  command:\n    - sh\n    - hunter2\n  x: [\n",
            "environment:\n  - value: |\n      hunter2\n x: [\n",
        ] {
            for line in 1..=text.lines().count() {
                let found = excerpt(
                    text,
                    &guessed_spans(text),
                    Place {
                        line,
                        ..Place::default()
                    },
                );
                assert!(!found.text.contains("hunter2"), "{}", found.text);
            }
        }
        let harmless = "metadata:\n  name: x\nspec: [\n";
        assert_eq!(guessed_spans(harmless), []);
    }

    #[test]
    fn a_long_line_is_cut_around_the_finding() {
        let text = format!(
            "{{a: \"{}\", needle: 1, b: \"{}\"}}",
            "x".repeat(500),
            "y".repeat(500)
        );
        let shown = shown(&text, "needle");
        assert!(
            shown.len() < 300 && shown.contains("needle") && shown.ends_with("|needle"),
            "{shown}"
        );
    }
}
