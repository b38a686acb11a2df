//! What a service says when it says no: one line for an operator, from any service's error body.
//!
//! Keystone and its middleware write `{"error": {"message"}}`, Neutron `{"NeutronError":
//! {"message"}}`, Nova and Cinder `{"itemNotFound": {"message"}}`, Placement `{"errors":
//! [{"detail"}]}` (API guidelines, "Errors"), Glance and proxies plain text or HTML.

use serde_json::Value;
use shared::foreign;

/// Enough for the sentence that matters; the service's log has the rest.
const MESSAGE_CHARS_MAX: usize = 200;

/// An error page is read no further than this: what explains it stands at its beginning.
const BODY_BYTES_MAX: usize = 16 * 1024;

/// The service's message, on one line and cut short.
pub(super) fn message(body: &[u8]) -> String {
    let body = body.get(..BODY_BYTES_MAX).unwrap_or(body);
    let found = serde_json::from_slice(body)
        .ok()
        .and_then(|json| in_json(&json));
    let text = found.unwrap_or_else(|| without_tags(&String::from_utf8_lossy(body)));
    match one_line(&text) {
        line if line.is_empty() => "no message".to_owned(),
        line => line,
    }
}

/// Whether an error of this status is written as Keystone does: no proxy before it writes so, nor
/// what else may answer at its address.
pub(super) fn is_of_keystone(status: u16, body: &[u8]) -> bool {
    let json: Option<Value> = serde_json::from_slice(body).ok();
    let code = json.and_then(|it| it.get("error")?.get("code")?.as_u64());
    code == Some(status.into())
}

/// Any text on one line, cut short.
pub(super) fn one_line(text: &str) -> String {
    let mut line = foreign::line(text);
    match line.char_indices().nth(MESSAGE_CHARS_MAX) {
        Some((cut, _)) => {
            line.truncate(cut);
            line.push('…');
            line
        }
        None => line,
    }
}

fn in_json(json: &Value) -> Option<String> {
    if let Some(first) = json.get("errors").and_then(|errors| errors.get(0)) {
        return text(first, &["detail", "title", "message"]);
    }
    if let Some(message) = text(json, &["message"]) {
        return Some(message);
    }
    // The one key is the error's name, different for each kind.
    json.as_object()?.values().find_map(|inner| match inner {
        Value::String(message) => Some(message.clone()),
        _ => text(inner, &["message", "title"]),
    })
}

fn text(json: &Value, names: &[&str]) -> Option<String> {
    let found = names.iter().find_map(|name| json.get(name)?.as_str())?;
    Some(found.to_owned())
}

/// What remains of an HTML page when its tags are gone; plain text stays as it is.
fn without_tags(text: &str) -> String {
    let mut rest = text;
    let mut plain = String::new();
    while let Some((before, tag)) = rest.split_once('<') {
        plain.push_str(before);
        plain.push(' ');
        rest = tag.split_once('>').map_or("", |(_, after)| after);
    }
    plain.push_str(rest);
    plain
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_services_message_is_found() {
        for (body, expected) in [
            (
                r#"{"error": {"code": 401, "message": "Sign in.", "title": "Unauthorized"}}"#,
                "Sign in.",
            ),
            (
                r#"{"NeutronError": {"type": "X", "message": "No\n network", "detail": ""}}"#,
                "No network",
            ),
            (
                r#"{"itemNotFound": {"code": 404, "message": "Gone."}}"#,
                "Gone.",
            ),
            (
                r#"{"errors": [{"status": 404, "title": "Not Found", "detail": "No  rp\n\n "}]}"#,
                "No rp",
            ),
            (r#"{"message": "API rate limit"}"#, "API rate limit"),
            (
                "<html><body><h1>503</h1>No server\nis available</body></html>",
                "503 No server is available",
            ),
            ("400 Bad Request\n\nNo image", "400 Bad Request No image"),
            ("", "no message"),
            ("{}", "{}"),
        ] {
            assert_eq!(message(body.as_bytes()), expected);
        }
    }

    #[test]
    fn a_long_message_is_cut_at_a_character() {
        let message = message("é".repeat(5000).as_bytes());
        assert_eq!(message.chars().count(), MESSAGE_CHARS_MAX + 1);
        assert!(message.ends_with("é…"));
    }

    proptest! {
        #[test]
        fn any_body_gives_one_short_line(body in prop::collection::vec(any::<u8>(), 0..2000)) {
            let message = message(&body);
            prop_assert!(message.chars().count() <= MESSAGE_CHARS_MAX + 1);
            prop_assert!(!message.is_empty() && !message.chars().any(char::is_control));
        }
    }
}
