//! Reads a list page by page: marker after marker, to its end, and never for ever.
//!
//! Every service says whether there is more by a link. Only its marker is taken from it: behind a
//! proxy the address in it is often wrong, and a token must not follow an address that an answer
//! names.
//!
//! What a record holds is its owner's choice (a server's user data alone may be 64 KiB), so a page
//! that is too long or takes too long is asked for again from the same place, half as large, and so
//! are those behind it, and those of the passes of the next hour.

mod limits;

use std::collections::HashSet;
use std::time::Duration;

use reqwest::Url;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use shared::model::UnixMillis;

use super::client::{Ask, Client, GivenUp};
use super::http::Answer;
use super::pass;
use super::scalar::Scalar;
use crate::cloud::{CloudError, Pages};

/// Ten million records at full pages, a million at the smallest that the client makes; a list that
/// is longer has no end.
const PAGES_MAX: usize = 10_000;

/// A marker is a record's id; Cinder's and Neutron's columns hold 255 characters at most.
const MARKER_BYTES_MAX: usize = 512;

/// How many of a page's last records may vanish before the next page is asked for: then the one
/// before serves as the marker. More at once is no chance, and the pass begins anew.
const STEPS_BACK_MAX: usize = 8;

/// Why a list has not all that it is of.
const CUT: &str = "its configuration cuts the list; raise or remove list_limit";

/// A page is not made smaller than this: a hundred records are too much for no service that works,
/// and each page costs the service a search through the whole list. It is also so large that a
/// service which leaves records out of a page leaves none empty, which would pass for the end.
const LIMIT_MIN: u32 = 100;

/// What is wrong with a list that can't be gone on with.
const UNSETTLED: &str = "\
    a page is full of servers that are not placed yet, so the list can't be followed: once the \
    last of them is placed, what comes behind it is something else; it is read again soon, and if \
    this lasts, see why Nova does not place them";

/// By how much our clock may be ahead of a service that does not tell its own. More than what each
/// pass for changes allows for anyway, because nobody compares the two.
const OUR_CLOCKS_ERROR_MAX: Duration = Duration::from_secs(240);

/// By how much a service's clock may be ahead of ours until ours is taken for the wrong one. One of
/// its machines may have a clock that is fast, and the next pass be answered by another one: a pass
/// that asks for more than it needs is only dearer, one that asks for too little loses changes.
/// More than this is no machine's drift, as a rule, but our own clock that was never set.
const THEIR_CLOCK_AHEAD_MAX: Duration = Duration::from_secs(600);

pub(super) use self::limits::Limits;

/// A page of a list, as a service answers it.
pub(super) trait Listing: DeserializeOwned {
    /// What it is a list of.
    type Item;

    /// Its records, and the link to what follows.
    fn into_parts(self) -> (Vec<Self::Item>, Option<String>);

    /// A record's id, which is the marker of what follows it.
    fn id(item: &Self::Item) -> Option<&str>;

    /// The same, where it may be a number.
    fn marker(item: &Self::Item) -> Option<String> {
        Self::id(item).map(str::to_owned)
    }

    /// Whether a record may soon stand elsewhere in the list, so that it can't be the marker of
    /// what follows it.
    fn is_unsettled(_item: &Self::Item) -> bool {
        false
    }

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
    /// Whoever waits there is told when a page is long in coming.
    pages: &'a Pages,
    trail: Trail,
    /// When the first page was asked for.
    begun: Option<UnixMillis>,
    endpoint: String,
    /// How much a page is asked to hold, once the usual was found to be too much.
    limit: Option<u32>,
    /// Whether the service refused to be told how much a page holds.
    unlimited: bool,
    /// Whether a list that can't be read to its end is taken for as much as can.
    takes_part: bool,
    /// Whether a smaller page was asked for in this pass.
    is_smaller: bool,
    /// Why it could not be read to its end.
    cut: Option<CloudError>,
}

