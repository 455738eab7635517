//! Texts of answers: tables, ages, colours.

use anstyle::{AnsiColor, Style};
use serde_json::Value;

/// A text member; `-` where there is none.
pub(super) fn text<'a>(document: &'a Value, member: &str) -> &'a str {
    document
        .get(member)
        .and_then(Value::as_str)
        .filter(|text| !text.is_empty())
        .unwrap_or("-")
}

/// The elements of a list member.
pub(super) fn items<'a>(document: &'a Value, member: &str) -> &'a [Value] {
    document
        .get(member)
        .and_then(Value::as_array)
        .map(Vec::as_slice)
        .unwrap_or_default()
}

/// A text of somebody else's without what would move a terminal's cursor.
pub(super) fn clean(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() && c != '\n' { ' ' } else { c })
        .collect()
}

/// How a resource stands: `Waiting (ImageNotFound): no image …`.
pub(super) fn stands(resource: &Value) -> String {
    let why = match text(resource, "message") {
        "-" => String::new(),
        message => format!(": {message}"),
    };
    let outcome = text(resource, "outcome");
    clean(&format!("{outcome} ({}){why}", text(resource, "reason")))
}

/// The name of a resource's document.
pub(super) fn name(resource: &Value) -> String {
    format!("{}/{}", text(resource, "kind"), text(resource, "name"))
}

/// The colour of an outcome's word.
pub(super) fn style(outcome: &str) -> Style {
    let colour = match outcome {
        "Converged" => AnsiColor::Green,
        "Acting" => AnsiColor::Cyan,
        "Waiting" => AnsiColor::Yellow,
        "Blocked" => AnsiColor::Magenta,
        _ => AnsiColor::Red,
    };
    Style::new().fg_color(Some(colour.into()))
}

/// How long before `now` a time was: `45s`, `12m`, `3h20m`, `4d`; `-` if it is none.
pub(super) fn age(now: &str, then: &str) -> String {
    let (Ok(now), Ok(then)) = (
        now.parse::<jiff::Timestamp>(),
        then.parse::<jiff::Timestamp>(),
    ) else {
        return "-".to_owned();
    };
    let seconds = now.as_second().saturating_sub(then.as_second()).max(0);
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86400);
    match (minutes, hours, days) {
        (0, _, _) => format!("{seconds}s"),
        (_, 0, _) => format!("{minutes}m"),
        (_, _, 0) if minutes % 60 == 0 => format!("{hours}h"),
        (_, _, 0) => format!("{hours}h{}m", minutes % 60),
        (_, _, _) => format!("{days}d"),
    }
}

/// A time to the second.
pub(super) fn time(document: &Value, member: &str) -> String {
    text(document, member)
        .parse::<jiff::Timestamp>()
        .map_or_else(|_| "-".to_owned(), |time| format!("{time:.0}"))
}

/// Aligned columns under a head. `paint` gives a cell's colour, by column and text.
pub(super) fn table(
    head: &[&str],
    rows: &[Vec<String>],
    paint: impl Fn(usize, &str) -> Style,
) -> String {
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        let cells = cells.map(|cell| cell.chars().count());
        cells.max().unwrap_or(0).max(head[column].len())
    };
    let widths: Vec<usize> = (0..head.len()).map(width).collect();
    let line = |cells: Vec<(String, Style)>| {
        let mut line = String::new();
        let last = cells.len().saturating_sub(1);
        for (column, (cell, style)) in cells.into_iter().enumerate() {
            let blanks = widths[column].saturating_sub(cell.chars().count());
            line.push_str(&format!("{style}{cell}{style:#}"));
            if column < last {
                line.push_str(&" ".repeat(blanks + 2));
            }
        }
        line.push('\n');
        line
    };
    let mut out = line(
        head.iter()
            .map(|cell| ((*cell).to_owned(), Style::new()))
            .collect(),
    );
    for row in rows {
        let cells = row.iter().enumerate();
        let cells = cells.map(|(column, cell)| (clean(cell), paint(column, cell)));
        out.push_str(&line(cells.collect()));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_has_at_most_two_units() {
        let now = "2026-01-02T00:00:00Z";
        for (then, shown) in [
            ("2026-01-01T23:59:15.5Z", "45s"),
            ("2026-01-01T23:48:00Z", "12m"),
            ("2026-01-01T20:40:00Z", "3h20m"),
            ("2026-01-01T20:00:00Z", "4h"),
            ("2025-12-29T00:00:00Z", "4d"),
            ("2026-01-02T00:00:05Z", "0s"),
            ("-", "-"),
        ] {
            assert_eq!(age(now, then), shown, "{then}");
        }
    }

    #[test]
    fn columns_are_aligned_and_no_text_moves_the_cursor() {
        let rows = [
            vec!["Service/a".to_owned(), "ok".to_owned()],
            vec!["b".to_owned(), "\x1b[2Jbad".to_owned()],
        ];
        let shown = table(&["RESOURCE", "IS"], &rows, |_, _| Style::new());
        assert_eq!(shown, "RESOURCE   IS\nService/a  ok\nb           [2Jbad\n");
    }
}
