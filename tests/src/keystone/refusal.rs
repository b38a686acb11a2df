//! How Keystone says no.

use serde_json::{Value, json};

/// A status code and a sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) status: u16,
    message: String,
}

pub(super) type Outcome<T> = Result<T, Refusal>;

impl Refusal {
    fn new(status: u16, message: impl Into<String>) -> Self {
        let message = message.into();
        Self { status, message }
    }

    pub(super) fn bad(message: impl Into<String>) -> Self {
        Self::new(400, message)
    }

    pub(super) fn unauthorized() -> Self {
        Self::new(401, "The request you have made requires authentication.")
    }

    pub(super) fn forbidden(message: impl Into<String>) -> Self {
        Self::new(403, message)
    }

    pub(super) fn missing(what: &str, id: &str) -> Self {
        Self::new(404, format!("Could not find {what}: {id}."))
    }

    pub(super) fn not_found(message: impl Into<String>) -> Self {
        Self::new(404, message)
    }

    pub(super) fn conflict(what: &str, details: &str) -> Self {
        let message = format!("Conflict occurred attempting to store {what} - {details}.");
        Self::new(409, message)
    }

    /// Keystone fell over its own feet.
    pub(super) fn internal() -> Self {
        Self::new(500, "")
    }

    /// The same, said of a request rather than of what it names.
    pub(super) fn into_bad(self) -> Self {
        Self::new(400, self.message)
    }

    pub(super) fn body(&self) -> Value {
        if self.status == 500 {
            return Value::Null;
        }
        let title = match self.status {
            400 => "Bad Request",
            401 => "Unauthorized",
            403 => "Forbidden",
            404 => "Not Found",
            409 => "Conflict",
            _ => "Internal Server Error",
        };
        let Self { status, message } = self;
        json!({"error": {"code": status, "message": message, "title": title}})
    }
}
