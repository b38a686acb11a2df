//! Whom users wait for after a restore, as text.

use shared::foreign;
use shared::model::UnixMillis;

use super::super::super::moment::ago;
use crate::api::SignInHoldDocument;

/// Whom users of the directory wait for, and until when, if they do.
pub(super) fn hold(it: &SignInHoldDocument, now: UnixMillis) -> Option<String> {
    let since = ago(it.since.as_ref()?, now);
    let regions = match it.regions.is_empty() {
        true => "the hub".to_owned(),
        false => named(&it.regions),
    };
    let mut text =
        format!("Users wait since the restore {since} ago for {regions} to say who was deleted");
    let away = away(it);
    for (before, regions, after) in [
        (
            "away, and waited for until a quarter of an hour after the hub's start, where\n  \
             another region has said it by then: ",
            &away,
            "",
        ),
        (
            "the hub has as many records as it may of ",
            &it.full,
            ": what it says waits; make fewer in\n  that cloud, or raise \
             limits.region_records_max in hub.toml and restart idp-hub",
        ),
        (
            "the agent of ",
            &it.mute,
            " can't write its spool: make room there; see `sp-agent status`",
        ),
        (
            "",
            &it.reading,
            " has not told all of its organization yet: it is being read, or what can't\n  be read \
             stands above as not applied; see `sp-agent status`",
        ),
        (
            "",
            &it.silent,
            " is there and has not said it yet: in seconds, once it has the directory; an\n  agent \
             that was put back to an earlier release never does, and is waited for five\n  \
             minutes; see its log",
        ),
    ] {
        if !regions.is_empty() {
            text.push_str(&format!("\n  {before}{}{after}", named(regions)));
        }
    }
    text.push_str("\n  next: bring them back, or let users sign in without: idp-hub org admit");
    Some(text)
}

/// Those of which nothing else is known.
fn away(it: &SignInHoldDocument) -> Vec<String> {
    let others = [&it.full, &it.mute, &it.reading, &it.silent];
    let is_away = |region: &&String| !others.iter().any(|all| all.contains(region));
    it.regions.iter().filter(is_away).cloned().collect()
}

fn named(all: &[String]) -> String {
    let all: Vec<String> = all.iter().map(|it| foreign::line(it)).collect();
    all.join(", ")
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// 2026-11-26T10:05:00Z
    const NOW: UnixMillis = UnixMillis(1_795_687_500_000);

    #[test]
    fn whom_users_wait_for_is_said_with_what_to_do() {
        let of = |document: Value| hold(&serde_json::from_value(document).unwrap(), NOW);
        let since = "2026-11-26T10:00:00Z";
        assert_eq!(of(json!({ "regions": [] })), None);
        let text = of(json!({ "since": since, "regions": ["home", "north"] })).unwrap();
        assert_eq!(
            text,
            "Users wait since the restore 5 min ago for home, north to say who was deleted\n  \
             away, and waited for until a quarter of an hour after the hub's start, where\n  \
             another region has said it by then: home, north\n  \
             next: bring them back, or let users sign in without: idp-hub org admit"
        );
        assert!(of(json!({ "since": since, "regions": [] })).is_some());
        let both = json!(["home", "north"]);
        let stuck = json!({ "since": since, "regions": both, "full": ["home"], "mute": ["north"],
            "reading": ["south"], "silent": ["west"] });
        let text = of(stuck).unwrap();
        for said in [
            "of home: what it says waits",
            "limits.region_records_max",
            "the agent of north can't write its spool",
            "south has not told all of its organization",
            "west is there and has not said it yet",
            "idp-hub org admit",
        ] {
            assert!(text.contains(said), "{said}: {text}");
        }
    }
}
