//! Callers that have proven their address and wait for a place among the handshakes.
//!
//! A fleet that lost its hub comes back within seconds. Who finds no place then could be ignored,
//! as QUIC repeats its first packet by itself, but only after 1, 3 and 7 s: the hub would idle
//! between these waves. So callers stand in line, a line for each source, and sources take turns:
//! one that calls a thousand times waits behind itself.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::time::{Duration, Instant};

use super::admission::Source;

/// Who has waited for longer has given up, or is about to: a dial takes 10 s at most, and the
/// handshake is still to come.
const WAIT_MAX: Duration = Duration::from_secs(8);

/// Those who wait.
#[derive(Debug)]
pub(super) struct Waiting<T> {
    /// None is empty. The longest waiting first.
    lines: HashMap<Source, VecDeque<(Instant, T)>>,
    /// Each line's source once, whose turn is next first.
    turns: VecDeque<Source>,
    /// The same, the longest line last.
    lengths: BTreeSet<(usize, Source)>,
    count: usize,
    count_max: usize,
}

/// Whose turn it is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Turn<T, P> {
    /// This one's, who gets this place.
    Next(T, P),
    /// This one's, but it has waited too long.
    Late(T),
    /// Nobody's for whom there is a place.
    Nobody,
}

impl<T> Waiting<T> {
    /// Nobody, and room for so many.
    pub(super) fn new(count_max: usize) -> Self {
        Self {
            lines: HashMap::new(),
            turns: VecDeque::new(),
            lengths: BTreeSet::new(),
            count: 0,
            count_max,
        }
    }

    /// How many wait.
    pub(super) const fn count(&self) -> usize {
        self.count
    }

    /// Puts a caller at the end of its source's line. Where there is no room, the last of a line
    /// that stays the longer one is returned, who must go; else the caller itself.
    pub(super) fn join(&mut self, now: Instant, source: Source, caller: T) -> Option<T> {
        let mut gone = None;
        if self.count >= self.count_max {
            let own = self.lines.get(&source).map_or(0, VecDeque::len);
            match self.lengths.last().copied() {
                Some((len, longest)) if len > own + 1 => gone = self.leave_last(longest),
                _ => return Some(caller),
            }
        }
        let line = self.lines.entry(source).or_default();
        self.lengths.remove(&(line.len(), source));
        if line.is_empty() {
            self.turns.push_back(source);
        }
        line.push_back((now, caller));
        self.lengths.insert((line.len(), source));
        self.count += 1;
        gone
    }

    /// Whose turn it is: `place` gives a source's next caller its place, if there is one.
    pub(super) fn next<P>(
        &mut self,
        now: Instant,
        mut place: impl FnMut(Source) -> Option<P>,
    ) -> Turn<T, P> {
        for _ in 0..self.turns.len() {
            let Some(source) = self.turns.pop_front() else {
                break;
            };
            let first = self.lines.get(&source).and_then(VecDeque::front);
            if first.is_some_and(|(since, _)| now.duration_since(*since) > WAIT_MAX) {
                return match self.leave_first(source) {
                    Some(caller) => Turn::Late(caller),
                    None => continue,
                };
            }
            match place(source) {
                Some(place) => {
                    if let Some(caller) = self.leave_first(source) {
                        return Turn::Next(caller, place);
                    }
                }
                None => self.turns.push_back(source),
            }
        }
        Turn::Nobody
    }

    /// Takes the first of a line that has no turn at the moment, and gives it its next turn.
    fn leave_first(&mut self, source: Source) -> Option<T> {
        let line = self.lines.get_mut(&source)?;
        self.lengths.remove(&(line.len(), source));
        let (_, caller) = line.pop_front()?;
        self.count -= 1;
        if line.is_empty() {
            self.lines.remove(&source);
        } else {
            self.lengths.insert((line.len(), source));
            self.turns.push_back(source);
        }
        Some(caller)
    }

    /// Takes the last of a line of at least two.
    fn leave_last(&mut self, source: Source) -> Option<T> {
        let line = self.lines.get_mut(&source)?;
        self.lengths.remove(&(line.len(), source));
        let (_, caller) = line.pop_back()?;
        self.lengths.insert((line.len(), source));
        self.count -= 1;
        Some(caller)
    }
}

#[cfg(test)]
mod tests;