impl<'a> Pager<'a> {
    /// From a question without paging parameters. What is read goes to `pages`, by the caller.
    pub(super) fn new(ask: Ask<'a>, pages: &'a Pages) -> Self {
        Self {
            ask,
            pages,
            trail: Trail::default(),
            begun: None,
            endpoint: String::new(),
            limit: None,
            unlimited: false,
            takes_part: false,
            is_smaller: false,
            cut: None,
        }
    }

    /// The same for a list that may be cut, as Keystone's are of what is in an LDAP directory: it
    /// has no pages of those, and answers each with the first. What could be read is told, and
    /// [`Self::cut`] says whether that is all.
    pub(super) fn in_part(ask: Ask<'a>, pages: &'a Pages) -> Self {
        let mut pager = Self::new(ask, pages);
        pager.takes_part = true;
        pager
    }

    /// Why the list could not be read to its end, where it was taken all the same.
    pub(super) fn cut(self) -> Option<CloudError> {
        self.cut
    }

    /// The same for a list that the service cuts to a page where it is asked for one, and then
    /// can't go on with: it is asked for whole.
    pub(super) fn whole(ask: Ask<'a>, pages: &'a Pages) -> Self {
        let mut pager = Self::new(ask, pages);
        pager.unlimited = true;
        pager
    }

    /// The same for a list whose links can't be relied on: it goes on to an empty page.
    pub(super) fn beyond_links(ask: Ask<'a>, pages: &'a Pages) -> Self {
        let mut pager = Self::new(ask, pages);
        pager.trail.beyond_links = true;
        pager
    }

    /// The next page's records, or `None` after the last page.
    pub(super) async fn next<L: Listing>(
        &mut self,
        client: &Client,
    ) -> Result<Option<Vec<L::Item>>, GivenUp> {
        loop {
            let Some(marker) = self.trail.marker() else {
                return Ok(None);
            };
            if marker.is_none() && self.limit.is_none() {
                self.limit = client.limits.of(&self.list(), client.clock().now());
            }
            let at_start = marker.is_none();
            let ask = self.question(client, marker);
            let asked = client.clock().unix_millis();
            let answer = client.get_page(&ask).await;
            if answer.as_ref().is_err_and(|it| it.is_too_much)
                && let Some(limit) = self.smaller(client)
            {
                tracing::debug!(what = ask.what(), limit, "a smaller page is asked for");
                let now = client.clock().now();
                client.limits.keep(self.list(), limit, now);
                self.limit = Some(limit);
                self.is_smaller = true;
                pass::goes_on(self.pages).await?;
                continue;
            }
            let answer = match answer {
                // A Keystone that checks its parameters but does not know this one yet.
                Err(it) if it.is(&[400]) && at_start && !self.unlimited => {
                    self.unlimited = true;
                    continue;
                }
                Err(it) if it.is(&[400, 404]) && self.trail.step_back() => continue,
                other => other?,
            };
            self.begun.get_or_insert_with(|| begun(&answer, asked));
            self.endpoint.clone_from(&answer.endpoint);
            let page: L = answer.parse(&ask)?;
            if page.is_cut() {
                self.is_cut(CUT.to_owned())?;
            }
            let (items, mut next) = page.into_parts();
            let settled = items.iter().rev().filter(|it| !L::is_unsettled(it));
            let last_ids = settled.filter_map(L::marker).take(STEPS_BACK_MAX);
            let last_ids: Vec<String> = last_ids.collect();
            if next.is_some() && items.last().is_some_and(L::is_unsettled) {
                if last_ids.is_empty() {
                    return Err(self.malformed(UNSETTLED.to_owned()).into());
                }
                // The link would name the one that may move.
                next = Some(String::new());
            }
            if let Err(reason) = self.trail.advance(last_ids, next)
                && self.begins_anew(reason)?
            {
                continue;
            }
            return Ok(Some(items));
        }
    }

