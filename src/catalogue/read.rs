//! Reads the table into trees. Not the lookup.

use super::field::{Field, Step, Type, steps};

/// The request of one operation as a structure; empty if the table has no such operation.
pub(super) fn operation(table: &'static str, operation: &str) -> Field {
    let mut root = Field::new("", Type::Structure);
    for line in table.lines() {
        let mut columns = line.split('\t');
        if columns.next() != Some(operation) {
            continue;
        }
        let (Some(path), Some(ty)) = (columns.next(), columns.next()) else {
            continue;
        };
        let values = columns.next().unwrap_or_default();
        let constraints = columns.next().unwrap_or_default();
        insert(&mut root, path, ty, values, constraints);
    }
    root
}

/// The rows of a table of three columns, the two lines at its head left out: the first two columns,
/// and the third.
pub(super) fn triples(
    table: &'static str,
) -> impl Iterator<Item = ((&'static str, &'static str), &'static str)> {
    table.lines().skip(2).filter_map(|line| {
        let (operation, rest) = line.split_once('\t')?;
        let (path, text) = rest.split_once('\t')?;
        Some(((operation, path), text))
    })
}

/// Puts one row into the tree. Rows of parents come before those of their members.
fn insert(
    root: &mut Field,
    path: &'static str,
    ty: &'static str,
    values: &'static str,
    constraints: &'static str,
) {
    let mut field = root;
    for step in steps(path) {
        field = match step {
            Step::Into => field
                .item
                .get_or_insert_with(|| Box::new(Field::new("", Type::Structure))),
            Step::Member(name) => {
                let at = field.members.iter().position(|member| member.name == name);
                let at = at.unwrap_or_else(|| {
                    field.members.push(Field::new(name, Type::Structure));
                    field.members.len() - 1
                });
                &mut field.members[at]
            }
        };
    }
    let values = values
        .split('|')
        .filter(|value| !value.is_empty())
        .collect();
    field.ty = type_named(ty);
    if field.ty == Type::List {
        let inner = ty.trim_start_matches("list<").trim_end_matches('>');
        let item = field
            .item
            .insert(Box::new(Field::new("", type_named(inner))));
        item.values = values;
    } else {
        field.values = values;
    }
    for word in constraints.split(' ') {
        match word.split_once('=') {
            None => field.required |= word == "required",
            Some(("min", bound)) => field.min = bound.parse().ok(),
            Some(("max", bound)) => field.max = bound.parse().ok(),
            Some(_) => {}
        }
    }
}

fn type_named(name: &str) -> Type {
    match name.split('<').next().unwrap_or_default() {
        "integer" | "long" => Type::Integer,
        "double" | "float" => Type::Double,
        "boolean" => Type::Boolean,
        "structure" => Type::Structure,
        "list" => Type::List,
        "map" => Type::Map,
        "document" => Type::Document,
        _ => Type::String,
    }
}
