//! What a record adds to the totals, without building it: for those who keep its bytes as they
//! came.

use super::codes::server_state;
use super::{Decoded, V1, decode, figure, kind_code, moment};
use crate::model::{RecordKind, Totals, UnixMillis};
use crate::wire::codec::{self, DecodeError};
use crate::wire::v1::{CloudIdV1, ServerV1, VolumeV1};

const SERVER: u16 = kind_code(RecordKind::Server);
const VOLUME: u16 = kind_code(RecordKind::Volume);

/// What a record adds to the totals; `None` if its kind or version is of a later release.
///
/// It takes and refuses exactly what [`decode`] does. Servers and volumes, of which a cloud has
/// most, are read in place.
///
/// # Errors
/// As [`decode`].
pub fn weigh(kind: u16, id: &[u8], value: &[u8]) -> Result<Option<Totals>, DecodeError> {
    match (kind, value.split_first()) {
        (SERVER, Some((&V1, value))) => {
            codec::decode::<CloudIdV1<'_>>(id)?;
            let it: ServerV1<'_> = codec::decode(value)?;
            let memory_mib = figure("a server's memory", it.memory_mib)?;
            figure("a server's disk", it.disk_gib)?;
            moment("a server's creation", UnixMillis::from_secs(it.created_s))?;
            let state = server_state(it.state);
            Ok(Some(Totals::of_server(state, it.vcpus, memory_mib)))
        }
        (VOLUME, Some((&V1, value))) => {
            codec::decode::<CloudIdV1<'_>>(id)?;
            let it: VolumeV1<'_> = codec::decode(value)?;
            let size_gib = figure("a volume's size", it.size_gib)?;
            moment("a volume's creation", UnixMillis::from_secs(it.created_s))?;
            Ok(Some(Totals::of_volume(size_gib)))
        }
        _ => Ok(match decode(kind, id, value)? {
            Decoded::Known(record) => Some(Totals::of(&record)),
            Decoded::Unknown => None,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{CloudId, Record, Server, ServerState, UnixMillis, Volume};
    use crate::wire::record::codes::volume_state;
    use crate::wire::record::{encode, encode_id};

    fn records() -> [Record; 2] {
        let (id, project) = (CloudId::Text("a".to_owned()), CloudId::Simple([1; 16]));
        let server = Record::Server(Server {
            id: id.clone(),
            name: "web".to_owned(),
            project: project.clone(),
            state: ServerState::Running,
            vcpus: 4,
            memory_mib: 8192,
            disk_gib: 40,
            node: None,
            addresses: vec![[10, 0, 0, 1].into()],
            created: UnixMillis(1_000),
            fault: None,
        });
        let volume = Record::Volume(Volume {
            id,
            name: "data".to_owned(),
            project,
            state: volume_state(0),
            size_gib: 100,
            attached_to: vec![CloudId::Simple([2; 16])],
            created: UnixMillis(1_000),
        });
        [server, volume]
    }

    fn decoded(kind: u16, id: &[u8], value: &[u8]) -> Result<Option<Totals>, DecodeError> {
        decode(kind, id, value).map(|decoded| match decoded {
            Decoded::Known(record) => Some(Totals::of(&record)),
            Decoded::Unknown => None,
        })
    }

    /// A time that is read as another one than was sent would be sent on as another record.
    #[test]
    fn a_time_beyond_the_calendar_is_refused_and_the_last_one_is_kept() {
        let [Record::Server(server), Record::Volume(volume)] = records() else {
            panic!("a server and a volume")
        };
        let id = encode_id(&server.id).unwrap();
        let latest = UnixMillis::LATEST.as_secs();
        for (created_s, fits) in [
            (latest, true),
            (latest + 1, false),
            (u64::MAX / 1000 + 1, false),
            (u64::MAX, false),
        ] {
            let (mut server, mut volume) = (ServerV1::from(&server), VolumeV1::from(&volume));
            (server.created_s, volume.created_s) = (created_s, created_s);
            let (mut servers, mut volumes) = (vec![V1], vec![V1]);
            codec::encode_into(&server, &mut servers).unwrap();
            codec::encode_into(&volume, &mut volumes).unwrap();
            for (kind, value) in [(SERVER, servers), (VOLUME, volumes)] {
                assert_eq!(weigh(kind, &id, &value).is_ok(), fits, "{kind} {created_s}");
                match decode(kind, &id, &value) {
                    Ok(Decoded::Known(read)) => {
                        assert!(fits, "{read:?}");
                        assert_eq!(encode(&read).unwrap().value, value);
                    }
                    other => {
                        let told = other.unwrap_err().to_string();
                        assert!(
                            !fits && told.ends_with("creation is out of range"),
                            "{told}"
                        );
                    }
                }
            }
        }
    }

    /// Every byte of each record is changed in every way: what one takes the other takes, and
    /// makes the same of it.
    #[test]
    fn weighing_is_decoding_without_the_record() {
        for record in records() {
            let whole = encode(&record).unwrap();
            let totals = weigh(whole.kind, &whole.id, &whole.value).unwrap();
            assert_eq!(totals, Some(Totals::of(&record)));
            for place in 0..whole.id.len() + whole.value.len() {
                for byte in 0..=u8::MAX {
                    let (mut id, mut value) = (whole.id.clone(), whole.value.clone());
                    match place.checked_sub(id.len()) {
                        None => id[place] = byte,
                        Some(place) => value[place] = byte,
                    }
                    let (weighed, decoded) = (
                        weigh(whole.kind, &id, &value),
                        decoded(whole.kind, &id, &value),
                    );
                    assert_eq!(weighed.is_ok(), decoded.is_ok(), "{place} {byte}");
                    assert_eq!(weighed.ok(), decoded.ok(), "{place} {byte}");
                }
            }
        }
    }
}
