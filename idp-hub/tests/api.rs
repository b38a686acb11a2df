//! The API against a real store and authority: who may ask, what is answered, and every problem.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that meets the unexpected should panic"
)]

#[path = "api/administrators.rs"]
mod administrators;
#[path = "api/adoptions.rs"]
mod adoptions;
#[path = "api/audit.rs"]
mod audit;
#[path = "api/clouds.rs"]
mod clouds;
#[path = "api/credentials.rs"]
mod credentials;
#[path = "api/departments.rs"]
mod departments;
#[path = "api/directory.rs"]
mod directory;
#[path = "api/drift.rs"]
mod drift;
#[path = "api/events.rs"]
mod events;
#[path = "api/exposed.rs"]
mod exposed;
#[path = "api/guessing.rs"]
mod guessing;
#[path = "api/kit.rs"]
mod kit;
#[path = "api/matrix.rs"]
mod matrix;
#[path = "api/openapi.rs"]
mod openapi;
#[path = "api/page.rs"]
mod page;
#[path = "api/problems.rs"]
mod problems;
#[path = "api/quotas.rs"]
mod quotas;
#[path = "api/read_only.rs"]
mod read_only;
#[path = "api/records.rs"]
mod records;
#[path = "api/regions.rs"]
mod regions;
#[path = "api/retired.rs"]
mod retired;
#[path = "api/samples.rs"]
mod samples;
#[path = "api/session.rs"]
mod session;
#[path = "api/shifts.rs"]
mod shifts;
#[path = "api/sign_in.rs"]
mod sign_in;
#[path = "api/spread.rs"]
mod spread;
#[path = "api/vouched.rs"]
mod vouched;
