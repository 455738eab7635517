//! Even Keel: a reconciling controller for Amazon ECS.
//!
//! It reads manifests, compares them with AWS, and writes what is missing or different, again and
//! again. The user's view is in `README.md`; this page is the contributor's: the map, the flow of one
//! pass, and the invariants. `tests/it/tidy.rs` checks those of them that a test can check.
//!
//! # Bird's-eye view
//!
//! ```text
//!  files ──▶ source ──▶ manifest ──▶ DesiredSet ─┐
//!                                                ▼
//!  signals, events, timers,
//!  persons (http::api ──▶ ask) ──▶ controller ──▶ one pass per key:
//!                                                │
//!      observe (I/O)   aws::Observer reads AWS, shared and batched
//!      plan    (pure)  kinds::<kind>::plan: View + Observed ──▶ Plan; what kinds::hold leaves of it
//!      apply   (I/O)   aws::Aws::call, step by step; the first failure ends the pass
//!      requeue (pure)  controller::requeue: Outcome ──▶ when to look again
//!                                                │
//!                                                ▼
//!                            status ──▶ /status, /api, /metrics, the terminal
//! ```
//!
//! # Map, in reading order
//!
//! The pure core: no clock, no I/O, no environment, no AWS types.
//!
//! - [`model`]: the vocabulary. Keys, outcomes with closed reasons, plans, facts, moments.
//! - [`catalogue`]: every field of the AWS inputs that a manifest may hold, as data generated from the
//!   service models (`scripts/catalogue.py`).
//! - [`manifest`]: text to [`manifest::DesiredSet`], with every finding named by file, line and cure;
//!   references between manifests.
//! - [`schema`]: the JSON Schema of the manifests, for editors.
//! - [`document`]: AWS documents as JSON values: comparison by tables, canonical forms, digests,
//!   masking of secrets.
//! - [`kinds`]: one folder a kind of resource: its reads (`observe.rs`, I/O) and its decisions
//!   (`plan.rs` and what is beside it, pure). [`kinds::service`] holds the rollouts.
//! - [`prune`]: what becomes of what no manifest declares any more.
//! - [`queue`]: which key is due when.
//! - [`sandbox`]: the simulated AWS, a synchronous state machine that knows nothing of the rest.
//!
//! The edges.
//!
//! - [`aws`]: the SDK clients behind one document call, the batched reader, pacing, fault classes.
//! - [`source`]: folders of manifests and their watch, Git repositories and the process that reads them,
//!   paths of the Parameter Store.
//! - [`environment`]: the chosen Environment: its account proven, its values fetched.
//! - [`jsonnet`]: Jsonnet to plain values, in a process of their own that is bounded.
//! - [`values`]: what an Environment names, fetched: SSM, Secrets Manager, stacks, Terraform state.
//! - [`clock`]: the one clock; simulated time runs through it.
//! - [`mount`]: the sandbox under the SDK's HTTP connector, and over TCP.
//! - [`controller`]: the loop, the pass, what is kept between passes, the preview behind `plan`.
//! - [`wake`]: the SQS queue whose messages say what to look at now.
//! - [`status`], [`metrics`], [`http`], [`telemetry`]: what the outside sees.
//! - [`ask`]: what a person may ask of the running controller through [`http::api`].
//! - [`verify`]: whether AWS has what the manifests build on: questions, their reads, and judges of the
//!   answers.
//! - [`import`], [`convert`]: manifests from what is live, and from other tools' files.
//! - [`cli`]: the commands.
//!
//! # Invariants
//!
//! 1. Everything that decides is a synchronous function of values; everything that touches the world
//!    decides nothing.
//! 2. State is observed, never remembered. A crash at any instant loses nothing but a timer; the
//!    test `tests/it/sim/crash.rs` dies after every write. What must outlive the process is a tag
//!    at AWS: ownership (`evenkeel.dev/instance`), a task definition's content digest
//!    (`evenkeel.dev/digest`), the payload last declared on a service (`evenkeel.dev/declared`), what was
//!    about to be started there and after which deployment (`evenkeel.dev/starting`), which deployments made
//!    room for newer manifests or for the end of a window (`evenkeel.dev/superseded`), which contents failed so long ago that AWS
//!    forgets it (`evenkeel.dev/failed`), what a person or a deadline took back
//!    (`evenkeel.dev/rolled-back`) or approved (`evenkeel.dev/approved`), which one-off tasks were started and how
//!    they ended (`evenkeel.dev/task-started`, `evenkeel.dev/task.NAME`, `evenkeel.dev/task-failed`; until the service
//!    is made on the revision for it, with its digits, and there also `evenkeel.dev/DIGITS.task-made`), which members
//!    were last declared (`evenkeel.dev/members`), so that those taken out go back to AWS's default,
//!    the count that a service had before pruning drained it (`evenkeel.dev/drained-from`),
//!    scaling suspended for a deployment (`evenkeel.dev/scaling-suspended`), the manifest that live state last
//!    agreed with (`evenkeel.dev/agreed`, where not everything is healed at once), what a person wants left
//!    alone for now (`evenkeel.dev/hold`, `evenkeel.dev/hold-all`), and by which source, at which commit, a
//!    resource was declared and what is to become of it without its manifest (`evenkeel.dev/source`,
//!    `evenkeel.dev/commit`, `evenkeel.dev/prune`). The Git commit in force
//!    outlives a restart in the folder of `--git-store` alone: see [`source`].
//! 3. A failed read is [`model::Seen::Unknown`], never absence, and causes no write. A manifest that is not
//!    there was removed only if every source was read whole ([`prune`]).
//! 4. Waiting, blocked and converged are outcomes ([`model::Outcome`]), not errors; a pass never waits.
//! 5. No more rollouts are in flight than may be, as far as they are ours to start: what was not looked at yet counts
//!    as in flight ([`controller`]). A rollout that failed, or that a person took back, is not tried again until its
//!    content changes or a person says so (or as often as `rollout.retries` says, before traffic moves); nor is a
//!    one-off task, which ends well at most once for a content while its service is there. An order of a person is carried out in the place of a
//!    pass, once.
//!    Nothing at all is written under a hold, and before the holds are known, but what ends a deployment that
//!    runs; that is decided in one place around every plan, and before pruning (`kinds::hold`).
//! 6. AWS documents stay documents: a spec reaches AWS whole and comes back whole, members newer
//!    than the SDK included (see [`aws`]). There is no trait over AWS.
//! 7. Documents and maps are ordered (`BTreeMap`, `serde_json` with preserved order): equal inputs give
//!    equal plans, byte for byte.
//! 8. Everything has a limit: files, bytes, nesting, pages, workers, retries, rates, label values.
//! 9. No secret reaches a log, difference, metric or error: environment values are masked where a
//!    difference is made ([`document::compare`]), source excerpts where they are cut.
//!
//! Deliberately absent: a database, a lock, a plug-in interface, and any memory of what was done.
//!
//! # Where this departs from the plans it came from
//!
//! - Kinds are documents with tables, not typed structs, so that a field newer than this program can
//!   stand in a manifest.
//! - Reads are batched by what is stale, not one per key: see [`aws::Observer`].
//! - A plan's steps never need each other's answers; what depends on an answer is left to the next
//!   pass, which sees it. So there is nothing to bind at execution.

pub mod ask;
pub mod aws;
pub mod catalogue;
pub mod cli;
pub mod clock;
pub mod controller;
pub mod convert;
pub mod document;
pub mod environment;
pub mod http;
pub mod import;
pub mod jsonnet;
pub mod kinds;
pub mod manifest;
pub mod metrics;
pub mod model;
pub mod mount;
pub mod prune;
pub mod queue;
pub mod sandbox;
pub mod schema;
pub mod source;
pub mod status;
pub mod telemetry;
pub mod values;
pub mod verify;
pub mod wake;
