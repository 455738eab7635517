//! Reading the file of `signedBy`, at every look, so that a changed keyring needs no restart. Judges
//! nothing of what stands in it.

use std::path::Path;

use tokio::io::AsyncReadExt as _;

/// A keyring is not larger. The job that it travels in has a bound too.
const MAX_KEYRING: u64 = 1024 * 1024;

/// The text of a keyring, or why it cannot be read; `None` if none is named.
pub(super) async fn keyring(path: Option<&Path>) -> Option<Result<String, String>> {
    let path = path?;
    let read = async {
        let file = tokio::fs::File::open(path).await?;
        let mut text = String::new();
        let mut bounded = file.take(MAX_KEYRING + 1);
        bounded.read_to_string(&mut text).await?;
        Ok::<_, std::io::Error>(text)
    };
    let shown = path.display();
    Some(match read.await {
        Ok(text) if text.len() as u64 > MAX_KEYRING => {
            Err(format!("{shown} is larger than {MAX_KEYRING} bytes"))
        }
        Ok(text) => Ok(text),
        Err(error) => Err(format!("{shown} cannot be read: {error}")),
    })
}
