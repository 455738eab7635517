//! The table of Parameter Store operations.

use super::{Operation, find, labels, list, put, tags};

/// The operation of this name, and whether it changes anything.
pub fn operation(name: &str) -> Option<(Operation, bool)> {
    let (operation, mutating): (Operation, bool) = match name {
        "AddTagsToResource" => (tags::add, true),
        "DeleteParameter" => (put::delete, true),
        "DeleteParameters" => (put::delete_several, true),
        "DescribeParameters" => (list::describe, false),
        "GetParameter" => (find::get, false),
        "GetParameterHistory" => (find::history, false),
        "GetParameters" => (find::get_several, false),
        "GetParametersByPath" => (list::by_path, false),
        "LabelParameterVersion" => (labels::label, true),
        "ListTagsForResource" => (tags::list, false),
        "PutParameter" => (put::put_telling, true),
        "RemoveTagsFromResource" => (tags::remove, true),
        "UnlabelParameterVersion" => (labels::unlabel, true),
        _ => return None,
    };
    Some((operation, mutating))
}
