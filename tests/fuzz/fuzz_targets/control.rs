#![no_main]

fuzz::search!("control");
