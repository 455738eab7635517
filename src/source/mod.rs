//! Where the desired state comes from: folders, places in Git repositories, paths of the Parameter Store.
//! It yields bytes and knows no manifest.
//!
//! ```text
//! address   what is typed, to a value; pure
//! dir       a folder, read whole; watch tells when one may have changed
//! git       a repository: when to ask, what comes into force
//! git/signature   whether a commit or tag is signed by a key that a person named; pure
//! git/worker   the process that talks to a repository's server and unpacks what it sends
//! ssm       a path of the Parameter Store: its pages, parts, labels and generation
//! schedule  when what is asked over a network is asked again
//! set       all of them, as one desired set
//! ```
//!
//! # History that was rewritten
//!
//! A head that does not descend from the commit in force is held back until a person allows it: by SIGHUP
//! for once, by `allowHistoryRewrite=true` for good. The commit in force outlives a restart if a folder for
//! that is named (`--git-store`), with its objects, so that it is in force again even while the repository
//! cannot be reached. Without such a folder a start takes the head that it finds. It is not looked up at
//! AWS: a commit stands there only with the resources that it changed, so the last one does not, and the
//! manifests of one that the repository has lost could not be read. Nothing is deleted either way.
//!
//! Invariants:
//! - A source that cannot be read whole, or holds no file at all, is an error and never an empty
//!   desired state.
//! - Nothing outside the folder, or the commit's path, is read, whatever its links say.
//! - No user, password or token of an address is shown.

mod address;
mod dir;
mod git;
mod schedule;
mod secret;
mod set;
mod ssm;
mod watch;

pub use address::{Address, AddressError, Credential, GitAddress, Pick, Repository, Scheme, Vault};
pub use dir::{Dir, Snapshot, SourceError};
pub use git::{Commit, Followed, Look, Reason, Trouble, Worker, worker};
pub use secret::Secret;
pub use set::{Access, Eagerness, NoSet, SourceState, Sources, Together};
pub use ssm::SsmAddress;
pub use watch::Watcher;
