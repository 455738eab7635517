//! Signatures of SSH keys (PROTOCOL.sshsig), and the lines that say which keys may sign.

use jiff::civil::DateTime;
use ssh_key::{Algorithm, HashAlg, PublicKey, SshSig};

use super::Fault;
use super::object::Signed;

/// What git signs for.
const NAMESPACE: &str = "git";

/// How `ssh-keygen` breaks lines, which is all that the parser takes.
const WIDTH: usize = 70;

const BEGIN: &str = "-----BEGIN SSH SIGNATURE-----";
const END: &str = "-----END SSH SIGNATURE-----";

/// A line of an allowed signers file.
#[derive(Debug)]
pub(super) struct Signer {
    /// Who it is, as the line says.
    principals: String,
    namespaces: Option<String>,
    /// From when and until when, in seconds since the epoch.
    after: Option<i64>,
    before: Option<i64>,
    key: PublicKey,
}

impl Signer {
    /// Reads `PRINCIPALS [OPTIONS] TYPE KEY [COMMENT]`.
    pub(super) fn read(line: &str) -> Result<Self, String> {
        let no =
            || "it is no line of an allowed signers file: PRINCIPALS [OPTIONS] TYPE KEY".to_owned();
        let (principals, rest) = field(line).ok_or_else(no)?;
        let (options, key) = if let Ok(key) = rest.parse::<PublicKey>() {
            (String::new(), key)
        } else {
            let (options, key) = field(rest).ok_or_else(no)?;
            let key = key
                .parse::<PublicKey>()
                .map_err(|error| format!("it holds no public key that is understood ({error})"))?;
            (options, key)
        };
        let mut signer = Self {
            principals,
            namespaces: None,
            after: None,
            before: None,
            key,
        };
        for option in split(&options) {
            let (name, value) = option.split_once('=').unwrap_or((&option, ""));
            match name.to_ascii_lowercase().as_str() {
                "namespaces" => signer.namespaces = Some(value.to_owned()),
                "valid-after" => signer.after = Some(time(value)?),
                "valid-before" => signer.before = Some(time(value)?),
                "cert-authority" => {
                    return Err("certificates are not understood; write the key itself".to_owned());
                }
                other => return Err(format!("there is no option `{other}`")),
            }
        }
        Ok(signer)
    }

    fn is_for_git(&self) -> bool {
        let Some(patterns) = &self.namespaces else {
            return true;
        };
        let matches = |pattern: &str| {
            let mode = gix::glob::wildmatch::Mode::empty();
            gix::glob::wildmatch(pattern.into(), NAMESPACE.into(), mode)
        };
        let denied = |pattern: &str| pattern.strip_prefix('!').is_some_and(matches);
        patterns.split(',').any(matches) && !patterns.split(',').any(denied)
    }
}

/// The first field, without its quotes, and the rest.
fn field(line: &str) -> Option<(String, &str)> {
    let mut quoted = false;
    let end = line.find(|one: char| {
        quoted ^= one == '"';
        one.is_whitespace() && !quoted
    })?;
    let (field, rest) = line.split_at(end);
    // Quotes around values of options are taken off where these are split.
    let bare = field
        .strip_prefix('"')
        .and_then(|field| field.strip_suffix('"'));
    Some((bare.unwrap_or(field).to_owned(), rest.trim()))
}

/// Options at the commas outside quotes, without these.
fn split(options: &str) -> Vec<String> {
    let mut all = vec![String::new()];
    let mut quoted = false;
    for one in options.chars() {
        match one {
            '"' => quoted = !quoted,
            ',' if !quoted => all.push(String::new()),
            other => {
                if let Some(last) = all.last_mut() {
                    last.push(other);
                }
            }
        }
    }
    all.retain(|option| !option.is_empty());
    all
}

/// `YYYYMMDD[HHMM[SS]][Z]`, here always of UTC.
fn time(text: &str) -> Result<i64, String> {
    let digits = text.strip_suffix(['Z', 'z']).unwrap_or(text);
    let wrong = || format!("`{text}` is no time; write YYYYMMDD or YYYYMMDDHHMM[SS], which is UTC");
    let length = digits.len();
    if ![8, 12, 14].contains(&length) || !digits.bytes().all(|one| one.is_ascii_digit()) {
        return Err(wrong());
    }
    let part = |from: usize, to: usize| digits.get(from..to).and_then(|part| part.parse().ok());
    let two = |from: usize| part(from, from + 2).unwrap_or(0);
    let year = part(0, 4).ok_or_else(wrong)?;
    let small = |number: i16| i8::try_from(number).map_err(|_| wrong());
    let (month, day) = (small(two(4))?, small(two(6))?);
    let (hour, minute, second) = (small(two(8))?, small(two(10))?, small(two(12))?);
    DateTime::new(year, month, day, hour, minute, second, 0)
        .and_then(|time| time.to_zoned(jiff::tz::TimeZone::UTC))
        .map(|time| time.timestamp().as_second())
        .map_err(|_| wrong())
}

