//! Calls: what one agent is asked, while its session lives.

use std::time::Duration;

use shared::model::CloudId;
use shared::runtime::errors::chain;
use shared::transport::LinkConnection;
use shared::wire::frame::{Answer, Call, Check, Checked};

use super::Registry;
use crate::store::RegionNo;

/// Somebody waits for the answer: a Keystone that is well tells of a password within a second.
const ANSWER_MAX: Duration = Duration::from_secs(10);

/// Why an agent gave no answer to what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// The region has no session.
    #[error("the region is not connected")]
    Away,
    /// The connection was lost, or something came that is no answer.
    #[error("the region's agent gave no answer: {0}")]
    Lost(String),
    /// It takes too long.
    #[error("the region's agent gave no answer within {} s", ANSWER_MAX.as_secs())]
    Late,
    /// The agent says that it can't answer.
    #[error("the region can't tell: {0}")]
    Unable(String),
}

impl Registry {
    /// Asks a region's agent whether a password, sealed to it, is the one of a user of its cloud.
    /// Waits 10 s at most.
    ///
    /// # Errors
    /// If it gives no answer.
    pub async fn check_password(
        &self,
        region: RegionNo,
        user: &CloudId,
        sealed: &[u8],
    ) -> Result<Checked, CallError> {
        let check = Check::new(user, sealed);
        let check = check.ok_or_else(|| CallError::Lost("it is longer than a secret".into()))?;
        let connection = self.connection(region).ok_or(CallError::Away)?;
        let call = Call::Check(check);
        let answer = tokio::time::timeout(ANSWER_MAX, ask(&connection, &call)).await;
        let (kind, payload) = answer.map_err(|_| CallError::Late)??;
        match Answer::decode(kind, &payload) {
            Ok(Some(Answer::Checked(checked))) => Ok(checked),
            Ok(Some(Answer::Unable(it))) => {
                let reason = shared::foreign::line(it.reason.as_str());
                Err(CallError::Unable(reason))
            }
            Ok(None) => Err(CallError::Lost("an answer of a later release".into())),
            Err(error) => Err(CallError::Lost(error.to_string())),
        }
    }
}

async fn ask(
    connection: &LinkConnection,
    call: &Call<'_>,
) -> Result<(u16, bytes::Bytes), CallError> {
    let mut bytes = Vec::new();
    call.encode(&mut bytes).map_err(|error| lost(&error))?;
    let opened = connection.open_call().await;
    let (mut writer, mut reader) = opened.map_err(|error| lost(&error))?;
    writer.write(bytes).await.map_err(|error| lost(&error))?;
    let answer = reader.next().await.map_err(|error| lost(&error))?;
    let answer = answer.ok_or_else(|| CallError::Lost("it ended the stream".into()))?;
    Ok((answer.kind, answer.payload))
}

fn lost(error: &(dyn std::error::Error + 'static)) -> CallError {
    CallError::Lost(chain(error).to_string())
}
