//! How a federation's marker stands on a domain, project, user, group or role of Keystone.
//!
//! Keystone keeps attributes that it does not know as they were given and tells them with the thing
//! (Identity API v3: "extra" attributes), so the marker is one of those. Whoever may change a thing
//! may change its marker: it helps to know a thing again, and proves nothing. Pure.

use shared::model::Marker;

/// The attribute's name.
pub(in crate::cloud::openstack) const ATTRIBUTE: &str = "regroup";

/// The marker as it is written: two UUIDs with hyphens, `FEDERATION/OBJECT`, 73 bytes.
pub(in crate::cloud::openstack) fn write(marker: &Marker) -> String {
    let Marker { federation, object } = marker;
    format!("{federation}/{object}")
}

/// Reads what [`write`] wrote; `None` for anything else, as what somebody else put there is not
/// ours.
pub(in crate::cloud::openstack) fn read(text: &str) -> Option<Marker> {
    let (federation, object) = text.split_once('/')?;
    let marker = Marker {
        federation: federation.parse().ok()?,
        object: object.parse().ok()?,
    };
    // UUIDs can be written in other ways, which `write` does not.
    (write(&marker) == text).then_some(marker)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use shared::ids::{FederationId, ObjectId};

    use super::*;

    #[test]
    fn what_was_not_written_by_us_is_no_marker() {
        let federation = "01234567-89ab-4def-8123-456789abcdef";
        let object = "67e55044-10b1-426f-9247-bb680e5fe0c8";
        let right = format!("{federation}/{object}");
        assert_eq!(read(&right).as_ref().map(write), Some(right));
        for wrong in [
            String::new(),
            "/".to_owned(),
            federation.to_owned(),
            format!("{federation}/{object}/"),
            format!("{federation}/{object} "),
            format!("{federation}/{}", object.replace('-', "")),
            format!("{}/{object}", federation.to_uppercase()),
            format!("{{{federation}}}/{object}"),
            format!("urn:uuid:{federation}/{object}"),
        ] {
            assert_eq!(read(&wrong), None, "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn a_marker_reads_what_it_writes(federation: [u8; 16], object: [u8; 16]) {
            let marker = Marker {
                federation: FederationId::from_bytes(federation),
                object: ObjectId::from_bytes(object),
            };
            prop_assert_eq!(read(&write(&marker)), Some(marker));
        }

        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,80}") {
            if let Some(marker) = read(&text) {
                prop_assert_eq!(write(&marker), text);
            }
        }
    }
}
