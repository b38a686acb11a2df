//! The bare limit: QUIC streams into SQLite, with nothing between.
//!
//! No identities, no decoding, no checks, no totals, no cursors: a record is a number and its
//! bytes. Durable as the hub is: `synchronous=FULL`, and acknowledged after the commit.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;

use quinn::crypto::rustls::{QuicClientConfig, QuicServerConfig};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::ingest::{Load, Progress, measure};
use super::records::RECORD_BYTES;
use super::tls::{Identities, client_config, server_config};

/// A record's place before its bytes.
const KEY_BYTES: usize = 8;

/// Which change it is, after its place. A row that is set to what it is already is not written, and
/// a transaction of such rows is not synced: every change must change something.
const CHANGE_BYTES: usize = 8;

/// Records of one commit at most, as at the hub.
const GROUP_MAX: usize = 20_000;

struct Job {
    bytes: Vec<u8>,
    acks: mpsc::UnboundedSender<u64>,
}

/// Serves until the process is ended.
pub async fn serve(dir: &Path, port: u16) {
    let crypto = server_config(&Identities::load(dir));
    let config = QuicServerConfig::try_from(crypto).unwrap();
    let config = quinn::ServerConfig::with_crypto(Arc::new(config));
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let endpoint = quinn::Endpoint::server(config, address).unwrap();
    let (jobs, queue) = mpsc::channel(1024);
    let database = dir.join("bare.db");
    std::thread::spawn(move || write(&database, queue));
    println!("READY {}", endpoint.local_addr().unwrap());
    while let Some(incoming) = endpoint.accept().await {
        let jobs = jobs.clone();
        tokio::spawn(async move { serve_one(incoming.await.unwrap(), jobs).await });
    }
}

async fn serve_one(connection: quinn::Connection, jobs: mpsc::Sender<Job>) {
    let (mut send, mut receive) = connection.accept_bi().await.unwrap();
    let (acks, mut acked) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Some(count) = acked.recv().await {
            if send.write_all(&u64::to_le_bytes(count)).await.is_err() {
                return;
            }
        }
    });
    let mut header = [0; 4];
    while receive.read_exact(&mut header).await.is_ok() {
        let mut bytes = vec![0; u32::from_le_bytes(header) as usize];
        receive.read_exact(&mut bytes).await.unwrap();
        let acks = acks.clone();
        jobs.send(Job { bytes, acks }).await.unwrap();
    }
}

fn write(database: &Path, mut queue: mpsc::Receiver<Job>) {
    let connection = rusqlite::Connection::open(database).unwrap();
    connection
        .pragma_update(None, "journal_mode", "WAL")
        .unwrap();
    connection
        .pragma_update(None, "synchronous", "FULL")
        .unwrap();
    connection
        .pragma_update(None, "wal_autocheckpoint", 8192)
        .unwrap();
    connection
        .pragma_update(None, "cache_size", -(64 << 10))
        .unwrap();
    let table = "CREATE TABLE records (key INTEGER PRIMARY KEY, value BLOB NOT NULL)";
    connection.execute_batch(table).unwrap();
    let upsert = "INSERT INTO records (key, value) VALUES (?1, ?2)
                  ON CONFLICT (key) DO UPDATE SET value = ?2";
    let mut upsert = connection.prepare(upsert).unwrap();
    while let Some(first) = queue.blocking_recv() {
        let (mut next, mut answers, mut records) = (Some(first), Vec::new(), 0);
        connection.execute_batch("BEGIN IMMEDIATE").unwrap();
        while let Some(job) = next.take() {
            let chunks = job.bytes.chunks_exact(RECORD_BYTES);
            answers.push((job.acks.clone(), chunks.len() as u64));
            records += chunks.len();
            for record in chunks {
                let (key, _) = record.split_at(KEY_BYTES);
                let key = i64::from_le_bytes(key.try_into().unwrap());
                upsert.execute((key, record)).unwrap();
            }
            next = if records < GROUP_MAX {
                queue.try_recv().ok()
            } else {
                None
            };
        }
        connection.execute_batch("COMMIT").unwrap();
        for (acks, count) in answers {
            // A connection that is gone needs no answer.
            let _ = acks.send(count);
        }
    }
}

/// Loads it as the hub is loaded.
pub async fn load(dir: &Path, server: SocketAddr, load: &Load) {
    let crypto = client_config(&Identities::load(dir));
    let config = QuicClientConfig::try_from(crypto).unwrap();
    let mut config = quinn::ClientConfig::new(Arc::new(config));
    let mut transport = quinn::TransportConfig::default();
    transport.congestion_controller_factory(Arc::new(quinn::congestion::BbrConfig::default()));
    config.transport_config(Arc::new(transport));
    let progress = Arc::new(Progress::default());
    let mut connections = JoinSet::new();
    for number in 0..load.agents {
        let mut endpoint = quinn::Endpoint::client((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
        endpoint.set_default_client_config(config.clone());
        let (progress, load) = (Arc::clone(&progress), load.clone());
        connections.spawn(async move {
            let connection = endpoint
                .connect(server, "localhost")
                .unwrap()
                .await
                .unwrap();
            load_one(number, &connection, &load, &progress).await;
        });
    }
    measure(load, &progress, connections).await;
}

async fn load_one(number: usize, connection: &quinn::Connection, load: &Load, progress: &Progress) {
    let (mut send, mut receive) = connection.open_bi().await.unwrap();
    let (mut sent, mut acked) = (0, 0);
    while !progress.is_over() {
        while sent - acked + load.batch <= load.window {
            let mut bytes = ((load.batch * RECORD_BYTES) as u32).to_le_bytes().to_vec();
            for _ in 0..load.batch {
                let key = (number * load.keys + sent % load.keys) as u64;
                bytes.extend(key.to_le_bytes());
                bytes.extend((sent as u64).to_le_bytes());
                bytes.extend([b'x'; RECORD_BYTES - KEY_BYTES - CHANGE_BYTES]);
                sent += 1;
            }
            send.write_all(&bytes).await.unwrap();
        }
        let mut count = [0; 8];
        receive.read_exact(&mut count).await.unwrap();
        let count = u64::from_le_bytes(count);
        acked += count as usize;
        progress.acked(count);
    }
}
