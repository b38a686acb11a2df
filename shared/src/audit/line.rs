//! An act as one line for a terminal.

use super::entry::{Act, DONE};
use crate::foreign;

/// Columns of what changed, each side: more is looked up where the whole entry is shown.
const FIELDS_COLUMNS: usize = 160;

/// Columns of a name or an id.
const NAME_COLUMNS: usize = 80;

impl Act {
    /// Who, from where, did what to what, before and after; in one line that no name in it can
    /// break, as strangers' words are among them.
    pub fn line(&self) -> String {
        let name = |text: &str| foreign::cut(text, NAME_COLUMNS);
        let mut line = format!(
            "{} ({}) {}",
            name(&self.by.who),
            name(&self.by.source),
            name(&self.action)
        );
        let subject = &self.subject;
        if !subject.kind.is_empty() {
            line.push(' ');
            line.push_str(&name(&subject.kind));
        }
        if !subject.name.is_empty() {
            let shown = foreign::name(&subject.name).replace('"', "\\\"");
            line.push_str(&format!(" \"{}\"", name(&shown)));
        }
        if !subject.id.is_empty() {
            line.push(' ');
            line.push_str(&name(&subject.id));
        }
        let fields = |text: &str| foreign::cut(text, FIELDS_COLUMNS);
        match (self.before.is_empty(), self.after.is_empty()) {
            (true, true) => {}
            (true, false) => line.push_str(&format!(": {}", fields(&self.after))),
            (false, true) => line.push_str(&format!(": was {}", fields(&self.before))),
            (false, false) => {
                let (before, after) = (fields(&self.before), fields(&self.after));
                line.push_str(&format!(": {before} -> {after}"));
            }
        }
        if self.outcome != DONE {
            line.push_str(&format!(" [{}]", fields(&self.outcome)));
        }
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::By;

    #[test]
    fn a_line_says_all_and_stays_one() {
        let act = Act::new(By::new("alice", "192.0.2.7"), "edit").on("user", 7, "carol");
        let edit = act.clone().changing("enabled=true", "enabled=false");
        assert_eq!(
            edit.line(),
            "alice (192.0.2.7) edit user \"carol\" 7: enabled=true -> enabled=false"
        );
        let by = By::new("x\n2026-11-21 alice\u{1b}[2K", "198.51.100.1");
        let forged = Act::new(by, "sign-in").with_outcome("refused: wrong-password");
        let line = forged.line();
        assert_eq!(
            line,
            "x 2026-11-21 alice [2K (198.51.100.1) sign-in [refused: wrong-password]"
        );
        let hidden = act.clone().on("user", 7, "ca\u{200b}\"rol");
        let line = hidden.line();
        assert!(line.ends_with(r#"user "ca\u{200b}\"rol" 7"#), "{line}");
        let gone = act.changing("name=\"carol\"", "").line();
        assert!(gone.ends_with(": was name=\"carol\""), "{gone}");
    }
}
