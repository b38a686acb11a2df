//! `idp-hub org …`.

mod administrator;
mod drift;
mod find;
mod needs;
mod plan;
mod quota;
mod retired;
mod shown;
mod spread;
mod status;

use reqwest::Method;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use self::find::{Found, find};
use self::needs::{is_link, is_object};
use super::arguments::{Create, Ending, Kind, Link, Org, Said, Set, Which};
use super::client::{Client, escaped};
use super::error::CliError;
use super::moment::now;
use super::output::Screen;
use super::pages::List;
use super::prompt::{self, YES};
use crate::api::{
    ExposureDocument, ExposuresDocument, LinkDocument, ObjectDocument, PasswordDocument,
    PasswordStandingDocument,
};

pub(super) async fn run(client: &Client, asked: &Org, screen: Screen) -> Result<(), CliError> {
    match asked {
        Org::Plan { region, full } => plan::show(client, region, *full, screen).await,
        Org::Merge {
            region,
            digest,
            take_over,
            copied,
        } => {
            let despite = (*take_over, *copied);
            plan::merge(client, region, (digest.as_deref(), despite), screen).await
        }
        Org::Drift(asked) => drift::run(client, asked, screen).await,
        Org::Status { region, follow } => {
            let region = region.as_deref();
            match follow {
                true => status::follow(client, region, screen).await,
                false => status::run(client, region, screen).await,
            }
        }
        Org::Exposed => exposed(client, screen).await,
        Org::Policy { region, drift: it } => drift::policy(client, region, *it, screen).await,
        Org::Retired => retired::list(client, None, screen).await,
        Org::Purge { which, cancel } => retired::purge(client, which, *cancel, screen).await,
        Org::List {
            kind: kind @ (Kind::Department | Kind::Project),
            retired: true,
        } => retired::list(client, Some(*kind), screen).await,
        Org::List {
            kind,
            retired: true,
        } => {
            let what = format!("a {} is not retired, it is deleted", kind.word());
            Err(CliError::Usage(what))
        }
        Org::List { kind, .. } if kind.is_link() => {
            let all: Vec<LinkDocument> = all(client, *kind).await?;
            screen.write(|| shown::links(&all, *kind, screen), &listed(*kind, &all))
        }
        Org::List { kind, .. } => {
            let all: Vec<ObjectDocument> = all(client, *kind).await?;
            screen.write(|| shown::objects(&all, *kind, screen), &listed(*kind, &all))
        }
        Org::Show(which) => show(client, which, screen).await,
        Org::Create(asked) => create(client, asked, screen).await,
        Org::Set(asked) => set(client, asked, screen).await,
        Org::Delete(asked) => end(client, asked, "delete", screen).await,
        Org::Retire(asked) => end(client, asked, "retire", screen).await,
        Org::Password {
            department,
            user,
            stdin,
        } => password(client, (department, user), *stdin, screen).await,
        Org::Unlock { department, user } => unlock(client, (department, user), screen).await,
        Org::Admit => admit(client, screen).await,
        Org::Quota(asked) => quota::run(client, asked, screen).await,
        Org::Administrator(asked) => administrator::run(client, asked, screen).await,
        Org::Link(asked) => link(client, asked, screen).await,
        Org::Unlink { kind, id } => {
            is_link(*kind)?;
            let path = format!("/directory/{}s/{}", kind.word(), escaped(id));
            client.act(Method::DELETE, &path, None::<&Value>).await?;
            let text = format!("Took the {} away.", kind.word());
            screen.line(&text, &json!({ "unlinked": id }))
        }
    }
}

async fn admit(client: &Client, screen: Screen) -> Result<(), CliError> {
    let path = "/directory/sign-in-hold";
    client.act(Method::DELETE, path, None::<&Value>).await?;
    screen.line("Users may sign in.", &json!({ "admitted": true }))
}

/// Who is in somebody's power.
async fn exposed(client: &Client, screen: Screen) -> Result<(), CliError> {
    let list = List::of("/directory/exposures").slow();
    let items: Vec<ExposureDocument> = list.read(client).await?;
    let all = ExposuresDocument {
        count: items.len() as u64,
        items,
        next: None,
    };
    screen.write(|| shown::exposed::listed(&all, screen), &all)
}

/// All of a kind.
async fn all<T: DeserializeOwned>(client: &Client, kind: Kind) -> Result<Vec<T>, CliError> {
    let path = format!("/directory/{}s", kind.word());
    List::of(&path).read(client).await
}

