//! A hold: a person wants nothing written for now. As a value, and as the text of a tag.
//!
//! What it is: who, why, since when and until when, of which reach; read from a tag's text and written as
//! one. What it is not: it does not know where the tag is, nor what it concerns (`crate::kinds::hold`).
//!
//! The text is `by=ana since=2026-01-02T10:00:00Z until=2026-01-02T12:00:00Z reason=checkout incident`. The words
//! before `reason=` may be in any order or missing; a text without them is the reason. What a tag's value
//! does not take stands as in quoted-printable, by its UTF-8 bytes: `=23` is `#`.
//!
//! Invariants:
//! - Whatever the text, it is a hold: one that cannot be understood ends only when it is taken away.
//! - What was read holds no control characters, and is no longer than a tag's value.

use std::fmt;

use super::Moment;

/// Characters that the value of a tag may have (ECS API, `Tag`).
const LONGEST: usize = 256;

/// What a hold reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HoldScope {
    /// One service, with its scaling and its deployment group.
    Service,
    /// A cluster and all services in it.
    Cluster,
    /// All that the manifests declare.
    Everything,
}

impl HoldScope {
    /// Every scope, narrow to wide.
    pub const ALL: [Self; 3] = [Self::Service, Self::Cluster, Self::Everything];

    /// One word for text, JSON and metrics.
    pub fn label(self) -> &'static str {
        match self {
            Self::Service => "service",
            Self::Cluster => "cluster",
            Self::Everything => "everything",
        }
    }
}

/// A hold as it was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hold {
    /// Its reach.
    pub scope: HoldScope,
    /// What has the tag, for a person: `service nova/auth`, `cluster nova`.
    pub on: String,
    /// Why; may be empty where somebody wrote the tag by hand.
    pub reason: String,
    /// Who set it, as far as it says.
    pub by: Option<String>,
    /// Since when, as far as it says.
    pub since: Option<Moment>,
    /// Until when; without, until somebody takes it away.
    pub until: Option<Moment>,
}

impl Hold {
    /// Reads a tag's text.
    pub fn read(scope: HoldScope, on: String, text: &str) -> Self {
        let text: String = text.chars().take(LONGEST).collect();
        let mut hold = Self {
            scope,
            on,
            reason: String::new(),
            by: None,
            since: None,
            until: None,
        };
        let mut rest = text.trim();
        loop {
            let (word, after) = rest.split_once(' ').unwrap_or((rest, ""));
            let taken = match word.split_once('=') {
                Some(("by", by)) if hold.by.is_none() && !by.is_empty() => {
                    hold.by = Some(decoded(by, true)).filter(|by| !by.is_empty());
                    true
                }
                Some(("since", time)) if hold.since.is_none() => {
                    hold.since = moment(time);
                    hold.since.is_some()
                }
                Some(("until", time)) if hold.until.is_none() => {
                    hold.until = moment(time);
                    hold.until.is_some()
                }
                _ => false,
            };
            if !taken {
                break;
            }
            rest = after.trim_start();
        }
        let reason = rest.strip_prefix("reason=").unwrap_or(rest);
        hold.reason = decoded(reason, false);
        hold
    }

    /// Whether it holds nothing any more.
    pub fn is_over(&self, now: Moment) -> bool {
        self.until.is_some_and(|until| until <= now)
    }
}

impl fmt::Display for Hold {
    /// `held for everything by ana since … until …: checkout incident`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.scope {
            HoldScope::Everything => f.write_str("everything is held")?,
            HoldScope::Cluster | HoldScope::Service => write!(f, "{} is held", self.on)?,
        }
        if let Some(by) = &self.by {
            write!(f, " by {by}")?;
        }
        if let Some(since) = self.since {
            write!(f, " since {}", time(since))?;
        }
        match self.until {
            Some(until) => write!(f, " until {}", time(until))?,
            None => f.write_str(" until it is resumed")?,
        }
        if self.reason.is_empty() {
            f.write_str(", without a reason")
        } else {
            write!(f, ": {}", self.reason)
        }
    }
}

/// A hold that somebody wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewHold {
    /// Why.
    pub reason: String,
    /// Who.
    pub by: String,
    /// Until when.
    pub until: Option<Moment>,
}

