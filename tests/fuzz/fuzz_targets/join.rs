#![no_main]

fuzz::search!("join");
