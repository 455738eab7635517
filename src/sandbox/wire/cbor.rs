//! Smithy RPC v2 CBOR, as far as refusing it takes: newest service models list it before awsJson for
//! CodeDeploy. Not a CBOR reader.

use super::super::AwsError;
use http::Request;

/// The content type of answers.
pub(super) const TYPE: &str = "application/cbor";

/// Service and operation of `POST /service/SERVICE/operation/OPERATION`.
pub(super) fn target(request: &Request<Vec<u8>>) -> Option<(String, String)> {
    let path = request.uri().path().strip_prefix("/service/")?;
    let (service, operation) = path.split_once("/operation/")?;
    Some((service.to_owned(), operation.to_owned()))
}

/// The body of a refusal: a map of two text strings (RFC 8949).
pub(super) fn error(error: &AwsError) -> Vec<u8> {
    let mut body = vec![0xa2];
    for text in ["__type", &error.code, "message", &error.message] {
        // Major type 3 with a length of two bytes.
        let length = u16::try_from(text.len()).unwrap_or(0);
        body.push(0x79);
        body.extend(length.to_be_bytes());
        body.extend(text.bytes().take(length.into()));
    }
    body
}
