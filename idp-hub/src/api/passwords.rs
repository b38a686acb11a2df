//! Passwords: what counts as one, and their hashes.
//!
//! A hash costs memory and time on purpose, so only a few are made at once and a few more wait;
//! whoever comes then is told that the hub is busy.

use std::sync::Arc;

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{Error as HashError, PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use zeroize::Zeroizing;

/// Memory, KiB, passes and lanes of one hash: OWASP's first choice for argon2id ("Password Storage
/// Cheat Sheet", 2025). Takes some 30 ms.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// Hashes made at once: 38 MiB, and never all of a machine's cores.
const RUNNING_MAX: usize = 2;

/// Requests that wait for their turn: two seconds' worth.
const WAITING_MAX: usize = 64;

/// The shortest password taken, in characters. NIST SP 800-63B-4 asks for 15 where a password is
/// all there is, and 8 with a second factor; failed attempts are held up here besides.
pub const CHARS_MIN: usize = 12;

/// The longest, in bytes: longer than any phrase, and quick to hash.
pub const BYTES_MAX: usize = 1024;

/// The longest of a user of the directory, in bytes: bcrypt, which Keystone hashes with, looks at
/// no more (`keystone.common.password_hashing`, BCRYPT_MAX_LENGTH), and what follows would count
/// here and not there.
pub const CLOUD_BYTES_MAX: usize = 72;

/// What can go wrong with a password.
#[derive(Debug, thiserror::Error)]
pub enum PasswordError {
    /// Too few characters.
    #[error("a password needs at least {CHARS_MIN} characters")]
    TooShort,
    /// Too many bytes.
    #[error("a password has at most {BYTES_MAX} bytes")]
    TooLong,
    /// More than the clouds look at.
    #[error(
        "the password of a user of the clouds has at most {CLOUD_BYTES_MAX} bytes, as Keystone \
         looks at no more of it"
    )]
    TooLongForClouds,
    /// What can be typed nowhere.
    #[error("a password has no control characters")]
    Control,
    /// So many hashes wait already that one more would not help.
    #[error("too many sign-ins at once")]
    Busy,
    /// The hash can't be made, or the stored one can't be read.
    #[error("cannot hash the password: {0}")]
    Hash(String),
}

/// Checks that a new password is one.
///
/// # Errors
/// If it is too short or too long.
pub fn check(password: &str) -> Result<(), PasswordError> {
    if password.len() > BYTES_MAX {
        Err(PasswordError::TooLong)
    } else if password.chars().count() < CHARS_MIN {
        Err(PasswordError::TooShort)
    } else {
        Ok(())
    }
}

/// Checks that a new password of a user of the directory is one, here and in every cloud.
///
/// # Errors
/// If it is too short or too long, or has a control character: a null byte ends it in bcrypt.
pub fn check_for_clouds(password: &str) -> Result<(), PasswordError> {
    check(password)?;
    if password.len() > CLOUD_BYTES_MAX {
        Err(PasswordError::TooLongForClouds)
    } else if password.chars().any(char::is_control) {
        Err(PasswordError::Control)
    } else {
        Ok(())
    }
}

/// Hashes a password that was checked. Blocks for some 30 ms.
///
/// # Errors
/// If the system gives no random salt.
pub fn hash(password: &str) -> Result<String, PasswordError> {
    let hash: Result<PasswordHash, HashError> = argon2()?.hash_password(password.as_bytes());
    Ok(hash
        .map_err(|error| PasswordError::Hash(error.to_string()))?
        .to_string())
}

/// Hashing for a server: bounded, and off the async threads.
#[derive(Debug)]
pub struct Passwords {
    places: Arc<Semaphore>,
    running: Arc<Semaphore>,
    /// Compared with where there is no account, so that this takes as long.
    nobody: String,
}

/// A place among those who wait for a hash.
#[derive(Debug)]
pub struct Place {
    /// Given back when dropped.
    _permit: OwnedSemaphorePermit,
}

impl Passwords {
    /// Nothing runs yet. Blocks for some 30 ms.
    ///
    /// # Errors
    /// If the system gives no random salt.
    pub fn new() -> Result<Self, PasswordError> {
        Ok(Self {
            places: Arc::new(Semaphore::new(RUNNING_MAX + WAITING_MAX)),
            running: Arc::new(Semaphore::new(RUNNING_MAX)),
            nobody: hash("nobody has this password")?,
        })
    }

    /// Hashes a new password.
    ///
    /// # Errors
    /// If it is too short or long, or the hub is busy.
    pub async fn hash(&self, password: Zeroizing<String>) -> Result<String, PasswordError> {
        check(&password)?;
        self.hash_as_it_is(password).await
    }

    /// Hashes a password that was checked, or that counts elsewhere already.
    ///
    /// # Errors
    /// If the hub is busy.
    pub async fn hash_as_it_is(
        &self,
        password: Zeroizing<String>,
    ) -> Result<String, PasswordError> {
        self.run(self.place()?, move || hash(&password)).await
    }