fn listed<T: Serialize>(kind: Kind, all: &[T]) -> Value {
    json!({ format!("{}s", kind.word()): all })
}

/// One that is live, or one that was retired.
async fn show(client: &Client, which: &Which, screen: Screen) -> Result<(), CliError> {
    let live = match found(client, which).await {
        Ok(found) => return show_live(client, found, screen).await,
        Err(error) => error,
    };
    let is_asked = matches!(which.kind, Kind::Department | Kind::Project);
    let is_none = matches!(live, CliError::Usage(_) | CliError::Problem(_));
    if !is_asked || !is_none {
        return Err(live);
    }
    let within = which.within.as_deref();
    match retired::find(client, which.kind, &which.name, within).await {
        Ok(Some(it)) => screen.write(|| retired::one(&it, now(), screen), &it),
        // What is said of the live ones is what was asked for.
        Ok(None) | Err(CliError::Problem(_)) => Err(live),
        Err(error) => Err(error),
    }
}

/// A user, as programs read him.
#[derive(Serialize)]
struct ShownUser<'a> {
    #[serde(flatten)]
    user: &'a ObjectDocument,
    #[serde(skip_serializing_if = "Option::is_none")]
    password: Option<&'a PasswordStandingDocument>,
}

/// A user with where his password is known, as far as whoever asks may set it.
async fn show_live(client: &Client, found: ObjectDocument, screen: Screen) -> Result<(), CliError> {
    if found.kind != Kind::User.word() {
        return screen.write(|| shown::one(&found, screen), &found);
    }
    let path = format!("/directory/users/{}/password", found.id);
    let password: Option<PasswordStandingDocument> = match client.get(&path).await {
        Ok(password) => Some(password),
        Err(CliError::Problem(_)) => None,
        Err(error) => return Err(error),
    };
    let text = || {
        let password = password.as_ref().map(|it| shown::standing(&found, it));
        format!(
            "{}{}",
            shown::one(&found, screen),
            password.unwrap_or_default()
        )
    };
    let shown = ShownUser {
        user: &found,
        password: password.as_ref(),
    };
    screen.write(text, &shown)
}

async fn found(client: &Client, which: &Which) -> Result<ObjectDocument, CliError> {
    is_object(which.kind)?;
    let within = which.within.as_deref();
    find(client, which.kind, &which.name, within).await
}

async fn create(client: &Client, asked: &Create, screen: Screen) -> Result<(), CliError> {
    needs::of_a_thing(asked)?;
    let Which { kind, name, within } = &asked.which;
    let department = Found::id(client, Kind::Department, within.as_deref(), None).await?;
    let within = department.as_deref();
    let parent = Found::id(client, Kind::Project, asked.parent.as_deref(), within).await?;
    let mut body = said(client, &asked.said).await?;
    put(&mut body, "name", Some(name));
    put(&mut body, "department", department.as_ref());
    put(&mut body, "parent", parent.as_ref());
    // There is no default project yet that could be taken away.
    body.retain(|field, value| field != "default_project" || value != "");
    if asked.disabled {
        body.insert("enabled".to_owned(), json!(false));
    }
    let path = format!("/directory/{}s", kind.word());
    let made: ObjectDocument = client.post(&path, &body).await?;
    screen.write(|| shown::made(&made), &made)
}

/// What is said of a thing, as the API takes it.
async fn said(client: &Client, said: &Said) -> Result<Map<String, Value>, CliError> {
    let mut body = Map::new();
    put(&mut body, "description", said.description.as_ref());
    put(&mut body, "email", said.email.as_ref());
    let home = match said.default_project.as_deref() {
        Some("") => Some(String::new()),
        home => Found::id(client, Kind::Project, home, None).await?,
    };
    put(&mut body, "default_project", home.as_ref());
    Ok(body)
}

fn put(body: &mut Map<String, Value>, field: &str, value: Option<&String>) {
    if let Some(value) = value {
        body.insert(field.to_owned(), json!(value));
    }
}