impl NewHold {
    /// The text of its tag, if it is set now.
    ///
    /// # Errors
    /// What is missing, already over, or too long, with the cure.
    pub fn text(&self, now: Moment) -> Result<String, String> {
        let (reason, by) = (words(&self.reason), words(&self.by));
        if reason.is_empty() {
            return Err(
                "a hold needs a reason, such as --reason \"checkout incident\": it is what others will read"
                    .to_owned(),
            );
        }
        if by.is_empty() {
            return Err("a hold needs the name of who sets it, such as --by ana".to_owned());
        }
        let mut text = format!("by={} since={}", encoded(&by, true), time(now));
        if let Some(until) = self.until {
            // The text has no parts of a second.
            if until.0.div_euclid(1000) <= now.0.div_euclid(1000) {
                let (until, now) = (time(until), time(now));
                return Err(format!("{until} is over: it is {now} now"));
            }
            if moment(&time(until)).is_none() {
                return Err(format!("no calendar holds the moment {}", until.0));
            }
            text.push_str(&format!(" until={}", time(until)));
        }
        text.push_str(&format!(" reason={}", encoded(&reason, false)));
        let over = text.chars().count().saturating_sub(LONGEST);
        if over > 0 {
            return Err(format!(
                "the reason is too long by {over} characters for a tag, which takes {LONGEST} with name and times (one \
                 that is neither letter, digit nor one of + - . _ : / @ counts as three or more); shorten it, and \
                 point to the incident"
            ));
        }
        Ok(text)
    }
}

