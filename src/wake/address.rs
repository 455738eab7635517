//! The URL of a queue: its region, and what must not stand in it. Not the endpoint: the queue is reached as
//! every other service is, by the region's endpoint or `AWS_ENDPOINT_URL_SQS`.

use std::fmt;
use std::str::FromStr;

/// The URL of a queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    url: String,
    region: Option<String>,
}

/// Why a text is no queue's URL.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// Another scheme, no host, or no account and name.
    #[error(
        "not the URL of an SQS queue; it looks like https://sqs.REGION.amazonaws.com/ACCOUNT/NAME (see `aws sqs \
         get-queue-url`)"
    )]
    Form,
    /// An ARN.
    #[error("an ARN, where the queue's URL is wanted: {0}")]
    Arn(String),
    /// It has a user or password, a query or a fragment.
    #[error("a queue's URL has no user, password, `?` or `#`")]
    Extra,
}

impl Address {
    /// The URL as it was given.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The region that its host names; none for a host that names none, such as an emulator's.
    pub fn region(&self) -> Option<&str> {
        self.region.as_deref()
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.url)
    }
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Some(url) = of_arn(text) {
            return Err(AddressError::Arn(url));
        }
        let rest = ["https://", "http://"]
            .iter()
            .find_map(|scheme| text.strip_prefix(scheme))
            .ok_or(AddressError::Form)?;
        if text.contains(['@', '?', '#'])
            || text.chars().any(|c| c.is_whitespace() || c.is_control())
        {
            return Err(AddressError::Extra);
        }
        let (host, path) = rest.split_once('/').ok_or(AddressError::Form)?;
        let named = path
            .split_once('/')
            .is_some_and(|(account, name)| !account.is_empty() && is_name(name));
        if host.is_empty() || !named {
            return Err(AddressError::Form);
        }
        Ok(Self {
            url: text.to_owned(),
            region: region_of(host),
        })
    }
}

/// A queue's name, the last part of a path: 1 to 80 letters, digits, hyphens and underscores, and `.fifo`
/// (SQS API reference, `CreateQueue`). Emulators put more before it.
fn is_name(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or_default();
    let bare = name.strip_suffix(".fifo").unwrap_or(name);
    !bare.is_empty()
        && name.len() <= 80
        && bare
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

/// The URL of the queue that an ARN names.
fn of_arn(text: &str) -> Option<String> {
    let mut parts = text.strip_prefix("arn:")?.split(':');
    let (partition, service) = (parts.next()?, parts.next()?);
    let (region, account, name) = (parts.next()?, parts.next()?, parts.next()?);
    let suffix = if partition == "aws-cn" { ".cn" } else { "" };
    (service == "sqs")
        .then(|| format!("https://sqs.{region}.amazonaws.com{suffix}/{account}/{name}"))
}

/// The region in a host of SQS: `sqs.REGION.…`, `sqs-fips.REGION.…`, `….sqs.REGION.vpce.…` and the older
/// `REGION.queue.…` (Amazon SQS endpoints, AWS General Reference).
fn region_of(host: &str) -> Option<String> {
    let host = host.split(':').next()?;
    let ours = [
        ".amazonaws.com",
        ".amazonaws.com.cn",
        ".api.aws",
        ".amazonwebservices.com.cn",
    ];
    let bare = ours.iter().find_map(|end| host.strip_suffix(end))?;
    let labels: Vec<&str> = bare.split('.').collect();
    let region = match labels.as_slice() {
        ["sqs" | "sqs-fips", region] | [region, "queue"] | [_, "sqs", region, "vpce"] => region,
        ["queue"] => "us-east-1",
        _ => return None,
    };
    Some(region.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_region_is_the_hosts() {
        for (url, region) in [
            (
                "https://sqs.eu-west-1.amazonaws.com/123456789012/wake",
                Some("eu-west-1"),
            ),
            (
                "https://sqs.cn-north-1.amazonaws.com.cn/123456789012/wake",
                Some("cn-north-1"),
            ),
            (
                "https://sqs-fips.us-east-1.amazonaws.com/123456789012/wake",
                Some("us-east-1"),
            ),
            (
                "https://sqs.eu-west-1.api.aws/123456789012/wake",
                Some("eu-west-1"),
            ),
            (
                "https://eu-west-1.queue.amazonaws.com/123456789012/wake",
                Some("eu-west-1"),
            ),
            (
                "https://queue.amazonaws.com/123456789012/wake",
                Some("us-east-1"),
            ),
            (
                "https://vpce-0abc-1def.sqs.eu-west-1.vpce.amazonaws.com/123456789012/wake",
                Some("eu-west-1"),
            ),
            ("http://127.0.0.1:4566/123456789012/wake.fifo", None),
            (
                "http://localhost:4566/queue/eu-west-1/000000000000/wake",
                None,
            ),
        ] {
            let address: Address = url.parse().unwrap();
            assert_eq!(address.region(), region, "{url}");
            assert_eq!(address.url(), url);
        }
    }

    #[test]
    fn what_is_no_queue_says_what_one_looks_like() {
        for url in [
            "",
            "wake",
            "ftp://sqs.eu-west-1.amazonaws.com/1/wake",
            "https://sqs.eu-west-1.amazonaws.com",
            "https://sqs.eu-west-1.amazonaws.com/123456789012",
            "https://sqs.eu-west-1.amazonaws.com/123456789012/",
            "https://sqs.eu-west-1.amazonaws.com/123456789012/a.b",
            "https:///123456789012/wake",
        ] {
            assert_eq!(url.parse::<Address>(), Err(AddressError::Form), "{url}");
        }
        for url in [
            "https://user:secret@sqs.eu-west-1.amazonaws.com/123456789012/wake",
            "https://sqs.eu-west-1.amazonaws.com/123456789012/wake?Action=DeleteQueue",
            "https://sqs.eu-west-1.amazonaws.com/123456789012/wa ke",
        ] {
            let error = url.parse::<Address>().unwrap_err();
            assert_eq!(error, AddressError::Extra, "{url}");
            assert!(!error.to_string().contains("secret"));
        }
        let error = "arn:aws:sqs:eu-west-1:123456789012:wake".parse::<Address>();
        assert_eq!(
            error.unwrap_err().to_string(),
            "an ARN, where the queue's URL is wanted: https://sqs.eu-west-1.amazonaws.com/123456789012/wake"
        );
    }
}
