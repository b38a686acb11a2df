#![no_main]

fuzz::search!("request");
