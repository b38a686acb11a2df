//! Who asks.
//!
//! Through the local socket: whoever could open it, which its file's mode decides. Over HTTPS: the
//! account whose session the cookie names. Nothing that a request says of itself counts besides.

use std::net::{IpAddr, SocketAddr};

use axum::extract::{ConnectInfo, FromRequestParts, Request};
use axum::http::header::COOKIE;
use axum::http::request::Parts;
use axum::http::{Extensions, HeaderMap, HeaderValue};
use data_encoding::BASE64URL_NOPAD;
use shared::ids::ObjectId;
use shared::model::UnixMillis;
use shared::pki::SecretHash;

use super::directory::NamedDocument;
use super::problem::{Kind, Problem};
use super::state::ApiState;
use crate::directory::rights::Asker;
use crate::store::StoreError;
use crate::store::accounts::Whose;

/// The session's cookie. With this prefix browsers take it only over HTTPS, for this host alone and
/// for all its paths, so that no other host of the domain can plant one (RFC 6265bis §4.1.3.2).
pub const COOKIE_NAME: &str = "__Host-regroup";

/// Marks requests that came through the local socket. Inserted by the listener, never by a request.
#[derive(Debug, Clone, Copy)]
pub struct LocalPeer;

/// Who asks. Found out before any handler runs, by [`admit`](super::access::admit).
#[derive(Debug, Clone)]
pub(super) enum Who {
    /// Somebody on this machine who may open the socket.
    Local,
    /// Somebody who signed in by an account of the hub.
    Account(SignedIn),
    /// A user of the directory who signed in.
    User(Box<DirectoryUser>),
}

/// Somebody who signed in.
#[derive(Debug, Clone)]
pub(super) struct SignedIn {
    /// The account; of a user of the directory, department and name.
    pub name: String,
    /// By what the store knows the session.
    pub session: SecretHash,
    /// When the session ends by itself.
    pub expires: UnixMillis,
}

/// A user of the directory who signed in.
#[derive(Debug, Clone)]
pub(super) struct DirectoryUser {
    /// His id.
    pub id: ObjectId,
    /// His department.
    pub department: NamedDocument,
    /// His name in it.
    pub user: String,
    /// Whether he is a cloud administrator. What is changed looks again as it is changed.
    pub is_administrator: bool,
    /// His session.
    pub signed_in: SignedIn,
}

impl Who {
    /// The name in the audit log, and in what he changes.
    pub(super) fn name(&self) -> &str {
        match self {
            Self::Local => "local socket",
            Self::Account(account) => &account.name,
            Self::User(user) => &user.signed_in.name,
        }
    }

    /// Whose rights he has.
    pub(super) const fn asker(&self) -> Asker {
        match self {
            Self::Local | Self::Account(_) => Asker::Cloud,
            Self::User(user) => Asker::User(user.id),
        }
    }

    /// His session, if he has one.
    pub(super) const fn signed_in(&self) -> Option<&SignedIn> {
        match self {
            Self::Local => None,
            Self::Account(account) => Some(account),
            Self::User(user) => Some(&user.signed_in),
        }
    }

    /// Who sent a request.
    ///
    /// # Errors
    /// If nobody is signed in.
    pub(super) fn of_request(
        state: &ApiState,
        request: &Request,
    ) -> impl Future<Output = Result<Self, Problem>> + Send + use<> {
        // A body can't be looked at by two, so nothing of the request is held while it waits.
        let is_local = request.extensions().get::<LocalPeer>().is_some();
        let (state, session) = (state.clone(), session_of(request.headers()));
        async move {
            if is_local {
                return Ok(Self::Local);
            }
            let nobody = |detail| Problem::new(Kind::SignInRequired, detail);
            let session = session.ok_or_else(|| nobody("No session's cookie."))?;
            let found = Self::of_session(&state, session).await?;
            found.ok_or_else(|| nobody("The session is over."))
        }
    }

