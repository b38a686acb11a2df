//! Reads a list page by page: marker after marker, to its end, and never for ever.
//!
//! Every service says whether there is more by a link. Only its marker is taken from it: behind a
//! proxy the address in it is often wrong, and a token must not follow an address that an answer
//! names.

use std::collections::HashSet;

use reqwest::Url;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use shared::model::UnixMillis;

use super::client::{Ask, Client};
use super::scalar::Scalar;
use crate::cloud::CloudError;

/// Ten million records at full pages; a list that is longer has no end.
const PAGES_MAX: usize = 10_000;

/// A marker is a record's id; Cinder's and Neutron's columns hold 255 characters at most.
const MARKER_BYTES_MAX: usize = 512;

/// How many of a page's last records may vanish before the next page is asked for: then the one
/// before serves as the marker. More at once is no chance, and the pass begins anew.
const STEPS_BACK_MAX: usize = 8;

/// A page of a list, as a service answers it.
pub(super) trait Listing: DeserializeOwned {
    /// What it is a list of.
    type Item;

    /// Its records, and the link to what follows.
    fn into_parts(self) -> (Vec<Self::Item>, Option<String>);

    /// A record's id, which is the marker of what follows it.
    fn id(item: &Self::Item) -> Option<&str>;

    /// Whether the service left something out, and has no link to it.
    fn is_cut(&self) -> bool {
        false
    }
}

/// Nova's, Cinder's and Neutron's links beside a list.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Link {
    #[serde(default)]
    rel: Scalar,
    #[serde(default)]
    href: Scalar,
}

impl Link {
    /// The link to what follows.
    pub(super) fn next(links: Vec<Self>) -> Option<String> {
        let next = links.into_iter().find(|it| it.rel.text() == Some("next"))?;
        Some(next.href.into_text())
    }
}

/// A list being read.
#[derive(Debug)]
pub(super) struct Pager<'a> {
    ask: Ask<'a>,
    trail: Trail,
    /// When the first page was answered, by the service's clock.
    begun: Option<UnixMillis>,
    endpoint: String,
    /// Whether the service refused to be told how much a page holds.
    unlimited: bool,
}

impl<'a> Pager<'a> {
    /// From a question without paging parameters.
    pub(super) fn new(ask: Ask<'a>) -> Self {
        Self {
            ask,
            trail: Trail::default(),
            begun: None,
            endpoint: String::new(),
            unlimited: false,
        }
    }

    /// The next page's records, or `None` after the last page.
    pub(super) async fn next<L: Listing>(
        &mut self,
        client: &Client,
    ) -> Result<Option<Vec<L::Item>>, CloudError> {
        loop {
            let Some(marker) = self.trail.marker() else {
                return Ok(None);
            };
            let mut ask = self.ask.clone();
            if !self.unlimited {
                ask = ask.with("limit", client.page_size.to_string());
            }
            if let Some(marker) = marker {
                ask = ask.with("marker", marker);
            }
            let at_start = marker.is_none();
            let answer = match client.get(&ask).await {
                // A Keystone that checks its parameters but does not know this one yet.
                Err(CloudError::Status { status: 400, .. }) if at_start && !self.unlimited => {
                    self.unlimited = true;
                    continue;
                }
                Err(CloudError::Status {
                    status: 400 | 404, ..
                }) if self.trail.step_back() => continue,
                other => other?,
            };
            self.begun = self.begun.or(answer.date);
            self.endpoint.clone_from(&answer.endpoint);
            let page: L = answer.parse(&ask)?;
            if page.is_cut() {
                return Err(self.malformed(
                    "its configuration cuts the list; raise or remove list_limit".to_owned(),
                ));
            }
            let (items, next) = page.into_parts();
            let last_ids = items.iter().rev().filter_map(L::id).take(STEPS_BACK_MAX);
            let last_ids = last_ids.map(str::to_owned).collect();
            if let Err(reason) = self.trail.advance(last_ids, next) {
                return Err(self.malformed(reason));
            }
            return Ok(Some(items));
        }
    }

    /// The error that the list does not say what it should.
    pub(super) fn malformed(&self, reason: String) -> CloudError {
        CloudError::Malformed {
            endpoint: self.endpoint.clone(),
            what: self.ask.what(),
            reason,
        }
    }

    /// The error for a record that can't be told from another.
    pub(super) fn no_id(&self) -> CloudError {
        self.malformed("a record has no id".to_owned())
    }

    /// When the list began to be read, by the service's clock; by ours where it tells no time.
    pub(super) fn begun(&self, client: &Client) -> UnixMillis {
        self.begun.unwrap_or_else(|| client.clock().unix_millis())
    }
}

/// Where in a list the reader is. Pure.
#[derive(Debug, Default)]
struct Trail {
    position: Position,
    /// Every marker that was followed: one that comes again would go round for ever.
    followed: HashSet<String>,
    /// Other markers near the present one, nearest last.
    spare: Vec<String>,
}

#[derive(Debug, Default)]
enum Position {
    #[default]
    Start,
    After(String),
    End,
}

impl Trail {
    /// What to ask for: `None` is nothing more, `Some(None)` the beginning.
    fn marker(&self) -> Option<Option<&str>> {
        match &self.position {
            Position::Start => Some(None),
            Position::After(marker) => Some(Some(marker)),
            Position::End => None,
        }
    }

    /// Goes on behind a page with these last ids (the last first) and this link.
    fn advance(&mut self, last_ids: Vec<String>, next: Option<String>) -> Result<(), String> {
        let Some(link) = next else {
            self.position = Position::End;
            return Ok(());
        };
        // An empty page is the end, whatever its link says: Cinder links a full last page to one.
        let Some(last) = last_ids.first() else {
            self.position = Position::End;
            return Ok(());
        };
        let marker = marker_of(&link).unwrap_or_else(|| last.clone());
        if self.followed.len() >= PAGES_MAX {
            return Err(format!("the list has more than {PAGES_MAX} pages"));
        }
        if !self.followed.insert(marker.clone()) {
            return Err(format!("the list leads back to its own record {marker}"));
        }
        self.spare = last_ids.into_iter().filter(|id| *id != marker).collect();
        self.spare.reverse();
        self.position = Position::After(marker);
        Ok(())
    }

    /// Takes the record before, when the marker's record is gone. False if there is none.
    fn step_back(&mut self) -> bool {
        match (&self.position, self.spare.pop()) {
            (Position::After(_), Some(marker)) => {
                self.position = Position::After(marker);
                true
            }
            _ => false,
        }
    }
}

/// The marker in a link, which may be relative.
fn marker_of(link: &str) -> Option<String> {
    let base = Url::parse("http://service/").ok()?;
    let url = base.join(link).ok()?;
    let (_, marker) = url.query_pairs().find(|(name, _)| name == "marker")?;
    (!marker.is_empty() && marker.len() <= MARKER_BYTES_MAX).then(|| marker.into_owned())
}

#[cfg(test)]
mod tests;
