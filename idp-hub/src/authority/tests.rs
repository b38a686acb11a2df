//! The authority with a real store and real certificates.

mod admission;
mod audited;
mod founding;
mod joining;
mod kit;
mod standing;
