//! Whether all of Nova's cells answer. Nova leaves the servers of a cell whose database is silent
//! out of every list that is sorted, paged or filtered, and says nothing (Compute API guide,
//! "Handling Down Cells"): without a witness they would be taken for deleted.
//!
//! The witness is `GET /os-services` without parameters, which names the hosts of a silent cell
//! from microversion 2.69 on, with the status UNKNOWN. An audit hears it before the first page,
//! between pages, and after the last one, so that every page lies between two good words; changes
//! hear it at their end, and at their beginning too unless the last pass heard only good.
//!
//! A project's use of its quota is summed up over the cells that answer (Nova 34, `quota.py`,
//! `_instances_cores_ram_count_legacy`), so the same witness is heard for it.
//!
//! It can't tell of a cell without hosts. Cell 0 is one: it holds only servers that were never
//! placed, and as a rule shares its database server with the API. Nor can it tell of a cell that
//! failed once, between two good words. Where `list_records_by_skipping_down_cells` is false in
//! `nova.conf`, Nova answers with an error instead, and nothing is left to tell.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde::Deserialize;
use shared::model::ServiceKind;

use crate::cloud::CloudError;
use crate::cloud::openstack::client::{Ask, Client};
use crate::cloud::openstack::compute::NEWEST;
use crate::cloud::openstack::scalar::Scalar;
use crate::cloud::openstack::version::Microversion;

/// From here on the services of a silent cell are named.
const NAMES_SILENT_CELLS: Microversion = Microversion(2, 69);

/// As many hosts of a silent cell are named in an error; they are enough to know the cell by.
const HOSTS_MAX: usize = 4;

/// What comes of a Nova without a witness, and what to do.
const UNHEARD: &str = "\
    Nova can't tell whether all of its cells answer, so the servers of a cell whose database is \
    silent will be taken for deleted; let the agent's account read os-services, or set \
    list_records_by_skipping_down_cells = false in nova.conf, section [api]";

/// Between pages the witness is not heard more often: it is a question to every cell, and where
/// pages are small and quick it would be asked as often as they are.
const LOOK_PAUSE: Duration = Duration::from_secs(5);

/// What is known of the witness from one pass to the next.
#[derive(Debug, Default)]
pub(in crate::cloud::openstack) struct Witness {
    /// Whether it was said that this Nova has none, so that it is not said with every pass.
    is_said: AtomicBool,
    /// Whether the last pass over servers came to its end with all cells. False after a start,
    /// because nobody knows what the passes before it heard.
    was_good: AtomicBool,
}

/// What one pass hears of the cells.
#[derive(Debug)]
pub(in crate::cloud::openstack) struct Watch<'a> {
    client: &'a Client,
    witness: &'a Witness,
    word: Word,
    looked: Option<Instant>,
    /// Whether pages came since the last look.
    is_due: bool,
}

#[derive(Debug)]
enum Word {
    /// All cells answered, each time.
    Good,
    /// Nobody can tell, and why.
    Mute(String),
    /// Not all answered, or it is not known: the pass must not end well.
    Bad(CloudError),
}

impl<'a> Watch<'a> {
    /// Before the first look.
    pub(in crate::cloud::openstack) const fn new(client: &'a Client, witness: &'a Witness) -> Self {
        Self {
            client,
            witness,
            word: Word::Good,
            looked: None,
            is_due: true,
        }
    }

    /// Asks whether all cells answer. Not again, once it is settled what comes of the pass: what
    /// the other cells tell is true all the same, so it is read on.
    pub(in crate::cloud::openstack) async fn look(&mut self) {
        if matches!(self.word, Word::Good) {
            let word = hear(self.client).await.unwrap_or_else(Word::Bad);
            self.hears(word);
        }
        self.looked = Some(self.client.clock().now());
        self.is_due = false;
    }

    /// A page was read. Asks the same where each page must lie between two good words; not soon
    /// after the last look, but then later.
    pub(super) async fn read_a_page(&mut self, each: bool) {
        self.is_due = true;
        let now = self.client.clock().now();
        let pause = self.looked.map(|it| now.saturating_duration_since(it));
        if each && pause.is_none_or(|it| it >= LOOK_PAUSE) {
            self.look().await;
        }
    }

    /// Whether a cell may have been silent until now. It may come back between a list and the look
    /// behind it, and what it had to tell would be passed over.
    pub(super) fn is_in_doubt(&self) -> bool {
        !self.witness.was_good.load(Ordering::Relaxed)
    }

    /// Takes a list's own word that a cell is silent.
    pub(super) fn is_told(&mut self, error: CloudError) {
        if !matches!(self.word, Word::Bad(_)) {
            self.hears(Word::Bad(error));
        }
    }

