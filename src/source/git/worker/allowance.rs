//! How much a server may say while its refs are listed. A list is kept in memory, and one that has no end, or a
//! million refs that nobody asked for, is cut off here, long before the bounds of the process (`limits`) are
//! reached. Packs go to the disk and have those bounds alone.

use std::any::Any;
use std::io::{BufRead, Error, ErrorKind, Read, Result};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use gix::protocol::transport::client::blocking_io::http::{
    GetResponse, Http, PostBodyDataKind, PostResponse, reqwest::Remote,
};

use super::super::wire::{Reason, Trouble};

/// Bytes of one list of refs: some half a million. Servers of the second version of Git's protocol list what is
/// asked for alone.
const LIST_BYTES: u64 = 32 * 1024 * 1024;

/// The bytes that a server may still say, shared by what reads them.
#[derive(Clone, Debug)]
pub(super) struct Allowance(Arc<AtomicU64>);

impl Allowance {
    /// Without a bound.
    pub(super) fn new() -> Self {
        Self(Arc::new(AtomicU64::new(u64::MAX)))
    }

    /// What reads from a server by this allowance.
    pub(super) fn over<R>(&self, inner: R) -> Bounded<R> {
        let allowance = self.clone();
        Bounded { inner, allowance }
    }

    /// Has a list asked for, which may be so large and no larger.
    pub(super) fn list<T>(
        &self,
        ask: impl FnOnce() -> std::result::Result<T, Trouble>,
    ) -> std::result::Result<T, Trouble> {
        self.0.store(LIST_BYTES, Ordering::Relaxed);
        let answer = ask();
        let spent = self.0.swap(u64::MAX, Ordering::Relaxed) == 0;
        answer.map_err(|trouble| if spent { too_long() } else { trouble })
    }

    fn check(&self) -> Result<()> {
        if self.0.load(Ordering::Relaxed) == 0 {
            return Err(Error::new(ErrorKind::FileTooLarge, "it says too much"));
        }
        Ok(())
    }

    fn spend(&self, count: usize) {
        let count = u64::try_from(count).unwrap_or(u64::MAX);
        let less = |left: u64| Some(left.saturating_sub(count));
        // It always gives a new value, and so never fails.
        self.0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, less)
            .ok();
    }
}

fn too_long() -> Trouble {
    let what = format!(
        "the server's list of refs is larger than {} MiB, and no more of it is read; one that speaks version 2 of \
         Git's protocol lists only what is asked for",
        LIST_BYTES / (1024 * 1024)
    );
    Trouble::new(Reason::TooLarge, what)
}

/// What a server says, as far as it may.
#[derive(Debug)]
pub(super) struct Bounded<R> {
    inner: R,
    allowance: Allowance,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        self.allowance.check()?;
        let count = self.inner.read(buffer)?;
        self.allowance.spend(count);
        Ok(count)
    }
}

impl<R: BufRead> BufRead for Bounded<R> {
    fn fill_buf(&mut self) -> Result<&[u8]> {
        self.allowance.check()?;
        self.inner.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        self.allowance.spend(amount);
        self.inner.consume(amount);
    }
}

/// The HTTP client, with bounded answers.
pub(super) struct Client {
    inner: Remote,
    allowance: Allowance,
}

impl Client {
    pub(super) fn new(allowance: &Allowance) -> Self {
        Self {
            inner: Remote::default(),
            allowance: allowance.clone(),
        }
    }
}

impl Http for Client {
    type Headers = <Remote as Http>::Headers;
    type ResponseBody = Bounded<<Remote as Http>::ResponseBody>;
    type PostBody = <Remote as Http>::PostBody;

    fn get(
        &mut self,
        url: &str,
        base_url: &str,
        headers: impl IntoIterator<Item = impl AsRef<str>>,
    ) -> gix::Result<GetResponse<Self::Headers, Self::ResponseBody>> {
        let answer = self.inner.get(url, base_url, headers)?;
        Ok(GetResponse {
            headers: answer.headers,
            body: self.allowance.over(answer.body),
        })
    }

    fn post(
        &mut self,
        url: &str,
        base_url: &str,
        headers: impl IntoIterator<Item = impl AsRef<str>>,
        body: PostBodyDataKind,
    ) -> gix::Result<PostResponse<Self::Headers, Self::ResponseBody, Self::PostBody>> {
        let answer = self.inner.post(url, base_url, headers, body)?;
        Ok(PostResponse {
            post_body: answer.post_body,
            headers: answer.headers,
            body: self.allowance.over(answer.body),
        })
    }

    fn configure(&mut self, config: &dyn Any) -> gix::Result<()> {
        self.inner.configure(config)
    }

    fn redirected_base_url(&self) -> Option<String> {
        self.inner.redirected_base_url()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_cut_off_and_a_pack_is_not() {
        let allowance = Allowance::new();
        let endless = || allowance.over(std::io::repeat(b'x'));
        let read = |count: u64| {
            let text = std::io::copy(&mut endless().take(count), &mut std::io::sink());
            text.map_err(|error| Trouble::new(Reason::Unreachable, error.to_string()))
        };
        assert_eq!(allowance.list(|| read(1000)), Ok(1000));
        let most = allowance.list(|| read(2 * LIST_BYTES)).unwrap_err();
        assert_eq!(most.reason, Reason::TooLarge);
        assert!(most.message.contains("32 MiB"), "{}", most.message);
        // Each list has it all, and what is no list has no bound.
        assert_eq!(allowance.list(|| read(LIST_BYTES - 1)), Ok(LIST_BYTES - 1));
        assert_eq!(read(2 * LIST_BYTES), Ok(2 * LIST_BYTES));
        // An error of something else is told as it is.
        let other = Trouble::new(Reason::Denied, "no");
        let told = allowance.list(|| Err::<(), _>(other.clone()));
        assert_eq!(told, Err(other));
    }
}
