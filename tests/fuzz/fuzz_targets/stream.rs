#![no_main]

fuzz::search!("stream");