    /// A place for a password that is to be verified, so that whoever finds none is turned away
    /// before anything comes of it.
    ///
    /// # Errors
    /// If the hub is busy.
    pub fn place(&self) -> Result<Place, PasswordError> {
        let place = Arc::clone(&self.places).try_acquire_owned();
        place
            .map(|_permit| Place { _permit })
            .map_err(|_| PasswordError::Busy)
    }

    /// Whether the password is the one of this stored hash. `None` is an account that does not
    /// exist; the answer is no, and comes as late.
    ///
    /// # Errors
    /// If the stored hash can't be read, or the hub stops.
    pub async fn verify(
        &self,
        place: Place,
        password: Zeroizing<String>,
        stored: Option<String>,
    ) -> Result<bool, PasswordError> {
        if password.len() > BYTES_MAX {
            return Ok(false);
        }
        let exists = stored.is_some();
        let stored = stored.unwrap_or_else(|| self.nobody.clone());
        let fits = self.run(place, move || verify(&password, &stored)).await?;
        Ok(fits && exists)
    }

    async fn run<T: Send + 'static>(
        &self,
        place: Place,
        work: impl FnOnce() -> Result<T, PasswordError> + Send + 'static,
    ) -> Result<T, PasswordError> {
        let turn = Arc::clone(&self.running).acquire_owned().await;
        let turn = turn.map_err(|_| PasswordError::Busy)?;
        // Both go along: the work goes on when whoever asked has gone.
        let work = move || {
            let outcome = work();
            drop((turn, place));
            outcome
        };
        let stopped = |_| PasswordError::Busy;
        tokio::task::spawn_blocking(work).await.map_err(stopped)?
    }
}

fn argon2() -> Result<Argon2<'static>, PasswordError> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None)
        .map_err(|error| PasswordError::Hash(error.to_string()))?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

/// By the parameters that the stored hash names, so that ours may rise later.
fn verify(password: &str, stored: &str) -> Result<bool, PasswordError> {
    let unreadable = |error: &dyn std::fmt::Display| PasswordError::Hash(error.to_string());
    let stored = PasswordHash::new(stored).map_err(|error| unreadable(&error))?;
    match argon2()?.verify_password(password.as_bytes(), &stored) {
        Ok(()) => Ok(true),
        Err(HashError::PasswordInvalid) => Ok(false),
        Err(error) => Err(unreadable(&error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> Zeroizing<String> {
        Zeroizing::new(text.to_owned())
    }

    #[tokio::test]
    async fn a_password_fits_its_own_hash_only() {
        let passwords = Passwords::new().unwrap();
        let stored = passwords.hash(secret("correct horse")).await.unwrap();
        assert!(
            stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
            "{stored}"
        );
        let verify = async |password: &str, stored: Option<&str>| {
            passwords
                .verify(
                    passwords.place().unwrap(),
                    secret(password),
                    stored.map(str::to_owned),
                )
                .await
        };
        assert!(verify("correct horse", Some(&stored)).await.unwrap());
        assert!(!verify("Correct horse", Some(&stored)).await.unwrap());
        assert!(!verify("nobody has this password", None).await.unwrap());
        assert!(
            !verify(&"x".repeat(BYTES_MAX + 1), Some(&stored))
                .await
                .unwrap()
        );
        let damaged = verify("correct horse", Some("$argon2id$")).await;
        assert!(matches!(damaged, Err(PasswordError::Hash(_))));
    }

    #[tokio::test]
    async fn what_is_no_password_is_not_hashed() {
        let passwords = Passwords::new().unwrap();
        let short = passwords.hash(secret("elf letters")).await;
        assert!(matches!(short, Err(PasswordError::TooShort)));
        let long = passwords.hash(secret(&"x".repeat(BYTES_MAX + 1))).await;
        assert!(matches!(long, Err(PasswordError::TooLong)));
        assert!(check("区域区域区域区域区域区域").is_ok());
        assert!(check_for_clouds(&"x".repeat(CLOUD_BYTES_MAX)).is_ok());
        let long = check_for_clouds(&"x".repeat(CLOUD_BYTES_MAX + 1));
        assert!(matches!(long, Err(PasswordError::TooLongForClouds)));
        let null = check_for_clouds("correct horse\0battery");
        assert!(matches!(null, Err(PasswordError::Control)));
    }

    #[tokio::test]
    async fn a_flood_is_turned_away() {
        let passwords = Passwords::new().unwrap();
        let all = passwords.places.acquire_many(66).await.unwrap();
        assert!(matches!(passwords.place(), Err(PasswordError::Busy)));
        drop(all);
        let place = passwords.place().unwrap();
        assert!(!passwords.verify(place, secret("x"), None).await.unwrap());
    }
}
