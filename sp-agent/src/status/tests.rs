//! The socket, from both ends.

use std::fs;
use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use shared::ids::{FederationId, RegionId};
use shared::model::UnixMillis;
use shared::pki;
use shared::runtime::shutdown::Shutdown;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

use super::check::CheckReport;
use super::*;
use crate::membership::Membership;

/// A daemon that only says what it was asked.
#[derive(Default)]
struct Parrot(Mutex<Vec<String>>);

#[async_trait]
impl Operations for Parrot {
    async fn report(&self) -> Report {
        offline(std::path::Path::new("/nowhere"), UnixMillis(0))
    }

    async fn join(&self, asked: JoinAsked) -> Result<JoinTold, Problem> {
        self.0.lock().unwrap().push(format!("{asked:?}"));
        Err(Problem::refused("not today; ask tomorrow"))
    }

    async fn leave(&self) -> Result<LeaveTold, Problem> {
        let kept = "/aside".to_owned();
        Ok(LeaveTold {
            kept,
            hub_told: true,
            was_removed: false,
        })
    }

    async fn check(&self) -> Result<Vec<CheckReport>, Problem> {
        Ok(Vec::new())
    }

    async fn credential(&self, asked: CredentialAsked) -> Result<CredentialTold, Problem> {
        self.0.lock().unwrap().push(format!("{asked:?}"));
        let account = format!("{:?}", asked.offered().map_err(Problem::invalid)?);
        Ok(CredentialTold {
            account,
            warning: None,
        })
    }

    fn metrics(&self) -> String {
        "up 1\n".to_owned()
    }
}

struct Rig {
    folder: tempfile::TempDir,
    parrot: std::sync::Arc<Parrot>,
    shutdown: Shutdown,
    served: tokio::task::JoinHandle<Result<(), ServerError>>,
    metrics: std::net::SocketAddr,
}

impl Rig {
    async fn start() -> Self {
        pki::install_default_provider();
        let folder = tempfile::tempdir().unwrap();
        let parrot = std::sync::Arc::new(Parrot::default());
        let listen = Some(([127, 0, 0, 1], 0).into());
        let server = Server::bind(&folder.path().join("s"), listen)
            .await
            .unwrap();
        let metrics = server.metrics_address().unwrap();
        let shutdown = Shutdown::new();
        let run = server.run(parrot.clone(), shutdown.clone());
        #[allow(
            clippy::disallowed_methods,
            reason = "the test's own task, which it joins"
        )]
        let served = tokio::spawn(run);
        Self {
            folder,
            parrot,
            shutdown,
            served,
            metrics,
        }
    }

    fn socket(&self) -> std::path::PathBuf {
        self.folder.path().join("s")
    }

    /// Sends a request as it stands, and returns the whole answer.
    async fn raw(&self, request: &str) -> String {
        let mut stream = UnixStream::connect(self.socket()).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        // A server that still waits for a body which never comes need not hang up at once.
        let whole = tokio::time::timeout(Duration::from_secs(3), stream.read_to_end(&mut answer));
        if let Ok(ended) = whole.await {
            ended.unwrap();
        }
        String::from_utf8(answer).unwrap()
    }
}

#[tokio::test]
async fn a_client_hears_what_the_daemon_says() {
    let rig = Rig::start().await;
    let client = Client::connect(&rig.socket()).await.unwrap();
    assert_eq!(client.report().await.unwrap().allegiance.state, "unjoined");
    assert!(client.leave().await.unwrap().hub_told);
    assert_eq!(client.check().await.unwrap(), []);
    let asked = JoinAsked {
        token: "secret".to_owned(),
        hubs: vec!["hub:1".to_owned()],
    };
    let refused = client.join(&asked).await.unwrap_err();
    assert_eq!(refused.to_string(), "not today; ask tomorrow");
    assert_eq!(
        *rig.parrot.0.lock().unwrap(),
        ["JoinAsked(token not shown, [\"hub:1\"])"]
    );
    let scraped = reqwest::get(format!("http://{}/metrics", rig.metrics))
        .await
        .unwrap();
    assert_eq!(scraped.text().await.unwrap(), "up 1\n");
    let elsewhere = reqwest::get(format!("http://{}/v1/status", rig.metrics))
        .await
        .unwrap();
    assert_eq!(elsewhere.status(), 404, "strangers see metrics alone");
}

