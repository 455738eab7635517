//! The Git worker: a process of this program that talks to a repository, unpacks what it sends, reads
//! the manifests of one commit, and gives their bytes to the one who started it. It gets one job, and
//! knows no AWS and no credential but the repository's.
//!
//! What a hostile server can do to it, it does to this process: memory, file sizes and processor time
//! are bound by the kernel (`limits`), and the time by who started it. What it says is data to that one.
//!
//! Invariants:
//! - Objects live in a bare store without a work tree. Nothing of the store is trusted after an error:
//!   who started the worker throws it away. Nor is it trusted without one: what is read of an object is
//!   compared with its id, which the library does for what it receives alone.
//! - A head is compared before anything is fetched; what is fetched is asked for by its id.

mod allowance;
mod choose;
mod gather;
mod library;
mod limits;
mod modules;
mod remote;
mod shelf;
mod verify;

use std::io::{Read as _, Write as _};
use std::process::ExitCode;

use gix::bstr::ByteSlice as _;

pub(super) use self::choose::version;
use self::choose::{Ref, Target, choose, names};
use self::gather::gather;
use self::library::Library;
use self::shelf::File;
use super::wire::{Answer, Base, Commit, Job, Line, Reason, Trouble, Wanted, clean};

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

type Answered = (Answer, Vec<File>);

fn work(job: &Job) -> Result<Vec<Answered>, Trouble> {
    let mut library = Library::of(job);
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
        library.refs(&asked)?
    };
    // One that cannot be opened is told so, and not that it lacks a commit.
    library.open()?;
    let heads: Vec<Head> = job
        .wanted
        .iter()
        .map(|wanted| head(&mut library, wanted, &refs).unwrap_or_else(Head::Trouble))
        .collect();
    let places = || job.wanted.iter().zip(&heads);
    let asked: Vec<_> = places()
        .map(|(wanted, head)| match head {
            Head::New(found) => (wanted, Some(found.id)),
            Head::Known(_) | Head::Trouble(_) => (wanted, None),
        })
        .collect();
    if asked.iter().any(|(_, commit)| commit.is_some()) {
        step("reading the manifests");
    }
    let read = gather(library, job.limits, &asked);
    let answers = heads.into_iter().zip(read).map(|(head, files)| match head {
        Head::Known(id) => (Answer::Known(id), Vec::new()),
        Head::Trouble(trouble) => (Answer::Trouble(trouble), Vec::new()),
        Head::New(found) => match files {
            Err(trouble) => (Answer::Trouble(trouble), Vec::new()),
            Ok(files) => found.with(files),
        },
    });
    Ok(answers.collect())
}

/// What the head of a place is.
enum Head {
    Known(String),
    New(Found),
    Trouble(Trouble),
}

/// A head that is not known.
struct Found {
    id: gix::ObjectId,
    commit: Commit,
    descends: Option<bool>,
}

impl Found {
    fn with(self, files: Vec<File>) -> Answered {
        let sizes = files
            .iter()
            .map(|(path, bytes)| (path.clone(), bytes.len() as u64))
            .collect();
        let answer = Answer::Read {
            commit: self.commit,
            descends: self.descends,
            files: sizes,
        };
        (answer, files)
    }
}

fn head(library: &mut Library, wanted: &Wanted, refs: &[Ref]) -> Result<Head, Trouble> {
    let target = choose(&wanted.revision, refs)?;
    if wanted.known.contains(&target.id.to_string()) {
        return Ok(Head::Known(target.id.to_string()));
    }
    library.bring(wanted, &target)?;
    // A fetch moves the boundary of the history, which an open repository may not notice.
    let repo = library.open()?;
    let commit = commit(&repo, target.id)?;
    let id = commit.id.to_string();
    if wanted.known.contains(&id) {
        return Ok(Head::Known(id));
    }
    if let Some(keys) = &wanted.signed_by {
        verify::verify(&commit, &target, keys)?;
    }
    let base = wanted.base.as_ref();
    Ok(Head::New(Found {
        id: commit.id,
        commit: told(&commit, &target)?,
        descends: base.map(|base| descends(&commit, base)).transpose()?,
    }))
}

