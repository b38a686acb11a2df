//! Puts through etcd's JSON gateway (v3 API), one request for each.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use data_encoding::BASE64;
use tokio::task::JoinSet;

use super::ingest::{Load, Progress, measure};
use super::records::RECORD_BYTES;
use super::tls::{Identities, client_config};

/// Loads a server.
pub async fn load(dir: &Path, server: SocketAddr, load: &Load) {
    let tls = client_config(&Identities::load(dir));
    let progress = Arc::new(Progress::default());
    let mut connections = JoinSet::new();
    let url = format!("https://localhost:{}/v3/kv/put", server.port());
    for number in 0..load.agents {
        let builder = reqwest::Client::builder().tls_backend_preconfigured(tls.clone());
        let client = builder.resolve("localhost", server).build().unwrap();
        for lane in 0..load.window {
            let (client, url) = (client.clone(), url.clone());
            let (progress, load) = (Arc::clone(&progress), load.clone());
            connections.spawn(async move {
                let mut key = lane;
                while !progress.is_over() {
                    let body = body(number, key % load.keys);
                    let answer = client.post(&url).body(body).send().await.unwrap();
                    assert!(answer.status().is_success(), "not stored: {answer:?}");
                    answer.bytes().await.unwrap();
                    key += load.window;
                    progress.acked(1);
                }
            });
        }
    }
    measure(load, &progress, connections).await;
}

fn body(number: usize, key: usize) -> String {
    let key = BASE64.encode(format!("bench/{number}/{key}").as_bytes());
    let value = BASE64.encode(&[b'x'; RECORD_BYTES]);
    format!("{{\"key\":\"{key}\",\"value\":\"{value}\"}}")
}
