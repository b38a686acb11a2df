//! As much of MQTT 3.1.1 as a publisher at quality of service 1 needs (OASIS, 2014).

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_rustls::client::TlsStream;

use super::ingest::{Load, Progress, measure};
use super::records::RECORD_BYTES;
use super::tls::{Identities, client_config, say, secure};

/// Half of the time after which the broker gives a silent client up.
const PING_EVERY: Duration = Duration::from_secs(30);

const PUBACK: u8 = 0x40;
const PUBACK_BYTES: usize = 4;

/// A client that the broker has taken.
pub struct Client(TlsStream<TcpStream>);

impl Client {
    /// Connects under a name of its own.
    pub async fn connect(
        tls: &Arc<rustls::ClientConfig>,
        server: SocketAddr,
        number: usize,
    ) -> Self {
        let mut stream = secure(tls, TcpStream::connect(server).await.unwrap()).await;
        let name = format!("agent-{number}");
        let keep_alive = (PING_EVERY.as_secs() as u16 * 2).to_be_bytes();
        let mut body = b"\0\x04MQTT\x04\x02".to_vec();
        body.extend(keep_alive);
        body.extend((name.len() as u16).to_be_bytes());
        body.extend(name.as_bytes());
        say(&mut stream, &packet(0x10, &body)).await;
        let mut answer = [0; 4];
        stream.read_exact(&mut answer).await.unwrap();
        assert_eq!(answer, [0x20, 2, 0, 0], "the broker refused");
        Self(stream)
    }

    /// Stays connected.
    pub async fn idle(mut self) -> String {
        let mut ticks = tokio::time::interval(PING_EVERY);
        loop {
            ticks.tick().await;
            say(&mut self.0, &[0xC0, 0]).await;
            let mut answer = [0; 2];
            self.0.read_exact(&mut answer).await.unwrap();
        }
    }

    async fn load(&mut self, number: usize, load: &Load, progress: &Progress) {
        let (mut sent, mut in_flight) = (0_usize, 0);
        let mut buffer = vec![0; load.window * PUBACK_BYTES];
        let mut have = 0;
        while !progress.is_over() {
            let mut bytes = Vec::with_capacity((load.window - in_flight) * (RECORD_BYTES + 32));
            for _ in in_flight..load.window {
                bytes.extend(publish(number, sent % load.keys, sent));
                sent += 1;
            }
            say(&mut self.0, &bytes).await;
            have += self.0.read(&mut buffer[have..]).await.unwrap();
            let acks = buffer[..have].chunks_exact(PUBACK_BYTES);
            assert!(
                acks.clone().all(|ack| ack[0] == PUBACK),
                "not an acknowledgement"
            );
            let count = acks.len();
            buffer.copy_within(count * PUBACK_BYTES..have, 0);
            have -= count * PUBACK_BYTES;
            in_flight = load.window - count;
            progress.acked(count as u64);
        }
    }
}

/// Retained, at quality of service 1.
fn publish(number: usize, key: usize, sent: usize) -> Vec<u8> {
    let topic = format!("bench/{number}/{key}");
    let mut body = (topic.len() as u16).to_be_bytes().to_vec();
    body.extend(topic.as_bytes());
    body.extend((sent % 65_535 + 1).to_be_bytes().split_at(6).1);
    body.extend([b'x'; RECORD_BYTES]);
    packet(0x33, &body)
}

fn packet(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut bytes = vec![kind];
    let mut rest = body.len();
    while rest > 0x7F {
        bytes.push(rest as u8 & 0x7F | 0x80);
        rest >>= 7;
    }
    bytes.push(rest as u8);
    bytes.extend(body);
    bytes
}

/// Loads a broker.
pub async fn load(dir: &Path, server: SocketAddr, load: &Load) {
    let tls = Arc::new(client_config(&Identities::load(dir)));
    let progress = Arc::new(Progress::default());
    let mut connections = JoinSet::new();
    for number in 0..load.agents {
        let mut client = Client::connect(&tls, server, number).await;
        let (progress, load) = (Arc::clone(&progress), load.clone());
        connections.spawn(async move { client.load(number, &load, &progress).await });
    }
    measure(load, &progress, connections).await;
}
