//! An openrc: a shell script that sets variables such as `OS_USERNAME`. Its lines are read, and
//! nothing in it is run. Pure.

use std::collections::BTreeMap;

use super::SheetError;

/// What of it is a secret: often typed while the script runs, so that it may be asked for here.
const SECRETS: [&str; 2] = ["password", "application_credential_secret"];

/// Whether a text sets who signs in.
pub(super) fn is_one(text: &str) -> bool {
    let names = ["OS_USERNAME", "OS_APPLICATION_CREDENTIAL_ID"];
    settings(text).any(|(name, _)| names.contains(&name))
}

/// What it sets, by the names that a clouds.yaml uses.
///
/// # Errors
/// If the shell would have to compute something that is no secret.
pub(super) fn read(text: &str) -> Result<BTreeMap<String, String>, SheetError> {
    let mut parts = BTreeMap::new();
    for (variable, written) in settings(text) {
        let name = variable.trim_start_matches("OS_").to_lowercase();
        match value(written) {
            Some(value) => {
                parts.insert(name, value);
            }
            None if SECRETS.contains(&name.as_str()) => {}
            None => return Err(SheetError::Computed(variable.to_owned())),
        }
    }
    Ok(parts)
}

/// Lines such as `export OS_USERNAME="admin"`.
fn settings(text: &str) -> impl Iterator<Item = (&str, &str)> {
    text.lines().filter_map(|line| {
        let line = line.trim();
        let line = line.strip_prefix("export ").unwrap_or(line).trim_start();
        let (name, value) = line.split_once('=')?;
        let is_name = |b: u8| b.is_ascii_uppercase() || b == b'_';
        let is_set = name.starts_with("OS_") && name.bytes().all(is_name);
        is_set.then_some((name, value))
    })
}

/// A word as a POSIX shell reads it (POSIX.1-2017, Shell 2.2); `None` where it would compute
/// something, or the word is not closed.
fn value(written: &str) -> Option<String> {
    let mut value = String::new();
    let mut letters = written.chars();
    let mut quote = None;
    while let Some(letter) = letters.next() {
        match (quote, letter) {
            (Some(open), letter) if letter == open => quote = None,
            (None, '\'' | '"') => quote = Some(letter),
            (Some('\''), letter) => value.push(letter),
            (_, '$' | '`') => return None,
            (Some(_), '\\') => match letters.next()? {
                escaped @ ('"' | '\\' | '$' | '`') => value.push(escaped),
                other => value.extend(['\\', other]),
            },
            (None, '\\') => value.push(letters.next()?),
            (None, ' ' | '\t' | ';' | '#' | '&') => break,
            (_, letter) => value.push(letter),
        }
    }
    quote.is_none().then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read_as_a_shell_reads_them() {
        for (written, expected) in [
            ("admin", Some("admin")),
            ("\"two words\"  # why", Some("two words")),
            ("'it''s $HOME'", Some("its $HOME")),
            (r#""a\"b\\c\d""#, Some(r#"a"b\c\d"#)),
            (r"a\ b", Some("a b")),
            ("", Some("")),
            ("$OS_PASSWORD_INPUT", None),
            ("\"`pass`\"", None),
            ("\"open", None),
        ] {
            assert_eq!(value(written).as_deref(), expected, "{written}");
        }
    }

    #[test]
    fn an_openrc_of_horizon_leaves_the_password_to_be_asked_for() {
        let text = "\
#!/usr/bin/env bash
# To use an OpenStack cloud you need to authenticate
export OS_AUTH_URL=https://north:5000/v3/
export OS_PROJECT_NAME=\"ops\"
export OS_USER_DOMAIN_NAME=\"Default\"
if [ -z \"$OS_USER_DOMAIN_NAME\" ]; then unset OS_USER_DOMAIN_NAME; fi
  export OS_USERNAME='admin'
echo \"Please enter your OpenStack Password for project $OS_PROJECT_NAME: \"
read -sr OS_PASSWORD_INPUT
export OS_PASSWORD=$OS_PASSWORD_INPUT
";
        assert!(is_one(text) && !is_one("clouds: {}"));
        let parts = read(text).unwrap();
        let part = |name: &str| parts.get(name).map(String::as_str);
        assert_eq!(part("username"), Some("admin"));
        assert_eq!(part("auth_url"), Some("https://north:5000/v3/"));
        assert_eq!(part("project_name"), Some("ops"));
        assert_eq!(part("password"), None);
        let computed = "export OS_USERNAME=$USER\n";
        let told = read(computed).unwrap_err().to_string();
        assert!(told.starts_with("OS_USERNAME is computed"), "{told}");
    }
}
