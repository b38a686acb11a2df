//! What an operator reads, to the letter; and what a filter is refused for.

use std::ffi::OsStr;
use std::io::Write;
use std::sync::Mutex;

use super::*;
use crate::model::UnixMillis;
use crate::runtime::errors::chain;

#[derive(Clone, Default)]
struct Buffer(Arc<Mutex<Vec<u8>>>);

impl Write for Buffer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The lines that `log` writes, at 2026-11-21T17:05:03.123Z.
fn lines(colours: bool, log: impl FnOnce()) -> String {
    let (clock, _hand) = Clock::manual(UnixMillis(1_795_280_703_123));
    let buffer = Buffer::default();
    let sink = Arc::new(Lines::new(buffer.clone(), clock, colours));
    let subscriber = tracing_subscriber::registry().with(RecordLayer::new(sink));
    tracing::subscriber::with_default(subscriber, log);
    let bytes = buffer.0.lock().unwrap().clone();
    String::from_utf8(bytes).unwrap()
}

#[test]
fn lines_are_as_promised() {
    let text = lines(false, || {
        tracing::info!(target: "sp_agent::link::session", region = "eu-1", epoch = 4, "greeted");
        tracing::warn!(target: "quinn::connection", lost = 0.5, alive = true, "packets lost");
        tracing::error!(target: "idp_hub", error = %io::Error::other("disk full"), "cannot commit");
    });
    let expected = "\
2026-11-21T17:05:03.123Z INFO  link::session: greeted region=eu-1 epoch=4
2026-11-21T17:05:03.123Z WARN  quinn::connection: packets lost lost=0.5 alive=true
2026-11-21T17:05:03.123Z ERROR idp_hub: cannot commit error=\"disk full\"
";
    assert_eq!(text, expected);
}

#[test]
fn colours_are_around_the_parts_only() {
    let text = lines(
        true,
        || tracing::error!(target: "shared::pki", serial = 7, "revoked"),
    );
    let expected = "\x1b[2m2026-11-21T17:05:03.123Z\x1b[0m \x1b[1;31mERROR\x1b[0m pki: revoked \
                    \x1b[2mserial=\x1b[0m7\n";
    assert_eq!(text, expected);
    assert!(colours(true, None) && colours(true, Some(OsStr::new(""))));
    assert!(!colours(true, Some(OsStr::new("1"))) && !colours(false, None));
}

#[test]
fn fields_of_spans_come_along_and_the_inner_value_holds() {
    let text = lines(false, || {
        let outer = tracing::info_span!("task", task = "link", region = tracing::field::Empty);
        let _outer = outer.enter();
        outer.record("region", "eu-1");
        let inner = tracing::info_span!("stream", feed = "inventory", task = "feed");
        inner.in_scope(|| tracing::info!(target: "link", rows = 3, "sent"));
        tracing::info!(target: "link", region = "eu-2", "idle");
    });
    let expected = "\
2026-11-21T17:05:03.123Z INFO  link: sent task=feed region=eu-1 feed=inventory rows=3
2026-11-21T17:05:03.123Z INFO  link: idle task=link region=eu-2
";
    assert_eq!(text, expected);
}

#[test]
fn what_a_peer_says_stays_on_its_line() {
    let text = lines(false, || {
        let name = "x\n2026 ERROR forged\x1b[2J \u{202e}\"quoted\\";
        tracing::info!(target: "t", name, empty = "", pair = "a=b", "hello\r{}", "there");
    });
    let expected = concat!(
        r"2026-11-21T17:05:03.123Z INFO  t: hello\rthere ",
        r#"name="x\n2026 ERROR forged\u{1b}[2J \u{202e}\"quoted\\" empty="" pair="a=b""#,
    );
    assert_eq!(text, format!("{expected}\n"));
}

#[test]
fn values_and_their_number_are_bounded() {
    let long = "ä".repeat(100_000);
    let text = lines(false, || tracing::info!(target: "t", name = long, "{long}"));
    assert!(text.len() < 5000, "{}", text.len());
    assert_eq!(text.matches('…').count(), 2);
}

