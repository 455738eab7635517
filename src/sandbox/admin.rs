//! The sandbox's own HTTP API, JSON in and out, under [`PREFIX`]. Not an AWS API, and no part of the
//! journal.
//!
//! | request | body | answer |
//! |---|---|---|
//! | `GET health` | | `{"status":"running","time":MS}` |
//! | `POST images` | one image of a `seed`, and `region` | `{"digest":..,"held":..}` |
//! | `POST behaviours` | one behaviour of a seed, and `region` | `{}` |
//! | `POST commands` | one command of a seed, and `region` | `{}` |
//! | `POST scale` | `{cluster, service, to, region?}` | `{"from":N,"to":N,"reason":TEXT}` |
//! | `POST hooks` | `{function, result}`, a Lambda's name or ARN, and `SUCCEEDED`, `FAILED` or `IN_PROGRESS` | `{}` |
//! | `POST alarms` | `{name, state}`, `ALARM` or `OK` | `{}` |
//! | `POST seed?region=R` | a `SandboxSeed` document | `{}` |
//! | `GET journal?limit=N&mutating=true` | | `{"entries":[..]}`, newest 1000 unless asked |
//! | `POST faults` | `{operation, code, message?, status?, times?, takesEffect?}` | `{}` |
//! | `POST queues` | one queue of a `seed`, and `region` | `{"url":..}` |
//! | `DELETE faults` | | `{}` |
//!
//! The region is `us-east-1` unless given. An error answers 400 or 404 with `{"error":TEXT}`.

use super::levers::HookOutcome;
use super::{AwsError, Fault, JournalEntry, Sandbox, ecr, input, scaling, seed, sqs};
use http::{Method, Request, Response, StatusCode, header};
use serde_json::{Value, json};

/// Paths under this one are the sandbox's own.
pub const PREFIX: &str = "/_evenkeel/";

/// Answers a request for what stands behind [`PREFIX`] in its path.
pub(super) fn handle(
    sandbox: &mut Sandbox,
    path: &str,
    request: &Request<Vec<u8>>,
) -> Response<Vec<u8>> {
    let result = match (request.method(), path) {
        (&Method::GET, "health") => Ok(json!({ "status": "running", "time": sandbox.now })),
        (&Method::POST, "images") => body(request).and_then(|body| image(sandbox, &body)),
        (&Method::POST, "behaviours") => body(request).and_then(|body| behaviour(sandbox, &body)),
        (&Method::POST, "commands") => body(request).and_then(|body| command(sandbox, &body)),
        (&Method::POST, "scale") => body(request).and_then(|body| scale(sandbox, &body)),
        (&Method::POST, "hooks") => body(request).and_then(|body| hook(sandbox, &body)),
        (&Method::POST, "queues") => body(request).and_then(|body| queue(sandbox, &body)),
        (&Method::POST, "alarms") => body(request).and_then(|body| alarm(sandbox, &body)),
        (&Method::POST, "seed") => body(request).and_then(|body| {
            let region = query(request, "region");
            sandbox.seed(region.as_deref().unwrap_or(DEFAULT_REGION), &body)?;
            Ok(json!({}))
        }),
        (&Method::GET, "journal") => journal(sandbox, request),
        (&Method::POST, "faults") => body(request).and_then(|body| fault(sandbox, &body)),
        (&Method::DELETE, "faults") => {
            sandbox.clear_faults();
            Ok(json!({}))
        }
        (method, path) => {
            let error = format!(
                "There is no {method} {PREFIX}{path}; there are GET health, POST images, POST \
                 behaviours, POST commands, POST scale, POST hooks, POST alarms, POST queues, POST seed, GET journal, \
                 POST faults, DELETE faults"
            );
            return respond(StatusCode::NOT_FOUND, &json!({ "error": error }));
        }
    };
    match result {
        Ok(answer) => respond(StatusCode::OK, &answer),
        Err(error) => respond(StatusCode::BAD_REQUEST, &json!({ "error": error })),
    }
}

const DEFAULT_REGION: &str = "us-east-1";

fn respond(status: StatusCode, body: &Value) -> Response<Vec<u8>> {
    let mut response = Response::new(body.to_string().into_bytes());
    *response.status_mut() = status;
    let json = header::HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    response
}

fn body(request: &Request<Vec<u8>>) -> Result<Value, String> {
    serde_json::from_slice(request.body()).map_err(|error| format!("The body is no JSON: {error}"))
}

fn query(request: &Request<Vec<u8>>, name: &str) -> Option<String> {
    form_urlencoded::parse(request.uri().query().unwrap_or_default().as_bytes())
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.into_owned())
}

fn region(body: &Value) -> &str {
    input::filled(body, "region").unwrap_or(DEFAULT_REGION)
}

fn image(sandbox: &mut Sandbox, body: &Value) -> Result<Value, String> {
    let image = seed::image(body, "image", &["region"])?;
    let world = sandbox.region(region(body));
    let name = image.repository.clone();
    let digest = ecr::push(world, image).map_err(|error| error.message)?;
    Ok(json!({ "digest": digest, "held": !world.ecr.has(&name) }))
}

