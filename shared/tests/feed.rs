//! A feed under every fault that a link and two stores can have, from a seed.
//!
//! A sender's and a receiver's store are joined by `Outbox` and `Inbox` over a stream that may
//! break, repeat and cross its batches. Whatever happened, once the faults end the receiver holds
//! what the sender holds; and what was acknowledged was durable.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that meets the unexpected should panic"
)]

#[path = "feed/stores.rs"]
mod stores;

use std::collections::VecDeque;

use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use shared::link::inbox::{Inbox, Verdict};
use shared::link::outbox::{Outbox, Step};
use shared::model::Feed;
use shared::wire::frame::Open;
use stores::{Batch, Receiver, Sender};

#[derive(Debug, Clone)]
enum Frame {
    Open(Open),
    Batch(Batch),
}

struct Link {
    feed: Feed,
    rng: ChaCha8Rng,
    sender: Sender,
    outbox: Outbox,
    stream: VecDeque<Frame>,
    inbox: Inbox,
    receiver: Receiver,
    snapshots: u32,
    given_up: u32,
}

impl Link {
    fn new(feed: Feed, seed: u64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let sender = Sender::new(rng.next_u64(), feed.is_log());
        let receiver = Receiver::default();
        Self {
            feed,
            outbox: Outbox::new(feed, sender.extent()),
            inbox: Inbox::new(receiver.position, feed.is_log()),
            stream: VecDeque::new(),
            snapshots: 0,
            given_up: 0,
            rng,
            sender,
            receiver,
        }
    }

    fn connect(&mut self) {
        self.stream.clear();
        self.inbox = Inbox::new(self.receiver.position, self.feed.is_log());
        self.outbox = Outbox::new(self.feed, self.sender.extent());
        self.outbox.position(&self.receiver.position.cursor(1));
    }

    fn send(&mut self) {
        self.outbox.extended(self.sender.extent());
        match self.outbox.next() {
            Some(Step::Open(open)) => {
                self.stream.push_back(Frame::Open(open));
                self.outbox.opened(&open);
            }
            Some(Step::Read { after }) => {
                let batch = self.sender.read(after, self.rng.random_range(1..8));
                let (records, has_digest) = (batch.records.len(), batch.digest.is_some());
                self.outbox.sent(after, batch.last, records, has_digest);
                self.stream.push_back(Frame::Batch(batch));
            }
            Some(Step::Renew { id }) => {
                assert_eq!(id, self.sender.extent().id);
                self.sender.begin_life(self.rng.next_u64());
            }
            None => {}
        }
    }

    fn deliver(&mut self) {
        let before = self.inbox.position();
        let verdict = match self.stream.pop_front() {
            None => return,
            Some(Frame::Open(open)) => match self.inbox.open(&open) {
                Verdict::Apply { position, .. } => {
                    self.snapshots += u32::from(position.generation != before.generation);
                    self.receiver.position = position;
                    return;
                }
                other => other,
            },
            Some(Frame::Batch(batch)) => {
                let verdict = self
                    .inbox
                    .batch(batch.after, batch.last, batch.digest.is_some());
                match verdict {
                    Verdict::Apply { position, sweep } => {
                        if self.receiver.apply(&batch, position, sweep) {
                            self.inbox.applied();
                            self.outbox.acked(position.seq);
                            return;
                        }
                        self.inbox.reject(before)
                    }
                    Verdict::Duplicate => {
                        self.outbox.acked(self.inbox.position().seq);
                        return;
                    }
                    other => other,
                }
            }
        };
        match verdict {
            Verdict::Reposition => self.outbox.position(&self.inbox.position().cursor(1)),
            Verdict::GiveUp => {
                self.given_up += 1;
                self.connect();
            }
            _ => {}
        }
    }

    /// One fault, or one change.
    fn disturb(&mut self) {
        let choice = self.rng.random_range(0..100);
        match choice {
            0..60 => self.sender.change(&mut self.rng),
            60..70 => self.connect(),
            70..75 => {
                if let Some(frame) = self.stream.front().cloned() {
                    self.stream.push_front(frame);
                }
            }
            75..80 => {
                if self.stream.len() >= 2 && self.may_be_astray(0) && self.may_be_astray(1) {
                    self.stream.swap(0, 1);
                }
            }
            80..84 if self.may_be_astray(0) => drop(self.stream.pop_front()),
            80..84 => {}
            84..87 => self.receiver.back_up(),
            87..89 => {
                self.receiver.restore();
                self.connect();
            }
            89..92 => self.sender.back_up(),
            92..94 => {
                self.sender.restore();
                self.connect();
            }
            94 => self.sender.begin_anew(self.rng.next_u64()),
            95 => self.sender.lose_all(self.rng.next_u64()),
            96 => self.sender.meet_all(),
            97..98 => self.sender.drop_tombstones(&mut self.rng),
            // A log has no digest that would tell.
            _ if self.feed.is_log() => {}
            _ => self.receiver.rot(&mut self.rng),
        }
    }

    /// No digest tells a log's receiver that it took one life's batch for another's, so a log needs
    /// of its stream what every QUIC stream gives: batches stay behind their start.
    fn may_be_astray(&self, place: usize) -> bool {
        let is_batch = matches!(self.stream.get(place), Some(Frame::Batch(_)));
        is_batch || !self.feed.is_log()
    }

