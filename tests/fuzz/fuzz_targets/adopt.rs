#![no_main]

fuzz::search!("adopt");
