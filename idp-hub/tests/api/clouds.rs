//! Regions' clouds as they answer about passwords: each opens what is sealed to it, and nothing
//! else.

use std::collections::{HashMap, HashSet};
use std::sync::Mutex;

use futures_util::future::BoxFuture;
use idp_hub::api::Regions;
use idp_hub::downlink::CallError;
use idp_hub::store::RegionNo;
use shared::ids::{FederationId, ObjectId, RegionId};
use shared::model::{CloudCredential, CloudId, Record};
use shared::pki::{Context, SealedFor, SealingKey};
use shared::wire::frame::{Checked, Fate, decode_credential};
use shared::wire::record::{self, Decoded};
use tokio::sync::Notify;

use crate::kit::Kit;

pub(crate) struct Clouds {
    federation: FederationId,
    state: Mutex<State>,
    /// One that hung answers by now.
    released: Notify,
}

#[derive(Default)]
struct State {
    agents: HashMap<RegionNo, (RegionId, SealingKey)>,
    passwords: HashMap<(RegionNo, String), String>,
    /// What is said of a right one, where that is not all.
    rights: HashMap<(RegionNo, String), Checked>,
    away: HashSet<RegionNo>,
    unable: HashSet<RegionNo>,
    hanging: HashSet<RegionNo>,
    asked: u32,
}

impl Clouds {
    pub(crate) fn new(federation: FederationId) -> Self {
        Self {
            federation,
            state: Mutex::default(),
            released: Notify::new(),
        }
    }

    /// How often a cloud was asked.
    pub(crate) fn asked(&self) -> u32 {
        self.state.lock().unwrap().asked
    }

    /// A cloud's user has a password.
    pub(crate) fn has(&self, region: RegionNo, user: &str, password: &str) {
        let mut state = self.state.lock().unwrap();
        let key = (region, user.to_owned());
        state.passwords.insert(key, password.to_owned());
    }

    /// What a cloud says of a user's right password from now on.
    pub(crate) fn says(&self, region: RegionNo, user: &str, of_right: Checked) {
        let mut state = self.state.lock().unwrap();
        state.rights.insert((region, user.to_owned()), of_right);
    }

    pub(crate) fn go_away(&self, region: RegionNo) {
        self.state.lock().unwrap().away.insert(region);
    }

    pub(crate) fn come_back(&self, region: RegionNo) {
        self.state.lock().unwrap().away.remove(&region);
    }

    /// A region's agent looks at no password.
    pub(crate) fn is_unable(&self, region: RegionNo) {
        self.state.lock().unwrap().unable.insert(region);
    }

    pub(crate) fn is_able_again(&self, region: RegionNo) {
        self.state.lock().unwrap().unable.remove(&region);
    }

    /// A region's cloud is asked, and does not answer.
    pub(crate) fn hangs(&self, region: RegionNo) {
        self.state.lock().unwrap().hanging.insert(region);
    }

    /// It answers whoever asks from now on, and whoever waits.
    pub(crate) fn hangs_no_more(&self, region: RegionNo) {
        self.state.lock().unwrap().hanging.remove(&region);
        self.released.notify_waiters();
    }

    fn is_hanging(&self, region: RegionNo) -> bool {
        self.state.lock().unwrap().hanging.contains(&region)
    }

    fn answer(
        &self,
        region: RegionNo,
        user: &CloudId,
        sealed: &[u8],
    ) -> Result<Checked, CallError> {
        let mut state = self.state.lock().unwrap();
        if state.away.contains(&region) {
            return Err(CallError::Away);
        }
        if state.unable.contains(&region) {
            return Err(CallError::Unable("too many were wrong".to_owned()));
        }
        state.asked += 1;
        let (id, key) = &state.agents[&region];
        let context = Context {
            federation: self.federation,
            region: *id,
            purpose: SealedFor::Check(user),
        };
        let given = key.open(&context, sealed).unwrap();
        let whose = (region, user.to_string());
        let right = state.rights.get(&whose).copied();
        Ok(match state.passwords.get(&whose) {
            Some(known) if known.as_bytes() == &**given => right.unwrap_or(Checked::Right),
            _ => Checked::Wrong,
        })
    }
}

