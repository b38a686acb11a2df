#![no_main]

fuzz::search!("token");