    fn hears(&mut self, word: Word) {
        if matches!(word, Word::Bad(_)) {
            self.witness.was_good.store(false, Ordering::Relaxed);
        }
        self.word = word;
    }

    /// Whether what was told until the last look is all that there is.
    ///
    /// # Errors
    /// If a cell is silent, or it is not known.
    pub(in crate::cloud::openstack) fn word(&self) -> Result<(), CloudError> {
        match &self.word {
            Word::Good => self.witness.is_said.store(false, Ordering::Relaxed),
            Word::Bad(error) => return Err(error.clone()),
            // A cloud that can't tell is believed: otherwise nothing would ever leave its records.
            Word::Mute(reason) => {
                if !self.witness.is_said.swap(true, Ordering::Relaxed) {
                    tracing::warn!(reason, "{UNHEARD}");
                }
            }
        }
        Ok(())
    }

    /// Whether all cells answered until the last look, for whoever deletes `what`: there nobody is
    /// believed who can't tell.
    ///
    /// # Errors
    /// As [`Self::word`], and [`CloudError::Refused`] where nobody can tell.
    pub(in crate::cloud::openstack) fn certainly(&self, what: &str) -> Result<(), CloudError> {
        match &self.word {
            Word::Mute(reason) => Err(CloudError::Refused {
                what: format!("delete {what}"),
                reason: format!(
                    "Nova can't tell whether all of its cells answer ({reason}); let the agent's \
                     account read os-services, or delete it by hand"
                ),
            }),
            Word::Good | Word::Bad(_) => self.word(),
        }
    }

    /// Whether a pass over servers may end as if it had met every one.
    ///
    /// # Errors
    /// As [`Self::word`].
    pub(super) async fn verdict(mut self) -> Result<(), CloudError> {
        if self.is_due {
            self.look().await;
        }
        self.word()?;
        self.witness.was_good.store(true, Ordering::Relaxed);
        Ok(())
    }
}

/// `GET /os-services`.
#[derive(Debug, Deserialize)]
struct Services {
    services: Vec<Service>,
}

#[derive(Debug, Deserialize)]
struct Service {
    #[serde(default)]
    host: Scalar,
    #[serde(default)]
    status: Scalar,
}

/// Hears whether all cells answer. What to do where Nova can't tell, and why it can't.
///
/// # Errors
/// If a cell is silent, or Nova does not answer.
pub(in crate::cloud::openstack) async fn tell(
    client: &Client,
) -> Result<Option<String>, CloudError> {
    Ok(match hear(client).await? {
        Word::Good => None,
        Word::Mute(reason) => Some(format!("{UNHEARD}: {reason}")),
        Word::Bad(error) => return Err(error),
    })
}

async fn hear(client: &Client) -> Result<Word, CloudError> {
    let ask = Ask::new(ServiceKind::Compute, ["os-services"]).at(NEWEST);
    let microversion = client.microversion(&ask).await?;
    if microversion.is_none_or(|it| it < NAMES_SILENT_CELLS) {
        let reason = format!("its microversions end before {NAMES_SILENT_CELLS}");
        return Ok(Word::Mute(reason));
    }
    // As heavy as a page; nobody may wait so long for the first one that the reading is given up.
    let answer = match client.get_page(&ask).await.map_err(CloudError::from) {
        // Every Nova has it: one that is not found is a proxy's word, which empties no region.
        Err(error @ CloudError::Forbidden { .. }) => {
            return Ok(Word::Mute(error.to_string()));
        }
        other => other?,
    };
    let told: Services = answer.parse(&ask)?;
    let silent = told.services.into_iter();
    // One that answers is "enabled" or "disabled".
    let silent = silent.filter(|it| it.status.text() == Some("UNKNOWN"));
    let hosts: BTreeSet<String> = silent.map(|it| it.host.into_text()).collect();
    match hosts.is_empty() {
        true => Ok(Word::Good),
        false => Err(answer.malformed(&ask, reason(hosts))),
    }
}

/// What is told of a silent cell.
fn reason(hosts: BTreeSet<String>) -> String {
    let more = hosts.len().saturating_sub(HOSTS_MAX);
    let named: Vec<String> = hosts.into_iter().take(HOSTS_MAX).collect();
    let mut reason = format!("status UNKNOWN for {}", named.join(", "));
    if more > 0 {
        reason.push_str(&format!(" and {more} more"));
    }
    reason.push_str(
        ", so their cell's database does not answer, and their servers are missing in Nova's \
         lists; check that database and Nova's way to it",
    );
    reason
}
