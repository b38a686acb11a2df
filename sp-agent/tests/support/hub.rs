//! A hub as small as the agent's way into a federation needs: one port, one token, no store. Whoever
//! has joined is welcomed, and then waits for an administrator.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use shared::host_port::HostPort;
use shared::ids::{FederationId, HubId, RegionId};
use shared::pki::{
    Authority, BoundKey, ChannelBinding, Csr, Fingerprint, JoinToken, LinkCredential, Peer,
    Purpose, Serial, Slot, TlsClock, Validity, link_server,
};
use shared::runtime::clock::Clock;
use shared::transport::{Accepted, JoinCall, LinkConnection, ListenOptions, Listener, ResetKey};
use shared::wire::frame::{
    Control, Goodbye, Issued, Join, JoinFrame, PROTOCOL, Recover, Refusal, Refuse, Standing,
    Welcome,
};
use shared::wire::{Bytes, List, Text};
use tokio::task::JoinSet;

const DAY: Duration = Duration::from_secs(24 * 3600);

/// What the hub does with the next request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mood {
    /// As it should.
    Fair,
    /// Decides, and loses the answer.
    Mute,
    /// Refuses.
    Refusing,
}

/// What the hub remembers of a join.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Known {
    pub(crate) key: Fingerprint,
    pub(crate) host: String,
    pub(crate) cloud_version: String,
}

pub(crate) struct Hub {
    pub(crate) address: HostPort,
    pub(crate) token: JoinToken,
    pub(crate) federation: FederationId,
    pub(crate) region: RegionId,
    inner: Arc<Inner>,
    task: tokio::task::JoinHandle<()>,
}

struct Inner {
    ca: Authority,
    token: JoinToken,
    region: RegionId,
    id: HubId,
    known: Mutex<Option<Known>>,
    goodbye: Mutex<Option<Goodbye>>,
    mood: Mutex<Mood>,
    lifetime: Mutex<Duration>,
    ahead: Mutex<Duration>,
    standing: Mutex<Standing>,
    greetings: AtomicUsize,
    heartbeats: AtomicUsize,
}

impl Hub {
    /// Listens on a free port of the loopback.
    pub(crate) fn start() -> Self {
        let now_secs = Clock::system().unix_millis().as_secs();
        let federation = FederationId::from_random(7);
        let ca = Authority::create(federation, now_secs).unwrap();
        let token = JoinToken::generate(ca.pin()).unwrap();
        let (region, id) = (RegionId::from_random(8), HubId::from_random(9));
        let key = BoundKey::generate().unwrap();
        let validity = Validity::starting(now_secs, DAY);
        let own = issue(&ca, &key_request(&key), Peer::Hub(id), validity);
        let slot = Slot::new(LinkCredential::new(&key, &own.der, ca.anchor()).unwrap());
        let anchors = shared::pki::TrustAnchors::of(ca.anchor().clone());
        let tls = link_server(&anchors, &slot, &TlsClock::system()).unwrap();
        let options = ListenOptions::new(ResetKey::from_bytes([1; 64]));
        let listener = Listener::bind(([127, 0, 0, 1], 0).into(), tls, &options).unwrap();
        let address = listener.address().to_string().parse().unwrap();
        let inner = Arc::new(Inner {
            ca,
            token: token.clone(),
            region,
            id,
            known: Mutex::default(),
            goodbye: Mutex::default(),
            mood: Mutex::new(Mood::Fair),
            lifetime: Mutex::new(DAY),
            ahead: Mutex::default(),
            standing: Mutex::new(Standing::Pending),
            greetings: AtomicUsize::new(0),
            heartbeats: AtomicUsize::new(0),
        });
        #[allow(
            clippy::disallowed_methods,
            reason = "the test's own task, ended by its drop"
        )]
        let task = tokio::spawn(serve(listener, Arc::clone(&inner)));
        Self {
            address,
            token,
            federation,
            region,
            inner,
            task,
        }
    }

    pub(crate) fn set_mood(&self, mood: Mood) {
        *self.inner.mood.lock().unwrap() = mood;
    }

    /// How long certificates from now on count, their backdating not counted.
    pub(crate) fn set_lifetime(&self, lifetime: Duration) {
        *self.inner.lifetime.lock().unwrap() = lifetime;
    }

    /// By how much the hub's clock is wrong for certificates from now on. Their holders are let in
    /// by the right time.
    pub(crate) fn set_ahead(&self, ahead: Duration) {
        *self.inner.ahead.lock().unwrap() = ahead;
    }

    /// Whoever comes from now on was accepted by an administrator.
    pub(crate) fn accept(&self) {
        *self.inner.standing.lock().unwrap() = Standing::Accepted;
    }

    /// How many sessions have begun, and how many heartbeats came in all of them.
    pub(crate) fn heard(&self) -> (usize, usize) {
        let Inner {
            greetings,
            heartbeats,
            ..
        } = &*self.inner;
        (
            greetings.load(Ordering::Relaxed),
            heartbeats.load(Ordering::Relaxed),
        )
    }

    /// What the last session ended with.
    pub(crate) fn goodbye(&self) -> Option<Goodbye> {
        *self.inner.goodbye.lock().unwrap()
    }

    pub(crate) fn known(&self) -> Option<Known> {
        self.inner.known.lock().unwrap().clone()
    }
}

