//! Which credential is at work after edits, gifts and starts, by a Keystone on loopback.

mod stop;

use std::collections::BTreeMap;

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::{Json, Router};
use serde_json::{Value, json};
use shared::model::UnixMillis;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use super::*;
use crate::cloud::openstack::{Auth, Domain, Secret};
use crate::credential::{self, Doubt};
use crate::status::CloudView;

/// How often each password came, and which of them is right.
#[derive(Default)]
struct Keystone {
    right: Vec<&'static str>,
    tried: BTreeMap<String, usize>,
}

type Shared = Arc<Mutex<Keystone>>;

async fn answer(State(keystone): State<Shared>, request: axum::extract::Request) -> Response {
    let is_sign_in = request.method() == "POST";
    let body = axum::body::to_bytes(request.into_body(), 1 << 16).await;
    if !is_sign_in {
        return Json(json!({ "domains": [], "links": { "next": null } })).into_response();
    }
    let asked: Value = serde_json::from_slice(&body.unwrap()).unwrap();
    let password = "/auth/identity/password/user/password";
    let password = asked.pointer(password).unwrap().as_str().unwrap();
    let mut keystone = keystone.lock().unwrap();
    *keystone.tried.entry(password.to_owned()).or_default() += 1;
    if !keystone.right.contains(&password) {
        let no = json!({ "error": { "code": 401, "message": "No.", "title": "No" } });
        return (axum::http::StatusCode::UNAUTHORIZED, Json(no)).into_response();
    }
    let home = json!({ "id": "default", "name": "Default" });
    let token = json!({ "token": {
        "issued_at": "2031-01-01T00:00:00.000000Z", "expires_at": "2031-01-01T01:00:00.000000Z",
        "user": { "id": "u", "name": "admin", "domain": home },
        "project": { "id": "p", "name": "admin", "domain": home },
        "roles": [{ "id": "r", "name": "admin" }], "catalog": [],
    }});
    let response = Response::builder().status(201);
    let response = response.header("x-subject-token", "t");
    response.body(Body::from(token.to_string())).unwrap()
}

struct Stage {
    folder: tempfile::TempDir,
    keystone: Shared,
    url: String,
    _server: JoinSet<()>,
}

fn auth(password: &str) -> Auth {
    Auth::Password {
        username: "admin".to_owned(),
        password: Secret::new(password),
        user_domain: Domain::Name("Default".to_owned()),
        project_name: "admin".to_owned(),
        project_domain: Domain::Name("Default".to_owned()),
    }
}

impl Stage {
    async fn new(right: &[&'static str]) -> Self {
        let keystone = Shared::default();
        keystone.lock().unwrap().right = right.to_vec();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/v3", listener.local_addr().unwrap());
        let router = Router::new().fallback(answer);
        let router = router.with_state(Arc::clone(&keystone));
        let mut server = JoinSet::new();
        server.spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self {
            folder: tempfile::tempdir().unwrap(),
            keystone,
            url,
            _server: server,
        }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("agent.toml")
    }

    fn write(&self, password: &str) {
        let data_dir = self.folder.path().display();
        let text = format!(
            "data_dir = \"{data_dir}\"\n[cloud]\nkind = \"openstack\"\n[cloud.openstack]\n\
             auth_url = \"{}\"\nusername = \"admin\"\npassword = \"{password}\"\n\
             project_name = \"admin\"\n",
            self.url
        );
        std::fs::write(self.path(), text).unwrap();
        let private = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        std::fs::set_permissions(self.path(), private).unwrap();
    }

    /// What a start does, up to the tries that it begins.
    async fn start(&self) -> Running {
        let config = Config::load(&self.path(), Purpose::Run, None).unwrap();
        let clock = Clock::system();
        let view = CloudView {
            description: shared::model::CloudDescription {
                kind: shared::model::CloudKind::OpenStack,
                version: String::new(),
                endpoint: String::new(),
            },
            reason: None,
        };
        let settings = Settings {
            origin: Origin {
                path: self.path(),
                credentials: None,
            },
            data_dir: self.folder.path().to_owned(),
            trail: Trail::open(self.folder.path(), clock.unix_millis()).unwrap(),
            clock,
            configs: watch::Sender::new(Arc::new(config)),
            gifts: mpsc::channel(1).1,
            tries: Arc::default(),
            cloud: watch::channel(view).1,
        };
        let mut running = Running {
            settings,
            course: Course::default(),
        };
        running.settings.go_on(&mut running.course);
        running
    }

    fn tried(&self, password: &str) -> usize {
        let keystone = self.keystone.lock().unwrap();
        keystone.tried.get(password).copied().unwrap_or_default()
    }
}

struct Running {
    settings: Settings,
    course: Course,
}

impl Running {
    async fn meets(&mut self, event: Event) {
        self.settings.handle(event, &mut self.course).await;
    }

