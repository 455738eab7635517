//! The Git worker: a process of this program that talks to a repository, unpacks what it sends, reads
//! the manifests of one commit, and gives their bytes to the one who started it. It gets one job, and
//! knows no AWS and no credential but the repository's.
//!
//! What a hostile server can do to it, it does to this process: memory, file sizes and processor time
//! are bound by the kernel (`limits`), and the time by who started it. What it says is data to that one.
//!
//! Invariants:
//! - Objects live in a bare store without a work tree. Nothing of the store is trusted after an error:
//!   who started the worker throws it away.
//! - A head is compared before anything is fetched; a fetch is one ref into a ref of our own.

mod choose;
mod files;
mod limits;
mod remote;
mod verify;

use std::io::{Read as _, Write as _};
use std::num::NonZeroU32;
use std::path::Path;
use std::process::ExitCode;

use gix::bstr::ByteSlice as _;

pub(super) use self::choose::version;
use self::choose::{Ref, Target, choose, names};
use self::remote::History;
use super::wire::{Answer, Base, Commit, Job, Line, Place, Reason, Trouble, Wanted, clean};

/// The word that makes the program a worker.
pub const WORKER: &str = "git-worker";

/// A job is not larger.
const MAX_JOB: u64 = 4 * 1024 * 1024;

/// How far clocks of committers may be apart, in seconds: history is fetched since that much before the
/// last commit in force.
const SKEW: i64 = 24 * 60 * 60;

/// Commits looked at in search of the last one in force.
const MAX_COMMITS: usize = 1_000_000;

/// Does the one job that stands in the standard input.
pub fn main() -> ExitCode {
    match serve() {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            // The one who started this reads it; a person who did gets to know what it is.
            drop(writeln!(
                std::io::stderr(),
                "{why} (this is the part of evenkeel that reads Git; evenkeel starts it)"
            ));
            ExitCode::from(64)
        }
    }
}

fn serve() -> Result<(), String> {
    let mut text = String::new();
    std::io::stdin()
        .take(MAX_JOB)
        .read_to_string(&mut text)
        .map_err(|error| format!("no job: {error}"))?;
    let job: Job = serde_json::from_str(&text).map_err(|_| "no job".to_owned())?;
    drop(text);
    limits::confine(job.limits.pack_bytes)?;
    let (line, files) = match work(&job) {
        Ok(answers) => {
            let (answers, files): (Vec<_>, Vec<_>) = answers.into_iter().unzip();
            (Line::Done(answers), files.concat())
        }
        Err(trouble) => (Line::Failed(trouble), Vec::new()),
    };
    let gone = |error: std::io::Error| format!("nobody listens: {error}");
    say(&line).map_err(gone)?;
    let mut out = std::io::stdout().lock();
    for (_, bytes) in files {
        out.write_all(&bytes).map_err(gone)?;
    }
    out.flush().map_err(gone)
}

fn say(line: &Line) -> std::io::Result<()> {
    let mut text = serde_json::to_string(line)?;
    text.push('\n');
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

fn step(what: &str) {
    // Who does not listen any more has ended this process, or will.
    say(&Line::Step(what.to_owned())).ok();
}

type Answered = (Answer, Vec<files::File>);

fn work(job: &Job) -> Result<Vec<Answered>, Trouble> {
    let repo = open(job)?;
    let mut asked: Vec<String> = job
        .wanted
        .iter()
        .flat_map(|wanted| names(&wanted.revision))
        .collect();
    asked.sort();
    asked.dedup();
    let refs = if asked.is_empty() {
        Vec::new()
    } else {
        step("listing the refs");
        match &job.place {
            Place::File { .. } => own_refs(&repo)?,
            place => remote::list(&repo, place, &asked)?,
        }
    };
    let answer = |wanted: &Wanted| {
        answer(job, wanted, &refs).unwrap_or_else(|trouble| (Answer::Trouble(trouble), Vec::new()))
    };
    Ok(job.wanted.iter().map(answer).collect())
}

fn answer(job: &Job, wanted: &Wanted, refs: &[Ref]) -> Result<Answered, Trouble> {
    let target = choose(&wanted.revision, refs)?;
    if wanted.known.contains(&target.id.to_string()) {
        return Ok((Answer::Known(target.id.to_string()), Vec::new()));
    }
    bring(job, wanted, &target)?;
    // A fetch moves the boundary of the history, which an open repository may not notice.
    let repo = open(job)?;
    let commit = commit(&repo, target.id)?;
    let id = commit.id.to_string();
    if wanted.known.contains(&id) {
        return Ok((Answer::Known(id), Vec::new()));
    }
    if let Some(keys) = &wanted.signed_by {
        verify::verify(&commit, &target, keys)?;
    }
    step("reading the manifests");
    let descends = wanted
        .base
        .as_ref()
        .map(|base| descends(&commit, base))
        .transpose()?;
    let files = files::read(&commit, wanted, &job.limits)?;
    let sizes = files
        .iter()
        .map(|(path, bytes)| (path.clone(), bytes.len() as u64))
        .collect();
    let answer = Answer::Read {
        commit: told(&commit, &target)?,
        descends,
        files: sizes,
    };
    Ok((answer, files))
}

/// Sees to it that the target is in the store, with the history that tells whether it descends from the
/// base.
fn bring(job: &Job, wanted: &Wanted, target: &Target) -> Result<(), Trouble> {
    let enough = || -> Result<bool, Trouble> {
        let repo = open(job)?;
        let Ok(commit) = commit(&repo, target.id) else {
            return Ok(false);
        };
        // Of a tag whose commit is there already only the name may be new.
        if wanted.signed_by.is_some() && !repo.has_object(target.object) {
            return Ok(false);
        }
        match &wanted.base {
            Some(base) => descends(&commit, base),
            None => Ok(true),
        }
    };
    if matches!(job.place, Place::File { .. }) || enough()? {
        return Ok(());
    }
    let id = target.id.to_string();
    let name = target.name.as_deref().unwrap_or(&id);
    let depth = NonZeroU32::new(wanted.depth);
    let get = |history: History| {
        step("fetching");
        remote::fetch(&open(job)?, &job.place, name, history)
    };
    let Some(base) = &wanted.base else {
        return get(depth.map_or(History::Whole, History::Depth));
    };
    // Servers refuse a time that the whole of the history lies before, and old ones know none.
    let since = get(History::Since(base.time.saturating_sub(SKEW)));
    if since.is_ok() && enough()? {
        return Ok(());
    }
    get(History::Whole)
}

/// Whether the commit is the base or comes after it, as far as the store can tell.
fn descends(commit: &gix::Commit<'_>, base: &Base) -> Result<bool, Trouble> {
    let Ok(base) = gix::ObjectId::from_hex(base.commit.as_bytes()) else {
        return Ok(false);
    };
    let walk = commit.ancestors().all().map_err(|error| broken(&error))?;
    for (count, one) in walk.enumerate() {
        let one = one.map_err(|error| broken(&error))?;
        if one.id == base {
            return Ok(true);
        }
        if count > MAX_COMMITS {
            break;
        }
    }
    Ok(false)
}

fn commit(repo: &gix::Repository, id: gix::ObjectId) -> Result<gix::Commit<'_>, Trouble> {
    let no = || Trouble::new(Reason::NoRevision, format!("`{id}` is no commit of it"));
    let object = repo
        .try_find_object(id)
        .map_err(|error| broken(&error))?
        .ok_or_else(no)?;
    object.peel_to_commit().map_err(|_| no())
}

