//! What a record adds to the totals, without building it: for those who keep its bytes as they
//! came.

use super::codes::server_state;
use super::{Decoded, FIGURE_MAX, V1, decode, kind_code};
use crate::model::{RecordKind, UnixMillis, Weight};
use crate::wire::codec::{Cursor, DecodeError};

const SERVER: u16 = kind_code(RecordKind::Server);
const VOLUME: u16 = kind_code(RecordKind::Volume);

/// What a record adds to the totals; `None` if its kind or version is of a later release.
///
/// It takes and refuses exactly what [`decode`] does. Servers and volumes, of which a cloud has
/// most, are read in place.
///
/// # Errors
/// As [`decode`].
pub fn weigh(kind: u16, id: &[u8], value: &[u8]) -> Result<Option<Weight>, DecodeError> {
    if let Some(weight) = in_place(kind, id, value) {
        return Ok(Some(weight));
    }
    Ok(match decode(kind, id, value)? {
        Decoded::Known(record) => Some(Weight::of(&record)),
        Decoded::Unknown => None,
    })
}

/// Of a faultless server or volume.
fn in_place(kind: u16, id: &[u8], value: &[u8]) -> Option<Weight> {
    let (&V1, value) = value.split_first()? else {
        return None;
    };
    let (read, mut id): (fn(Cursor<'_>) -> Option<Weight>, _) = match kind {
        SERVER => (server, Cursor::new(id)),
        VOLUME => (volume, Cursor::new(id)),
        _ => return None,
    };
    cloud_id(&mut id)?;
    id.end()?;
    read(Cursor::new(value))
}

/// The fields of [`ServerV1`](crate::wire::v1::ServerV1), in their order.
fn server(mut it: Cursor<'_>) -> Option<Weight> {
    it.text(NAME_MAX)?;
    cloud_id(&mut it)?;
    let state = server_state(it.byte()?);
    let vcpus = u32::try_from(it.number()?).ok()?;
    let memory_mib = figure(&mut it)?;
    figure(&mut it)?;
    it.option(|it| it.text(NAME_MAX))?;
    it.list(LIST_MAX, address)?;
    moment(&mut it)?;
    it.option(|it| it.text(MESSAGE_MAX))?;
    it.end()?;
    Some(Weight::Server {
        state,
        vcpus,
        memory_mib,
    })
}

/// The fields of [`VolumeV1`](crate::wire::v1::VolumeV1), in their order.
fn volume(mut it: Cursor<'_>) -> Option<Weight> {
    it.text(NAME_MAX)?;
    cloud_id(&mut it)?;
    it.byte()?;
    let size_gib = figure(&mut it)?;
    it.list(LIST_MAX, cloud_id)?;
    moment(&mut it)?;
    it.end()?;
    Some(Weight::Volume { size_gib })
}

fn cloud_id(it: &mut Cursor<'_>) -> Option<()> {
    match it.byte()? {
        0 | 1 => it.array::<16>().map(drop),
        2 => it.text(ID_TEXT_MAX).map(drop),
        _ => None,
    }
}

fn address(it: &mut Cursor<'_>) -> Option<()> {
    match it.byte()? {
        0 => it.array::<4>().map(drop),
        1 => it.array::<16>().map(drop),
        _ => None,
    }
}

fn figure(it: &mut Cursor<'_>) -> Option<u64> {
    it.number().filter(|figure| *figure <= FIGURE_MAX)
}

/// Seconds since 1970.
fn moment(it: &mut Cursor<'_>) -> Option<u64> {
    it.number()
        .filter(|seconds| *seconds <= UnixMillis::LATEST.as_secs())
}

/// The caps of the texts and lists in [`v1`](crate::wire::v1).
const NAME_MAX: usize = 1020;
const MESSAGE_MAX: usize = 512;
const ID_TEXT_MAX: usize = 512;
const LIST_MAX: u64 = 64;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{CloudId, Record, Server, ServerState, Volume};
    use crate::wire::codec;
    use crate::wire::record::codes::volume_state;
    use crate::wire::record::{encode, encode_id};
    use crate::wire::v1::{ServerV1, VolumeV1};

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

    fn decoded(kind: u16, id: &[u8], value: &[u8]) -> Result<Option<Weight>, DecodeError> {
        decode(kind, id, value).map(|decoded| match decoded {
            Decoded::Known(record) => Some(Weight::of(&record)),
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
            let weight = weigh(whole.kind, &whole.id, &whole.value).unwrap();
            assert_eq!(weight, Some(Weight::of(&record)));
            let in_place = in_place(whole.kind, &whole.id, &whole.value);
            assert_eq!(in_place, weight, "it is read where it lies");
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
