//! Logs, by `tracing`, to stderr. Not metrics, and not the commands' results (those are stdout's).

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::Directive;

/// How log lines are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// For people: one line, coloured on a terminal unless `NO_COLOR` is set.
    #[default]
    Text,
    /// For machines: one JSON object a line.
    Json,
}

/// What is logged where the given filter does not say otherwise. The SDK and its HTTP stack tell
/// at `info` of every credential refresh and retry, which [`crate::metrics`] counts.
const DEFAULT: &str = "info,aws_config=warn,aws_credential_types=warn,aws_runtime=warn,\
    aws_sdk_cloudformation=warn,aws_sdk_codedeploy=warn,aws_sdk_ecr=warn,aws_sdk_ecs=warn,\
    aws_sdk_elasticloadbalancingv2=warn,aws_sdk_s3=warn,aws_sdk_secretsmanager=warn,aws_sdk_ssm=warn,\
    aws_sdk_sts=warn,aws_sigv4=warn,aws_smithy_http_client=warn,aws_smithy_runtime=warn,\
    aws_smithy_runtime_api=warn,h2=warn,hyper=warn,hyper_util=warn,rustls=warn";

/// Starts logging for the whole process, once.
///
/// `filter` is a list of `tracing` directives, such as `debug` or `info,evenkeel::aws=debug`; empty
/// means `info`. A plain level leaves the AWS SDK at `warn`; it takes a directive that names a crate
/// (`aws_smithy_runtime=debug`) to hear it.
///
/// # Errors
/// Names the directive that cannot be read, or says that logging was started before.
pub fn init(format: LogFormat, filter: &str) -> Result<(), String> {
    let builder = tracing_subscriber::fmt()
        .with_env_filter(parse(filter)?)
        .with_writer(std::io::stderr)
        // Told by `eprintln`, which panics when the reader of the log has gone away: a daemon must
        // outlive it.
        .log_internal_errors(false)
        .with_ansi(colour(
            std::io::stderr().is_terminal(),
            std::env::var_os("NO_COLOR").as_deref(),
        ));
    match format {
        LogFormat::Text => builder.try_init(),
        LogFormat::Json => builder
            .json()
            .flatten_event(true)
            .with_ansi(false)
            .try_init(),
    }
    .map_err(|error| format!("logging cannot be started: {error}"))
}

/// The filter: the defaults, overridden by each directive given.
fn parse(filter: &str) -> Result<EnvFilter, String> {
    let mut directives = EnvFilter::builder()
        .parse(DEFAULT)
        .map_err(|error| error.to_string())?;
    for text in filter
        .split(',')
        .map(str::trim)
        .filter(|text| !text.is_empty())
    {
        let directive: Directive = text.parse().map_err(|error| {
            format!(
                "log filter `{text}`: {error}; write a level (error, warn, info, debug, trace, off), \
                 or crate=level, separated by commas"
            )
        })?;
        directives = directives.add_directive(directive);
    }
    Ok(directives)
}

/// Colour on a terminal, unless `NO_COLOR` is there and not empty (no-color.org).
fn colour(terminal: bool, no_color: Option<&std::ffi::OsStr>) -> bool {
    terminal && no_color.is_none_or(std::ffi::OsStr::is_empty)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directives_override_the_defaults_and_nothing_else() {
        let text = parse("").unwrap().to_string();
        assert!(
            text.contains("info") && text.contains("aws_smithy_runtime=warn"),
            "{text}"
        );
        let text = parse(" debug , aws_config=trace").unwrap().to_string();
        let parts: Vec<&str> = text.split(',').collect();
        assert!(
            parts.contains(&"debug") && !parts.contains(&"info"),
            "{text}"
        );
        assert!(
            parts.contains(&"aws_config=trace") && !parts.contains(&"aws_config=warn"),
            "{text}"
        );
        assert!(parts.contains(&"hyper=warn"), "{text}");
    }

    #[test]
    fn a_wrong_directive_is_named_with_its_cure() {
        let error = parse("info,evenkeel=loud").unwrap_err();
        assert!(
            error.contains("`evenkeel=loud`") && error.contains("crate=level"),
            "{error}"
        );
    }

    #[test]
    fn colour_only_on_a_terminal_that_wants_it() {
        assert!(colour(true, None));
        assert!(colour(true, Some("".as_ref())));
        assert!(!colour(true, Some("1".as_ref())));
        assert!(!colour(false, None));
    }
}
