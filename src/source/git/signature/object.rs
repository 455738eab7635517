//! Commits and tags taken apart: what is signed, and the signature. As git does (`parse_signed_commit`,
//! `parse_signature`); nothing is verified.

use super::Fault;

/// Headers of a commit that hold a signature; none of them is signed itself. The second is of repositories
/// that translate between hashes.
const HEADERS: [&[u8]; 2] = [b"gpgsig", b"gpgsig-sha256"];

const OPENPGP: [&str; 2] = [
    "-----BEGIN PGP SIGNATURE-----",
    "-----BEGIN PGP MESSAGE-----",
];
const SSH: &str = "-----BEGIN SSH SIGNATURE-----";
const X509: &str = "-----BEGIN SIGNED MESSAGE-----";

/// Longer signatures are none.
const MAX_SIGNATURE: usize = 64 * 1024;

/// What made a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    OpenPgp,
    Ssh,
    Other,
}

/// A signed object.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Signed {
    /// What is signed.
    pub(super) payload: Vec<u8>,
    /// The armored signature.
    pub(super) signature: String,
    pub(super) form: Form,
    /// When it was committed or tagged, in seconds since the epoch.
    pub(super) time: i64,
}

impl Signed {
    /// Takes a commit or a tag apart.
    pub(super) fn read(object: &[u8]) -> Result<Self, Fault> {
        let is_tag = object.starts_with(b"object ");
        let (payload, signature) = if is_tag {
            of_tag(object)
        } else {
            of_commit(object)?
        };
        if signature.is_empty() {
            return Err(Fault::Unsigned);
        }
        let wrong = |why: &str| Fault::Wrong(why.to_owned());
        if signature.len() > MAX_SIGNATURE {
            return Err(wrong("it is too long"));
        }
        let signature = String::from_utf8(signature).map_err(|_| wrong("it is not armored"))?;
        let person: &[u8] = if is_tag { b"tagger" } else { b"committer" };
        let time = header(object, person).and_then(time);
        Ok(Self {
            form: form(&signature),
            payload,
            signature,
            time: time.ok_or_else(|| wrong("what is signed has no time"))?,
        })
    }
}

/// The name that an annotated tag gives itself, if that is what this is and it is signed.
pub(in super::super) fn signed_name(object: &[u8]) -> Option<String> {
    let name = header(object, b"tag").filter(|_| object.starts_with(b"object "))?;
    let (_, signature) = of_tag(object);
    (!signature.is_empty()).then(|| String::from_utf8_lossy(name).into_owned())
}

fn form(signature: &str) -> Form {
    if OPENPGP.iter().any(|begin| signature.starts_with(begin)) {
        Form::OpenPgp
    } else if signature.starts_with(SSH) {
        Form::Ssh
    } else {
        Form::Other
    }
}

/// Lines with their ends.
fn lines(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    bytes.split_inclusive(|byte| *byte == b'\n')
}

/// A commit without its signatures, and its signature.
fn of_commit(object: &[u8]) -> Result<(Vec<u8>, Vec<u8>), Fault> {
    let (mut payload, mut signature) = (Vec::new(), Vec::new());
    // The header that a line beginning with a space goes on with.
    let mut inside: Option<&[u8]> = None;
    let mut in_headers = true;
    for line in lines(object) {
        if in_headers && line.first() == Some(&b' ') && inside.is_some() {
            if inside == Some(HEADERS[0]) {
                signature.extend_from_slice(&line[1..]);
            }
            continue;
        }
        inside = None;
        if line == b"\n" {
            in_headers = false;
        }
        let name = line.split(|byte| *byte == b' ').next().unwrap_or_default();
        let found = HEADERS.into_iter().find(|known| *known == name);
        if let (true, Some(known)) = (in_headers, found) {
            inside = Some(known);
            if known == HEADERS[0] {
                if !signature.is_empty() {
                    return Err(Fault::Wrong("there are two".to_owned()));
                }
                signature.extend_from_slice(line.get(known.len() + 1..).unwrap_or_default());
            }
            continue;
        }
        payload.extend_from_slice(line);
    }
    Ok((payload, signature))
}

