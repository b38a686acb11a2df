//! What an operator does about a handshake that failed.

use rustls::AlertDescription;

/// Says what a handshake's alert means on a link, and what to do; `None` for alerts that only a
/// defect or an attack brings about.
///
/// `alert` is the TLS alert's number (RFC 8446 §6); a QUIC error code of 0x100 to 0x1ff carries it
/// in its low byte (RFC 9001 §4.8).
pub fn handshake_advice(alert: u8) -> Option<&'static str> {
    Some(match AlertDescription::from(alert) {
        AlertDescription::CertificateExpired => {
            "a certificate has expired or does not count yet: compare the clocks of this machine \
             and of the hub's; an agent that was away too long recovers by its key"
        }
        AlertDescription::UnknownCA | AlertDescription::DecryptError => {
            "the other side's certificate is by a CA that is not trusted: this is another \
             federation, or its CA was replaced while this machine was away"
        }
        AlertDescription::CertificateUnknown
        | AlertDescription::BadCertificate
        | AlertDescription::UnsupportedCertificate
        | AlertDescription::AccessDenied => {
            "the certificate shown does not fit: check that the address is the hub's link port, \
             and that the join token is from that hub"
        }
        AlertDescription::CertificateRequired => {
            "the hub wants a certificate: join, or recover by the key"
        }
        AlertDescription::NoApplicationProtocol => {
            "the other side does not speak this version of the link: check that the address is \
             the hub's link port, then the versions of both sides"
        }
        AlertDescription::ProtocolVersion => {
            "the other side does not speak TLS 1.3: the address is not the hub's link port"
        }
        _ => return None,
    })
}
