//! Who gives an order, for the record; nothing proves it.

/// As given, else who is logged in.
pub(super) fn who(given: Option<&str>) -> Result<String, String> {
    let named = given.map(str::to_owned).or_else(|| {
        let mut names = ["USER", "LOGNAME", "USERNAME"].into_iter();
        names.find_map(|name| {
            let value = std::env::var(name).ok();
            value.filter(|value| !value.trim().is_empty())
        })
    });
    named
        .map(|name| name.trim().to_owned())
        .filter(|name| !name.is_empty())
        .ok_or_else(|| "nobody is said to order it; say who by --by NAME or EVENKEEL_BY".to_owned())
}
