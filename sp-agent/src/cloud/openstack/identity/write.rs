//! Performs orders at Keystone: one call each (Identity API v3, and its extension OS-INHERIT).
//!
//! What is ordered is decided elsewhere; here it becomes a call (`call`, `fields`, both pure), and
//! the answer becomes what the order asked for. Doing an order twice is doing it once: what is gone
//! already is removed, and what is linked already is linked. But a "not found" may be a proxy's, or
//! that of another address than Keystone's: whoever took it for the thing's end would not take a
//! role away, and say that he did.

mod call;
mod fields;
mod letters;

pub(in crate::cloud::openstack) use call::segment;

use serde_json::Value;
use shared::model::{CloudId, Link};

use super::super::client::{Change, Client, GivenUp};
use super::super::http::Answer;
use crate::cloud::{CloudError, Order};

/// Performs an order. Gives the id of what was made, for [`Order::Create`].
///
/// # Errors
/// As [`Cloud::perform`](crate::cloud::Cloud::perform).
pub(in crate::cloud::openstack) async fn perform(
    client: &Client,
    order: &Order,
) -> Result<Option<CloudId>, CloudError> {
    let Some(change) = call::of(order)? else {
        return Ok(None);
    };
    match (order, client.try_change(&change).await) {
        (Order::Create { object, .. }, Ok(answer)) => {
            made(&change, call::member(object.kind()), &answer).map(Some)
        }
        (_, Ok(_)) => Ok(None),
        (_, Err(given_up)) if is_so_already(order, &given_up) => Ok(None),
        (Order::Remove { .. } | Order::Unlink(_), Err(given_up)) => {
            // Nobody knows what came of the order, where somebody else does not find it.
            let why = ", not as Keystone says it; see what answers in its place";
            Err(given_up.error.not_mistaken(why))
        }
        (_, Err(given_up)) => Err(letters::explained(&change, given_up.error)),
    }
}

/// Whether an error says that things are already as the order wants them.
fn is_so_already(order: &Order, given_up: &GivenUp) -> bool {
    match (order, &given_up.error) {
        (Order::Remove { .. } | Order::Unlink(_), CloudError::Status { status, .. }) => {
            *status == 404 && given_up.is_of_keystone
        }
        // Of all links only this one is refused when it is made twice.
        (Order::Link(Link::Implication(_)), CloudError::Conflict { .. }) => true,
        _ => false,
    }
}

/// The id of what was made.
fn made(change: &Change, member: &str, answer: &Answer) -> Result<CloudId, CloudError> {
    let malformed = |reason: String| CloudError::Malformed {
        endpoint: answer.endpoint.clone(),
        what: change.what(),
        reason,
    };
    let body: Value =
        serde_json::from_slice(&answer.body).map_err(|error| malformed(error.to_string()))?;
    let id = body.get(member).and_then(|it| it.get("id"));
    match id.and_then(Value::as_str) {
        Some(id) if !id.is_empty() => Ok(CloudId::new(id)),
        _ => Err(malformed(format!("it tells no id of the new {member}"))),
    }
}
