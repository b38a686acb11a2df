//! A hub in a folder of its own, by its real binary.

use std::fs;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use shared::pki::install_default_provider;
use shared::runtime::files::{Mode, write_atomic};

pub(crate) const PASSWORD: &str = "correct horse battery";

/// A hub's folder, and its daemon while it runs.
pub(crate) struct Hub {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) web: u16,
    pub(crate) daemon: Option<Child>,
}

impl Drop for Hub {
    fn drop(&mut self) {
        if let Some(mut daemon) = self.daemon.take() {
            let _ = daemon.kill();
            let _ = daemon.wait();
        }
    }
}

impl Hub {
    pub(crate) fn new(more_of_web: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        // Free a moment ago; the kernel gives it to nobody else soon.
        let web = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let path = folder.path().display();
        let more = more_of_web.replace("FOLDER", &path.to_string());
        let text = format!(
            "data_dir = \"{path}/data\"\nsocket = \"{path}/hub.sock\"\n[link]\n\
             listen = \"127.0.0.1:0\"\naddress = \"hub.example.org:7443\"\n[web]\n\
             listen = \"127.0.0.1:{web}\"\n{more}\n"
        );
        fs::write(folder.path().join("hub.toml"), text).unwrap();
        let password = folder.path().join("password");
        write_atomic(&password, format!("{PASSWORD}\n").as_bytes(), Mode::Private).unwrap();
        Self {
            folder,
            web,
            daemon: None,
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_idp-hub"));
        command
            .arg("--config")
            .arg(self.path("hub.toml"))
            .args(arguments)
            .stdin(Stdio::null());
        command.env_remove("REGROUP_LOG");
        // As on a machine without Debian's ca-certificates.
        command.env("SSL_CERT_FILE", "/dev/null");
        command.env("SSL_CERT_DIR", "/dev/null");
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// What a command that goes well writes.
    pub(crate) fn told(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        let mut all = arguments.to_vec();
        all.extend(["--output", "json"]);
        serde_json::from_str(&self.told(&all)).unwrap()
    }

    /// The code and the words of a command that fails, without the folder's name.
    pub(crate) fn fails(&self, arguments: &[&str]) -> (i32, String) {
        let output = self.run(arguments);
        let text = String::from_utf8(output.stderr).unwrap();
        let folder = self.folder.path().display().to_string();
        (output.status.code().unwrap(), text.replace(&folder, ""))
    }

    pub(crate) fn init(&self) -> Value {
        let password = self.path("password").display().to_string();
        self.json(&["init", "--password-file", &password])
    }

    pub(crate) fn serve(&mut self) {
        let log = fs::File::create(self.path("log")).unwrap();
        let daemon = self
            .command(&["serve"])
            .stderr(log)
            .stdout(Stdio::null())
            .spawn();
        self.daemon = Some(daemon.unwrap());
        for _ in 0..200 {
            if self.run(&["region", "list"]).status.success() {
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("the hub does not answer: {}", self.log());
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.path("log")).unwrap()
    }

    pub(crate) fn signal(&self, name: &str) {
        let pid = self.daemon.as_ref().unwrap().id().to_string();
        let sent = Command::new("kill").args(["-s", name, &pid]).status();
        assert!(sent.unwrap().success());
    }

    /// Asks the daemon to stop, and waits until it has.
    pub(crate) fn stop(&mut self) {
        self.signal("TERM");
        let mut daemon = self.daemon.take().unwrap();
        assert_eq!(
            daemon.wait().unwrap().code(),
            Some(0),
            "it ends in good order: {}",
            self.log()
        );
        assert!(
            self.log().contains("stopping signal=SIGTERM"),
            "{}",
            self.log()
        );
        assert_eq!(
            self.fails(&["region", "list"]).0,
            1,
            "nobody answers any more"
        );
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("https://127.0.0.1:{}{path}", self.web)
    }
}

pub(crate) fn browser() -> reqwest::Client {
    install_default_provider();
    reqwest::Client::builder()
        .danger_accept_invalid_certs(true)
        .tls_info(true)
        .pool_max_idle_per_host(0)
        .timeout(Duration::from_secs(20))
        .build()
        .unwrap()
}

pub(crate) async fn sign_in(
    client: &reqwest::Client,
    hub: &Hub,
    password: &str,
) -> reqwest::Response {
    let body = json!({ "account": "admin", "password": password });
    let url = hub.url("/api/v1/session");
    client.post(url).json(&body).send().await.unwrap()
}
