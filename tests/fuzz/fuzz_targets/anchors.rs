#![no_main]

fuzz::search!("anchors");
