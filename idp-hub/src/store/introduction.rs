//! What a region says of itself, made fit to be shown.

use shared::foreign;
use shared::model::CloudDescription;

use crate::fleet::Facts;

/// What a region says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Introduction {
    /// What its cloud is.
    pub cloud: CloudDescription,
    /// Its agent's release.
    pub software: String,
    /// Its agent's host name.
    pub host: String,
}

/// The most characters of what a region says of itself that are kept of one text.
const SAID_CHARS_MAX: usize = 300;

/// A stranger's words on one line. How much of it fits a terminal, whoever shows it knows.
pub(crate) fn said(text: &str) -> String {
    let line = foreign::line(text);
    line.chars().take(SAID_CHARS_MAX).collect()
}

impl Introduction {
    /// What a peer says, made fit to be shown.
    pub fn said(cloud: &CloudDescription, software: &str, host: &str) -> Self {
        Self {
            cloud: described(cloud),
            software: said(software),
            host: said(host),
        }
    }

    /// Whether it says anything that is not known. A cloud's version that was not found out yet is
    /// no news.
    pub fn is_news(&self, known: &Facts) -> bool {
        let Self {
            cloud,
            software,
            host,
        } = self;
        let version = Some(&cloud.version).filter(|it| !it.is_empty());
        (cloud.kind, &cloud.endpoint) != (known.cloud.kind, &known.cloud.endpoint)
            || version.is_some_and(|it| *it != known.cloud.version)
            || (software, host) != (&known.software, &known.host)
    }
}

pub(super) fn described(cloud: &CloudDescription) -> CloudDescription {
    CloudDescription {
        kind: cloud.kind,
        version: said(&cloud.version),
        endpoint: said(&cloud.endpoint),
    }
}

#[cfg(test)]
pub(in crate::store) mod tests {
    use shared::model::CloudKind;

    use super::*;

    /// Of a region that says next to nothing.
    pub(in crate::store) fn introduction() -> Introduction {
        Introduction {
            cloud: CloudDescription {
                kind: CloudKind::Simulated,
                version: String::new(),
                endpoint: String::new(),
            },
            software: String::new(),
            host: String::new(),
        }
    }

    #[test]
    fn nothing_that_a_region_says_of_itself_moves_a_cursor() {
        let cloud = CloudDescription {
            kind: CloudKind::OpenStack,
            version: "30\r\n".to_owned(),
            endpoint: "http://a\u{1b}[8m".to_owned(),
        };
        let host = format!("gw. Its key:\n  ab{}", "x".repeat(9000));
        let said = Introduction::said(&cloud, "sp-agent\u{7}", &host);
        let Introduction {
            cloud,
            software,
            host,
        } = said;
        for text in [cloud.version, cloud.endpoint, software, host] {
            assert!(!text.contains(char::is_control), "{text:?}");
            assert!(!text.contains("  ") && text.trim() == text, "{text:?}");
            assert!(text.chars().count() <= SAID_CHARS_MAX);
        }
    }
}
