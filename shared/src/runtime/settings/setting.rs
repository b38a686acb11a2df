//! One setting: its value, and where it stands.

use std::fmt::Display;

use super::Document;
use super::fault::Kind;

/// A setting. Further checks of its value become faults at its place.
#[derive(Debug, Clone)]
pub struct Setting<'d, T> {
    /// The value; `None` where it is missing or faulty.
    pub value: T,
    pub(super) document: &'d Document<'d>,
    pub(super) name: String,
    pub(super) place: Place,
}

/// Where a setting stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// It is not there; its section begins here, if that is there.
    Missing(Option<usize>),
    /// Its value begins here.
    Given(usize),
}

impl<'d, T> Setting<'d, T> {
    /// The setting with its section, such as `link.listen`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether the file says something about it, right or wrong.
    pub const fn is_given(&self) -> bool {
        matches!(self.place, Place::Given(_))
    }

    /// Something is wrong with it. `instead` says what to do, as a command.
    pub fn fault(&self, what: impl Display, instead: impl Display) {
        let (offset, kind) = match self.place {
            Place::Given(offset) => (Some(offset), Kind::Value),
            Place::Missing(section) => (section, Kind::Missing),
        };
        self.document.add(offset, &self.name, what, &instead, kind);
    }

    fn with<U>(self, value: U) -> Setting<'d, U> {
        let Self {
            document,
            name,
            place,
            ..
        } = self;
        Setting {
            value,
            document,
            name,
            place,
        }
    }
}

impl<'d, T> Setting<'d, Option<T>> {
    /// With `default` where the file says nothing (or something wrong, which is a fault already).
    pub fn or(self, default: T) -> Setting<'d, T> {
        let Self {
            value,
            document,
            name,
            place,
        } = self;
        let value = value.unwrap_or(default);
        Setting {
            value,
            document,
            name,
            place,
        }
    }

    /// It is a fault if the file does not say it. `instead` says what to write, as a command.
    pub fn required(self, instead: impl Display) -> Self {
        if !self.is_given() {
            self.fault("is missing", instead);
        }
        self
    }

    /// Makes another value of it. An error is a fault: what is wrong, and what to do.
    pub fn try_map<U>(
        mut self,
        make: impl FnOnce(T) -> Result<U, (String, String)>,
    ) -> Setting<'d, Option<U>> {
        let value = match self.value.take().map(make) {
            Some(Ok(value)) => Some(value),
            Some(Err((what, instead))) => {
                self.fault(what, instead);
                None
            }
            None => None,
        };
        self.with(value)
    }
}
