//! One way through the relay.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tokio::net::UdpSocket;
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::Faults;

/// Datagrams on their way at once; what comes beyond is lost, as in any router: 96 MB.
const QUEUE_MAX: usize = 1 << 16;

/// A held-back datagram is late by its `delay` and this.
const HELD_BACK: Duration = Duration::from_millis(10);

/// The longest wait for a slow line's turn; what would wait longer is lost.
const WAIT_MAX: Duration = Duration::from_millis(300);

#[derive(Debug)]
pub(super) struct Wire {
    state: Mutex<State>,
    datagrams: AtomicU64,
    bytes: AtomicU64,
    /// Its task ends when this is dropped.
    queue: mpsc::Sender<Parcel>,
}

#[derive(Debug)]
struct State {
    faults: Faults,
    rng: ChaCha8Rng,
    sent: u64,
    /// When a slow line has carried what it has taken on.
    free_at: Instant,
}

#[derive(Debug)]
struct Parcel {
    due: Instant,
    /// Among those of one moment, the first goes first.
    number: u64,
    bytes: Vec<u8>,
    socket: Arc<UdpSocket>,
    to: SocketAddr,
}

impl Wire {
    pub(super) fn new(seed: u64) -> Self {
        let (queue, parcels) = mpsc::channel(QUEUE_MAX);
        tokio::spawn(deliver(parcels));
        let rng = ChaCha8Rng::seed_from_u64(seed);
        let state = State {
            faults: Faults::default(),
            rng,
            sent: 0,
            free_at: Instant::now(),
        };
        Self {
            state: Mutex::new(state),
            datagrams: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            queue,
        }
    }

    pub(super) fn set(&self, faults: Faults) {
        self.state.lock().unwrap().faults = faults;
    }

    pub(super) fn datagrams(&self) -> u64 {
        self.datagrams.load(Ordering::Relaxed)
    }

    pub(super) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    pub(super) fn carry(&self, bytes: &[u8], socket: &Arc<UdpSocket>, to: SocketAddr) {
        self.datagrams.fetch_add(1, Ordering::Relaxed);
        self.bytes.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        let mut state = self.state.lock().unwrap();
        for _ in 0..state.copies() {
            let late = state.lateness();
            let Some(carried) = state.carried(bytes.len()) else {
                continue;
            };
            state.sent += 1;
            let parcel = Parcel {
                due: carried + late,
                number: state.sent,
                bytes: bytes.to_vec(),
                socket: Arc::clone(socket),
                to,
            };
            let _lost_when_full = self.queue.try_send(parcel);
        }
    }
}

impl State {
    fn copies(&mut self) -> u32 {
        let is_lost = self.faults.is_cut || self.rng.random_bool(self.faults.loss);
        let is_doubled = self.rng.random_bool(self.faults.duplication);
        if is_lost {
            0
        } else {
            1 + u32::from(is_doubled)
        }
    }

    /// When the line has carried so much more; `None` when the wait is too long.
    fn carried(&mut self, bytes: usize) -> Option<Instant> {
        let now = Instant::now();
        if self.faults.bytes_per_second == 0 {
            return Some(now);
        }
        let begins = self.free_at.max(now);
        if begins - now > WAIT_MAX {
            return None;
        }
        let takes = bytes as f64 / f64::from(self.faults.bytes_per_second);
        self.free_at = begins + Duration::from_secs_f64(takes);
        Some(self.free_at)
    }

    fn lateness(&mut self) -> Duration {
        let Faults {
            delay,
            jitter,
            reordering,
            ..
        } = self.faults;
        let share = self.rng.random_range(0.0..1.0);
        let held_back = self.rng.random_bool(reordering);
        let more = if held_back {
            delay + HELD_BACK
        } else {
            Duration::ZERO
        };
        delay + jitter.mul_f64(share) + more
    }
}

/// Sends each parcel when it is due, until the wire is dropped.
async fn deliver(mut parcels: mpsc::Receiver<Parcel>) {
    let mut waiting = BinaryHeap::new();
    loop {
        let due = waiting
            .peek()
            .map(|Reverse(parcel): &Reverse<Parcel>| parcel.due);
        let is_due = async {
            match due {
                Some(due) => tokio::time::sleep_until(due).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            () = is_due => {
                if let Some(Reverse(parcel)) = waiting.pop() {
                    parcel.send();
                }
            }
            parcel = parcels.recv() => match parcel {
                Some(parcel) => waiting.push(Reverse(parcel)),
                None => return,
            },
        }
    }
}

impl Parcel {
    /// A full socket buffer loses it, as on any network.
    fn send(self) {
        let _ = self.socket.try_send_to(&self.bytes, self.to);
    }
}

impl PartialEq for Parcel {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Parcel {}

impl PartialOrd for Parcel {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Parcel {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.due, self.number).cmp(&(other.due, other.number))
    }
}