    /// The service keeps something from us.
    fn is_cut(&mut self, reason: String) -> Result<(), CloudError> {
        let error = self.malformed(reason);
        match self.takes_part {
            true => self.cut = Some(error),
            false => return Err(error),
        }
        Ok(())
    }

    /// A list that leads nowhere is asked for whole, once; else what came of it is what there is.
    fn begins_anew(&mut self, reason: String) -> Result<bool, CloudError> {
        let is_long = self.trail.followed.len() >= PAGES_MAX;
        if self.takes_part && !self.unlimited && !is_long {
            self.unlimited = true;
            self.trail = Trail::default();
            return Ok(true);
        }
        self.is_cut(format!("{reason}; {CUT}"))?;
        self.trail.position = Position::End;
        Ok(false)
    }

    /// What is asked for the page behind `marker`.
    fn question(&self, client: &Client, marker: Option<&str>) -> Ask<'a> {
        let mut ask = self.ask.clone();
        if !self.unlimited {
            ask = ask.with("limit", self.limit(client).to_string());
        }
        match marker {
            Some(marker) => ask.with("marker", marker),
            None => ask,
        }
    }

    /// How much a page is asked to hold.
    fn limit(&self, client: &Client) -> u32 {
        let usual = match self.trail.beyond_links {
            true => client.page_size.max(LIMIT_MIN),
            false => client.page_size,
        };
        self.limit.unwrap_or(usual)
    }

    /// What to ask a page to hold when it was too much for the service or for the client; `None`
    /// if less would not help. A directory server that hangs gives no page of whatever size: of one
    /// department's list a smaller one is asked for once in a pass, and a still smaller one by the
    /// next. What must be answered soon says nothing of its size.
    fn smaller(&self, client: &Client) -> Option<u32> {
        let limit = self.limit(client);
        let is_enough = self.takes_part && self.is_smaller || self.ask.within.is_some();
        let is_smaller = limit > LIMIT_MIN && !self.unlimited && !is_enough;
        is_smaller.then(|| LIMIT_MIN.max(limit / 2))
    }

    /// What the list is called whose pages are too much: each department's is another one.
    fn list(&self) -> String {
        let mut list = self.ask.what();
        if self.takes_part {
            let query = self.ask.query.iter();
            list.extend(query.map(|(name, value)| format!(" {name}={value}")));
        }
        list
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

    /// When the list began to be read, or before: by the service's clock, and by ours where it
    /// tells no time.
    pub(super) fn begun(&self, client: &Client) -> UnixMillis {
        self.begun.unwrap_or_else(|| client.clock().unix_millis())
    }
}

/// When a page was asked for: what changed from then on may not be in it.
fn begun(answer: &Answer, asked: UnixMillis) -> UnixMillis {
    match answer.date {
        // It is when the answer was ready; the service may have looked at its start.
        Some(date) => {
            let theirs = minus(date, answer.latency);
            theirs.min(asked.max(minus(theirs, THEIR_CLOCK_AHEAD_MAX)))
        }
        None => minus(asked, OUR_CLOCKS_ERROR_MAX),
    }
}

fn minus(time: UnixMillis, span: Duration) -> UnixMillis {
    let span = u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
    UnixMillis(time.0.saturating_sub(span))
}

/// Where in a list the reader is. Pure.
#[derive(Debug, Default)]
struct Trail {
    /// Whether the end is an empty page, and no link's absence.
    beyond_links: bool,
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
        let link = match next {
            Some(link) => link,
            None if self.beyond_links => String::new(),
            None => {
                self.position = Position::End;
                return Ok(());
            }
        };
        // An empty page is the end, whatever its link says: Cinder links a full last page to one.
        let Some(last) = last_ids.first() else {
            self.position = Position::End;
            return Ok(());
        };
        let marker = match self.beyond_links {
            true => last.clone(),
            false => marker_of(&link).unwrap_or_else(|| last.clone()),
        };
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
