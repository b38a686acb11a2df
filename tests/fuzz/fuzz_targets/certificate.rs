#![no_main]

fuzz::search!("certificate");
