//! Certificates for the peers: mutual TLS, as the hub has it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::server::WebPkiClientVerifier;
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// A CA, and a server and a client that it vouches for, as files.
pub struct Identities {
    /// The CA's certificate.
    pub ca: PathBuf,
    /// The server's certificate.
    pub server: PathBuf,
    /// The server's key.
    pub server_key: PathBuf,
    /// The client's certificate.
    pub client: PathBuf,
    /// The client's key.
    pub client_key: PathBuf,
}

impl Identities {
    /// The files of `dir`.
    pub fn load(dir: &Path) -> Self {
        let file = |name: &str| dir.join(name);
        Self {
            ca: file("ca.pem"),
            server: file("server.pem"),
            server_key: file("server.key"),
            client: file("client.pem"),
            client_key: file("client.key"),
        }
    }

    /// Makes the files in `dir`.
    pub fn make(dir: &Path) -> Self {
        let files = Self::load(dir);
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        // By their default names, every certificate would look like its own issuer.
        params
            .distinguished_name
            .push(DnType::CommonName, "bench CA");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let ca = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        std::fs::write(&files.ca, ca.pem()).unwrap();
        for (certificate, key) in [
            (&files.server, &files.server_key),
            (&files.client, &files.client_key),
        ] {
            let pair = KeyPair::generate().unwrap();
            let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
            let signed = CertificateParams::new(names)
                .unwrap()
                .signed_by(&pair, &ca)
                .unwrap();
            std::fs::write(certificate, signed.pem()).unwrap();
            std::fs::write(key, pair.serialize_pem()).unwrap();
        }
        files
    }

    fn roots(&self) -> RootCertStore {
        let mut roots = RootCertStore::empty();
        roots
            .add(CertificateDer::from_pem_file(&self.ca).unwrap())
            .unwrap();
        roots
    }
}

fn pair(certificate: &Path, key: &Path) -> (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>) {
    let chain = vec![CertificateDer::from_pem_file(certificate).unwrap()];
    (chain, PrivateKeyDer::from_pem_file(key).unwrap())
}

/// A server that wants a client's certificate.
pub fn server_config(identities: &Identities) -> ServerConfig {
    let (chain, key) = pair(&identities.server, &identities.server_key);
    let verifier = WebPkiClientVerifier::builder(Arc::new(identities.roots()))
        .build()
        .unwrap();
    let builder = ServerConfig::builder().with_client_cert_verifier(verifier);
    builder.with_single_cert(chain, key).unwrap()
}

/// A client that shows its certificate.
pub fn client_config(identities: &Identities) -> ClientConfig {
    let (chain, key) = pair(&identities.client, &identities.client_key);
    let builder = ClientConfig::builder().with_root_certificates(identities.roots());
    builder.with_client_auth_cert(chain, key).unwrap()
}

/// TLS over a TCP connection to this machine.
pub async fn secure(config: &Arc<ClientConfig>, stream: TcpStream) -> TlsStream<TcpStream> {
    stream.set_nodelay(true).unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    TlsConnector::from(Arc::clone(config))
        .connect(name, stream)
        .await
        .unwrap()
}

/// Sends all of `bytes`. Written and not flushed, they may stay in TLS: a socket may ask to be
/// waited for, also because its task has had its share of time.
///
/// # Panics
/// If the connection is gone.
pub async fn say(stream: &mut (impl AsyncWrite + Unpin), bytes: &[u8]) {
    stream.write_all(bytes).await.unwrap();
    stream.flush().await.unwrap();
}
