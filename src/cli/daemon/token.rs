//! The API's token, of the daemon and of the commands: from a file, or from the environment. Never an
//! argument, which other users of the machine can see.

use std::path::Path;

/// The variable that holds it.
const VARIABLE: &str = "EVENKEEL_API_TOKEN";

/// The text that holds the tokens, one a line, and where it is from; `None` if none is given.
pub(in crate::cli) fn text(file: Option<&Path>) -> Result<Option<(String, String)>, String> {
    if let Some(file) = file {
        let text = std::fs::read_to_string(file)
            .map_err(|error| format!("cannot read the token from {}: {error}", file.display()))?;
        return Ok(Some((text, file.display().to_string())));
    }
    match std::env::var(VARIABLE) {
        Ok(text) if !text.trim().is_empty() => Ok(Some((text, VARIABLE.to_owned()))),
        Ok(_) | Err(std::env::VarError::NotPresent) => Ok(None),
        Err(std::env::VarError::NotUnicode(_)) => Err(format!("{VARIABLE} is no UTF-8")),
    }
}

/// The first token.
pub(super) fn first(file: Option<&Path>) -> Result<Option<String>, String> {
    let Some((text, from)) = text(file)? else {
        return Ok(None);
    };
    let token = text.lines().map(str::trim).find(|line| !line.is_empty());
    let token = token.ok_or_else(|| format!("{from} holds no token"))?;
    if !token
        .bytes()
        .all(|byte| byte.is_ascii_graphic() || byte == b' ')
    {
        return Err(format!(
            "the token of {from} holds characters that no header takes"
        ));
    }
    Ok(Some(token.to_owned()))
}
