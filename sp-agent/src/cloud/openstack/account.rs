//! Whether an account is an administrator's, by Keystone's word: it gives a token for the account
//! and its password, and the token names the roles. The token is given back at once.

use std::time::Duration;

use reqwest::header::HeaderValue;
use shared::model::{ADMIN, is_admin_name};
use shared::runtime::clock::Clock;

use super::client::Client;
use super::fault::one_line;
use super::options::{Auth, Domain, Options, Secret};
use super::patience::Patience;
use super::session::Login;
use crate::cloud::{Account, AccountError, CloudError};

/// The domain that every Keystone has.
const DOMAIN_DEFAULT: &str = "Default";

/// The project that every installation begins with, where the agent's own can't be known: an
/// application credential does not name it.
const PROJECT_DEFAULT: &str = "admin";

/// Giving the token back is a courtesy, and nobody should wait for it long.
const REVOKE_MAX: Duration = Duration::from_secs(2);

/// Asks the Keystone of `own`, which are the agent's options, about somebody's account.
///
/// # Errors
/// Why it is not an administrator's, or why that can't be told.
pub async fn check_account(
    own: &Options,
    account: &Account,
    clock: Clock,
) -> Result<(), AccountError> {
    let mut options = own.clone();
    options.auth = auth(&own.auth, account);
    let client = Client::new(&options, clock, Patience::brief())
        .map_err(|error| AccountError::Unanswered(error.to_string()))?;
    let login = client
        .login()
        .await
        .map_err(|error| told(error, &options.auth))?;
    let outcome = administers(&login);
    revoke(&client, &login.token).await;
    outcome
}

fn auth(own: &Auth, account: &Account) -> Auth {
    let named = |domain: &Option<String>| {
        let name = domain.as_deref().unwrap_or(DOMAIN_DEFAULT);
        Domain::Name(name.to_owned())
    };
    let (project_name, project_domain) = match (&account.project, own) {
        (Some(project), _) => (project.clone(), named(&account.project_domain)),
        (
            None,
            Auth::Password {
                project_name,
                project_domain,
                ..
            },
        ) => (project_name.clone(), project_domain.clone()),
        (None, Auth::ApplicationCredential { .. }) => {
            (PROJECT_DEFAULT.to_owned(), named(&account.project_domain))
        }
    };
    Auth::Password {
        username: account.user.as_str().to_owned(),
        password: Secret::new(account.password.as_str()),
        user_domain: named(&account.user_domain),
        project_name,
        project_domain,
    }
}

fn administers(login: &Login) -> Result<(), AccountError> {
    // Keystone and the policies compare names of roles without regard to case.
    if login.roles.iter().any(|it| is_admin_name(it)) {
        return of_the_cloud(login);
    }
    let roles = match login.roles.as_slice() {
        [] => "none".to_owned(),
        roles => roles.join(", "),
    };
    Err(AccountError::NotAdministrator(format!(
        "the password is right, but the account does not have the role {ADMIN} in project {} (its \
         roles there: {}); name an administrator's account, or the project in which it is one",
        one_line(&login.project),
        one_line(&roles),
    )))
}

/// Who has the role in some project need not administer the cloud: where Keystone knows a project
/// for that, it says of each token whether it is of that one.
fn of_the_cloud(login: &Login) -> Result<(), AccountError> {
    if login.is_admin_project {
        return Ok(());
    }
    Err(AccountError::NotAdministrator(format!(
        "the password is right and the account has the role {ADMIN} in project {}, but another \
         project is the one of this cloud's administrators (admin_project_name in Keystone's \
         configuration); name that project",
        one_line(&login.project),
    )))
}

fn told(error: CloudError, asked: &Auth) -> AccountError {
    let (endpoint, reason) = match error {
        CloudError::CredentialRefused {
            endpoint, reason, ..
        }
        | CloudError::Forbidden {
            endpoint, reason, ..
        } => (endpoint, reason),
        // A Keystone that gives a token without a project's catalog has no role for the account.
        CloudError::Malformed { reason, .. } if reason.contains("needs a role") => {
            return AccountError::NotAdministrator(reason);
        }
        error => return AccountError::Unanswered(error.to_string()),
    };
    let place = match asked {
        Auth::Password {
            user_domain: Domain::Name(domain) | Domain::Id(domain),
            project_name,
            ..
        } => format!(
            " (asked for in domain {} and project {})",
            one_line(domain),
            one_line(project_name)
        ),
        Auth::ApplicationCredential { .. } => String::new(),
    };
    AccountError::Refused(format!(
        "{endpoint} refuses account and password{place}: {reason} Check them, the domain and the \
         project"
    ))
}

/// Best effort: a token that is not given back ends by itself.
pub(super) async fn revoke(client: &Client, token: &HeaderValue) {
    let mut url = client.keystone().clone();
    if let Ok(mut path) = url.path_segments_mut() {
        path.extend(["auth", "tokens"]);
    }
    let request = client.http().client().delete(url);
    let request = request
        .header("x-auth-token", token)
        .header("x-subject-token", token);
    let _ = tokio::time::timeout(REVOKE_MAX, client.http().send(request)).await;
}
