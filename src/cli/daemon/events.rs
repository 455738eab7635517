//! `evenkeel events`: what the daemon did and saw lately, and from now on.

use std::time::Duration;

use serde_json::Value;

use super::args::EventsArgs;
use super::client::{Client, Failure};
use super::text::{clean, items, text, time};
use crate::cli::args::Output;
use crate::cli::output;

/// How many seconds one request waits for the next event.
const WAIT: u64 = 25;

/// How long to wait before a daemon that does not answer is asked again.
const AGAIN: Duration = Duration::from_secs(2);

/// Lists, and follows.
pub(super) async fn events(args: &EventsArgs) -> Result<u8, String> {
    let client = Client::new(&args.server)?;
    let mut place = Place::default();
    let mut gone = false;
    loop {
        let page = match client.get(&place.path(args, place.seen)).await {
            Ok(page) => page,
            // A daemon that is followed may be restarted.
            Err(Failure::Unreachable(why)) if place.seen => {
                if !gone {
                    output::note(&format!("{why}; trying again\n"));
                }
                gone = true;
                tokio::time::sleep(AGAIN).await;
                continue;
            }
            Err(failure) => return Err(failure.into()),
        };
        gone = false;
        if place.restarted(&page) {
            output::note("the daemon was restarted\n");
            place.after = 0;
            continue;
        }
        if let Some(lost) = page["lost"].as_u64().filter(|lost| *lost > 0)
            && place.seen
        {
            output::note(&format!(
                "{lost} events were missed; they are in the daemon's log\n"
            ));
        }
        show(&page, args);
        if !args.follow {
            return Ok(0);
        }
        place.take(&page);
    }
}

/// How far the events have been read.
#[derive(Default)]
struct Place {
    after: u64,
    /// When the daemon started that was read from.
    started: String,
    /// Whether a page was read.
    seen: bool,
}

impl Place {
    fn path(&self, args: &EventsArgs, wait: bool) -> String {
        let wait = if wait { WAIT } else { 0 };
        let mut path = format!("events?after={}&wait={wait}", self.after);
        if let Some(key) = &args.key {
            let key = key.to_string();
            let key: String = form_urlencoded::byte_serialize(key.as_bytes()).collect();
            path.push_str(&format!("&resource={key}"));
        }
        path
    }

    /// Whether this page is of another start of the daemon; its numbers begin anew.
    fn restarted(&mut self, page: &Value) -> bool {
        let started = text(page, "started");
        let other = self.seen && self.started != started;
        started.clone_into(&mut self.started);
        other
    }

    fn take(&mut self, page: &Value) {
        self.after = page["last"].as_u64().unwrap_or(self.after);
        self.seen = true;
    }
}

fn show(page: &Value, args: &EventsArgs) {
    match args.server.output {
        // One document a line, so that a follower can read them as they come.
        Output::Json if args.follow => {
            for event in items(page, "events") {
                output::result(&format!("{event}\n"));
            }
        }
        Output::Json => output::json(page),
        Output::Text => {
            for event in items(page, "events") {
                let resource = text(event, "resource");
                output::result(&format!(
                    "{}  {:8} {resource}  {}\n",
                    time(event, "at"),
                    text(event, "kind"),
                    clean(text(event, "text")),
                ));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_restart_is_seen_by_the_start() {
        let mut place = Place::default();
        let page = json!({"started": "2026-01-01T00:00:00Z", "last": 12});
        assert!(!place.restarted(&page), "the first page");
        place.take(&page);
        assert_eq!(place.after, 12);
        assert!(!place.restarted(&page));
        let other = json!({"started": "2026-01-01T01:00:00Z", "last": 3});
        assert!(place.restarted(&other));
        assert!(!place.restarted(&other), "told once");
    }
}
