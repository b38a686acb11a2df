//! A section of a settings file.

use std::collections::BTreeSet;
use std::fmt::Display;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use jiff::SignedDuration;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::Document;
use super::fault::Kind;
use super::nearest::nearest;
use super::setting::{Place, Setting};
use super::words::{Quoted, article, shown, signed};

/// A section, or the settings outside any. When it is dropped, keys that nobody asked for are
/// faults.
#[derive(Debug)]
pub struct Table<'d> {
    document: &'d Document<'d>,
    /// Such as `web`; empty outside any section.
    name: String,
    header: Option<usize>,
    content: Option<&'d DeTable<'d>>,
    known: BTreeSet<&'static str>,
}

impl<'d> Table<'d> {
    pub(super) const fn new(
        document: &'d Document<'d>,
        name: String,
        header: Option<usize>,
        content: Option<&'d DeTable<'d>>,
    ) -> Self {
        let known = BTreeSet::new();
        Self {
            document,
            name,
            header,
            content,
            known,
        }
    }

    /// Whether the file has this section.
    pub const fn is_given(&self) -> bool {
        self.content.is_some()
    }

    /// Text. `example` is shown where the value is of another type.
    pub fn text(&mut self, key: &'static str, example: &str) -> Setting<'d, Option<String>> {
        self.typed(key, &Quoted(example), |value| {
            value.as_str().map(str::to_owned)
        })
    }

    /// A file or directory, by its absolute path: a daemon's working directory is nobody's choice.
    pub fn path(&mut self, key: &'static str, example: &str) -> Setting<'d, Option<PathBuf>> {
        self.text(key, example).try_map(|text| {
            let path = PathBuf::from(&text);
            if path.is_absolute() {
                return Ok(path);
            }
            Err((
                format!("{} is no absolute path", shown(&text)),
                format!("write {}", Quoted(example)),
            ))
        })
    }

    /// An IP address with a port, to listen on.
    pub fn address(&mut self, key: &'static str, example: &str) -> Setting<'d, Option<SocketAddr>> {
        self.text(key, example).try_map(|text| {
            text.parse().map_err(|_| {
                let what = format!("{} is no IP address with a port", shown(&text));
                (what, format!("write {}", Quoted(example)))
            })
        })
    }

    /// Yes or no.
    pub fn flag(&mut self, key: &'static str) -> Setting<'d, Option<bool>> {
        self.typed(key, &"true or false", DeValue::as_bool)
    }

    /// A whole number within `bounds`.
    pub fn integer(
        &mut self,
        key: &'static str,
        bounds: RangeInclusive<u64>,
    ) -> Setting<'d, Option<u64>> {
        let (least, most) = (*bounds.start(), *bounds.end());
        let range = format!("a whole number from {least} to {most}");
        let asked = self.typed(key, &range, |value| {
            let digits = value.as_integer()?;
            i128::from_str_radix(digits.as_str(), digits.radix()).ok()
        });
        asked.try_map(|number| match u64::try_from(number) {
            Ok(number) if bounds.contains(&number) => Ok(number),
            _ => Err((
                format!("{number} is out of bounds"),
                format!("write {range}"),
            )),
        })
    }

    /// A time such as `"90s"`, `"5m"` or `"1h 30m"`, within `bounds`.
    pub fn duration(
        &mut self,
        key: &'static str,
        bounds: RangeInclusive<Duration>,
    ) -> Setting<'d, Option<Duration>> {
        let range = format!(
            "a time from \"{:#}\" to \"{:#}\"",
            signed(*bounds.start()),
            signed(*bounds.end())
        );
        let asked = self.typed(key, &range, |value| value.as_str().map(str::to_owned));
        asked.try_map(|text| {
            let parsed = text
                .parse::<SignedDuration>()
                .ok()
                .and_then(|it| Duration::try_from(it).ok());
            match parsed {
                Some(time) if bounds.contains(&time) => Ok(time),
                Some(_) => Err((
                    format!("{} is out of bounds", shown(&text)),
                    format!("write {range}"),
                )),
                None => Err((
                    format!("{} is no time", shown(&text)),
                    format!("write {range}"),
                )),
            }
        })
    }

    /// One of some words.
    pub fn choice<T: Clone>(
        &mut self,
        key: &'static str,
        choices: &[(&str, T)],
    ) -> Setting<'d, Option<T>> {
        let words: Vec<String> = choices
            .iter()
            .map(|(word, _)| format!("{word:?}"))
            .collect();
        let instead = words.join(" or ");
        let asked = self.typed(key, &instead, |value| value.as_str().map(str::to_owned));
        asked.try_map(|text| {
            let found = choices.iter().find(|(word, _)| *word == text);
            found.map(|(_, choice)| choice.clone()).ok_or_else(|| {
                let meant = nearest(&text, choices.iter().map(|(word, _)| *word));
                let what = format!("{} is none of its words", shown(&text));
                match meant {
                    Some(meant) => (format!("{what} ({instead})"), format!("write {meant:?}")),
                    None => (what, format!("write {instead}")),
                }
            })
        })
    }

    /// Which of some words a misspelt one most likely means, so that what depends on it can be
    /// read all the same. That it is misspelt is told by [`choice`](Self::choice).
    pub fn meant<T: Clone>(&self, key: &str, choices: &[(&str, T)]) -> Option<T> {
        let (_, value) = self.look(key)?;
        let words = choices.iter().map(|(word, _)| *word);
        let meant = nearest(value.get_ref().as_str()?, words)?;
        let found = choices.iter().find(|(word, _)| *word == meant);
        found.map(|(_, choice)| choice.clone())
    }

    /// Whether the file says something under this key.
    pub fn has(&self, key: &str) -> bool {
        self.look(key).is_some()
    }

    /// Some texts, each with its own place.
    pub fn texts(
        &mut self,
        key: &'static str,
        example: &str,
    ) -> Setting<'d, Option<Vec<Setting<'d, String>>>> {
        let document = self.document;
        let name = self.full(key);
        let one = |(place, value): (usize, &Spanned<DeValue<'d>>)| {
            let text = value.get_ref().as_str().map(str::to_owned);
            let item = Setting {
                value: text,
                document,
                name: format!("{name}[{place}]"),
                place: Place::Given(value.span().start),
            };
            if item.value.is_none() {
                let what = format!("is {}", article(value.get_ref().type_str()));
                item.fault(what, format!("write {}", Quoted(example)));
            }
            item.value.is_some().then(|| item.or(String::new()))
        };
        let list = format!("[{}]", Quoted(example));
        self.typed(key, &list, |value| {
            value
                .as_array()
                .map(|all| all.iter().enumerate().filter_map(one).collect())
        })
    }

    /// A section within this one; an empty one where the file has none.
    pub fn section(&mut self, key: &'static str) -> Table<'d> {
        let name = self.full(key);
        let found = self.typed(key, &format!("a section [{name}]"), DeValue::as_table);
        let header = match found.place {
            Place::Given(offset) => Some(offset),
            Place::Missing(_) => None,
        };
        Table::new(self.document, name, header, found.value)
    }

    /// Sections of one name, one after another, as `[[section]]` begins each; none where the file
    /// has none.
    pub fn sections(&mut self, key: &'static str) -> Vec<Table<'d>> {
        let name = self.full(key);
        let document = self.document;
        let wanted = format!("sections, each begun by [[{name}]]");
        let found = self.typed(key, &wanted, DeValue::as_array);
        let mut sections = Vec::new();
        for (place, value) in found.value.into_iter().flatten().enumerate() {
            let name = format!("{name}[{place}]");
            let header = Some(value.span().start);
            let table = Table::new(document, name, header, value.get_ref().as_table());
            if !table.is_given() {
                let what = format!("is {}", article(value.get_ref().type_str()));
                table.fault(what, format!("write {wanted}"));
            }
            sections.push(table);
        }
        sections
    }

    /// Keys that are right here, though this time nobody asks for them.
    pub fn allow(&mut self, keys: &[&'static str]) {
        self.known.extend(keys);
    }

    /// Something is wrong with the section as a whole.
    pub fn fault(&self, what: impl Display, instead: impl Display) {
        self.document
            .add(self.header, &self.name, what, &instead, Kind::Value);
    }

    fn typed<T>(
        &mut self,
        key: &'static str,
        wanted: &dyn Display,
        take: impl FnOnce(&'d DeValue<'d>) -> Option<T>,
    ) -> Setting<'d, Option<T>> {
        self.known.insert(key);
        let name = self.full(key);
        let document = self.document;
        let Some((_, value)) = self.look(key) else {
            return Setting {
                value: None,
                document,
                name,
                place: Place::Missing(self.header),
            };
        };
        let place = Place::Given(value.span().start);
        let setting = Setting {
            value: take(value.get_ref()),
            document,
            name,
            place,
        };
        if setting.value.is_none() {
            let what = format!("is {}", article(value.get_ref().type_str()));
            setting.fault(what, format!("write {wanted}"));
        }
        setting
    }

    fn look(&self, key: &str) -> Option<(usize, &'d Spanned<DeValue<'d>>)> {
        let (name, value) = self.content?.get_key_value(key)?;
        Some((name.span().start, value))
    }

    fn full(&self, key: &str) -> String {
        match self.name.as_str() {
            "" => key.to_owned(),
            section => format!("{section}.{key}"),
        }
    }
}

impl Drop for Table<'_> {
    fn drop(&mut self) {
        for (key, _) in self.content.into_iter().flatten() {
            let name: &str = key.get_ref();
            if self.known.contains(name) {
                continue;
            }
            let known = self.known.iter().copied();
            let instead = match nearest(name, known) {
                Some(meant) => format!("write {meant:?}"),
                None => "remove it".to_owned(),
            };
            let full = self.full(&name.chars().take(64).collect::<String>());
            let what = "there is no such setting";
            self.document
                .add(Some(key.span().start), &full, what, &instead, Kind::Value);
        }
    }
}