fn told(commit: &gix::Commit<'_>, target: &Target) -> Result<Commit, Trouble> {
    let decoded = commit.decode().map_err(|error| broken(&error))?;
    let author = decoded.author().map_err(|error| broken(&error))?;
    let committer = decoded.committer().map_err(|error| broken(&error))?;
    Ok(Commit {
        id: commit.id.to_string(),
        reference: target
            .name
            .as_deref()
            .map(|name| clean(name, 250))
            .unwrap_or_default(),
        author: clean(&author.name.to_str_lossy(), 100),
        message: clean(&decoded.message().title.to_str_lossy(), 200),
        time: committer.seconds(),
    })
}

/// The store; or the repository itself, if it is a folder.
fn open(job: &Job) -> Result<gix::Repository, Trouble> {
    let options = || {
        gix::open::Options::isolated()
            .config_overrides([
                format!("gitoxide.objects.allocLimit={}", job.limits.pack_bytes),
                "pack.threads=1".to_owned(),
            ])
            .bail_if_untrusted(false)
    };
    let internal =
        |error: gix::Error| Trouble::new(Reason::Corrupt, format!("no store: {}", causes(&error)));
    match &job.place {
        Place::File { path } => gix::open_opts(path, options()).map_err(|error| {
            let what = format!("it cannot be opened as a repository: {}", causes(&error));
            Trouble::new(Reason::Unreachable, what)
        }),
        _ if job.store.join("HEAD").exists() => {
            gix::open_opts(&job.store, options().open_path_as_is(true)).map_err(internal)
        }
        _ => create(&job.store).map_err(internal).and_then(|()| {
            gix::open_opts(&job.store, options().open_path_as_is(true)).map_err(internal)
        }),
    }
}

fn create(store: &Path) -> Result<(), gix::Error> {
    gix::init_bare(store).map(drop)
}

/// The refs of a repository that is a folder.
fn own_refs(repo: &gix::Repository) -> Result<Vec<Ref>, Trouble> {
    let mut refs = Vec::new();
    let head = repo.head_id().ok();
    refs.extend(head.map(|id| Ref {
        name: "HEAD".to_owned(),
        id: id.detach(),
        object: id.detach(),
    }));
    let platform = repo.references().map_err(|error| broken(&error))?;
    for one in platform.all().map_err(|error| broken(&error))? {
        // One broken ref is none that is meant, or it is missed by name.
        let Ok(mut one) = one else { continue };
        let name = one.name().as_bstr().to_string();
        let object = one.target().try_id().map(ToOwned::to_owned);
        if let Ok(id) = one.peel_to_id() {
            let id = id.detach();
            let object = object.unwrap_or(id);
            refs.push(Ref { name, id, object });
        }
    }
    Ok(refs)
}

/// An object that cannot be read.
fn broken(error: &(dyn std::error::Error + 'static)) -> Trouble {
    Trouble::new(
        Reason::Corrupt,
        format!("what was received cannot be read: {}", causes(error)),
    )
}

/// An error of a conversation with a server.
fn explain(error: &gix::Error) -> Trouble {
    let text = causes(error);
    let denied = error.is_permission_denied()
        || error.is_unauthenticated()
        || ["status 401", "status 403", "credential"]
            .iter()
            .any(|word| text.contains(word));
    let reason = if denied {
        Reason::Denied
    } else if error.is_corrupted() {
        Reason::Corrupt
    } else {
        Reason::Unreachable
    };
    let what = if denied {
        format!("the server does not let it in: {text}")
    } else {
        format!("the server does not answer as it should: {text}")
    };
    Trouble::new(reason, what)
}

/// An error with its causes, in one line.
fn causes(error: &(dyn std::error::Error + 'static)) -> String {
    let mut texts = vec![error.to_string()];
    let mut cause = error.source();
    while let Some(one) = cause {
        let text = one.to_string();
        if texts.last() != Some(&text) {
            texts.push(text);
        }
        cause = one.source();
    }
    clean(&texts.join(": "), 600)
}