#[tokio::test]
async fn what_is_no_right_request_is_refused_within_bounds() {
    let rig = Rig::start().await;
    let head = "HTTP/1.1\r\nhost: x\r\nconnection: close\r\n";
    let nothing = rig.raw(&format!("GET /v2/status {head}\r\n")).await;
    assert!(nothing.starts_with("HTTP/1.1 404"), "{nothing}");
    assert!(nothing.contains("application/problem+json"), "{nothing}");
    let body = "{\"token\": 5}";
    let json = "content-type: application/json\r\n";
    let length = body.len();
    let wrong = format!("POST /v1/join {head}{json}content-length: {length}\r\n\r\n{body}");
    let wrong = rig.raw(&wrong).await;
    assert!(wrong.starts_with("HTTP/1.1 400"), "{wrong}");
    let huge = format!("POST /v1/join {head}{json}content-length: 99999999\r\n\r\n");
    let huge = rig.raw(&huge).await;
    assert!(
        huge.starts_with("HTTP/1.1 400") || huge.starts_with("HTTP/1.1 413"),
        "{huge}"
    );
    assert!(rig.parrot.0.lock().unwrap().is_empty());
}

#[tokio::test]
async fn connections_that_never_speak_do_not_hold_up_the_stop() {
    let rig = Rig::start().await;
    let mut silent = Vec::new();
    for _ in 0..40 {
        silent.push(UnixStream::connect(rig.socket()).await.unwrap());
    }
    rig.shutdown.begin();
    let served = tokio::time::timeout(Duration::from_secs(10), rig.served).await;
    served.unwrap().unwrap().unwrap();
    let socket = rig.folder.path().join("s");
    assert!(!socket.exists());
    let gone = Client::connect(&socket).await.unwrap_err();
    assert!(matches!(gone, ClientError::NotRunning { .. }), "{gone}");
}

#[tokio::test]
async fn a_socket_is_taken_over_from_the_dead_and_from_nobody_else() {
    let rig = Rig::start().await;
    let taken = Server::bind(&rig.socket(), None).await.unwrap_err();
    assert!(matches!(taken, ServerError::Taken { .. }), "{taken}");
    let file = rig.folder.path().join("file");
    fs::write(&file, "keep me").unwrap();
    let not_socket = Server::bind(&file, None).await.unwrap_err();
    assert!(
        matches!(not_socket, ServerError::NotSocket { .. }),
        "{not_socket}"
    );
    assert_eq!(fs::read(&file).unwrap(), b"keep me");
    let dead = rig.folder.path().join("dead");
    drop(std::os::unix::net::UnixListener::bind(&dead).unwrap());
    assert!(Server::bind(&dead, None).await.is_ok());
}

#[test]
fn a_stopped_agents_files_tell_what_they_can() {
    let folder = tempfile::tempdir().unwrap();
    let now = UnixMillis::from_secs(1_800_000_000);
    let unjoined = offline(folder.path(), now);
    assert_eq!(unjoined.allegiance.state, "unjoined");
    assert!(
        unjoined
            .allegiance
            .next_step
            .unwrap()
            .contains("idp-hub region invite")
    );
    // A membership without its credentials is damaged, but its name is told.
    fs::create_dir(folder.path().join("membership")).unwrap();
    let membership = Membership {
        federation: FederationId::from_random(1),
        region: RegionId::from_random(2),
        name: "east".to_owned(),
        epoch: 3,
        addresses: vec!["hub:1".to_owned()],
    };
    membership.save(folder.path()).unwrap();
    let damaged = offline(folder.path(), now);
    assert_eq!(damaged.allegiance.state, "damaged");
    assert_eq!(damaged.region.unwrap().name, "east");
    assert!(damaged.allegiance.reason.unwrap().contains("key.pem"));
    assert_eq!(
        (damaged.running_since, damaged.link, damaged.spool),
        (None, None, None)
    );
}

#[test]
fn times_are_told_as_people_and_programs_read_them() {
    let time = Time::from(UnixMillis(1_795_288_335_042));
    assert!(
        time.0.starts_with("2026-11-2") && time.0.ends_with(":15.042Z"),
        "{}",
        time.0
    );
    assert_eq!(time.unix_millis(), UnixMillis(1_795_288_335_042));
    assert_eq!(Time("soon".to_owned()).unix_millis(), UnixMillis(0));
    assert!(Time::from(UnixMillis(u64::MAX)).0.starts_with("9999"));
}

#[test]
fn each_refusal_has_a_next_step() {
    use shared::wire::frame::Refusal;
    let all = [
        Refusal::Version,
        Refusal::Removed,
        Refusal::Federation,
        Refusal::StaleEpoch,
        Refusal::Busy,
        Refusal::Unknown,
        Refusal::Protocol,
        Refusal::Other(99),
    ];
    let mut steps: Vec<String> = [None]
        .into_iter()
        .chain(all.map(Some))
        .filter_map(|refusal| {
            let silent = allegiance::Allegiance::Autonomous {
                epoch: 1,
                reason: None,
                refusal,
            };
            advice::next_step(&silent, "east")
        })
        .collect();
    assert_eq!(steps.len(), 9);
    steps.dedup();
    assert_eq!(
        steps.len(),
        8,
        "only a wrong frame and an unknown reason are alike"
    );
}
