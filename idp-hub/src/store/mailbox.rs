//! What the writer tells a session: one place for each feed, the newest word wins.
//!
//! Bounded by its shape: a session that does not look costs what one that does costs.

use std::sync::{Mutex, PoisonError};

use shared::model::Feed;
use shared::wire::frame::{Ack, Cursor, feed_code};
use tokio::sync::Notify;

/// Feeds have the numbers 1 to 4; later ones fit until 15.
const FEEDS: usize = 16;

/// A session's mailbox.
#[derive(Debug, Default)]
pub struct Mailbox {
    slots: Mutex<Slots>,
    news: Notify,
}

#[derive(Debug, Default)]
struct Slots {
    acks: [Option<u64>; FEEDS],
    cursors: [Option<Cursor>; FEEDS],
    full: [Option<Cursor>; FEEDS],
    give_up: bool,
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
    /// The session's feeds can't be brought to go on.
    pub give_up: bool,
}

impl Mailbox {
    /// Everything of `feed` up to `seq` is durable.
    pub fn ack(&self, feed: Feed, seq: u64) {
        self.put(|slots| {
            if let Some(slot) = slots.acks.get_mut(usize::from(feed_code(feed))) {
                *slot = Some(seq);
            }
        });
    }

    /// The sender must go on from `cursor`.
    pub fn reposition(&self, cursor: Cursor) {
        self.put(|slots| {
            let place = usize::from(cursor.feed);
            if let (Some(slot), Some(ack)) =
                (slots.cursors.get_mut(place), slots.acks.get_mut(place))
            {
                *slot = Some(cursor);
                // An older acknowledgement would be taken for one of the new start.
                *ack = None;
            }
        });
    }

    /// The sender stands still at `cursor`.
    pub fn full(&self, cursor: Cursor) {
        self.put(|slots| {
            if let Some(slot) = slots.full.get_mut(usize::from(cursor.feed)) {
                *slot = Some(cursor);
            }
        });
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
        let acks = slots.acks.iter().enumerate();
        Mail {
            acks: acks
                .filter_map(|(feed, seq)| {
                    Some(Ack {
                        feed: feed as u8,
                        seq: (*seq)?,
                    })
                })
                .collect(),
            cursors: slots.cursors.into_iter().flatten().collect(),
            full: slots.full.into_iter().flatten().collect(),
            give_up: slots.give_up,
        }
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
