//! The hub's page in a real Chromium: who signs in sees every region, and what happens to it.

use std::time::Duration;

use serde_json::Value;
use tests::browser::{Browser, Window};
use tests::lab::{Lab, PASSWORD};

const STILL: &str = "kind = \"simulated\"\n[cloud.simulated]\nseed = 8\nservers = 50\npace = 0\n";

const WIDE: Window = Window {
    width: 1280,
    height: 800,
    is_dark: false,
};

async fn sign_in(browser: &Browser, lab: &Lab, password: &str) {
    let page = format!("https://localhost:{}/", lab.web().port());
    browser.client.goto(&page).await.unwrap();
    browser.until("#sign-in", &["Account"]).await;
    // By the keyboard alone.
    browser.type_into("input[name=password]", password).await;
    browser.type_into("input[name=password]", "\u{e007}").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_administrator_sees_each_region_and_its_loss_without_reloading() {
    let lab = Lab::found();
    let mut region = lab.join("north", STILL, lab.link());
    lab.until("north", "healthy");
    let browser = Browser::start(WIDE).await;

    sign_in(&browser, &lab, "not the password").await;
    browser.until("#refused", &["password"]).await;
    browser.client.refresh().await.unwrap();
    sign_in(&browser, &lab, PASSWORD).await;
    let row = browser.until("#list tr", &["north", "healthy"]).await;
    let running = lab.show("north")["totals"]["servers_running"].clone();
    assert!(
        row.contains("50") && row.contains(&running.to_string()),
        "{row}"
    );

    region.daemon.kill();
    browser
        .until("#list tr", &["unreachable", "sp-agent"])
        .await;
    region.daemon.again();
    browser.until("#list tr", &["healthy"]).await;

    browser.click("#language").await;
    browser.until("#list tr", &["north", "正常"]).await;
    assert_eq!(
        browser.value("document.documentElement.lang").await,
        "zh-CN"
    );
    browser.click("#sign-out").await;
    browser.until("#sign-in", &["登录"]).await;
    assert_eq!(browser.text("#overview").await, "");
}

/// Neither a process that stands still nor a machine without power closes its connections.
#[tokio::test(flavor = "multi_thread")]
async fn a_hub_that_stands_still_is_seen_and_so_is_its_return() {
    let mut lab = Lab::found();
    let _region = lab.join("north", STILL, lab.link());
    lab.until("north", "healthy");
    let browser = Browser::start(WIDE).await;
    sign_in(&browser, &lab, PASSWORD).await;
    browser.until("#list tr", &["north", "healthy"]).await;
    assert_eq!(browser.text("#connection").await, "");
    let grey = "getComputedStyle(document.querySelector('#list .state')).color \
        === getComputedStyle(document.querySelector('#list .dim')).color";
    assert_eq!(browser.value(grey).await, Value::Bool(false));

    lab.hub().signal("STOP");
    let told = browser.until("#connection", &["lost", "s ago"]).await;
    assert_eq!(browser.value(grey).await, Value::Bool(true), "{told}");
    let lasts = "document.querySelector('#list [data-since]').textContent";
    let then = browser.value(lasts).await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(
        browser.value(lasts).await,
        then,
        "nobody knows whether it lasts"
    );
    assert_ne!(browser.text("#connection").await, told, "the age goes on");

    lab.hub().signal("CONT");
    browser.until_gone("#connection").await;
    browser.until("#list tr", &["north", "healthy"]).await;
    assert_eq!(browser.value(grey).await, Value::Bool(false));
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_narrow_dark_screen_nothing_is_cut_off() {
    let window = Window {
        width: 500,
        height: 900,
        is_dark: true,
    };
    let lab = Lab::found();
    let _region = lab.join("north", STILL, lab.link());
    lab.until("north", "healthy");
    let browser = Browser::start(window).await;
    sign_in(&browser, &lab, PASSWORD).await;
    browser.until("#list tr", &["north", "healthy"]).await;
    let root = "document.documentElement";
    let is_wider = format!("{root}.scrollWidth > {root}.clientWidth");
    assert_eq!(browser.value(&is_wider).await, Value::Bool(false));
    let dark =
        "getComputedStyle(document.body).backgroundColor.match(/\\d+/g).every(it => it < 64)";
    assert_eq!(browser.value(dark).await, Value::Bool(true));
}
