//! Calls: what the hub asks this agent while they are connected, each on a stream of its own.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::future::BoxFuture;
use futures_util::stream::{FuturesUnordered, StreamExt};
use shared::model::CloudId;
use shared::transport::{CloseCode, FrameReader, FrameWriter, LinkConnection};
use shared::wire::frame::{Answer, Call, Checked, Fate, Given, Unable};

/// Calls answered at once. Those that come meanwhile wait on their streams, of which QUIC bounds
/// the number.
const CALLS_MAX: usize = 8;

/// A call that is not read, answered and taken by then is given up: nobody waits for it any more.
const CALL_MAX: Duration = Duration::from_secs(30);

/// What answers calls.
#[async_trait]
pub trait Answering: Send + Sync + 'static {
    /// Whether what is sealed is the password of a user of the cloud.
    ///
    /// # Errors
    /// Why that can't be told, as a sentence for whoever asked.
    async fn check(&self, user: CloudId, sealed: Vec<u8>) -> Result<Checked, String>;

    /// Takes what is sealed as the credential for the cloud, on behalf of whom the hub names.
    /// What came of it, in words.
    async fn take_credential(&self, sealed: Vec<u8>, by: String) -> (Fate, String) {
        let _ = (sealed, by);
        (
            Fate::NotTaken,
            "this agent has no cloud to sign in at".to_owned(),
        )
    }
}

/// Answers no call: for an agent that has no cloud to ask.
#[derive(Debug, Clone, Copy)]
pub struct Unanswered;

#[async_trait]
impl Answering for Unanswered {
    async fn check(&self, _: CloudId, _: Vec<u8>) -> Result<Checked, String> {
        Err("this agent has no cloud that could be asked".to_owned())
    }
}

/// The calls of one connection.
pub(super) struct Calls {
    connection: LinkConnection,
    answering: Arc<dyn Answering>,
    under_way: FuturesUnordered<BoxFuture<'static, ()>>,
}

impl Calls {
    pub(super) fn new(connection: LinkConnection, answering: Arc<dyn Answering>) -> Self {
        Self {
            connection,
            answering,
            under_way: FuturesUnordered::new(),
        }
    }

    /// Answers calls for as long as the connection lives. Never ends; cancel-safe.
    pub(super) async fn run(&mut self) {
        loop {
            let has_room = self.under_way.len() < CALLS_MAX;
            tokio::select! {
                call = self.connection.accept_call(), if has_room => match call {
                    Ok((writer, reader)) => {
                        let answering = Arc::clone(&self.answering);
                        self.under_way.push(Box::pin(async move {
                            let answered = answer(&*answering, writer, reader);
                            // Who asked hears of it by the stream's end.
                            let _ = tokio::time::timeout(CALL_MAX, answered).await;
                        }));
                    }
                    // The connection's end is told by others.
                    Err(_) => std::future::pending().await,
                },
                Some(()) = self.under_way.next() => {}
            }
        }
    }
}

async fn answer(answering: &dyn Answering, mut writer: FrameWriter, mut reader: FrameReader) {
    let Ok(Some(frame)) = reader.next().await else {
        return reader.stop(CloseCode::Protocol);
    };
    let mut bytes = Vec::new();
    let encoded = match Call::decode(frame.kind, &frame.payload) {
        Ok(Some(Call::Check(check))) => {
            let sealed = check.sealed().to_vec();
            match answering.check(check.user(), sealed).await {
                Ok(checked) => Answer::Checked(checked).encode(&mut bytes),
                Err(reason) => Answer::Unable(Unable::new(&reason)).encode(&mut bytes),
            }
        }
        Ok(Some(Call::Give(give))) => {
            let (sealed, by) = (give.sealed().to_vec(), give.by().to_owned());
            let (fate, text) = answering.take_credential(sealed, by).await;
            Answer::Given(Given::new(fate, &text)).encode(&mut bytes)
        }
        Ok(None) => {
            let reason = "this agent's release is older than the call; upgrade it";
            Answer::Unable(Unable::new(reason)).encode(&mut bytes)
        }
        Err(_) => return reader.stop(CloseCode::Protocol),
    };
    if encoded.is_ok() && writer.write(bytes).await.is_ok() {
        // Who asked is gone, or has it.
        let _ = writer.finish().await;
    }
}
