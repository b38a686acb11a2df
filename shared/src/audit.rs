//! The audit trail: what was done, by whom, before and after, as a chain that shows its breaks.
//!
//! ```text
//! Act ─ clock, epoch ─▶ Entry ─ encode ─▶ bytes ─ Head::then ─▶ next head ─▶ store
//! stored rows ─▶ Verifier ─▶ Verified, or the first entry that is Broken
//! ```
//!
//! Each entry's [`Link`] is a hash over the link before it, its number and its bytes. So whoever
//! changes, removes, inserts or swaps entries must write every later one anew, up to a head that
//! was told elsewhere: in the log, or to whoever asked. A tail that is cut off together with the
//! stored head can be seen by such a head alone. Pure.

mod chain;
mod entry;
mod line;
mod things;
mod wanted;

pub use chain::{Broken, Fault, Head, Link, NoHead, Verified, Verifier, verify};
pub use entry::{Act, By, DONE, ENTRY_BYTES_MAX, Entry, Subject};
pub use things::{changed, described, link_named, link_told, thing_told};
pub use wanted::Wanted;