#[test]
fn names_of_the_journals_own_fields_are_left_to_it() {
    let (captured, _guard) = testing::capture();
    tracing::info!(
        priority = 9,
        syslog_identifier = "sshd",
        code_line = 3,
        region = "eu-1",
        "x"
    );
    let expected = "INFO x field_priority=9 field_syslog_identifier=sshd field_code_line=3 \
                    region=eu-1";
    assert_eq!(captured.lines_with("x"), [expected]);
}

#[test]
fn a_wrong_filter_is_refused_with_its_origin_and_its_fault() {
    let shown = |variable, configured| check_filter(variable, configured).map(|f| f.to_string());
    assert_eq!(shown(None, None).unwrap(), "info");
    assert_eq!(shown(Some("debug"), Some("warn")).unwrap(), "debug");
    assert_eq!(
        shown(Some(""), Some("warn,shared::link=trace")).unwrap(),
        "shared::link=trace,warn"
    );
    for (variable, configured, origin) in [
        (Some("shared=loud"), None, "REGROUP_LOG"),
        (None, Some("info,a=b=c"), "the configuration"),
        // The library would take these for targets, and log nothing else.
        (None, Some("inof"), "the configuration"),
        (Some("idp_hub=debug, wran"), None, "REGROUP_LOG"),
    ] {
        let error = check_filter(variable, configured).unwrap_err();
        assert!(
            error.to_string().contains(&format!("(from {origin})")),
            "{error}"
        );
        assert!(std::error::Error::source(&error).is_some());
    }
    for fine in [
        "INFO",
        "off",
        "warn,a::b[c{d=1}]=debug",
        "info,[joined]=trace",
        "3",
    ] {
        assert!(check_filter(None, Some(fine)).is_ok(), "{fine}");
    }
    let error = check_filter(None, Some("inof")).unwrap_err();
    let told = chain(&error).to_string();
    let why = "\"inof\" is no level: off, error, warn, info, debug or trace";
    assert!(told.ends_with(why), "{told}");
    let error = check_filter(None, Some(&"x".repeat(5000))).unwrap_err();
    let told = chain(&error).to_string();
    assert!(
        told.ends_with("longer than 4096 bytes") && told.len() < 4400,
        "{told}"
    );
}

#[test]
fn the_journals_message_holds_the_fields_too() {
    let captured = testing::Captured::default();
    let sink = Journal::new(captured.clone());
    let subscriber = tracing_subscriber::registry().with(RecordLayer::new(Arc::new(sink)));
    tracing::subscriber::with_default(subscriber, || {
        tracing::warn!(region = "eu-1", error = "disk\nis full", "cannot commit");
    });
    let expected = concat!(
        "WARN cannot commit region=eu-1 error=\"disk\\nis full\"",
        " region=eu-1 error=disk\nis full"
    );
    assert_eq!(captured.lines_with(""), [expected]);
}

#[test]
fn libraries_cannot_be_made_to_flood_the_log() {
    let (clock, hand) = Clock::manual(UnixMillis(0));
    let captured = testing::Captured::default();
    let sink = Arc::new(Limited::new(captured.clone(), clock));
    let subscriber = tracing_subscriber::registry().with(RecordLayer::new(sink));
    tracing::subscriber::with_default(subscriber, || {
        for peer in 0..1000 {
            tracing::warn!(target: "quinn_proto::connection", peer, "illegal packet");
            tracing::debug!(target: "quinn_proto::connection", peer, "asked for");
            tracing::warn!(target: "idp_hub::downlink", peer, "our own");
            if peer == 900 {
                hand.advance(std::time::Duration::from_secs(60));
            }
        }
    });
    let expected = [
        "WARN illegal packet peer=0",
        "WARN illegal packet (and 900 more since the last) peer=901",
    ];
    assert_eq!(captured.lines_with("illegal"), expected);
    assert_eq!(captured.lines_with("asked for").len(), 1000);
    assert_eq!(captured.lines_with("our own").len(), 1000);
}
