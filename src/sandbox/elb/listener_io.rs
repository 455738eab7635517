//! Listeners as requests describe them and as they are read back.

use super::super::{AwsError, input};
use super::{Listener, LoadBalancer, Pairs, Rule, State, attributes};
use serde_json::{Value, json};

/// The security policy of an HTTPS listener for which none was given (live read-back).
const DEFAULT_SSL_POLICY: &str = "ELBSecurityPolicy-2016-08";

/// A listener of `balancer` as the request describes it, on top of what `base` has; without ARN.
pub(super) fn read(
    balancer: &LoadBalancer,
    base: Option<&Listener>,
    input: &Value,
) -> Result<Listener, AwsError> {
    let sent = input::filled(input, "Protocol");
    let protocol = sent
        .or(base.map(|base| base.protocol.as_str()))
        .ok_or_else(|| invalid("A listener protocol must be specified"))?;
    let allowed: &[&str] = match balancer.kind.as_str() {
        "network" => &["TCP", "TLS", "UDP", "TCP_UDP"],
        _ => &["HTTP", "HTTPS"],
    };
    if !allowed.contains(&protocol) {
        return Err(invalid(format!(
            "Listener protocol '{protocol}' must be one of '{}'",
            allowed.join(", ")
        )));
    }
    let port = match input::int(input, "Port")? {
        Some(port) => u16::try_from(port)
            .ok()
            .filter(|port| *port > 0)
            .ok_or_else(|| {
                invalid(format!(
                    "1 validation error detected: Value '{port}' at 'port' failed to satisfy \
                 constraint: Member must be between 1 and 65535"
                ))
            })?,
        None => base
            .map(|base| base.port)
            .ok_or_else(|| invalid("A listener port must be specified"))?,
    };
    let secure = matches!(protocol, "HTTPS" | "TLS");
    let mut certificates: Vec<String> = input::list(input, "Certificates")
        .iter()
        .filter_map(|certificate| input::filled(certificate, "CertificateArn"))
        .map(str::to_owned)
        .collect();
    let ssl_policy = input::filled(input, "SslPolicy");
    if !secure && !certificates.is_empty() {
        return Err(invalid(format!(
            "A certificate cannot be specified for {protocol} listeners"
        )));
    }
    if !secure && ssl_policy.is_some() {
        return Err(invalid(format!(
            "A SSL policy cannot be specified for {protocol} listeners"
        )));
    }
    if certificates.len() > 1 {
        return Err(AwsError::new(
            "TooManyCertificates",
            "You can specify one default certificate; add others with AddListenerCertificates",
        ));
    }
    let base_secure = base.filter(|_| secure);
    if certificates.is_empty() {
        certificates = base_secure
            .map(|base| base.certificates.clone())
            .unwrap_or_default();
    }
    if secure && certificates.is_empty() {
        return Err(invalid(format!(
            "A certificate must be specified for {protocol} listeners"
        )));
    }
    let ssl_policy = match (ssl_policy, base_secure) {
        (Some(policy), _) => Some(policy.to_owned()),
        (
            None,
            Some(Listener {
                ssl_policy: Some(policy),
                ..
            }),
        ) => Some(policy.clone()),
        _ => secure.then(|| DEFAULT_SSL_POLICY.to_owned()),
    };
    let mut alpn_policy = input::texts(input, "AlpnPolicy");
    if !alpn_policy.is_empty() && protocol != "TLS" {
        return Err(invalid(
            "An ALPN policy can only be specified for TLS listeners",
        ));
    }
    if alpn_policy.is_empty() && protocol == "TLS" {
        alpn_policy = base
            .map(|base| base.alpn_policy.clone())
            .unwrap_or_default();
    }
    let mutual = mutual(protocol, base, input)?;
    let same_protocol = base.filter(|base| base.protocol == protocol);
    Ok(Listener {
        arn: base.map(|base| base.arn.clone()).unwrap_or_default(),
        load_balancer: balancer.arn.clone(),
        port,
        protocol: protocol.to_owned(),
        ssl_policy,
        certificates,
        alpn_policy,
        mutual,
        attributes: same_protocol.map_or_else(
            || attributes::listener_defaults(protocol),
            |base| base.attributes.clone(),
        ),
        tags: base.map_or_else(Pairs::new, |base| base.tags.clone()),
    })
}

/// How clients prove who they are. Kept and read back; no client connects here.
fn mutual(protocol: &str, base: Option<&Listener>, input: &Value) -> Result<Value, AwsError> {
    let sent = &input["MutualAuthentication"];
    if sent.is_null() {
        return Ok(base.map_or(Value::Null, |base| base.mutual.clone()));
    }
    let mode = input::filled(sent, "Mode").unwrap_or("off");
    if !matches!(mode, "off" | "passthrough" | "verify") {
        return Err(invalid(format!(
            "Mutual authentication mode '{mode}' is not valid"
        )));
    }
    if mode != "off" && protocol != "HTTPS" {
        return Err(invalid("Mutual authentication is for HTTPS listeners"));
    }
    if (mode == "verify") != input::filled(sent, "TrustStoreArn").is_some() {
        return Err(invalid(
            "A trust store goes with the mode 'verify', and only with it",
        ));
    }
    Ok(sent.clone())
}

/// Whether a create with the settings of `new` is a repetition of the one that made `known`.
pub(super) fn same_settings(known: &Listener, new: &Listener) -> bool {
    known.protocol == new.protocol
        && known.ssl_policy == new.ssl_policy
        && known.certificates == new.certificates
        && known.alpn_policy == new.alpn_policy
        && known.mutual == new.mutual
}

impl State {
    /// The default rule of a listener.
    pub(super) fn default_rule(&self, listener: &str) -> Option<&Rule> {
        self.rules
            .values()
            .find(|rule| rule.listener == listener && rule.priority.is_none())
    }

    /// A listener as it is read back.
    pub(super) fn describe_listener(&self, listener: &Listener) -> Value {
        let actions = self
            .default_rule(&listener.arn)
            .map(|rule| rule.actions.clone());
        let mut described = json!({
            "ListenerArn": listener.arn,
            "LoadBalancerArn": listener.load_balancer,
            "Port": listener.port,
            "Protocol": listener.protocol,
            "DefaultActions": actions.unwrap_or_default()
        });
        if let Some(described) = described.as_object_mut() {
            if let Some(policy) = &listener.ssl_policy {
                let certificates: Vec<Value> = listener
                    .certificates
                    .iter()
                    .map(|arn| json!({ "CertificateArn": arn }))
                    .collect();
                described.insert("Certificates".to_owned(), Value::Array(certificates));
                described.insert("SslPolicy".to_owned(), json!(policy));
            }
            if listener.protocol == "HTTPS" {
                let mutual = Some(&listener.mutual).filter(|mutual| !mutual.is_null());
                let mutual = mutual.cloned().unwrap_or_else(|| json!({ "Mode": "off" }));
                described.insert("MutualAuthentication".to_owned(), mutual);
            }
            if !listener.alpn_policy.is_empty() {
                described.insert("AlpnPolicy".to_owned(), json!(listener.alpn_policy));
            }
        }
        described
    }
}

fn invalid(message: impl Into<String>) -> AwsError {
    AwsError::new("ValidationError", message)
}
