//! Real handshakes, in memory and on a clock that the test turns.

mod certificates;
mod join;
mod kit;
mod link;
mod web;
