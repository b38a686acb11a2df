#![no_main]

fuzz::search!("feed");
