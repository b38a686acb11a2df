//! What a demonstration prints.

use super::place::Place;

/// The regions for machines, on standard output.
pub(super) fn json(regions: &str) {
    println!("{}", regions.trim_end());
}

/// How to go on, for people.
pub(super) fn welcome(place: &Place, regions: &str) {
    let Place {
        web,
        hub,
        hub_config,
        ..
    } = place;
    println!("\n{}\n", regions.trim_end());
    println!("  overview   https://127.0.0.1:{web}/   (its certificate is by the demo's own CA)");
    println!("  account    admin");
    println!("  password   {}\n", place.password);
    let hub = hub.display();
    let config = hub_config.display();
    println!("  try        {hub} --config {config} region list");
    println!("             {hub} --config {config} region show north");
    let agent = place.agent_command("north");
    println!("             {agent} status\n");
    println!("Ctrl-C ends all.");
}
