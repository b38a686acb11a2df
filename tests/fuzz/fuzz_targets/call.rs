#![no_main]

fuzz::search!("call");
