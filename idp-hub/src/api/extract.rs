//! Taking requests apart, with a problem for whatever is wrong.

use axum::extract::{FromRequest, FromRequestParts};
use data_encoding::BASE64URL_NOPAD;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::problem::{Kind, Problem};

/// A JSON body.
#[derive(FromRequest)]
#[from_request(via(axum::Json), rejection(Problem))]
pub(super) struct Json<T>(pub T);

/// A query string.
#[derive(FromRequestParts)]
#[from_request(via(axum::extract::Query), rejection(Problem))]
pub(super) struct Query<T>(pub T);

/// Parts of the path.
#[derive(FromRequestParts)]
#[from_request(via(axum::extract::Path), rejection(Problem))]
pub(super) struct Path<T>(pub T);

/// Items of a page unless asked otherwise.
const LIMIT_DEFAULT: u32 = 100;

/// Items of a page at most: some 500 kB of JSON.
pub(super) const LIMIT_MAX: u32 = 1000;

/// The longest cursor, in bytes: an id of 512 bytes and its length, encoded.
const CURSOR_BYTES_MAX: usize = 1024;

/// Which page of a list.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct PageQuery {
    /// How many items, 1 to 1000; 100 unless given.
    #[serde(default)]
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
    /// The `next` of the page before; the first page without it.
    #[serde(default)]
    after: Option<String>,
}

/// Some items of a list.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Page<T> {
    /// The items.
    pub items: Vec<T>,
    /// What to ask for the next page with, as `after`; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

impl PageQuery {
    pub(super) const fn new(limit: Option<u32>, after: Option<String>) -> Self {
        Self { limit, after }
    }

    /// How many items.
    pub(super) fn limit(&self) -> Result<u32, Problem> {
        match self.limit.unwrap_or(LIMIT_DEFAULT) {
            limit @ 1..=LIMIT_MAX => Ok(limit),
            limit => {
                let detail = format!("A limit of {limit} is not from 1 to {LIMIT_MAX}.");
                Err(Problem::new(Kind::InvalidRequest, detail))
            }
        }
    }

    /// What stands in the cursor; empty for the first page.
    pub(super) fn after(&self) -> Result<Vec<u8>, Problem> {
        let Some(cursor) = &self.after else {
            return Ok(Vec::new());
        };
        let decoded = match cursor.len() {
            0..=CURSOR_BYTES_MAX => BASE64URL_NOPAD.decode(cursor.as_bytes()).ok(),
            _ => None,
        };
        decoded.ok_or_else(|| {
            Problem::new(
                Kind::InvalidRequest,
                "The cursor in `after` is not one of ours.",
            )
            .next_step("Give the `next` of the page before, or begin without `after`.")
        })
    }
}

/// What stands in the cursors of a list whose keys are of one length; `None` for the first page.
pub(super) fn key_in<const N: usize>(after: &[u8]) -> Result<Option<[u8; N]>, Problem> {
    if after.is_empty() {
        return Ok(None);
    }
    after.try_into().map(Some).map_err(|_| {
        Problem::new(
            Kind::InvalidRequest,
            "The cursor in `after` is not one of this list.",
        )
        .next_step("Give the `next` of the page before, or begin without `after`.")
    })
}

/// A cursor, as it stands in `next`.
pub(super) fn cursor(after: &[u8]) -> String {
    BASE64URL_NOPAD.encode(after)
}
