//! A real Chromium, driven through ChromeDriver (W3C WebDriver).

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::json;
use tempfile::TempDir;

use crate::inproc::private_dir;

/// A first start reads a cold disk.
const START_MAX: Duration = Duration::from_secs(60);

/// How long a page may take to show what is waited for.
const PATIENCE: Duration = Duration::from_secs(30);

const LOOK_EVERY: Duration = Duration::from_millis(100);

/// A browser with one window. Ended when it is dropped.
pub struct Browser {
    driver: Child,
    /// What drives it.
    pub client: Client,
    profile: TempDir,
}

/// How the window is.
#[derive(Debug, Clone, Copy)]
pub struct Window {
    /// Its width, pixels.
    pub width: u32,
    /// Its height, pixels.
    pub height: u32,
    /// Whether the user's system is dark (`prefers-color-scheme`).
    pub is_dark: bool,
}

impl Browser {
    /// Starts one that takes a hub's own certificate.
    pub async fn start(window: Window) -> Self {
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let port = TcpListener::bind(any).unwrap().local_addr().unwrap().port();
        let driver = Command::new("chromedriver")
            .arg(format!("--port={port}"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let driver = driver.unwrap_or_else(|error| {
            panic!("no chromedriver ({error}): run `cargo xtask setup`");
        });
        let profile = private_dir();
        let capabilities = capabilities(window, profile.path());
        let mut builder = ClientBuilder::new(HttpConnector::new());
        builder.capabilities(capabilities);
        let address = format!("http://127.0.0.1:{port}");
        let deadline = Instant::now() + START_MAX;
        let client = loop {
            match builder.connect(&address).await {
                Ok(client) => break client,
                Err(error) => assert!(Instant::now() < deadline, "no browser: {error}"),
            }
            tokio::time::sleep(LOOK_EVERY).await;
        };
        Self {
            driver,
            client,
            profile,
        }
    }

    /// Types into the one element that this CSS selector finds.
    pub async fn type_into(&self, selector: &str, text: &str) {
        let element = self.client.find(Locator::Css(selector)).await.unwrap();
        element.send_keys(text).await.unwrap();
    }

    /// Clicks it.
    pub async fn click(&self, selector: &str) {
        let element = self.client.find(Locator::Css(selector)).await.unwrap();
        element.click().await.unwrap();
    }

    /// What is to be read in it, without what is hidden; nothing where there is none.
    pub async fn text(&self, selector: &str) -> String {
        match self.client.find(Locator::Css(selector)).await {
            Ok(element) => element.text().await.unwrap_or_default(),
            Err(_) => String::new(),
        }
    }

    /// Waits until all of these words are to be read in it, and returns its text.
    pub async fn until(&self, selector: &str, words: &[&str]) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let text = self.text(selector).await;
            if words.iter().all(|word| text.contains(word)) {
                return text;
            }
            let is_over = Instant::now() >= deadline;
            assert!(!is_over, "{selector} shows {text:?}, not {words:?}");
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// Waits until there is nothing to be read in it.
    pub async fn until_gone(&self, selector: &str) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let text = self.text(selector).await;
            if text.is_empty() {
                return;
            }
            assert!(Instant::now() < deadline, "{selector} still shows {text:?}");
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// What a JavaScript expression is worth.
    pub async fn value(&self, expression: &str) -> serde_json::Value {
        let script = format!("return {expression}");
        self.client.execute(&script, Vec::new()).await.unwrap()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // ChromeDriver ends its browser when it is asked to end; one that has ended can't be asked.
        let pid = self.driver.id().to_string();
        let _ = Command::new("kill").args(["-s", "TERM", &pid]).status();
        let _ = self.driver.wait();
        // One whose session broke off goes on without it. Nobody else has its profile.
        let profile = format!("--user-data-dir={}", self.profile.path().display());
        let _ = Command::new("pkill")
            .args(["-KILL", "-f", "--", &profile])
            .status();
    }
}

fn capabilities(window: Window, profile: &Path) -> serde_json::Map<String, serde_json::Value> {
    let Window {
        width,
        height,
        is_dark,
    } = window;
    let mut arguments = vec![
        "--headless".to_owned(),
        // The tests run as root, whom Chromium's sandbox refuses.
        "--no-sandbox".to_owned(),
        "--disable-gpu".to_owned(),
        "--no-first-run".to_owned(),
        "--disable-background-networking".to_owned(),
        "--disable-component-update".to_owned(),
        "--disable-sync".to_owned(),
        "--disable-dev-shm-usage".to_owned(),
        "--lang=en".to_owned(),
        format!("--window-size={width},{height}"),
        format!("--user-data-dir={}", profile.display()),
    ];
    if is_dark {
        arguments.push("--blink-settings=preferredColorScheme=0".to_owned());
    }
    let capabilities = json!({
        "browserName": "chrome",
        "acceptInsecureCerts": true,
        "goog:chromeOptions": { "args": arguments },
    });
    capabilities.as_object().cloned().unwrap_or_default()
}
