#![no_main]

fuzz::search!("record");
