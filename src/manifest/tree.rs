//! A YAML or JSON value in which every part knows where it stands. Not a manifest.

use serde_json::{Map, Number, Value};

/// Where something stands in its file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Place {
    /// Line, from 1.
    pub(crate) line: usize,
    /// Column in characters, from 1.
    pub(crate) column: usize,
    /// First byte in the file's text.
    pub(crate) start: usize,
    /// The byte after the last one.
    pub(crate) end: usize,
    /// The file that it stands in, if it was merged into a manifest from another one: counted from 1
    /// in the order of the paths; 0 for the manifest's own file.
    pub(crate) other_file: usize,
    /// The value is not known, so that nothing which is found about it means anything.
    pub(crate) unjudged: bool,
    /// Whether it stands in the text at all.
    pub(crate) made: Made,
}

/// How a value came into a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Made {
    /// It was written there.
    #[default]
    Written,
    /// It was computed: it is the file's value or in it, and has no line.
    Computed,
    /// It was computed: it is in this element, from 0, of the array that is the file's value.
    Element(usize),
}

/// One value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Node {
    /// Where it stands (a map or list: where its first part does).
    pub(crate) place: Place,
    /// What it is.
    pub(crate) data: Data,
}

/// The content of a value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Data {
    Null,
    Bool(bool),
    Number(Number),
    Text(String),
    List(Vec<Node>),
    Map(Vec<Entry>),
}

/// One member of a map.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Entry {
    pub(crate) key: String,
    pub(crate) key_place: Place,
    pub(crate) value: Node,
}

impl Place {
    /// Whether it is no place in a text.
    pub(crate) fn is_computed(&self) -> bool {
        self.made != Made::Written
    }
}

impl Node {
    /// An empty map at a place.
    pub(crate) fn empty(place: Place) -> Self {
        Self {
            place,
            data: Data::Map(Vec::new()),
        }
    }

    /// The members of a map; none of anything else.
    pub(crate) fn entries(&self) -> &[Entry] {
        if let Data::Map(entries) = &self.data {
            entries
        } else {
            &[]
        }
    }

    /// The elements of a list; none of anything else.
    pub(crate) fn items(&self) -> &[Self] {
        if let Data::List(items) = &self.data {
            items
        } else {
            &[]
        }
    }

    /// The member of this name with its key.
    pub(crate) fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries().iter().find(|entry| entry.key == key)
    }

    /// The value at a path of member names, such as `["runtimePlatform", "cpuArchitecture"]`.
    pub(crate) fn get(&self, path: &[&str]) -> Option<&Self> {
        path.iter()
            .try_fold(self, |node, key| node.entry(key).map(|entry| &entry.value))
    }

    /// The elements of the list that is this member; none if it is missing.
    pub(crate) fn list(&self, key: &str) -> &[Self] {
        self.get(&[key]).map_or(&[], Self::items)
    }

    /// The text that is this member.
    pub(crate) fn text(&self, key: &str) -> Option<&str> {
        self.get(&[key]).and_then(Self::as_text)
    }

    /// The whole number that is this member.
    pub(crate) fn int(&self, key: &str) -> Option<i64> {
        match &self.get(&[key])?.data {
            Data::Number(number) => number.as_i64(),
            _ => None,
        }
    }

    /// The truth value that is this member.
    pub(crate) fn flag(&self, key: &str) -> Option<bool> {
        match self.get(&[key])?.data {
            Data::Bool(flag) => Some(flag),
            _ => None,
        }
    }

    /// Itself, if it is a text.
    pub(crate) fn as_text(&self) -> Option<&str> {
        if let Data::Text(text) = &self.data {
            Some(text)
        } else {
            None
        }
    }

    /// Where a member's value stands, or the node itself if the member is missing.
    pub(crate) fn place_of(&self, key: &str) -> Place {
        self.get(&[key]).map_or(self.place, |node| node.place)
    }

    /// How many values it is made of.
    pub(crate) fn size(&self) -> usize {
        1 + self.items().iter().map(Self::size).sum::<usize>()
            + self
                .entries()
                .iter()
                .map(|entry| entry.value.size())
                .sum::<usize>()
    }

    /// What it is, for a message.
    pub(crate) fn what(&self) -> &'static str {
        match self.data {
            Data::Null => "nothing",
            Data::Bool(_) => "a boolean",
            Data::Number(_) => "a number",
            Data::Text(_) => "a text",
            Data::List(_) => "a list",
            Data::Map(_) => "a map",
        }
    }

    /// The plain value.
    pub(crate) fn to_value(&self) -> Value {
        match &self.data {
            Data::Null => Value::Null,
            Data::Bool(flag) => Value::Bool(*flag),
            Data::Number(number) => Value::Number(number.clone()),
            Data::Text(text) => Value::String(text.clone()),
            Data::List(items) => Value::Array(items.iter().map(Self::to_value).collect()),
            Data::Map(entries) => Value::Object(
                entries
                    .iter()
                    .map(|entry| (entry.key.clone(), entry.value.to_value()))
                    .collect::<Map<_, _>>(),
            ),
        }
    }
}
