//! What `sp-agent check` tells of a cloud: whether the credential works, what it may read, which
//! services there are, and one hole that an operator should close.

use futures_util::future::join_all;
use serde_json::json;
use shared::model::{ServiceKind, is_admin_name};

use super::client::{Ask, Client};
use super::compute::servers::cells;
use super::describe::project;
use super::patience::Patience;
use super::probe::SERVICES;
use super::rights;
use super::session::Login;
use crate::cloud::{CloudError, Trouble};

/// How a point of the check turned out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// As it should be.
    Good,
    /// The agent works, but not with all of it, or something else should be looked at.
    Warning,
    /// The agent can't do its work.
    Bad,
}

/// One point of the check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckLine {
    /// How it turned out.
    pub verdict: Verdict,
    /// What was looked at, in a few words.
    pub subject: String,
    /// What was found, and what to do.
    pub text: String,
}

impl CheckLine {
    fn new(verdict: Verdict, subject: &str, text: impl Into<String>) -> Self {
        Self {
            verdict,
            subject: subject.to_owned(),
            text: text.into(),
        }
    }
}

/// Looks at everything, point after point; without a token, at nothing else.
pub(super) async fn check(client: &Client) -> Vec<CheckLine> {
    let login = match client.login().await {
        Ok(login) => login,
        Err(error) => {
            let line = CheckLine::new(Verdict::Bad, "sign-in", error.to_string());
            return vec![line, ec2_tokens(client).await];
        }
    };
    let mut lines = vec![account(client, &login)];
    for service in SERVICES {
        lines.push(presence(client, service).await);
    }
    for right in RIGHTS {
        if login.catalog.endpoint(right.service).is_some() {
            lines.push(right.check(client).await);
        }
    }
    for (service, what) in LISTS {
        if login.catalog.endpoint(service).is_some() {
            lines.push(list_of_all(client, service, what).await);
        }
    }
    if login.catalog.endpoint(ServiceKind::Compute).is_some() {
        lines.push(silent_cells(client).await);
    }
    lines.push(ec2_tokens(client).await);
    lines
}

/// What of the rights that the agent needs an account lacks.
#[derive(Debug, Default)]
pub(super) struct Lacks {
    /// What it may not, with the service's words.
    pub(super) rights: Vec<String>,
    /// What could not be asked, as the service did not answer: that says nothing of the account.
    pub(super) unanswered: Vec<String>,
}

/// Asks, all at once, for everything that only an administrator may read.
pub(super) async fn lacks(client: &Client, login: &Login) -> Lacks {
    let is_there = |service| login.catalog.endpoint(service).is_some();
    let rights = RIGHTS.iter().filter(|it| is_there(it.service));
    let rights = rights.map(async |it| (it.what, it.ask(client).await));
    let lists = LISTS.iter().filter(|(service, _)| is_there(*service));
    let lists = lists.map(async |(service, what)| (*what, rights::prove(client, *service).await));
    let (rights, lists) = tokio::join!(join_all(rights), join_all(lists));
    let mut lacks = Lacks::default();
    for (what, outcome) in rights.into_iter().chain(lists) {
        let Err(error) = outcome else { continue };
        let told = format!("{what} ({error})");
        match Trouble::from(&error) {
            Trouble::Rights | Trouble::Credential => lacks.rights.push(told),
            Trouble::Service | Trouble::Token => lacks.unanswered.push(told),
        }
    }
    lacks
}

/// Whether servers of a cell whose database is silent are told from deleted ones.
async fn silent_cells(client: &Client) -> CheckLine {
    const SUBJECT: &str = "hear of Nova's cells";
    match cells::tell(client).await {
        Ok(None) => CheckLine::new(Verdict::Good, SUBJECT, "all of them answer"),
        Ok(Some(advice)) => CheckLine::new(Verdict::Warning, SUBJECT, advice),
        Err(error) => CheckLine::new(Verdict::Bad, SUBJECT, error.to_string()),
    }
}

/// Lists that are short, and not refused, where the account is no administrator.
const LISTS: [(ServiceKind, &str); 2] = [
    (ServiceKind::Volume, "list all volumes"),
    (ServiceKind::Network, "list all networks"),
];

async fn list_of_all(client: &Client, service: ServiceKind, what: &str) -> CheckLine {
    match rights::prove(client, service).await {
        Ok(()) => CheckLine::new(Verdict::Good, what, "allowed"),
        Err(error) => CheckLine::new(Verdict::Bad, what, error.to_string()),
    }
}