impl Drop for Hub {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn key_request(key: &BoundKey) -> Csr {
    Csr::create(key).unwrap()
}

fn issue(
    ca: &Authority,
    csr: &Csr,
    peer: Peer,
    validity: Validity,
) -> shared::pki::IssuedCertificate {
    ca.issue(csr, peer, Serial::generate().unwrap(), validity)
        .unwrap()
}

async fn serve(listener: Listener, inner: Arc<Inner>) {
    let mut sessions = JoinSet::new();
    while let Some(arrival) = listener.accept().await {
        match arrival.handshake().await {
            Ok(Accepted::Join(call)) => inner.answer(call).await,
            Ok(Accepted::Link(connection)) => {
                let inner = Arc::clone(&inner);
                sessions.spawn(async move { inner.welcome(connection).await });
            }
            Ok(Accepted::Adopt(_)) | Err(_) => {}
        }
    }
}

impl Inner {
    /// Greets a member and listens until it is gone.
    async fn welcome(&self, connection: LinkConnection) {
        let Ok((mut writer, mut reader)) = connection.control().await else {
            return;
        };
        while let Ok(Some(frame)) = reader.next().await {
            match Control::decode(frame.kind, &frame.payload).unwrap() {
                Some(Control::Hello(hello)) => {
                    self.greetings.fetch_add(1, Ordering::Relaxed);
                    let standing = *self.standing.lock().unwrap();
                    let welcome = Control::Welcome(Welcome {
                        version: PROTOCOL.1,
                        federation: hello.federation,
                        epoch: 1,
                        path: List::cut([self.id]),
                        heartbeat_ms: 4000,
                        standing,
                        cursors: List::default(),
                    });
                    let mut bytes = Vec::new();
                    welcome.encode(&mut bytes).unwrap();
                    writer.write(bytes).await.unwrap();
                }
                Some(Control::Heartbeat(_)) => {
                    self.heartbeats.fetch_add(1, Ordering::Relaxed);
                }
                Some(Control::Goodbye(goodbye)) => {
                    *self.goodbye.lock().unwrap() = Some(goodbye);
                }
                _ => {}
            }
        }
    }

    async fn answer(&self, call: JoinCall) {
        let binding = call.binding().unwrap();
        let Ok((request, answer)) = call.request().await else {
            return;
        };
        let frame = JoinFrame::decode(request.kind, &request.payload).unwrap();
        let mood = *self.mood.lock().unwrap();
        let outcome = match frame {
            _ if mood == Mood::Refusing => {
                Err("the name is taken;\u{1b}\n\u{200b} ask for another invitation\u{7}")
            }
            Some(JoinFrame::Join(join)) => self.join(&join, &binding),
            Some(JoinFrame::Recover(recover)) => self.recover(&recover, &binding),
            _ => Err("not a request"),
        };
        let mut bytes = Vec::new();
        self.frame(&outcome).encode(&mut bytes).unwrap();
        if mood == Mood::Mute {
            return;
        }
        // A caller that is gone was not interested.
        let _ = answer.send(bytes).await;
    }

    fn join(&self, join: &Join<'_>, binding: &ChannelBinding) -> Result<String, &'static str> {
        let token = &self.token;
        if join.token_id.as_str() != token.id().to_string()
            || !token.secret_hash().matches(&join.secret)
        {
            return Err("the token is not known; ask for a new one");
        }
        let csr = self.proven(join.csr.as_str(), &join.proof, Purpose::Join, binding)?;
        let key = csr.public_key().fingerprint();
        let mut known = self.known.lock().unwrap();
        if known.as_ref().is_some_and(|known| known.key != key) {
            return Err("the token is used up; ask for a new one");
        }
        *known = Some(Known {
            key,
            host: join.host.as_str().to_owned(),
            cloud_version: join.cloud.version.as_str().to_owned(),
        });
        Ok(self.certificate(&csr))
    }

    fn recover(&self, it: &Recover<'_>, binding: &ChannelBinding) -> Result<String, &'static str> {
        let csr = self.proven(it.csr.as_str(), &it.proof, Purpose::Recovery, binding)?;
        let key = csr.public_key().fingerprint();
        let known = self.known.lock().unwrap();
        if it.region != self.region || known.as_ref().is_none_or(|known| known.key != key) {
            return Err("this key is not registered; join again");
        }
        Ok(self.certificate(&csr))
    }

    fn proven<const MAX: usize>(
        &self,
        csr: &str,
        proof: &Bytes<'_, MAX>,
        purpose: Purpose,
        binding: &ChannelBinding,
    ) -> Result<Csr, &'static str> {
        let csr = Csr::from_pem(csr.as_bytes()).map_err(|_| "no request")?;
        csr.public_key()
            .check_proof(purpose, binding, proof.as_slice())
            .map_err(|_| "no proof")?;
        Ok(csr)
    }

    fn certificate(&self, csr: &Csr) -> String {
        let (lifetime, ahead) = (*self.lifetime.lock().unwrap(), *self.ahead.lock().unwrap());
        let now_secs = Clock::system().unix_millis().as_secs() + ahead.as_secs();
        let validity = Validity::starting(now_secs, lifetime);
        issue(&self.ca, csr, Peer::Region(self.region), validity).to_pem()
    }

    fn frame<'a>(&self, outcome: &'a Result<String, &'static str>) -> JoinFrame<'a> {
        match outcome {
            Ok(certificate) => JoinFrame::Issued(Issued {
                region: self.region,
                // The operator's terminal is to hear nothing of what stands around it.
                name: Text::cut("\u{202e}\u{1b}east\r\n"),
                federation: self.ca.federation(),
                epoch: 1,
                hub: self.id,
                certificate: Text::cut(certificate),
            }),
            Err(reason) => JoinFrame::Refuse(Refuse {
                code: Refusal::Removed.code(),
                reason: Text::cut(reason),
                retry_after_ms: 0,
            }),
        }
    }
}
