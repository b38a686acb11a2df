//! What a yes to a key is about: a stranger's words, and the key below all of them.

use shared::foreign;

use crate::api::{CloudDocument, DoorDocument, RegionDocument};

/// Columns of the narrowest terminal in use. A line that it would break looks like two.
const COLUMNS: usize = 80;

/// Who says to have a key.
pub(super) struct Stranger<'a> {
    cloud: &'a CloudDocument,
    software: &'a str,
    host: &'a str,
    key: &'a str,
}

impl<'a> From<&'a DoorDocument> for Stranger<'a> {
    fn from(door: &'a DoorDocument) -> Self {
        Self {
            cloud: &door.cloud,
            software: &door.software,
            host: &door.host,
            key: &door.key_fingerprint,
        }
    }
}

impl<'a> From<&'a RegionDocument> for Stranger<'a> {
    fn from(region: &'a RegionDocument) -> Self {
        Self {
            cloud: &region.cloud,
            software: &region.software,
            host: &region.host,
            key: &region.key_fingerprint,
        }
    }
}

impl Stranger<'_> {
    /// Line by line, and no table: a key that is broken into columns can't be compared.
    pub(super) fn shown(&self) -> String {
        let version = match self.cloud.version.as_str() {
            "" => "(not read yet)",
            version => version,
        };
        [
            said("Cloud", &format!("{} {version}", self.cloud.kind)),
            said("Endpoint", &self.cloud.endpoint),
            said("Agent", &format!("{} on {}", self.software, self.host)),
            said("Key", self.key),
        ]
        .join("\n")
    }

    /// Asks for the yes. The key stands in it once more: whatever the stranger made of the lines
    /// above, nothing of it comes after.
    pub(super) fn question(&self, answer: &str) -> String {
        format!(
            "Compare the key with what `sp-agent status` shows on that machine. Is it this one?\n  \
             {}\nType {answer} to go on: ",
            self.key
        )
    }
}

/// A label and what is said, on one line of any terminal.
fn said(label: &str, text: &str) -> String {
    let label = format!("  {label:<10}");
    let text = foreign::cut(text, COLUMNS - label.len());
    format!("{label}{text}")
}

#[cfg(test)]
mod tests {
    use super::super::shown::tests::region;
    use super::*;

    /// What a terminal makes of a text.
    fn rows(text: &str) -> Vec<String> {
        let broken = |line: &str| -> Vec<String> {
            let letters: Vec<char> = line.chars().collect();
            letters.chunks(COLUMNS).map(String::from_iter).collect()
        };
        text.lines().flat_map(broken).collect()
    }

    #[test]
    fn no_words_of_a_stranger_make_another_key_line() {
        let (key, other) = ("ab".repeat(32), "cd".repeat(32));
        let lie = format!("  Key       {other}");
        // At whatever column the terminal breaks the line, the lie begins the next.
        for fill in 0..200 {
            let host = format!("gw{}{lie}{}", " ".repeat(fill), " ".repeat(COLUMNS));
            let cloud = CloudDocument {
                kind: "simulated".to_owned(),
                version: host.clone(),
                endpoint: format!("\n{lie}\u{2028}{lie}{host}"),
            };
            let door = DoorDocument {
                address: "10.0.0.7:7444".to_owned(),
                key_fingerprint: key.clone(),
                software: host.clone(),
                host: host.clone(),
                cloud: cloud.clone(),
            };
            let region = RegionDocument {
                software: "sp-agent 1".to_owned(),
                host,
                cloud,
                ..region("north", "joining", "pending", "")
            };
            for stranger in [Stranger::from(&door), Stranger::from(&region)] {
                let shown = rows(&stranger.shown());
                let keys: Vec<_> = shown.iter().filter(|it| it.starts_with("  Key")).collect();
                assert_eq!(keys, [&format!("  Key       {key}")], "{shown:#?}");
                assert_eq!(shown.len(), 4, "{shown:#?}");
                let question = stranger.question("yes");
                assert!(question.contains(&key) && !question.contains(&other));
            }
        }
    }

    #[test]
    fn what_turns_round_or_is_wide_is_no_way_out() {
        let cloud = CloudDocument {
            kind: "simulated".to_owned(),
            version: "\u{202e}1".to_owned(),
            endpoint: "北".repeat(300),
        };
        let key = "ab".repeat(32);
        let stranger = Stranger {
            cloud: &cloud,
            software: "sp-agent 1",
            host: "gw\u{200b}1",
            key: &key,
        };
        assert_eq!(
            stranger.shown(),
            format!(
                "  Cloud     simulated 1\n  Endpoint  {}…\n  Agent     sp-agent 1 on gw1\n  \
                 Key       {key}",
                "北".repeat(33)
            )
        );
    }
}
