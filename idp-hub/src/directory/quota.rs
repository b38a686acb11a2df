//! Quotas: what each region's projects may use, decided.

pub mod spread;
