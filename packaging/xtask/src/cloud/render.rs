//! Fills templates: `{{name}}` becomes the value of that name. Pure.

use std::collections::BTreeMap;

/// Values by name.
pub(crate) type Values = BTreeMap<String, String>;

/// Fills `template`. Values are not filled in turn.
///
/// # Errors
/// A name without a value, or an opening without its end: a template never reaches a service
/// half filled.
pub(crate) fn render(template: &str, values: &Values) -> Result<String, RenderError> {
    let mut filled = String::with_capacity(template.len());
    let mut rest = template;
    while let Some((before, opened)) = rest.split_once("{{") {
        let Some((name, after)) = opened.split_once("}}") else {
            return Err(RenderError::Unclosed {
                line: line_of(template, opened),
            });
        };
        let Some(value) = values.get(name) else {
            let line = line_of(template, opened);
            return Err(RenderError::Unknown {
                name: name.to_owned(),
                line,
            });
        };
        filled.push_str(before);
        filled.push_str(value);
        rest = after;
    }
    filled.push_str(rest);
    Ok(filled)
}

/// The line, counted from 1, where `rest` begins, which is the end of `template`.
fn line_of(template: &str, rest: &str) -> usize {
    let begins = template.len() - rest.len();
    template
        .bytes()
        .take(begins)
        .filter(|byte| *byte == b'\n')
        .count()
        + 1
}

/// What is wrong with a template.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RenderError {
    /// It asks for a value that nobody gives.
    #[error("line {line} asks for {{{{{name}}}}}, which has no value; correct the name")]
    Unknown {
        /// What it asks for.
        name: String,
        /// Counted from 1.
        line: usize,
    },
    /// An opening has no end.
    #[error("line {line} opens {{{{ and never closes it")]
    Unclosed {
        /// Counted from 1.
        line: usize,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values() -> Values {
        [("dir", "/c/a"), ("port.nova", "15002"), ("odd", "{{dir}}")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into()
    }

    #[test]
    fn names_become_values() {
        let text = "lock = {{dir}}/lock\nport = {{port.nova}}\n";
        assert_eq!(
            render(text, &values()).unwrap(),
            "lock = /c/a/lock\nport = 15002\n"
        );
        assert_eq!(
            render("plain } text {", &values()).unwrap(),
            "plain } text {"
        );
    }

    #[test]
    fn a_value_is_never_filled_again() {
        assert_eq!(render("{{odd}}", &values()).unwrap(), "{{dir}}");
    }

    #[test]
    fn faults_name_their_line() {
        let unknown = render("a\nb {{dri}}\n", &values()).unwrap_err();
        assert_eq!(
            unknown,
            RenderError::Unknown {
                name: "dri".into(),
                line: 2
            }
        );
        let open = render("a\n\nb {{dir", &values()).unwrap_err();
        assert_eq!(open, RenderError::Unclosed { line: 3 });
        assert_eq!(
            unknown.to_string(),
            "line 2 asks for {{dri}}, which has no value; correct the name"
        );
    }
}
