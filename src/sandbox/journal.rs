//! The journal of requests: what was asked, when, and what came of it. Not the answers.
//!
//! Invariant: no secret enters it: parameter values and client secrets are masked.

use super::Time;
use serde_json::Value;

/// One request.
#[derive(Clone, Debug)]
pub struct JournalEntry {
    /// Simulated time of the request.
    pub time: Time,
    /// The region it was for.
    pub region: String,
    /// The IAM prefix of a simulated service, or `unknown`.
    pub service: &'static str,
    /// The operation's name.
    pub operation: String,
    /// Whether the operation is one that changes something.
    pub mutating: bool,
    /// The error code of a refusal.
    pub error: Option<String>,
    /// The input, secrets masked.
    pub input: Value,
}

/// The newest requests.
#[derive(Debug, Default)]
pub(super) struct Journal {
    entries: Vec<JournalEntry>,
}

/// The journal keeps at least this many of the newest entries, and at most a tenth more.
const KEEP: usize = 100_000;

impl Journal {
    pub(super) fn push(&mut self, mut entry: JournalEntry) {
        mask(&mut entry.input, entry.service);
        self.entries.push(entry);
        if self.entries.len() > KEEP + KEEP / 10 {
            self.entries.drain(..self.entries.len() - KEEP);
        }
    }

    pub(super) fn entries(&self) -> &[JournalEntry] {
        &self.entries
    }
}

fn mask(value: &mut Value, service: &str) {
    match value {
        Value::Object(members) => {
            for (member, value) in members {
                let secret = member == "ClientSecret" || (service == "ssm" && member == "Value");
                if secret && value.is_string() {
                    *value = Value::String("(masked)".to_owned());
                } else {
                    mask(value, service);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| mask(item, service)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_newest_entries_are_kept_and_masked() {
        let mut journal = Journal::default();
        for time in 0..120_000 {
            let input = json!({ "Value": "s3cret" });
            let (region, operation) = (String::new(), String::new());
            let (service, mutating, error) = ("ssm", true, None);
            journal.push(JournalEntry {
                time,
                region,
                service,
                operation,
                mutating,
                error,
                input,
            });
        }
        let entries = journal.entries();
        assert!(entries.len() >= KEEP && entries.len() <= KEEP + KEEP / 10);
        assert_eq!(entries.last().unwrap().time, 119_999);
        assert_eq!(entries[0].input, json!({ "Value": "(masked)" }));
    }
}