    /// Whose session it is, if it is not over, and he may still sign in.
    pub(super) async fn of_session(
        state: &ApiState,
        session: SecretHash,
    ) -> Result<Option<Self>, StoreError> {
        let now = state.clock.unix_millis();
        let found = state.store.read(move |it| {
            let Some(row) = it.web_session(session, now)? else {
                return Ok(None);
            };
            let user = match &row.whose {
                Whose::Account(_) => None,
                Whose::User(id) => it.user_row(*id)?.filter(|it| it.may_sign_in()),
            };
            let user = match user {
                Some(user) => Some((it.is_administrator(user.id)?, user)),
                None => None,
            };
            Ok(Some((row, user)))
        });
        let Some((row, user)) = found.await? else {
            return Ok(None);
        };
        let signed_in = |name| SignedIn {
            name,
            session,
            expires: row.expires,
        };
        Ok(match (row.whose, user) {
            (Whose::Account(name), _) => Some(Self::Account(signed_in(name))),
            (Whose::User(id), Some((is_administrator, user))) => {
                Some(Self::User(Box::new(DirectoryUser {
                    id,
                    department: NamedDocument {
                        id: user.user.department.to_string(),
                        name: user.department.name.clone(),
                    },
                    user: user.user.name.clone(),
                    is_administrator,
                    signed_in: signed_in(user.title()),
                })))
            }
            (Whose::User(_), None) => None,
        })
    }
}

impl FromRequestParts<ApiState> for Who {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &ApiState) -> Result<Self, Problem> {
        let who = parts.extensions.get::<Self>().cloned();
        who.ok_or_else(|| Problem::new(Kind::SignInRequired, "Nobody was asked who he is."))
    }
}

/// Where a request came from: an address, or the local socket.
#[derive(Debug, Clone, Copy)]
pub(super) struct Source(pub Option<IpAddr>);

impl FromRequestParts<ApiState> for Source {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &ApiState) -> Result<Self, Problem> {
        Ok(Self::of(&parts.extensions))
    }
}

impl Source {
    /// Where the request came from that has these.
    pub(super) fn of(extensions: &Extensions) -> Self {
        let peer = extensions.get::<ConnectInfo<SocketAddr>>();
        Self(peer.map(|it| it.0.ip().to_canonical()))
    }
}

impl std::fmt::Display for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            Some(address) => address.fmt(f),
            None => f.write_str("local socket"),
        }
    }
}

/// The hash of the session's cookie, if the request has just one of a right form.
fn session_of(headers: &HeaderMap) -> Option<SecretHash> {
    let mut tokens = headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|it| it.to_str().ok())
        .flat_map(|header| {
            let pairs = header
                .split(';')
                .filter_map(|pair| pair.trim().split_once('='));
            pairs
                .filter(|(name, _)| *name == COOKIE_NAME)
                .map(|(_, value)| value)
        });
    let token = tokens.next().filter(|_| tokens.next().is_none())?;
    let mut bytes = [0; 32];
    if BASE64URL_NOPAD.decode_len(token.len()) != Ok(bytes.len()) {
        return None;
    }
    BASE64URL_NOPAD
        .decode_mut(token.as_bytes(), &mut bytes)
        .ok()?;
    Some(SecretHash::of(&bytes))
}

/// The header that gives a browser its session, for `seconds`.
pub(super) fn set_cookie(token: &[u8; 32], seconds: u64) -> Option<HeaderValue> {
    cookie(&BASE64URL_NOPAD.encode(token), seconds)
}

/// The header that takes it away.
pub(super) fn clear_cookie() -> Option<HeaderValue> {
    cookie("", 0)
}

fn cookie(value: &str, seconds: u64) -> Option<HeaderValue> {
    let attributes = "Path=/; Secure; HttpOnly; SameSite=Strict";
    let text = format!("{COOKIE_NAME}={value}; {attributes}; Max-Age={seconds}");
    let mut header = HeaderValue::from_str(&text).ok()?;
    header.set_sensitive(true);
    Some(header)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(cookies: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for cookie in cookies {
            headers.append(COOKIE, HeaderValue::from_str(cookie).unwrap());
        }
        headers
    }

    #[test]
    fn a_cookie_is_read_as_it_was_set() {
        let token = [7; 32];
        let set = set_cookie(&token, 60).unwrap();
        let set = set.to_str().unwrap();
        let (pair, attributes) = set.split_once("; ").unwrap();
        assert_eq!(
            attributes,
            "Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=60"
        );
        for cookies in [vec![pair], vec!["a=b; c", &format!("x=y; {pair}; z=1")]] {
            let found = session_of(&headers(&cookies)).unwrap();
            assert!(found.matches(&token));
        }
        assert!(
            session_of(&headers(&[pair, pair])).is_none(),
            "two are one too many"
        );
    }

    #[test]
    fn what_is_no_token_is_no_session() {
        for value in ["", "a", &"A".repeat(42), &"A".repeat(44), &"!".repeat(43)] {
            let cookie = format!("{COOKIE_NAME}={value}");
            assert!(session_of(&headers(&[&cookie])).is_none(), "{value}");
        }
    }
}
