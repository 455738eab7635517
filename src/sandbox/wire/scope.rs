//! The credential scope of a request's signature: which region and service a request is for. The
//! signature itself is not looked at.

use http::Request;

/// Region and service of a request.
pub(super) struct Scope {
    pub(super) region: String,
    /// The signing name, if the request is signed at all.
    pub(super) service: Option<String>,
}

/// The region of requests that are not signed.
const DEFAULT_REGION: &str = "us-east-1";

/// Reads `Credential=KEY/DATE/REGION/SERVICE/aws4_request` of the header `Authorization`, or
/// `X-Amz-Credential` of a presigned URL.
pub(super) fn of(request: &Request<Vec<u8>>) -> Scope {
    let header = request
        .headers()
        .get("authorization")
        .and_then(|value| value.to_str().ok());
    let credential = header
        .and_then(|header| header.split_once("Credential="))
        .map(|(_, rest)| rest.split([',', ' ']).next().unwrap_or_default().to_owned())
        .or_else(|| {
            let query = request.uri().query().unwrap_or_default();
            form_urlencoded::parse(query.as_bytes())
                .find(|(key, _)| key == "X-Amz-Credential")
                .map(|(_, value)| value.into_owned())
        })
        .unwrap_or_default();
    // From the right: an access key may hold slashes of its own.
    let mut parts = credential.rsplit('/').skip(1);
    let service = parts.next().filter(|part| is_name(part)).map(str::to_owned);
    let region = parts
        .next()
        .filter(|part| is_name(part))
        .unwrap_or(DEFAULT_REGION)
        .to_owned();
    Scope { region, service }
}

fn is_name(part: &str) -> bool {
    !part.is_empty()
        && part.len() <= 40
        && part
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}