fn behaviour(sandbox: &mut Sandbox, body: &Value) -> Result<Value, String> {
    let (pattern, behaviour) = seed::behaviour(body, "behaviour", &["region"])?;
    sandbox
        .region(region(body))
        .behaviours
        .set(&pattern, behaviour);
    Ok(json!({}))
}

fn command(sandbox: &mut Sandbox, body: &Value) -> Result<Value, String> {
    let (pattern, ending) = seed::command(body, "command", &["region"])?;
    let world = sandbox.region(region(body));
    world.commands.set(&pattern, ending);
    Ok(json!({}))
}

fn queue(sandbox: &mut Sandbox, body: &Value) -> Result<Value, String> {
    let (name, events) = seed::queue(body, "queue", &["region"])?;
    let world = sandbox.region(region(body));
    world.sqs.set(&name, events, world.now);
    Ok(json!({ "url": sqs::url(&world.region, &name) }))
}

/// Scales a service as a policy of its scalable target would.
fn scale(sandbox: &mut Sandbox, body: &Value) -> Result<Value, String> {
    let text = |member: &str| {
        input::filled(body, member).ok_or_else(|| format!("scale.{member}: missing"))
    };
    let (cluster, service) = (text("cluster")?, text("service")?);
    let to = body
        .get("to")
        .and_then(Value::as_i64)
        .ok_or("scale.to: expected a number of tasks")?;
    let world = sandbox.region(region(body));
    scaling::scale(world, cluster, service, to).map_err(|error| error.message)
}

fn hook(sandbox: &mut Sandbox, body: &Value) -> Result<Value, String> {
    let function = named(body, "hook", "function")?;
    let outcome = named(body, "hook", "result")?;
    let outcome = HookOutcome::of(outcome).ok_or_else(|| {
        format!("hook.result: expected SUCCEEDED, FAILED or IN_PROGRESS, found {outcome}")
    })?;
    let levers = &mut sandbox.region(region(body)).levers;
    levers.hooks.insert(function.to_owned(), outcome);
    Ok(json!({}))
}

fn alarm(sandbox: &mut Sandbox, body: &Value) -> Result<Value, String> {
    let name = named(body, "alarm", "name")?;
    let firing = &mut sandbox.region(region(body)).levers.alarms_firing;
    match named(body, "alarm", "state")? {
        "ALARM" => firing.insert(name.to_owned()),
        "OK" => firing.remove(name),
        other => {
            return Err(format!("alarm.state: expected ALARM or OK, found {other}"));
        }
    };
    Ok(json!({}))
}

/// A string member that must be there.
fn named<'a>(body: &'a Value, what: &str, member: &str) -> Result<&'a str, String> {
    input::filled(body, member).ok_or_else(|| format!("{what}.{member}: missing"))
}

fn journal(sandbox: &Sandbox, request: &Request<Vec<u8>>) -> Result<Value, String> {
    let limit = match query(request, "limit") {
        None => 1000,
        Some(text) => text
            .parse::<usize>()
            .map_err(|_| format!("limit: expected a number of entries, found {text:?}"))?,
    };
    let only_mutating = query(request, "mutating").is_some_and(|text| text == "true");
    let wanted: Vec<&JournalEntry> = sandbox
        .journal()
        .iter()
        .filter(|entry| entry.mutating || !only_mutating)
        .collect();
    let newest = wanted
        .get(wanted.len().saturating_sub(limit)..)
        .unwrap_or_default();
    let entries: Vec<Value> = newest
        .iter()
        .map(|entry| {
            json!({
                "time": entry.time,
                "region": entry.region,
                "service": entry.service,
                "operation": entry.operation,
                "mutating": entry.mutating,
                "error": entry.error,
                "input": entry.input
            })
        })
        .collect();
    Ok(json!({ "entries": entries }))
}

fn fault(sandbox: &mut Sandbox, body: &Value) -> Result<Value, String> {
    let number = |member: &str| match body.get(member).filter(|value| !value.is_null()) {
        None => Ok(None),
        Some(value) => value
            .as_u64()
            .and_then(|number| u32::try_from(number).ok())
            .map(Some)
            .ok_or_else(|| format!("fault.{member}: expected a number, found {value}")),
    };
    let text = |member: &str| {
        input::filled(body, member).ok_or_else(|| format!("fault.{member}: missing"))
    };
    let status = number("status")?.unwrap_or(400);
    let fault = Fault {
        operation: text("operation")?.to_owned(),
        error: AwsError {
            status: u16::try_from(status)
                .ok()
                .filter(|status| (400..=599).contains(status))
                .ok_or_else(|| format!("fault.status: expected 400 to 599, found {status}"))?,
            code: text("code")?.to_owned(),
            message: input::text(body, "message")
                .unwrap_or("Injected fault")
                .to_owned(),
        },
        times: number("times")?,
        takes_effect: input::flag(body, "takesEffect").unwrap_or(false),
    };
    sandbox.inject(fault);
    Ok(json!({}))
}