/// Whether the commit is the base or comes after it, as far as the store can tell.
fn descends(commit: &gix::Commit<'_>, base: &Base) -> Result<bool, Trouble> {
    let Ok(base) = gix::ObjectId::from_hex(base.commit.as_bytes()) else {
        return Ok(false);
    };
    // A file beside the objects that tells of parents is not looked at: nothing shows that it is right.
    let walk = commit.ancestors().use_commit_graph(false).all();
    for (count, one) in walk.map_err(|error| broken(&error))?.enumerate() {
        let one = one.map_err(|error| broken(&error))?;
        if one.id == base {
            return Ok(true);
        }
        let one = commit.repo.find_object(one.id);
        genuine(&one.map_err(|error| broken(&error))?)?;
        if count > MAX_COMMITS {
            break;
        }
    }
    Ok(false)
}

fn commit(repo: &gix::Repository, id: gix::ObjectId) -> Result<gix::Commit<'_>, Trouble> {
    let no = || Trouble::new(Reason::NoRevision, format!("`{id}` is no commit of it"));
    let mut next = id;
    // A tag that leads to itself cannot be: its id is made of where it leads.
    loop {
        let object = repo.try_find_object(next);
        let object = object.map_err(|error| broken(&error))?.ok_or_else(no)?;
        genuine(&object)?;
        match object.kind {
            gix::objs::Kind::Tag => {
                let tag = object.try_to_tag_ref().map_err(|error| broken(&error))?;
                next = tag.target();
            }
            _ => return object.try_into_commit().map_err(|_| no()),
        }
    }
}

/// Fails unless the bytes of an object are those that its id was made of.
fn genuine(object: &gix::Object<'_>) -> Result<(), Trouble> {
    let (kind, id) = (object.kind, object.id);
    let found = gix::objs::compute_hash(id.kind(), kind, &object.data);
    if found.is_ok_and(|found| found == id) {
        return Ok(());
    }
    let what = format!("the bytes of the {kind} `{id}` are not those that it is named by");
    Err(Trouble::new(Reason::Corrupt, what))
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

/// Those of these names (with `*` for the rest of a name) that a repository which is a folder has. No other ref of
/// it is looked at, however many there are.
fn own_refs(repo: &gix::Repository, names: &[String]) -> Result<Vec<Ref>, Trouble> {
    let mut refs = Vec::new();
    let platform = repo.references().map_err(|error| broken(&error))?;
    for name in names {
        if let Some(start) = name.strip_suffix('*') {
            let found = platform.prefixed(start).map_err(|error| broken(&error))?;
            // One broken ref is none that is meant, or it is missed by name.
            refs.extend(found.filter_map(|one| own_ref(one.ok()?)));
        } else if name == "HEAD" {
            refs.extend(repo.head_id().ok().map(|id| Ref {
                name: name.clone(),
                id: id.detach(),
                object: id.detach(),
            }));
        } else if gix::refs::FullName::try_from(name.as_str()).is_ok() {
            let found = repo.try_find_reference(name.as_str());
            let found = found.map_err(|error| broken(&error))?.and_then(own_ref);
            refs.extend(found.filter(|one| one.name == *name));
        }
    }
    Ok(refs)
}

fn own_ref(mut one: gix::Reference<'_>) -> Option<Ref> {
    let name = one.name().as_bstr().to_string();
    let object = one.target().try_id().map(ToOwned::to_owned);
    let id = one.peel_to_id().ok()?.detach();
    let object = object.unwrap_or(id);
    Some(Ref { name, id, object })
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
    // What a server of the second protocol says when it does not want to.
    let refused = text.contains("header: \"ERR ");
    let reason = if denied {
        Reason::Denied
    } else if error.is_corrupted() && !refused {
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