fn account(client: &Client, login: &Login) -> CheckLine {
    let is_admin = login.roles.iter().any(|role| is_admin_name(role));
    let text = format!(
        "{} signs in at {} in project {} with the roles {}",
        login.user,
        client.keystone(),
        login.project,
        login.roles.join(", "),
    );
    match is_admin {
        true => CheckLine::new(Verdict::Good, "sign-in", text),
        false => CheckLine::new(
            Verdict::Warning,
            "sign-in",
            format!(
                "{text}; unless this cloud's policies say otherwise, only the role admin sees all \
                 projects"
            ),
        ),
    }
}

async fn presence(client: &Client, service: ServiceKind) -> CheckLine {
    let subject = project(service);
    match client.versions(service, &Patience::brief()).await {
        Ok(versions) => {
            let endpoint = client.known_endpoint(service);
            let text = format!("{} at {endpoint}", versions.line());
            CheckLine::new(Verdict::Good, subject, text)
        }
        Err(CloudError::Missing { .. }) => {
            let text = "the catalog has none for this region and interface; what it would tell \
                        stays unknown";
            CheckLine::new(Verdict::Warning, subject, text)
        }
        Err(error) => CheckLine::new(Verdict::Bad, subject, error.to_string()),
    }
}

/// Something that the agent reads and that only an administrator may.
struct Right {
    service: ServiceKind,
    path: &'static [&'static str],
    query: &'static [(&'static str, &'static str)],
    what: &'static str,
}

const RIGHTS: [Right; 9] = [
    Right {
        service: ServiceKind::Identity,
        path: &["projects"],
        query: &[],
        what: "list all projects",
    },
    Right {
        service: ServiceKind::Identity,
        path: &["domains"],
        query: &[("name", "regroup-rights-question")],
        what: "list all domains",
    },
    Right {
        service: ServiceKind::Identity,
        path: &["users"],
        query: &[("name", "regroup-rights-question")],
        what: "list all users",
    },
    Right {
        service: ServiceKind::Identity,
        path: &["role_inferences"],
        query: &[],
        what: "list implied roles",
    },
    Right {
        service: ServiceKind::Compute,
        path: &["servers"],
        query: &[("all_tenants", "1"), ("limit", "1")],
        what: "list all servers",
    },
    Right {
        service: ServiceKind::Compute,
        path: &["os-hypervisors"],
        query: &[],
        what: "list nodes",
    },
    Right {
        service: ServiceKind::Placement,
        path: &["resource_providers"],
        query: &[("name", "regroup-health-question")],
        what: "read nodes' capacity",
    },
    Right {
        service: ServiceKind::Volume,
        path: &["scheduler-stats", "get_pools"],
        query: &[],
        what: "list storage pools",
    },
    Right {
        service: ServiceKind::Volume,
        path: &["os-services"],
        query: &[("binary", "cinder-volume")],
        what: "list storage back ends",
    },
];

impl Right {
    async fn ask(&self, client: &Client) -> Result<(), CloudError> {
        let mut ask = Ask::new(self.service, self.path.iter().copied());
        for (name, value) in self.query {
            ask = ask.with(name, *value);
        }
        client.get_at_once(&ask).await.map(drop)
    }

    async fn check(&self, client: &Client) -> CheckLine {
        match self.ask(client).await {
            Ok(()) => CheckLine::new(Verdict::Good, self.what, "allowed"),
            Err(error) => CheckLine::new(Verdict::Bad, self.what, error.to_string()),
        }
    }
}

/// CVE-2025-65073 (OSSA-2025-002): Keystone gives a token to anybody who knows an EC2 signature.
/// A corrected one refuses whoever brings no token before it looks at what else he brings.
async fn ec2_tokens(client: &Client) -> CheckLine {
    const SUBJECT: &str = "CVE-2025-65073";
    let mut url = client.keystone().clone();
    if let Ok(mut path) = url.path_segments_mut() {
        path.push("ec2tokens");
    }
    // Incomplete on purpose: nothing can come of it but a refusal, for one reason or the other.
    let body = json!({"credentials": {"access": "regroup-check"}});
    let request = client.http().client().post(url).json(&body);
    let status = match client.http().send(request).await {
        Ok(answer) => answer.status,
        Err(_) => {
            let text = "Keystone did not answer; ask again";
            return CheckLine::new(Verdict::Warning, SUBJECT, text);
        }
    };
    match status {
        // 404 and 405: the extension is switched off, or a proxy hides it.
        401 | 403 | 404 | 405 => {
            let text = "Keystone answers /v3/ec2tokens only to those who are signed in";
            CheckLine::new(Verdict::Good, SUBJECT, text)
        }
        _ => CheckLine::new(
            Verdict::Warning,
            SUBJECT,
            format!(
                "Keystone answers /v3/ec2tokens (HTTP {status}) without a token; update it to \
                 26.1, 27.1, 28.0.1 or later, or have a proxy refuse that path"
            ),
        ),
    }
}
