//! The names under which a hub's web console is reached.

use std::net::IpAddr;

use rcgen::SanType;
use rustls::pki_types::ServerName;

use super::identity::HUB_NAME;

/// DNS names and IP addresses for a web certificate: checked, at least one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebNames(Vec<String>);

/// What is wrong with the names for a web certificate.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WebNamesError {
    /// None given.
    #[error("name at least one DNS name or IP address under which the console is opened")]
    None,
    /// More than a certificate of ours takes.
    #[error(
        "more than {max} names; a certificate of the site's own CA can carry more",
        max = WebNames::COUNT_MAX
    )]
    TooMany,
    /// Neither a DNS name nor an IP address.
    #[error("{0:?} is neither a DNS name nor an IP address")]
    Invalid(String),
    /// The link's own name.
    #[error("{HUB_NAME} is the link's own name, and no browser can reach it")]
    Reserved,
}

impl WebNames {
    /// The most names. A console has one or two, and as many addresses.
    pub const COUNT_MAX: usize = 32;

    /// Takes names as they stand in the configuration.
    pub fn new<T: AsRef<str>>(names: &[T]) -> Result<Self, WebNamesError> {
        match names.len() {
            0 => return Err(WebNamesError::None),
            count if count > Self::COUNT_MAX => return Err(WebNamesError::TooMany),
            _ => {}
        }
        let checked: Result<Vec<_>, _> = names.iter().map(|name| check(name.as_ref())).collect();
        Ok(Self(checked?))
    }

    /// The names under which a console is reached on its own machine.
    pub fn local() -> Self {
        Self(
            ["localhost", "127.0.0.1", "::1"]
                .map(str::to_owned)
                .to_vec(),
        )
    }

    /// These and one more, put first unless it is there already.
    pub fn with(mut self, name: &str) -> Result<Self, WebNamesError> {
        let name = check(name)?;
        if self.0.contains(&name) {
            return Ok(self);
        }
        if self.0.len() >= Self::COUNT_MAX {
            return Err(WebNamesError::TooMany);
        }
        self.0.insert(0, name);
        Ok(self)
    }

    /// The names, checked.
    pub fn as_slice(&self) -> &[String] {
        &self.0
    }

    pub(super) fn to_sans(&self) -> Result<Vec<SanType>, rcgen::Error> {
        let san = |name: &String| match name.parse::<IpAddr>() {
            Ok(address) => Ok(SanType::IpAddress(address)),
            Err(_) => Ok(SanType::DnsName(name.as_str().try_into()?)),
        };
        self.0.iter().map(san).collect()
    }
}

fn check(name: &str) -> Result<String, WebNamesError> {
    let name = name.to_ascii_lowercase();
    let bare = name.strip_suffix('.').unwrap_or(&name);
    if bare == HUB_NAME {
        return Err(WebNamesError::Reserved);
    }
    match ServerName::try_from(bare) {
        Ok(_) => Ok(bare.to_owned()),
        Err(_) => Err(WebNamesError::Invalid(name.chars().take(64).collect())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_addresses_are_told_apart() {
        let names = WebNames::new(&["Console.Example.org.", "10.0.0.7", "::1"]).unwrap();
        let sans = names.to_sans().unwrap();
        assert!(
            matches!(&sans[0], SanType::DnsName(name) if name.as_str() == "console.example.org")
        );
        assert!(matches!(sans[1], SanType::IpAddress(_)));
        assert!(matches!(sans[2], SanType::IpAddress(_)));
    }

    #[test]
    fn names_are_added_in_front_and_once() {
        let names = WebNames::local()
            .with("hub.example.org")
            .unwrap()
            .with("::1")
            .unwrap();
        let expected = ["hub.example.org", "localhost", "127.0.0.1", "::1"];
        assert_eq!(names.as_slice(), expected);
        assert_eq!(WebNames::new(&expected).unwrap(), names);
        let many = (0..29).try_fold(names, |names, n| names.with(&format!("h{n}")));
        assert_eq!(many, Err(WebNamesError::TooMany));
    }

    #[test]
    fn what_no_browser_could_open_is_refused() {
        assert_eq!(WebNames::new::<&str>(&[]), Err(WebNamesError::None));
        assert_eq!(WebNames::new(&["a"; 33]), Err(WebNamesError::TooMany));
        assert_eq!(
            WebNames::new(&["HUB.regroup.internal."]),
            Err(WebNamesError::Reserved)
        );
        for bad in ["", "a b", "https://a", "a:443", "*.example.org", "a..b"] {
            let refused = WebNames::new(&[bad]);
            assert_eq!(
                refused,
                Err(WebNamesError::Invalid(bad.to_owned())),
                "{bad}"
            );
        }
    }
}
