//! As much of NATS' client protocol as a JetStream publisher needs.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_rustls::client::TlsStream;

use super::ingest::{Load, Progress, measure};
use super::records::RECORD_BYTES;
use super::tls::{Identities, client_config, say, secure};

/// One value for each key, in files, acknowledged.
const STREAM: &str = concat!(
    r#"{"name":"bench","subjects":["bench.>"],"storage":"file","retention":"limits","#,
    r#""discard":"old","max_msgs_per_subject":1,"max_msgs":-1,"max_bytes":-1,"max_age":0,"#,
    r#""max_consumers":-1,"num_replicas":1}"#,
);

/// A client that the server has taken.
pub struct Client(BufReader<TlsStream<TcpStream>>);

impl Client {
    /// Connects.
    pub async fn connect(tls: &Arc<rustls::ClientConfig>, server: SocketAddr) -> Self {
        let mut stream = TcpStream::connect(server).await.unwrap();
        // The server speaks first, in the clear: a line that offers TLS.
        while stream.read_u8().await.unwrap() != b'\n' {}
        let mut stream = secure(tls, stream).await;
        let hello =
            b"CONNECT {\"verbose\":false,\"pedantic\":false,\"tls_required\":true}\r\nPING\r\n";
        say(&mut stream, hello).await;
        let mut client = Self(BufReader::with_capacity(64 << 10, stream));
        while client.line().await.trim() != "PONG" {}
        client
    }

    async fn line(&mut self) -> String {
        let mut line = String::new();
        let read = self.0.read_line(&mut line).await.unwrap();
        assert!(
            read > 0 && !line.starts_with("-ERR"),
            "the server refused: {line}"
        );
        line
    }

    /// The next message's payload. Answers the server's pings meanwhile.
    async fn message(&mut self) -> Vec<u8> {
        loop {
            let line = self.line().await;
            if line.starts_with("PING") {
                say(&mut self.0, b"PONG\r\n").await;
            } else if line.starts_with("MSG") {
                let len: usize = line.split_whitespace().last().unwrap().parse().unwrap();
                let mut payload = vec![0; len + 2];
                self.0.read_exact(&mut payload).await.unwrap();
                payload.truncate(len);
                return payload;
            }
        }
    }

    /// Stays connected; ends only if it is sent what it never asked for.
    pub async fn idle(mut self) -> String {
        self.message().await;
        "a message came to a client without subscriptions".to_owned()
    }

    async fn make_stream(&mut self) {
        let (ask, len) = ("$JS.API.STREAM.CREATE.bench", STREAM.len());
        let request = format!("SUB made 1\r\nPUB {ask} made {len}\r\n{STREAM}\r\n");
        say(&mut self.0, request.as_bytes()).await;
        let answer = String::from_utf8(self.message().await).unwrap();
        assert!(!answer.contains("\"error\""), "no stream: {answer}");
    }

    async fn load(&mut self, number: usize, load: &Load, progress: &Progress) {
        let subscribe = format!("SUB acked.{number} 2\r\n");
        say(&mut self.0, subscribe.as_bytes()).await;
        let payload = "x".repeat(RECORD_BYTES);
        let (mut sent, mut in_flight) = (0, 0);
        while !progress.is_over() {
            let mut text = String::with_capacity((load.window - in_flight) * (RECORD_BYTES + 64));
            for _ in in_flight..load.window {
                let key = sent % load.keys;
                text += &format!("PUB bench.{number}.{key} acked.{number} {RECORD_BYTES}\r\n");
                text += &payload;
                text += "\r\n";
                sent += 1;
            }
            say(&mut self.0, text.as_bytes()).await;
            in_flight = load.window;
            // One is waited for, and what has come with it is taken too.
            let mut count = 0;
            while count == 0 || (count < in_flight && !self.0.buffer().is_empty()) {
                let ack = self.message().await;
                assert!(!ack.windows(7).any(|it| it == b"\"error\""), "not stored");
                count += 1;
            }
            in_flight -= count;
            progress.acked(count as u64);
        }
    }
}

/// Loads a server.
pub async fn load(dir: &Path, server: SocketAddr, load: &Load) {
    let tls = Arc::new(client_config(&Identities::load(dir)));
    let progress = Arc::new(Progress::default());
    let mut connections = JoinSet::new();
    for number in 0..load.agents {
        let mut client = Client::connect(&tls, server).await;
        if number == 0 {
            client.make_stream().await;
        }
        let (progress, load) = (Arc::clone(&progress), load.clone());
        connections.spawn(async move { client.load(number, &load, &progress).await });
    }
    measure(load, &progress, connections).await;
}
