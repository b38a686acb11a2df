//! Totals over regions as text.

use shared::foreign;

use super::super::super::output::Screen;
use super::super::shown::placed;
use crate::api::{SpreadDocument, SpreadShareDocument};

/// What was set.
pub(super) fn set(project: &str) -> String {
    format!(
        "The totals of {} are set; each region is told its share within seconds. One whose agent \
         takes no\nchanges keeps the limit that it has, and the list says so.\n  next: idp-hub org \
         quota spread list",
        foreign::quoted(project)
    )
}

/// What was taken back.
pub(super) fn removed(project: &str, resources: &[String]) -> String {
    let resources: Vec<String> = resources.iter().map(|it| foreign::line(it)).collect();
    format!(
        "No total of {} is spread for {} any more; each region keeps the limit that it was told \
         last. `idp-hub org quota list` shows them.",
        resources.join(", "),
        foreign::quoted(project)
    )
}

/// Each total, and each region's part.
pub(super) fn list(all: &[SpreadDocument], screen: Screen) -> String {
    if all.is_empty() {
        return "No total is spread over the regions.\n  next: idp-hub org quota spread PROJECT \
                cores=100"
            .to_owned();
    }
    let parts: Vec<String> = all.iter().map(|it| one(it, screen)).collect();
    parts.join("\n\n")
}

fn one(it: &SpreadDocument, screen: Screen) -> String {
    let (project, resource) = (placed(Some(&it.project)), foreign::line(&it.resource));
    let given = figure(it.given);
    let mut text = format!(
        "{project}: {resource} {} in all, {given} given, {} used, {} free",
        it.total, it.used, it.free
    );
    if it.over > 0 {
        text.push_str(&format!(
            "\n  {} more are used than the total: every region has what it uses, and no more",
            it.over
        ));
    } else if it.given.is_none_or(|given| given > it.total) {
        text.push_str(
            "\n  more is given than the total: nothing is raised until regions confirm less",
        );
    }
    let rows = it.regions.iter().map(|it| {
        let share = it.share;
        [
            foreign::line(&it.region),
            share.map_or_else(|| "-".to_owned(), |it| it.to_string()),
            it.used.to_string(),
            state(it),
        ]
    });
    let table = screen.listed(["REGION", "SHARE", "USED", "STATE"], rows);
    let beyond: String = it.regions.iter().filter_map(beyond).collect();
    format!("{text}\n{table}{beyond}")
}

/// That a region has less left than the share is.
fn beyond(it: &SpreadShareDocument) -> Option<String> {
    let (beyond, room) = (it.beyond?, it.room?);
    let next = it.next_step.as_deref().unwrap_or_default();
    Some(format!(
        "\n  {}: its share is {beyond} more than the {room} that the region has left for it, and \
         what is made beyond that fails there\n    next: {}",
        foreign::line(&it.region),
        foreign::line(next)
    ))
}

fn state(it: &SpreadShareDocument) -> String {
    let state = match it.state.as_str() {
        "confirmed" => "confirmed".to_owned(),
        "waiting" => format!("waiting for the region, which has {}", figure(it.limit)),
        "away" => format!("away: it keeps {}", figure(it.holds)),
        "unknown" => "it has not told a quota of this project".to_owned(),
        "differs" => format!("the region has {}", figure(it.limit)),
        other => foreign::line(other),
    };
    match &it.why {
        None => state,
        Some(why) => format!("{state} ({})", foreign::line(why)),
    }
}

fn figure(limit: Option<u64>) -> String {
    limit.map_or_else(|| "no limit".to_owned(), |it| it.to_string())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_share_beyond_its_regions_room_is_said_with_the_next_step() {
        let share = |region: &str| {
            json!({ "region": region, "state": "confirmed", "share": 50, "limit": 50, "used": 4,
                "holds": 50, "room": 60 })
        };
        let mut beyond = share("no\u{1b}[8mrth");
        beyond["room"] = json!(32);
        beyond["beyond"] = json!(18);
        beyond["next_step"] = json!("do this");
        let document = json!({
            "project": { "id": "1", "name": "web" }, "service": "compute", "resource": "cores",
            "total": 100, "given": 100, "used": 8, "free": 0, "over": 0,
            "regions": [share("home"), beyond], "set": "2026-11-26T10:00:00Z", "set_by": "ann",
        });
        let all = [serde_json::from_value(document).unwrap()];
        let text = list(&all, Screen::wide(80));
        assert!(!text.contains('\u{1b}'), "{text}");
        let said = "rth: its share is 18 more than the 32 that the region has left for it";
        assert_eq!(text.matches("its share is").count(), 1, "{text}");
        assert!(
            text.contains(said) && text.ends_with("next: do this"),
            "{text}"
        );
    }
}