/// A tag up to its signature, and that: it begins at the last line that looks like the beginning of one.
fn of_tag(object: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let begins = OPENPGP.into_iter().chain([SSH, X509]);
    let begins: Vec<&[u8]> = begins.map(str::as_bytes).collect();
    let mut at = 0;
    let mut found = object.len();
    for line in lines(object) {
        if begins.iter().any(|begin| line.starts_with(begin)) {
            found = at;
        }
        at += line.len();
    }
    let (payload, signature) = object.split_at(found);
    (payload.to_vec(), signature.to_vec())
}

/// The value of a header.
fn header<'a>(object: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let mut headers = lines(object).take_while(|line| *line != b"\n");
    headers.find_map(|line| {
        let value = line.strip_prefix(name)?.strip_prefix(b" ")?;
        Some(value.strip_suffix(b"\n").unwrap_or(value))
    })
}

/// The time of `NAME <ADDRESS> SECONDS ZONE`.
fn time(person: &[u8]) -> Option<i64> {
    let text = std::str::from_utf8(person.rsplit(|byte| *byte == b'>').next()?).ok()?;
    text.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMMIT: &str = "tree 1\nauthor A <a@x> 1 +0000\ncommitter A <a> b> 17 +0100\n";
    const SIGNATURE: &str = "gpgsig -----BEGIN SSH SIGNATURE-----\n abc\n \n -----END\n";

    #[test]
    fn a_commit_is_signed_without_its_signatures() {
        let body = "\nsubject\n\ngpgsig is no header here\n more\n";
        let other = "gpgsig-sha256 x\n y\n";
        let object = format!("{COMMIT}{SIGNATURE}{other}encoding x\n continued\n{body}");
        let signed = Signed::read(object.as_bytes()).unwrap();
        let payload = format!("{COMMIT}encoding x\n continued\n{body}");
        assert_eq!(String::from_utf8(signed.payload).unwrap(), payload);
        let expected = "-----BEGIN SSH SIGNATURE-----\nabc\n\n-----END\n";
        assert_eq!(signed.signature, expected);
        assert_eq!((signed.form, signed.time), (Form::Ssh, 17));
    }

    #[test]
    fn what_is_not_signed_or_oddly_is_told() {
        let object = format!("{COMMIT}\n{SIGNATURE}");
        assert_eq!(Signed::read(object.as_bytes()), Err(Fault::Unsigned));
        let two = format!("{COMMIT}{SIGNATURE}{SIGNATURE}\n");
        assert!(matches!(Signed::read(two.as_bytes()), Err(Fault::Wrong(_))));
        for rubbish in ["", "\n", "gpgsig", "gpgsig \n", "tree", " x\n"] {
            assert!(Signed::read(rubbish.as_bytes()).is_err(), "{rubbish:?}");
        }
    }

    #[test]
    fn a_tag_is_signed_up_to_the_last_signature() {
        let head = "object 1\ntype commit\ntag v1\ntagger A <a@x> 5 +0000\n\n";
        let begin = "-----BEGIN PGP SIGNATURE-----\n";
        let payload = format!("{head}text\n{begin}quoted\n");
        let object = format!("{payload}{begin}abc\n");
        let signed = Signed::read(object.as_bytes()).unwrap();
        assert_eq!(signed.payload, payload.as_bytes());
        assert_eq!((signed.form, signed.time), (Form::OpenPgp, 5));
        assert_eq!(signed_name(object.as_bytes()).as_deref(), Some("v1"));
        assert_eq!(signed_name(head.as_bytes()), None);
        let commit = format!("{COMMIT}{SIGNATURE}\n");
        assert_eq!(signed_name(commit.as_bytes()), None);
    }
}
