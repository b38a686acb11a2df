//! Letters that not every Keystone's database can hold. Pure.
//!
//! MySQL's `utf8mb3`, which many a Keystone's tables still have, keeps three bytes of a character:
//! none beyond U+FFFF, as emoji and rare Chinese ones are. Keystone then answers HTTP 500 as for
//! any fault of its own, and only its log says why. Such names work in other clouds, so that they
//! are not forbidden; but who reads the error is told what to do.

use serde_json::Value;

use crate::cloud::CloudError;
use crate::cloud::openstack::client::Change;

/// The last character of three bytes.
const WIDE: char = '\u{ffff}';

/// The same error; of a fault that may be the letters', with that said before what Keystone says,
/// which may be cut.
pub(super) fn explained(change: &Change, error: CloudError) -> CloudError {
    match (error, wide(change)) {
        (
            CloudError::Status {
                endpoint,
                what,
                status: 500,
                reason,
            },
            Some(letter),
        ) => CloudError::Status {
            endpoint,
            what,
            status: 500,
            reason: format!(
                "its database may not hold the {letter:?} in the name or description, as MySQL's \
                 utf8mb3 does not: change that at the hub, or make it utf8mb4; {reason}"
            ),
        },
        (error, _) => error,
    }
}

/// The first such letter of what is written.
fn wide(change: &Change) -> Option<char> {
    let written = change.body.as_ref().and_then(Value::as_object)?;
    let fields = written.values().filter_map(Value::as_object);
    let mut texts = fields.flat_map(|it| it.values().filter_map(Value::as_str));
    texts.find_map(|it| it.chars().find(|it| *it > WIDE))
}
