//! The secret that both ends of a connection, and nobody else, derive from it.

use super::error::TransportError;
use crate::pki::ChannelBinding;

pub(super) fn channel_binding(
    connection: &quinn::Connection,
) -> Result<ChannelBinding, TransportError> {
    let mut secret = [0; ChannelBinding::BYTES];
    connection
        .export_keying_material(&mut secret, ChannelBinding::LABEL, &[])
        .map_err(|_| TransportError::Binding)?;
    Ok(ChannelBinding::from_exported(secret))
}
