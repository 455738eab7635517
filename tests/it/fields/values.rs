//! What a generated case cannot know from the model, as data: valid values where AWS has rules of its
//! own (`values.tsv`), members that only go together (`couplings.tsv`), members that are not simply
//! set because they are written as a reference or go with others (`documents.tsv`), and the paths
//! that no case is made for (`exclusions.tsv`).

use evenkeel::model::Kind;
use serde_json::Value;

const VALUES: &str = include_str!("values.tsv");
const COUPLINGS: &str = include_str!("couplings.tsv");
const DOCUMENTS: &str = include_str!("documents.tsv");
const EXCLUSIONS: &str = include_str!("exclusions.tsv");

/// The rows of a table, without its heading.
fn rows<const N: usize>(table: &'static str) -> impl Iterator<Item = [&'static str; N]> {
    table.lines().skip(1).map(|line| {
        let columns: Vec<&str> = line.split('\t').collect();
        columns
            .try_into()
            .unwrap_or_else(|_| panic!("{N} columns: {line}"))
    })
}

/// The special value of a path: of the rows whose end it has, the longest.
pub(super) fn special(kind: &str, path: &str, variant: usize) -> Option<Value> {
    let rows = rows::<4>(VALUES).filter(|[of, end, _, _]| {
        (*of == "*" || *of == kind) && path.ends_with(end) && is_whole(path, end)
    });
    let [_, _, first, second] = rows.max_by_key(|[_, end, _, _]| end.len())?;
    Some(parse([first, second][variant]))
}

/// Whether an end of a path begins with a member's name, or is an end of one as `RoleArn` is.
fn is_whole(path: &str, end: &str) -> bool {
    let before = path[..path.len() - end.len()].chars().next_back();
    before.is_none_or(|before| before == '.') || end.starts_with(char::is_uppercase)
}

/// What goes with a path, in the order of the table.
pub(super) fn couplings(kind: &str, path: &str) -> Vec<Value> {
    let rows = rows::<3>(COUPLINGS).filter(|[of, start, _]| *of == kind && is_in(path, start));
    rows.map(|[_, _, patch]| parse(patch)).collect()
}

/// The two documents of a path that is not simply set.
pub(super) fn documents(kind: &str, path: &str) -> Option<[Value; 2]> {
    let [_, _, first, second] =
        rows::<4>(DOCUMENTS).find(|[of, at, _, _]| *of == kind && *at == path)?;
    Some([parse(first), parse(second)])
}

/// A path that no case is made for, or whose change is not tried, and why.
pub(super) struct Exclusion {
    pub(super) kind: Kind,
    pub(super) path: &'static str,
    /// Only its change is not tried.
    pub(super) only_change: bool,
    pub(super) why: &'static str,
}

/// All of them.
pub(super) fn exclusions() -> impl Iterator<Item = Exclusion> {
    rows::<4>(EXCLUSIONS).map(|[kind, path, what, why]| Exclusion {
        kind: Kind::ALL
            .into_iter()
            .find(|one| one.to_string() == kind)
            .unwrap(),
        path,
        only_change: match what {
            "all" => false,
            "change" => true,
            other => panic!("{other}"),
        },
        why,
    })
}

/// Whether a case is made for this path.
pub(super) fn is_tried(kind: Kind, path: &str) -> bool {
    !exclusions().any(|one| !one.only_change && one.kind == kind && is_in(path, one.path))
}

/// Whether another value of this path is tried.
pub(super) fn is_changed(kind: Kind, path: &str) -> bool {
    !exclusions().any(|one| one.kind == kind && is_in(path, one.path))
}

/// Whether a path is another, or below it.
fn is_in(path: &str, above: &str) -> bool {
    path.strip_prefix(above)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}

fn parse(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}
