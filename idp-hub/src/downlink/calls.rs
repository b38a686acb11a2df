//! Calls: what one agent is asked, while its session lives.

use std::time::Duration;

use shared::foreign;
use shared::model::CloudId;
use shared::runtime::errors::chain;
use shared::transport::LinkConnection;
use shared::wire::codec::DecodeError;
use shared::wire::frame::{Answer, Call, Check, Checked, Fate, Give};

use super::Registry;
use crate::store::RegionNo;

/// Somebody waits for the answer: a Keystone that is well tells of a password within a second.
const ANSWER_MAX: Duration = Duration::from_secs(10);

/// An agent tries a credential at its cloud for 20 s at most, and keeps it.
const TAKEN_MAX: Duration = Duration::from_secs(28);

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
    #[error("the region's agent gave no answer in time")]
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
        let (kind, payload) = self.ask(region, &Call::Check(check), ANSWER_MAX).await?;
        match Answer::decode(kind, &payload) {
            Ok(Some(Answer::Checked(checked))) => Ok(checked),
            other => Err(no_answer(other)),
        }
    }

    /// Has a region's agent sign in at its cloud with a credential, sealed to it, from now on, if
    /// that works there; on behalf of `by`. What came of it, in words. Waits 28 s at most.
    ///
    /// # Errors
    /// If it gives no answer. Then it may have been taken, but where the region is away.
    pub async fn give_credential(
        &self,
        region: RegionNo,
        sealed: &[u8],
        by: &str,
    ) -> Result<(Fate, String), CallError> {
        let give = Give::new(sealed, by);
        let give = give.ok_or_else(|| CallError::Lost("it is longer than a credential".into()))?;
        let (kind, payload) = self.ask(region, &Call::Give(give), TAKEN_MAX).await?;
        match Answer::decode(kind, &payload) {
            Ok(Some(Answer::Given(it))) => Ok((it.fate, foreign::line(it.text.as_str()))),
            other => Err(no_answer(other)),
        }
    }

    async fn ask(
        &self,
        region: RegionNo,
        call: &Call<'_>,
        answer_max: Duration,
    ) -> Result<(u16, bytes::Bytes), CallError> {
        let connection = self.connection(region).ok_or(CallError::Away)?;
        let answer = tokio::time::timeout(answer_max, ask(&connection, call)).await;
        answer.map_err(|_| CallError::Late)?
    }
}

/// Why what came is no answer.
fn no_answer(decoded: Result<Option<Answer<'_>>, DecodeError>) -> CallError {
    match decoded {
        Ok(Some(Answer::Unable(it))) => CallError::Unable(foreign::line(it.reason.as_str())),
        Ok(Some(_)) => CallError::Lost("an answer to something else".into()),
        Ok(None) => CallError::Lost("an answer of a later release".into()),
        Err(error) => CallError::Lost(error.to_string()),
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
