//! Lists of the API, whatever their pages are.

use serde::de::DeserializeOwned;

use super::client::{Client, escaped};
use super::error::CliError;
use crate::api::Page;

/// Items asked for at once.
pub(super) const PAGE: u32 = 1000;

/// A list, and what of it is wanted.
pub(super) struct List {
    path: String,
    max: usize,
    is_slow: bool,
}

impl List {
    /// All of the list at this path.
    pub(super) fn of(path: &str) -> Self {
        Self {
            path: format!("{path}?limit={PAGE}"),
            max: usize::MAX,
            is_slow: false,
        }
    }

    /// Only what is so, where something is said.
    pub(super) fn by(mut self, field: &str, value: Option<&str>) -> Self {
        if let Some(value) = value {
            self.path.push_str(&format!("&{field}={}", escaped(value)));
        }
        self
    }

    /// No further page, once there are so many.
    pub(super) const fn enough(mut self, max: usize) -> Self {
        self.max = max;
        self
    }

    /// The daemon has to work out each page first.
    pub(super) const fn slow(mut self) -> Self {
        self.is_slow = true;
        self
    }

    pub(super) async fn read<T: DeserializeOwned>(
        self,
        client: &Client,
    ) -> Result<Vec<T>, CliError> {
        self.only(client, |_| true).await
    }

    /// Those of them that the hub can't be asked for.
    pub(super) async fn only<T: DeserializeOwned>(
        self,
        client: &Client,
        is_wanted: impl Fn(&T) -> bool,
    ) -> Result<Vec<T>, CliError> {
        let (mut items, mut path) = (Vec::new(), self.path.clone());
        loop {
            let page: Page<T> = match self.is_slow {
                true => client.get_slowly(&path).await?,
                false => client.get(&path).await?,
            };
            items.extend(page.items.into_iter().filter(&is_wanted));
            match page.next {
                Some(next) if items.len() < self.max => {
                    path = format!("{}&after={next}", self.path);
                }
                _ => return Ok(items),
            }
        }
    }
}
