//! Reading an S3 object. Not a [`crate::model::Call`]: its answer is bytes and no document.

use super::call::Clients;
use super::fault::Fault;
use crate::model::Service;

#[cfg(feature = "s3")]
impl Clients {
    /// The object's content, if it has at most `limit` bytes.
    pub(super) async fn object(
        &self,
        bucket: &str,
        key: &str,
        limit: usize,
    ) -> Result<Vec<u8>, Fault> {
        let wrong = |why: String| Fault::internal(Service::S3, "GetObject", why);
        let answer = self
            .s3
            .get_object()
            .bucket(bucket)
            .key(key)
            .send()
            .await
            .map_err(|error| Fault::from_sdk(Service::S3, "GetObject", &error))?;
        let mut body = answer.body;
        let mut bytes = Vec::new();
        while let Some(chunk) = body.try_next().await.map_err(|e| wrong(e.to_string()))? {
            bytes.extend_from_slice(&chunk);
            if bytes.len() > limit {
                return Err(wrong(format!("the object has more than {limit} bytes")));
            }
        }
        Ok(bytes)
    }
}

#[cfg(not(feature = "s3"))]
impl Clients {
    /// Says that this build cannot.
    #[expect(clippy::unused_async, reason = "the signature of the other one")]
    pub(super) async fn object(&self, _: &str, _: &str, _: usize) -> Result<Vec<u8>, Fault> {
        let why = "this build has no S3; build it with the Cargo feature `s3`";
        Err(Fault::internal(Service::S3, "GetObject", why))
    }
}
