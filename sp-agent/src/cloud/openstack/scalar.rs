//! A JSON value that may be anything, read as what it should be.
//!
//! Services are loose with types: a figure comes as `4`, `4.0`, `"4"`, `"infinite"` or `null`, by
//! driver and release. One odd field must not hide a page of servers.

use std::fmt;
use std::net::IpAddr;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use shared::model::{CloudId, UnixMillis};

/// The largest figure that is taken over, 2⁶³ − 1: what stores and scripts can hold.
pub(super) const COUNT_MAX: u64 = i64::MAX as u64;

/// One leaf of an answer. Objects and lists, where a leaf should be, count as nothing.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) enum Scalar {
    /// `null`, left out, or no leaf.
    #[default]
    Nothing,
    /// `true` or `false`.
    Flag(bool),
    /// A whole number from zero.
    Count(u64),
    /// Any other number.
    Real(f64),
    /// Text.
    Text(String),
}

impl Scalar {
    /// The text, where there is one that is not empty.
    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) if !text.is_empty() => Some(text),
            _ => None,
        }
    }

    /// The text, empty where there is none.
    pub(super) fn into_text(self) -> String {
        match self {
            Self::Text(text) => text,
            _ => String::new(),
        }
    }

    /// An id: text, or a number as Nova wrote them before microversion 2.53.
    pub(super) fn id(&self) -> Option<CloudId> {
        match self {
            Self::Count(number) => Some(CloudId::new(&number.to_string())),
            _ => self.text().map(CloudId::new),
        }
    }

    /// A number, also one in quotes; nothing for words, and for what is not finite.
    pub(super) fn real(&self) -> Option<f64> {
        match self {
            // Beyond 2⁵³ the last digits are lost, which no capacity shows.
            Self::Count(number) => Some(*number as f64),
            Self::Real(number) => Some(*number),
            Self::Text(text) => text.trim().parse().ok(),
            Self::Nothing | Self::Flag(_) => None,
        }
        .filter(|number: &f64| number.is_finite())
    }

    /// How many: at least zero, rounded down, at most [`COUNT_MAX`].
    pub(super) fn count(&self) -> Option<u64> {
        match self {
            Self::Count(number) => Some((*number).min(COUNT_MAX)),
            _ => self.real().map(whole),
        }
    }

    /// Yes or no.
    pub(super) fn flag(&self) -> bool {
        match self {
            Self::Flag(flag) => *flag,
            Self::Text(text) => text.eq_ignore_ascii_case("true"),
            _ => false,
        }
    }

    /// A time, UTC where it names no zone (Nova writes one, Cinder does not).
    pub(super) fn time(&self) -> Option<UnixMillis> {
        time(self.text()?)
    }

    /// An address.
    pub(super) fn address(&self) -> Option<IpAddr> {
        self.text()?.parse().ok()
    }
}

/// A figure as a whole number: rounded down, zero for what is below it, at most [`COUNT_MAX`].
pub(super) fn whole(figure: f64) -> u64 {
    // `as` saturates, and makes zero of what is no number.
    (figure as u64).min(COUNT_MAX)
}

/// Reads ISO 8601 with or without a zone; nothing for what lies before 1970.
pub(super) fn time(text: &str) -> Option<UnixMillis> {
    let timestamp = text.parse::<jiff::Timestamp>().ok().or_else(|| {
        let local = text.parse::<jiff::civil::DateTime>().ok()?;
        let utc = local.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
        Some(utc.timestamp())
    })?;
    let millis = u64::try_from(timestamp.as_millisecond()).ok()?;
    Some(UnixMillis(millis))
}

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ScalarVisitor)
    }
}

struct ScalarVisitor;

impl<'de> Visitor<'de> for ScalarVisitor {
    type Value = Scalar;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_unit<E>(self) -> Result<Scalar, E> {
        Ok(Scalar::Nothing)
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Scalar, E> {
        Ok(Scalar::Flag(flag))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Scalar, E> {
        Ok(Scalar::Count(number))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Scalar, E> {
        Ok(u64::try_from(number).map_or(Scalar::Real(number as f64), Scalar::Count))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Scalar, E> {
        Ok(Scalar::Real(number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Scalar, E> {
        Ok(Scalar::Text(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Scalar, E> {
        Ok(Scalar::Text(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Scalar, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Scalar::Nothing)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Scalar, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Scalar::Nothing)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Scalar {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn figures_are_read_in_every_way_that_drivers_write_them() {
        for (json, count) in [
            ("4", Some(4)),
            ("4.9", Some(4)),
            ("\"4.5\"", Some(4)),
            ("-1", Some(0)),
            ("\"infinite\"", None),
            ("\"inf\"", None),
            ("\"unknown\"", None),
            ("null", None),
            ("{\"a\":[1]}", None),
            ("18446744073709551615", Some(COUNT_MAX)),
            ("340282366920938463463374607431768211456", Some(COUNT_MAX)),
        ] {
            assert_eq!(read(json).count(), count, "{json}");
        }
    }

    #[test]
    fn times_with_and_without_a_zone_are_read() {
        let expected = Some(UnixMillis(1_795_280_641_864));
        for json in [
            "\"2026-11-21T17:04:01.864Z\"",
            "\"2026-11-21T17:04:01.864030\"",
            "\"2026-11-21T18:04:01.864+01:00\"",
        ] {
            assert_eq!(read(json).time(), expected, "{json}");
        }
        for json in ["null", "\"\"", "\"soon\"", "\"1900-01-01T00:00:00Z\"", "7"] {
            assert_eq!(read(json).time(), None, "{json}");
        }
    }

    #[test]
    fn ids_are_texts_or_numbers() {
        assert_eq!(read("7").id(), Some(CloudId::new("7")));
        assert_eq!(read("\"a\"").id(), Some(CloudId::new("a")));
        assert_eq!(read("\"\"").id(), None);
    }
}
