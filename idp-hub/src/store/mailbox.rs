//! What the writer tells a session: one place for each feed, the newest word wins.
//!
//! Bounded by its shape: a session that does not look costs what one that does costs.

use std::sync::{Mutex, PoisonError};

use shared::model::Feed;
use shared::wire::frame::{Ack, Cursor, feed_code};
use tokio::sync::Notify;

/// Feeds have the numbers from 1 on. There is a mailbox for each session, so it has no spare room.
const FEEDS: usize = Feed::ALL.len();

/// A session's mailbox.
#[derive(Debug, Default)]
pub struct Mailbox {
    slots: Mutex<Slots>,
    news: Notify,
}

#[derive(Debug, Default)]
struct Slots {
    feeds: [Slot; FEEDS],
    thinned: bool,
    give_up: bool,
}

#[derive(Debug, Default)]
struct Slot {
    ack: Option<u64>,
    cursor: Option<Cursor>,
    full: Option<Cursor>,
}

/// What was in a mailbox.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Mail {
    /// What became durable.
    pub acks: Vec<Ack>,
    /// Where senders must go on.
    pub cursors: Vec<Cursor>,
    /// Where senders stand still, as their region may have no more.
    pub full: Vec<Cursor>,
    /// Some samples were not kept, as there are more than any agent sends.
    pub thinned: bool,
    /// The session's feeds can't be brought to go on.
    pub give_up: bool,
}

impl Mailbox {
    /// Everything of `feed` up to `seq` is durable.
    pub fn ack(&self, feed: Feed, seq: u64) {
        self.put(|slots| {
            if let Some(slot) = slots.of(feed_code(feed)) {
                slot.ack = Some(seq);
            }
        });
    }

    /// The sender must go on from `cursor`.
    pub fn reposition(&self, cursor: Cursor) {
        self.put(|slots| {
            if let Some(slot) = slots.of(cursor.feed) {
                // An older acknowledgement would be taken for one of the new start.
                (slot.ack, slot.cursor) = (None, Some(cursor));
            }
        });
    }

    /// The sender stands still at `cursor`.
    pub fn full(&self, cursor: Cursor) {
        self.put(|slots| {
            if let Some(slot) = slots.of(cursor.feed) {
                slot.full = Some(cursor);
            }
        });
    }

    /// Samples were passed over, as there are too many.
    pub fn thinned(&self) {
        self.put(|slots| slots.thinned = true);
    }

    /// The session must end.
    pub fn give_up(&self) {
        self.put(|slots| slots.give_up = true);
    }

    fn put(&self, change: impl FnOnce(&mut Slots)) {
        change(&mut self.slots.lock().unwrap_or_else(PoisonError::into_inner));
        self.news.notify_one();
    }

    /// Waits for mail and takes it.
    pub async fn take(&self) -> Mail {
        loop {
            self.news.notified().await;
            let mail = self.look();
            if mail != Mail::default() {
                return mail;
            }
        }
    }

    fn look(&self) -> Mail {
        let slots = std::mem::take(&mut *self.slots.lock().unwrap_or_else(PoisonError::into_inner));
        let acks = (1..).zip(&slots.feeds);
        Mail {
            acks: acks
                .filter_map(|(feed, slot)| slot.ack.map(|seq| Ack { feed, seq }))
                .collect(),
            cursors: slots.feeds.iter().filter_map(|it| it.cursor).collect(),
            full: slots.feeds.iter().filter_map(|it| it.full).collect(),
            thinned: slots.thinned,
            give_up: slots.give_up,
        }
    }
}

impl Slots {
    fn of(&mut self, feed_code: u8) -> Option<&mut Slot> {
        self.feeds.get_mut(usize::from(feed_code).checked_sub(1)?)
    }
}

#[cfg(test)]
mod tests {
    use shared::link::inbox::Position;

    use super::*;

    #[test]
    fn the_newest_word_wins_and_a_new_start_forgets_acknowledgements() {
        let mailbox = Mailbox::default();
        mailbox.ack(Feed::Inventory, 3);
        mailbox.ack(Feed::Inventory, 5);
        mailbox.ack(Feed::Quota, 1);
        let mail = mailbox.look();
        assert_eq!(
            mail.acks,
            [Ack { feed: 1, seq: 5 }, Ack { feed: 2, seq: 1 }]
        );
        assert_eq!(mailbox.look(), Mail::default());
        mailbox.ack(Feed::Inventory, 6);
        mailbox.reposition(Position::NONE.cursor(1));
        let mail = mailbox.look();
        assert_eq!((mail.acks.len(), mail.cursors.len()), (0, 1));
    }
}
