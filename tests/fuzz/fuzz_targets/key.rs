#![no_main]

fuzz::search!("key");