impl Regions for Clouds {
    fn check(
        &self,
        region: RegionNo,
        user: CloudId,
        sealed: Vec<u8>,
    ) -> BoxFuture<'_, Result<Checked, CallError>> {
        let answer = self.answer(region, &user, &sealed);
        Box::pin(async move {
            loop {
                let released = self.released.notified();
                if !self.is_hanging(region) {
                    return answer;
                }
                released.await;
            }
        })
    }

    fn give(
        &self,
        region: RegionNo,
        sealed: Vec<u8>,
        by: String,
    ) -> BoxFuture<'_, Result<(Fate, String), CallError>> {
        let answer = self.taken(region, &sealed, &by);
        Box::pin(async move {
            // Longer than some who ask.
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
            answer
        })
    }
}

impl Clouds {
    /// Takes an account whose password is its fate.
    fn taken(
        &self,
        region: RegionNo,
        sealed: &[u8],
        by: &str,
    ) -> Result<(Fate, String), CallError> {
        let state = self.state.lock().unwrap();
        if state.away.contains(&region) {
            return Err(CallError::Away);
        }
        let (id, key) = &state.agents[&region];
        let context = Context {
            federation: self.federation,
            region: *id,
            purpose: SealedFor::Credential,
        };
        let opened = key.open(&context, sealed).unwrap();
        let (user, secret) = match decode_credential(&opened).unwrap().0 {
            CloudCredential::Application { id, secret } => (id, secret),
            CloudCredential::Password { user, password, .. } => (user, password),
        };
        let fate = match secret.as_str() {
            "right secret" => Fate::Kept,
            "wrong secret" => Fate::Refused,
            "weak secret" => Fate::Lacking,
            "early secret" => Fate::Unanswered,
            _ => Fate::NotTaken,
        };
        Ok((fate, format!("user {user}, by {by}")))
    }
}

impl Kit {
    pub(crate) async fn numbered(&self, name: &str) -> (RegionNo, RegionId) {
        let rows = self.store.read(|it| it.regions()).await.unwrap();
        let row = rows.into_iter().find(|it| it.facts.name == name).unwrap();
        (row.no, row.facts.id)
    }

    /// A region's agent tells the key that it opens secrets with.
    pub(crate) async fn tells_key(&self, name: &str) -> RegionNo {
        let (no, id) = self.numbered(name).await;
        let key = SealingKey::generate().unwrap();
        let public = key.public();
        let told = self.store.change(move |it| it.seals(no, public)).await;
        told.unwrap();
        let mut state = self.clouds.state.lock().unwrap();
        state.agents.insert(no, (id, key));
        no
    }

    /// What a region's agent reads as a user's password in its feed.
    pub(crate) fn told_to(&self, region: RegionNo, user: ObjectId) -> Option<String> {
        let connection = rusqlite::Connection::open(self.database()).unwrap();
        let sql = "SELECT kind, id, value FROM directory
                   WHERE region = ?1 AND kind = 77 AND value IS NOT NULL";
        let mut statement = connection.prepare(sql).unwrap();
        let rows = statement.query_map([region.0], |row| {
            let (id, value): (Vec<u8>, Vec<u8>) = (row.get(1)?, row.get(2)?);
            Ok(record::decode(row.get(0)?, &id, &value).unwrap())
        });
        let secret = rows.unwrap().find_map(|it| match it.unwrap() {
            Decoded::Known(record) => match *record {
                Record::Secret(it) if it.user == user => Some(it),
                _ => None,
            },
            Decoded::Unknown => None,
        })?;
        let state = self.clouds.state.lock().unwrap();
        let (id, key) = &state.agents[&region];
        let context = Context {
            federation: self.clouds.federation,
            region: *id,
            purpose: SealedFor::Password(user, secret.version),
        };
        let opened = key.open(&context, &secret.sealed).unwrap();
        Some(String::from_utf8(opened.to_vec()).unwrap())
    }
}
