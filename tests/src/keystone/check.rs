//! What a body must be: Keystone's JSON schemas, as far as they refuse, and their words.

use serde_json::{Map, Value};
use shared::model::ObjectKind;

use super::refusal::{Outcome, Refusal};

/// What is in the body, under its one key.
pub(super) fn member(kind: ObjectKind, body: &Value) -> Outcome<Map<String, Value>> {
    let word = super::show::member(kind);
    match body.get(word) {
        Some(Value::Object(it)) => Ok(it.clone()),
        Some(other) => Err(invalid(word, other, &not_of_type(other, "'object'"))),
        None => Err(Refusal::bad(format!("'{word}' is a required property"))),
    }
}

/// Checks a new thing.
pub(super) fn new(kind: ObjectKind, thing: &Map<String, Value>) -> Outcome<()> {
    fields(kind, thing)?;
    if thing.contains_key("name") {
        return Ok(());
    }
    let whole = Value::Object(thing.clone());
    let word = super::show::member(kind);
    Err(invalid(word, &whole, "'name' is a required property"))
}

/// Checks what changes of a thing.
pub(super) fn change(kind: ObjectKind, thing: &Map<String, Value>) -> Outcome<()> {
    if thing.is_empty() && kind != ObjectKind::Project {
        let word = super::show::member(kind);
        let empty = Value::Object(Map::new());
        return Err(invalid(word, &empty, "{} should be non-empty"));
    }
    fields(kind, thing)
}

fn fields(kind: ObjectKind, thing: &Map<String, Value>) -> Outcome<()> {
    if let Some(name) = thing.get("name") {
        name_of(kind, name)?;
    }
    if let Some(description) = thing.get("description") {
        let chars_max = match kind {
            ObjectKind::Department => 255,
            _ => usize::MAX,
        };
        nullable("description", description, chars_max)?;
    }
    if let Some(id) = thing.get("default_project_id") {
        nullable("default_project_id", id, usize::MAX)?;
    }
    match thing.get("enabled") {
        None | Some(Value::Bool(_)) => Ok(()),
        Some(other) => {
            let why = not_of_type(other, "'boolean', 'string', 'null'");
            Err(invalid("enabled", other, &why))
        }
    }
}

fn name_of(kind: ObjectKind, name: &Value) -> Outcome<()> {
    let Value::String(text) = name else {
        return Err(invalid("name", name, &not_of_type(name, "'string'")));
    };
    // The schema lets groups have 255; their column does not.
    let chars_max = match kind {
        ObjectKind::Department | ObjectKind::Project => 64,
        ObjectKind::User | ObjectKind::Group | ObjectKind::Role => 255,
    };
    let chars = text.chars().count();
    let quoted = python(name);
    if chars == 0 {
        return Err(invalid(
            "name",
            name,
            &format!("{quoted} should be non-empty"),
        ));
    }
    if chars > chars_max {
        return Err(invalid("name", name, &format!("{quoted} is too long")));
    }
    if text.trim().is_empty() {
        let why = format!("{quoted} does not match '[\\\\S]+'");
        return Err(invalid("name", name, &why));
    }
    if kind == ObjectKind::Group && chars > kind.name_chars_max() {
        return Err(Refusal::bad(format!(
            "String length exceeded. The length of string '{text}' exceeds the limit of column \
             name(CHAR(64))."
        )));
    }
    Ok(())
}

fn nullable(field: &str, value: &Value, chars_max: usize) -> Outcome<()> {
    match value {
        Value::Null => Ok(()),
        Value::String(text) if text.chars().count() <= chars_max => Ok(()),
        Value::String(_) => {
            let why = format!("{} is too long", python(value));
            Err(invalid(field, value, &why))
        }
        other => Err(invalid(
            field,
            other,
            &not_of_type(other, "'string', 'null'"),
        )),
    }
}

fn not_of_type(value: &Value, types: &str) -> String {
    format!("{} is not of type {types}", python(value))
}

fn invalid(field: &str, value: &Value, why: &str) -> Refusal {
    let value = match value {
        Value::String(text) => text.clone(),
        other => python(other),
    };
    Refusal::bad(format!(
        "Invalid input for field/attribute {field}. Value: {value}. {why}"
    ))
}

/// A value as Python writes it.
fn python(value: &Value) -> String {
    match value {
        Value::Null => "None".to_owned(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::Number(it) => it.to_string(),
        Value::String(it) => format!("'{}'", it.replace('\\', "\\\\")),
        Value::Array(all) => {
            let all: Vec<String> = all.iter().map(python).collect();
            format!("[{}]", all.join(", "))
        }
        Value::Object(all) => {
            let pair = |(name, value): (&String, &Value)| format!("'{name}': {}", python(value));
            let all: Vec<String> = all.iter().map(pair).collect();
            format!("{{{}}}", all.join(", "))
        }
    }
}
