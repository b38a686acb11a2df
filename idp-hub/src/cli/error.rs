//! What a command failed with: what, where, and what to do next.

use std::io;
use std::path::PathBuf;

use shared::runtime::daemon::Exit;
use shared::runtime::errors::chain;
use shared::runtime::files::FileError;

use crate::api::passwords::PasswordError;
use crate::api::problem::ProblemDocument;
use crate::authority::AuthorityError;
use crate::config::ConfigError;
use crate::store::StoreError;

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// The flags are wrong.
    #[error("{0}")]
    Usage(String),
    /// The configuration is wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The daemon does not run.
    #[error("the hub does not run: nobody answers at {}", socket.display())]
    NotRunning {
        /// Its socket.
        socket: PathBuf,
    },
    /// The socket is for others.
    #[error("you may not speak to the hub through {}", socket.display())]
    NotAllowed {
        /// The socket.
        socket: PathBuf,
    },
    /// The connection broke, or the answer can't be read.
    #[error("cannot talk to the hub through {}", socket.display())]
    Talk {
        /// The socket.
        socket: PathBuf,
        /// Why.
        source: reqwest::Error,
    },
    /// The daemon says what is wrong.
    #[error("{}", titled(.0))]
    Problem(Box<ProblemDocument>),
    /// The daemon answered something else than its API says.
    #[error("the hub's answer can't be understood; are command and daemon of the same release?")]
    Answer(#[source] serde_json::Error),
    /// The federation can't be made.
    #[error(transparent)]
    Authority(#[from] AuthorityError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Not a password.
    #[error(transparent)]
    Password(#[from] PasswordError),
    /// A file can't be used.
    #[error(transparent)]
    File(#[from] FileError),
    /// Another hub has the data directory.
    #[error("another idp-hub serves from {}; stop that one first", path.display())]
    InUse {
        /// The data directory.
        path: PathBuf,
    },
    /// The data directory can't be locked.
    #[error("cannot lock {} against a second hub", path.display())]
    Hold {
        /// The data directory.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// There are no keys that a backup could belong to.
    #[error("there is no {}, without which no region knows this hub", path.display())]
    NoKeys {
        /// The CA's file.
        path: PathBuf,
    },
    /// The file's owner can't be set.
    #[error("cannot give {} to the owner of its directory", path.display())]
    Owner {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// There is no terminal to ask on, or it is gone.
    #[error("cannot ask on the terminal")]
    Terminal(#[source] io::Error),
    /// Standard input can't be read.
    #[error("cannot read the password from standard input")]
    Stdin(#[source] io::Error),
    /// Who answers has another key than was said.
    #[error("the agent there has the key {shown}, which is not the given one; nothing was sent")]
    OtherKey {
        /// Its key.
        shown: String,
    },
    /// The audit trail is not what was written, as far as can be told.
    #[error("the audit trail is broken, or could not be held against what was written down")]
    Broken,
    /// The directory is not in place in every region, and nothing goes on.
    #[error("not all is in place, and nothing goes on: {left}")]
    Unfinished {
        /// Where, and what is left.
        left: String,
    },
    /// Whoever was asked said no.
    #[error("nothing was done")]
    Declined,
    /// The results can't be written.
    #[error("cannot write the results")]
    Output(#[source] io::Error),
    /// The runtime can't be made.
    #[error("cannot start")]
    Runtime(#[source] io::Error),
}

/// A problem's detail behind its title, where it has one.
fn titled(problem: &ProblemDocument) -> String {
    match problem.title.as_str() {
        "" => problem.detail.clone(),
        title => format!("{title}: {}", problem.detail),
    }
}

impl CliError {
    /// The process's exit.
    pub const fn exit(&self) -> Exit {
        match self {
            // Who could not be asked should have said it.
            Self::Usage(_) | Self::Config(_) | Self::Terminal(_) => Exit::Usage,
            _ => Exit::Failure,
        }
    }

    /// Everything for the terminal, with the next step on a line of its own.
    pub fn told(&self) -> String {
        let error = format!("error: {}", chain(self));
        match self.next_step() {
            Some(step) => format!("{error}\n  next: {step}"),
            None => error,
        }
    }

    fn next_step(&self) -> Option<String> {
        Some(match self {
            Self::NotRunning { .. } => {
                "start it with `systemctl start idp-hub`, or name its socket with --socket".into()
            }
            Self::NotAllowed { .. } => {
                "run this as root, or as a member of the socket's group".into()
            }
            Self::Problem(problem) => problem.next_step.clone(),
            Self::Talk { .. } => "look into the hub's log: `journalctl -u idp-hub`".into(),
            Self::Password(_) => "choose another password".into(),
            Self::Terminal(_) => {
                "use --password-file or --stdin, --key or --fingerprint for the key that you \
                compared, --account, --digest for the plan that you saw, and --yes where it asks \
                for consent"
                    .into()
            }
            Self::OtherKey { .. } => "compare it with `sp-agent status` on the agent's machine; \
                if that shows the given key, somebody answers in the agent's place"
                .into(),
            Self::NoKeys { .. } => "put the keys there that belong to the backup, *.pem and *.key \
                of the hub's data directory; or name the hub's configuration with --config"
                .into(),
            Self::Unfinished { .. } => "see what failed and why, with `idp-hub org status`; a \
                region that is away goes on once it is back, and what failed is tried again"
                .into(),
            Self::Owner { .. } => "run this as root, or as the directory's owner".into(),
            _ => return None,
        })
    }
}