    /// Until nothing is tried any more.
    async fn settled(&mut self) {
        while self.course.trial.is_some() {
            let proven = trial::outcome(&mut self.course.trial).await;
            self.meets(Event::Proven(proven)).await;
        }
    }

    async fn is_given(&mut self, password: &str) -> Result<(), NotTaken> {
        let (told, mut answer) = oneshot::channel();
        let auth_url = {
            let config = self.settings.configs.borrow();
            config.openstack().unwrap().auth_url.clone()
        };
        let gift = Gift {
            auth: auth(password),
            homes: Vec::new(),
            auth_url,
            at: UnixMillis(1),
            by: "me".to_owned(),
            told,
        };
        self.meets(Event::Given(gift)).await;
        answer.try_recv().unwrap()
    }

    fn works_by(&self, password: &str) -> bool {
        let config = self.settings.configs.borrow();
        config.openstack().unwrap().auth == auth(password)
    }

    fn is_refused(&self) -> bool {
        let config = self.settings.configs.borrow();
        let doubt = config.credential.counts.doubt();
        matches!(doubt, Some(Doubt::Refused { .. }))
    }
}

#[tokio::test]
async fn a_start_by_a_changed_file_goes_on_by_what_worked_until_the_new_one_does() {
    let stage = Stage::new(&["first", "third"]).await;
    stage.write("first");
    let mut running = stage.start().await;
    assert!(running.settings.is_unkept());
    running.meets(Event::SignsIn).await;
    running.settled().await;
    assert!(!running.settings.is_unkept());
    stage.write("second");
    for tried in [1, 1] {
        let mut running = stage.start().await;
        assert!(running.works_by("first"), "also before it was tried");
        running.settled().await;
        assert!(running.works_by("first") && running.is_refused());
        assert_eq!(stage.tried("second"), tried, "a start again tries no more");
    }
    let mut running = stage.start().await;
    stage.keystone.lock().unwrap().right.push("second");
    running.meets(Event::Read(Cause::Asked)).await;
    running.settled().await;
    assert!(running.works_by("second"));
    stage.write("third");
    let mut running = stage.start().await;
    assert!(running.works_by("second"));
    running.settled().await;
    assert!(running.works_by("third"));
    let running = stage.start().await;
    assert!(running.course.trial.is_none() && running.works_by("third"));
}

#[tokio::test]
async fn nothing_unproven_overtakes_what_is_given() {
    let stage = Stage::new(&["first"]).await;
    stage.write("first");
    let mut running = stage.start().await;
    running.meets(Event::SignsIn).await;
    running.settled().await;
    // It waits to be looked at, when another one is given.
    stage.write("wrong");
    assert_eq!(running.is_given("given").await, Ok(()));
    assert!(running.works_by("given"));
    running.meets(Event::Read(Cause::Seen)).await;
    running.settled().await;
    assert!(running.works_by("given"));
    assert_eq!(stage.tried("wrong"), 0);
    // It is being tried.
    stage.write("worse");
    running.meets(Event::Read(Cause::Seen)).await;
    assert!(running.course.trial.is_some());
    assert_eq!(running.is_given("again").await, Ok(()));
    running.settled().await;
    assert!(running.works_by("again"));
    // It can't be read.
    std::fs::write(stage.path(), "[cloud").unwrap();
    assert_eq!(running.is_given("third").await, Ok(()));
    running.meets(Event::Read(Cause::Asked)).await;
    assert!(running.works_by("third"));
    stage.write("worse");
    let running = stage.start().await;
    assert!(running.works_by("third") && running.course.trial.is_none());
}

#[tokio::test]
async fn what_can_not_be_kept_is_not_told_to_be() {
    let stage = Stage::new(&["first"]).await;
    stage.write("first");
    let mut running = stage.start().await;
    std::fs::create_dir(stage.folder.path().join(credential::FILE)).unwrap();
    let told = running.is_given("given").await.unwrap_err().to_string();
    assert!(told.contains("can't be kept"), "{told}");
    assert!(running.works_by("first"));
    running.settings.data_dir = stage.folder.path().join("other");
    std::fs::create_dir(&running.settings.data_dir).unwrap();
    stage.write("first");
    let text = std::fs::read_to_string(stage.path()).unwrap();
    std::fs::write(stage.path(), text.replace(&stage.url, "https://other:5000")).unwrap();
    let told = running.is_given("given").await.unwrap_err().to_string();
    assert!(told.contains("another Keystone"), "{told}");
}