/// A text in one line without control characters.
fn words(text: &str) -> String {
    let clean: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    clean.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// RFC 3339 to the second; the milliseconds as they are for what no calendar holds.
fn time(moment: Moment) -> String {
    jiff::Timestamp::from_millisecond(moment.0).map_or_else(
        |_| moment.0.to_string(),
        |time| {
            let whole = jiff::Timestamp::from_second(time.as_second()).unwrap_or(time);
            whole.to_string()
        },
    )
}

fn moment(text: &str) -> Option<Moment> {
    let time: jiff::Timestamp = text.parse().ok()?;
    Some(Moment(time.as_millisecond()))
}

/// Whether a tag's value takes this character as it is, and it stands for nothing else here.
fn is_plain(c: char) -> bool {
    c.is_ascii_alphanumeric()
        || " +-._:/@".contains(c)
        // Latin letters; those of other scripts go with marks that are none.
        || (('\u{c0}'..='\u{24f}').contains(&c) && c != '×' && c != '÷')
}

/// Whether this byte, as a character, is written as `=XX`: all beyond ASCII are.
fn is_written(byte: char, one_word: bool) -> bool {
    !byte.is_ascii() || !is_plain(byte) || (one_word && byte == ' ')
}

fn encoded(text: &str, one_word: bool) -> String {
    let mut out = String::new();
    for c in text.chars() {
        if is_plain(c) && !(one_word && c == ' ') {
            out.push(c);
            continue;
        }
        for byte in c.encode_utf8(&mut [0; 4]).bytes() {
            out.push_str(&format!("={byte:02X}"));
        }
    }
    out
}

/// The text behind `=XX` of what is written so; anything else, such as the `=20` of a year that somebody wrote
/// by hand, is what it is.
fn decoded(text: &str, one_word: bool) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::new();
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let hex = |at: usize| {
            let digit = *bytes.get(at)?;
            let upper = digit.is_ascii_digit() || (b'A'..=b'F').contains(&digit);
            char::from(digit).to_digit(16).filter(|_| upper)
        };
        match (byte, hex(at + 1), hex(at + 2)) {
            (b'=', Some(high), Some(low))
                if is_written(char::from_u32(high * 16 + low).unwrap_or(' '), one_word) =>
            {
                out.push(u8::try_from(high * 16 + low).unwrap_or(b'?'));
                at += 3;
            }
            _ => {
                out.push(*byte);
                at += 1;
            }
        }
    }
    words(&String::from_utf8_lossy(&out))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-01-02T10:00:00Z.
    const NOW: Moment = Moment(1_767_348_000_000);

    fn read(text: &str) -> Hold {
        Hold::read(HoldScope::Service, "service nova/auth".to_owned(), text)
    }

    fn new(reason: &str, by: &str, until: Option<i64>) -> NewHold {
        NewHold {
            reason: reason.to_owned(),
            by: by.to_owned(),
            until: until.map(|after| Moment(NOW.0 + after)),
        }
    }

    #[test]
    fn what_is_written_is_read_again() {
        for (reason, by) in [
            ("checkout incident", "ana"),
            (
                "INC#4711: \"db\" down, 100% of logins; see https://w.example/x?a=b&c=41",
                "Ana B.",
            ),
            ("für Größe = 2; =3D stays", "ana@example.com"),
            ("数据库 🔥", "安娜"),
        ] {
            let text = new(reason, by, Some(7_200_500)).text(NOW).unwrap();
            assert!(text.chars().all(|c| is_plain(c) || c == '='), "{text}");
            let hold = read(&text);
            assert_eq!(
                (hold.reason.as_str(), hold.by.as_deref()),
                (reason, Some(by))
            );
            assert_eq!(hold.since, Some(NOW));
            assert_eq!(hold.until, Some(Moment(NOW.0 + 7_200_000)));
        }
        let text = new("checkout incident", "ana", None).text(NOW).unwrap();
        assert_eq!(
            text,
            "by=ana since=2026-01-02T10:00:00Z reason=checkout incident"
        );
        let untidy = new(" a\n\tb\u{1b}[2J ", "x\r\n", None).text(NOW).unwrap();
        assert_eq!(read(&untidy).reason, "a b [2J");
    }

    #[test]
    fn what_does_not_fit_is_refused_with_the_cure() {
        for (hold, part) in [
            (new(" \n", "ana", None), "needs a reason"),
            (new("x", "\t", None), "--by ana"),
            (
                new("x", "ana", Some(0)),
                "is over: it is 2026-01-02T10:00:00Z now",
            ),
            (new("x", "ana", Some(999)), "is over"),
            (new("x", "ana", Some(i64::MAX - NOW.0)), "calendar"),
            (
                new(&"x".repeat(216), "ana", None),
                "too long by 1 characters",
            ),
            (new(&"#".repeat(80), "ana", None), "counts as three"),
        ] {
            let why = hold.text(NOW).unwrap_err();
            assert!(why.contains(part), "{why}");
        }
        let longest = new(&"x".repeat(215), "ana", None).text(NOW).unwrap();
        assert_eq!(longest.chars().count(), LONGEST);
    }

    #[test]
    fn any_text_is_a_hold() {
        for (text, by, until, reason) in [
            ("", None, false, ""),
            ("incident 4711", None, false, "incident 4711"),
            ("reason=", None, false, ""),
            ("until=2026-01-02T11:00:00+01:00", None, true, ""),
            (
                "until=2026-01-02T12:00:00Z by=bob db is down",
                Some("bob"),
                true,
                "db is down",
            ),
            (
                "until=tomorrow reason=x",
                None,
                false,
                "until=tomorrow reason=x",
            ),
            ("by= reason=x", None, false, "by= reason=x"),
            ("by=a by=b reason=x", Some("a"), false, "by=b reason=x"),
            (
                "reason=a until=2026-01-02T12:00:00Z",
                None,
                false,
                "a until=2026-01-02T12:00:00Z",
            ),
            ("reason==1B[2J=0A=FF=zz=4", None, false, "[2J \u{fffd}=zz=4"),
            ("by==1Bx y", Some("x"), false, "y"),
        ] {
            let hold = read(text);
            assert_eq!(hold.by.as_deref(), by, "{text}");
            assert_eq!(hold.until.is_some(), until, "{text}");
            assert_eq!(hold.reason, reason, "{text}");
        }
        let endless = read(&"\u{202e}=".repeat(100_000));
        assert!(endless.reason.chars().count() <= LONGEST);
    }

    #[test]
    fn only_a_time_that_has_come_ends_it() {
        let hold = read("until=2026-01-02T10:00:01Z");
        assert!(!hold.is_over(NOW));
        assert!(hold.is_over(Moment(NOW.0 + 1000)));
        assert!(!read("until=soon").is_over(Moment(i64::MAX)));
    }

    #[test]
    fn a_person_reads_who_why_and_until_when() {
        let text = "by=ana since=2026-01-02T10:00:00Z until=2026-01-02T12:00:00Z reason=db";
        assert_eq!(
            read(text).to_string(),
            "service nova/auth is held by ana since 2026-01-02T10:00:00Z until 2026-01-02T12:00:00Z: db"
        );
        let bare = Hold {
            scope: HoldScope::Everything,
            ..read("")
        };
        assert_eq!(
            bare.to_string(),
            "everything is held until it is resumed, without a reason"
        );
    }
}