/// Whether a signature is good; gives who made it.
pub(super) fn judge(signed: &Signed, signers: &[Signer]) -> Result<String, Fault> {
    let wrong = |error: &dyn std::fmt::Display| Fault::Wrong(error.to_string());
    let signature = SshSig::from_pem(wrapped(&signed.signature)).map_err(|error| wrong(&error))?;
    if signature.namespace() != NAMESPACE {
        return Err(wrong(&"it was made for something else than git"));
    }
    let fingerprint = signature.public_key().fingerprint(HashAlg::Sha256);
    let own: Vec<&Signer> = signers
        .iter()
        .filter(|signer| signer.key.key_data() == signature.public_key())
        .collect();
    if own.is_empty() {
        return Err(Fault::Unknown(format!("the SSH key {fingerprint}")));
    }
    if matches!(
        signature.algorithm(),
        Algorithm::Dsa | Algorithm::Rsa { hash: None }
    ) {
        return Err(wrong(&"it is made with SHA-1"));
    }
    let mut why = None;
    for signer in own {
        let key = format!("the SSH key {fingerprint} ({})", signer.principals);
        if !signer.is_for_git() {
            why = Some(Fault::Expired(format!("{key}, which may not sign for git")));
        } else if signer.after.is_some_and(|after| signed.time < after) {
            why = Some(Fault::Expired(format!(
                "{key}, which was not valid yet then"
            )));
        } else if signer.before.is_some_and(|before| signed.time > before) {
            why = Some(Fault::Expired(format!(
                "{key}, which was not valid any more then"
            )));
        } else {
            return signer
                .key
                .verify(NAMESPACE, &signed.payload, &signature)
                .map(|()| signer.principals.clone())
                .map_err(|_| wrong(&"it does not fit what is signed"));
        }
    }
    Err(why.unwrap_or(Fault::Unsigned))
}

/// A signature with lines as long as the parser wants them.
fn wrapped(signature: &str) -> String {
    let inside = signature.trim().strip_prefix(BEGIN).unwrap_or_default();
    let inside = inside.strip_suffix(END).unwrap_or_default();
    let letters: Vec<char> = inside.chars().filter(|one| !one.is_whitespace()).collect();
    let mut text = format!("{BEGIN}\n");
    for line in letters.chunks(WIDTH) {
        text.extend(line);
        text.push('\n');
    }
    text.push_str(END);
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str =
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILM+rvN+ot98qgEN796jTiQfZfG1KaT0PtFDJ/XFSqti";

    #[test]
    fn lines_of_allowed_signers() {
        let read = |line: &str| Signer::read(line);
        let plain = read(&format!("a@x,b@x {KEY} comment here")).unwrap();
        assert_eq!(plain.principals, "a@x,b@x");
        assert!(plain.is_for_git());
        let full = format!(
            "\"a b\" namespaces=\"file,git\",valid-after=20200101,Valid-Before=\"202001020304Z\" {KEY}"
        );
        let full = read(&full).unwrap();
        assert_eq!(full.principals, "a b");
        assert_eq!(
            (full.after, full.before),
            (Some(1_577_836_800), Some(1_577_934_240))
        );
        for (namespaces, fits) in [
            ("git", true),
            ("g*", true),
            ("file", false),
            ("*,!git", false),
        ] {
            let line = format!("a namespaces=\"{namespaces}\" {KEY}");
            assert_eq!(read(&line).unwrap().is_for_git(), fits, "{namespaces}");
        }
        for wrong in [
            "a@x",
            "a@x ssh-ed25519",
            "a@x ssh-ed25519 AAAA",
            &format!("a cert-authority {KEY}"),
            &format!("a valid-after=2020 {KEY}"),
            &format!("a valid-after=20201301 {KEY}"),
            &format!("a other {KEY}"),
            KEY,
        ] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