async fn set(client: &Client, asked: &Set, screen: Screen) -> Result<(), CliError> {
    needs::of_a_change(asked)?;
    let before = found(client, &asked.which).await?;
    let mut body = said(client, &asked.said).await?;
    put(&mut body, "name", asked.rename.as_ref());
    let none = [
        ("description", asked.no_description),
        ("email", asked.no_email),
    ];
    for (field, _) in none.iter().filter(|(_, is_asked)| *is_asked) {
        body.insert((*field).to_owned(), Value::Null);
    }
    if asked.enable || asked.disable {
        body.insert("enabled".to_owned(), json!(asked.enable));
    }
    if body.is_empty() {
        let what = "nothing is to be changed; say what, as with --rename or --description";
        return Err(CliError::Usage(what.to_owned()));
    }
    let kind = asked.which.kind.word();
    let path = format!("/directory/{kind}s/{}", before.id);
    client.act(Method::PATCH, &path, Some(&body)).await?;
    let after: ObjectDocument = client.get(&path).await?;
    screen.write(|| shown::one(&after, screen), &after)
}

async fn end(client: &Client, asked: &Ending, how: &str, screen: Screen) -> Result<(), CliError> {
    let kind = asked.which.kind;
    let right = match kind {
        Kind::Department | Kind::Project => "retire",
        _ => "delete",
    };
    is_object(kind)?;
    if how != right {
        let word = kind.word();
        let what = format!("a {word} is not {how}d: use `idp-hub org {right} {word} …`");
        return Err(CliError::Usage(what));
    }
    let found = found(client, &asked.which).await?;
    if !asked.yes {
        let question = shown::question(&found, how);
        if !prompt::confirm(&question, YES)? {
            return Err(CliError::Declined);
        }
    }
    let path = format!("/directory/{}s/{}", kind.word(), found.id);
    client.act(Method::DELETE, &path, None::<&Value>).await?;
    let text = format!("The {} is {how}d.", shown::object(&found));
    screen.line(&text, &json!({ "ended": found.id, "name": found.name }))
}

async fn password(
    client: &Client,
    (department, user): (&str, &str),
    stdin: bool,
    screen: Screen,
) -> Result<(), CliError> {
    let found = find(client, Kind::User, user, Some(department)).await?;
    let new = prompt::password_for_clouds(stdin)?;
    let path = format!("/directory/users/{}/password", found.id);
    let body = json!({ "new": new.as_str() });
    let set: PasswordDocument = client.put(&path, &body).await?;
    screen.write(|| shown::password(&found, &set), &set)
}

async fn unlock(
    client: &Client,
    (department, user): (&str, &str),
    screen: Screen,
) -> Result<(), CliError> {
    let found = find(client, Kind::User, user, Some(department)).await?;
    let path = format!("/directory/users/{}/lock", found.id);
    client.act(Method::DELETE, &path, None::<&Value>).await?;
    let text = format!(
        "The {} is not locked here (any more). Whether a password is known by which one signs \
         in: idp-hub org show user {}",
        shown::object(&found),
        found.id
    );
    screen.line(&text, &json!({ "unlocked": found.id, "name": found.name }))
}

async fn link(client: &Client, asked: &Link, screen: Screen) -> Result<(), CliError> {
    needs::of_a_link(asked)?;
    let mut body = Map::new();
    for (field, kind, name) in [
        ("user", Kind::User, &asked.user),
        ("group", Kind::Group, &asked.group),
        ("role", Kind::Role, &asked.role),
        ("implied", Kind::Role, &asked.implied),
        ("project", Kind::Project, &asked.project),
        ("department", Kind::Department, &asked.department),
    ] {
        if let Some(id) = Found::id(client, kind, name.as_deref(), None).await? {
            body.insert(field.to_owned(), json!(id));
        }
    }
    for (field, is_asked) in [("inherited", asked.inherited), ("entrust", asked.entrust)] {
        if is_asked {
            body.insert(field.to_owned(), json!(true));
        }
    }
    let path = format!("/directory/{}s", asked.kind.word());
    client.act(Method::POST, &path, Some(&body)).await?;
    let made = format!("Made the {}: {}.", asked.kind.word(), needs::said(asked));
    let user = body.get("user").and_then(Value::as_str);
    let beyond = match user {
        Some(user) => beyond(client, user).await.unwrap_or_default(),
        None => String::new(),
    };
    screen.line(&(made + &beyond), &Value::Object(body))
}

/// That no region's word counts for a user's password, by what he was given now or before; nothing,
/// where that is not so, or whoever asks may not know it.
async fn beyond(client: &Client, user: &str) -> Result<String, CliError> {
    let path = format!("/directory/users/{user}");
    let standing: PasswordStandingDocument = client.get(&format!("{path}/password")).await?;
    if standing.beyond_region.is_none() {
        return Ok(String::new());
    }
    let found: ObjectDocument = client.get(&path).await?;
    Ok(shown::standing(&found, &standing))
}