    fn settle(&mut self) {
        self.connect();
        self.sender.meet_all();
        self.drain();
    }

    /// Goes on until the receiver holds what the sender does.
    fn drain(&mut self) {
        for _ in 0..10_000 {
            self.send();
            self.deliver();
            if self.outbox.is_drained() && self.stream.is_empty() {
                return;
            }
        }
        panic!("never drained: {:?}", self.outbox);
    }
}

/// A state's receiver ends with just what the sender has; a log's has that, and what was before.
fn assert_agree(link: &Link, what: &str) {
    let (mut held, sent) = (link.receiver.live(), link.sender.live());
    if link.feed.is_log() {
        held.retain(|key, _| sent.contains_key(key));
    }
    assert_eq!(held, sent, "{what}");
}

fn run(feed: Feed, seed: u64) -> u32 {
    let mut link = Link::new(feed, seed);
    link.connect();
    for _ in 0..400 {
        if link.rng.random_range(0..3) == 0 {
            link.disturb();
        }
        link.send();
        if link.rng.random_range(0..4) != 0 {
            link.deliver();
        }
    }
    link.settle();
    assert_agree(&link, &format!("replay {} with seed {seed}", feed.name()));
    link.snapshots
}

#[test]
fn the_receiver_ends_with_what_the_sender_holds() {
    let snapshots: u32 = (0..3_000).map(|seed| run(Feed::Inventory, seed)).sum();
    assert!(
        snapshots > 3_000,
        "faults led to {snapshots} snapshots only"
    );
}

#[test]
fn a_logs_receiver_ends_with_all_that_the_sender_holds() {
    let snapshots: u32 = (0..3_000).map(|seed| run(Feed::Samples, seed)).sum();
    assert_eq!(snapshots, 0, "a log has none");
}

#[test]
fn what_a_sender_that_lost_all_has_not_met_yet_stays_with_the_receiver() {
    let mut link = Link::new(Feed::Inventory, 11);
    (0..40).for_each(|_| link.sender.change(&mut link.rng));
    link.settle();
    let before = link.receiver.live();
    link.sender.lose_all(77);
    link.drain();
    assert_eq!(link.receiver.live(), before, "nothing was met yet");
    (0..3).for_each(|_| link.sender.change(&mut link.rng));
    let known = before.len();
    link.drain();
    assert!(link.receiver.live().len() + 3 >= known, "but what was told");
    link.connect();
    link.drain();
    assert!(
        link.receiver.live().len() + 3 >= known,
        "also in a new session"
    );
    // The last to be met changes nothing, and is told all the same.
    link.sender.meet_all();
    link.drain();
    assert_agree(&link, "once all is met");
}

#[test]
fn a_sender_from_an_older_copy_is_taken_for_a_new_life_without_a_fault() {
    for feed in [Feed::Inventory, Feed::Samples] {
        let mut link = Link::new(feed, 9);
        (0..12).for_each(|_| link.sender.change(&mut link.rng));
        link.sender.back_up();
        (0..8).for_each(|_| link.sender.change(&mut link.rng));
        link.settle();
        link.sender.restore_unnoticed();
        link.settle();
        (0..20).for_each(|_| link.sender.change(&mut link.rng));
        link.settle();
        assert_agree(&link, feed.name());
        assert_eq!(link.given_up, 0, "{}", feed.name());
    }
}

#[test]
fn a_log_that_fell_back_while_it_flowed_begins_a_new_life() {
    let mut link = Link::new(Feed::Samples, 10);
    link.sender.back_up();
    (0..8).for_each(|_| link.sender.change(&mut link.rng));
    link.settle();
    link.sender.restore_unnoticed();
    link.send();
    (0..20).for_each(|_| link.sender.change(&mut link.rng));
    (0..100).for_each(|_| {
        link.send();
        link.deliver();
    });
    assert_agree(&link, "without a new connection");
    assert_eq!(link.given_up, 0);
}

#[test]
fn without_faults_there_is_one_snapshot_and_nothing_is_sent_twice() {
    let mut link = Link::new(Feed::Inventory, 7);
    link.sender.meet_all();
    link.connect();
    for _ in 0..200 {
        link.sender.change(&mut link.rng);
        link.send();
        link.deliver();
    }
    link.settle();
    assert_eq!(link.receiver.live(), link.sender.live());
    assert_eq!(link.snapshots, 1);
    let applied = link.receiver.applied;
    link.settle();
    assert_eq!(
        link.receiver.applied, applied,
        "a new session sent what was held already"
    );
}

#[test]
fn a_receiver_from_an_older_backup_is_brought_up_by_the_changes_alone() {
    let mut link = Link::new(Feed::Inventory, 8);
    link.settle();
    (0..50).for_each(|_| link.sender.change(&mut link.rng));
    link.settle();
    link.receiver.back_up();
    (0..5).for_each(|_| link.sender.change(&mut link.rng));
    link.settle();
    let (snapshots, applied) = (link.snapshots, link.receiver.applied);
    link.receiver.restore();
    link.settle();
    assert_eq!(link.receiver.live(), link.sender.live());
    assert_eq!(link.snapshots, snapshots);
    assert!(link.receiver.applied - applied <= 5);
}
