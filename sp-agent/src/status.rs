//! The agent's local face: what it tells of itself, and the socket through which the command line
//! speaks to the daemon.
//!
//! ```text
//! membership, link ─▶ allegiance ─┐
//! spool, cloud ───────────────────┼─▶ Sources ─▶ Report ─▶ server ═ socket ═ client ─▶ cli
//!                                 └─▶ metrics ──────────────▲
//! ```
//!
//! Whoever may open the socket is an administrator of this agent: its file's mode (0660) lets in
//! its owner and its group, and nobody else.

mod advice;
pub mod allegiance;
mod bounded;
pub mod check;
mod client;
mod credential;
mod gather;
mod metrics;
mod problem;
mod report;
mod server;
#[cfg(test)]
mod tests;

pub use client::{Client, ClientError};
pub use credential::{CredentialAsked, CredentialTold};
pub use gather::{CloudView, DoorView, Identity, Member, Sources, damaged, offline, unjoined};
pub use metrics::{Metrics, MetricsError};
pub use problem::Problem;
pub use report::{
    AdoptionReport, AllegianceReport, BehindReport, CloudReport, CredentialReport, FailureReport,
    LinkReport, OrganizationReport, PartReport, RegionReport, Report, ServiceReport, SpoolReport,
    Time,
};
pub use server::{JoinAsked, JoinTold, LeaveTold, Operations, Server, ServerError};
