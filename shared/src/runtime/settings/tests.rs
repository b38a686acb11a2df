//! Whole files, and all that is told about them.

use std::time::Duration;

use super::*;

const SECOND: Duration = Duration::from_secs(1);

/// Reads `text` as a small daemon would, and returns what is told.
fn told(text: &str) -> String {
    let document = Document::parse("d.toml", text);
    let mut root = document.root();
    let _ = root
        .path("data_dir", "/var/lib/d")
        .required("write data_dir = \"/var/lib/d\"");
    let mut link = root.section("link");
    let listen = link
        .address("listen", "[::]:7443")
        .or(([0, 0, 0, 0], 7443).into());
    let _ = link.duration("idle", SECOND..=SECOND * 3600);
    let _ = link.integer("regions_max", 1..=1000);
    let _ = link.choice("congestion", &[("bbr", 1), ("cubic", 2)]);
    let mut web = root.section("web");
    let _ = web.flag("gzip");
    let _ = web.text("title", "Cloud");
    if let Some(names) = web.texts("names", "hub.example.org").value {
        for name in names.iter().filter(|name| name.value.contains(' ')) {
            name.fault("has a space", "write a DNS name");
        }
    }
    if web.address("listen", "[::]:8443").value == Some(listen.value) {
        listen.fault("is the same as web.listen", "choose another port");
    }
    web.allow(&["unused"]);
    drop((web, link, root));
    match document.finish() {
        Ok(()) => "fine".to_owned(),
        Err(faults) => faults.to_string(),
    }
}

#[test]
fn the_files_that_settings_name_are_found_also_in_a_faulty_text() {
    let text = "a_file = \"/a\"\nb = \"/b\"\n[c.d]\ne_file = \"/e\"\nf_file = 7\n[[\n";
    assert_eq!(named_files(text), [Path::new("/a"), Path::new("/e")]);
}

#[test]
fn who_may_not_read_the_file_is_not_sent_to_another_one() {
    let told = |kind: io::ErrorKind| {
        let path = PathBuf::from("/etc/hub.toml");
        let source = kind.into();
        ConfigError::Read(FileError::Inspect { path, source }).to_string()
    };
    assert!(told(io::ErrorKind::PermissionDenied).contains("run this as root"));
    assert!(told(io::ErrorKind::NotFound).contains("--config"));
}

#[test]
fn a_right_file_is_fine() {
    let text = r#"
        data_dir = "/srv/d"
        [link]
        listen = "[::1]:7443"
        idle = "1m 30s"
        regions_max = 0x10
        congestion = "bbr"
        [web]
        gzip = true
        title = "区域"
        names = ["a", "b"]
        unused = 5
    "#;
    assert_eq!(told(text), "fine");
    assert_eq!(told("data_dir = \"/d\""), "fine");
}

#[test]
fn every_fault_is_told_with_its_place_and_cure() {
    let text = r#"data_dir = "here"
web = 5
[link]
listen = "localhost"
idle = "2h"
regions_max = 0
congestion = "bbrr"
adress = "区域"
"#;
    let expected = r#"d.toml has 7 faults:
d.toml:1:12: data_dir: "here" is no absolute path; write "/var/lib/d"
d.toml:2:7: web: is an integer; write a section [web]
d.toml:4:10: link.listen: "localhost" is no IP address with a port; write "[::]:7443"
d.toml:5:8: link.idle: "2h" is out of bounds; write a time from "1s" to "1h"
d.toml:6:15: link.regions_max: 0 is out of bounds; write a whole number from 1 to 1000
d.toml:7:14: link.congestion: "bbrr" is none of its words ("bbr" or "cubic"); write "bbr"
d.toml:8:1: link.adress: there is no such setting; remove it"#;
    assert_eq!(told(text), expected);
}

#[test]
fn lists_missing_settings_and_other_types_have_their_places() {
    let text = r#"[link]
listen = "[::]:8443"
idle = 90
congestion = "x"
[web]
gzip = "yes"
names = ["a b", 7, "c"]
listen = "[::]:8443"
zzz = 1
[wbe]
"#;
    let expected = r#"d.toml has 9 faults:
d.toml:2:10: link.listen: is the same as web.listen; choose another port
d.toml:3:8: link.idle: is an integer; write a time from "1s" to "1h"
d.toml:4:14: link.congestion: "x" is none of its words; write "bbr" or "cubic"
d.toml:6:8: web.gzip: is a string; write true or false
d.toml:7:10: web.names[0]: has a space; write a DNS name
d.toml:7:17: web.names[1]: is an integer; write "hub.example.org"
d.toml:9:1: web.zzz: there is no such setting; remove it
d.toml:10:2: wbe: there is no such setting; write "web"
d.toml: data_dir: is missing; write data_dir = "/var/lib/d""#;
    assert_eq!(told(text), expected);
}

#[test]
fn repeated_sections_have_their_own_places() {
    let told = |text: &str| {
        let document = Document::parse("d.toml", text);
        let mut root = document.root();
        let names: Vec<Option<String>> = root
            .sections("site")
            .into_iter()
            .map(|mut site| site.text("name", "east").required("write its name").value)
            .collect();
        drop(root);
        (names.len(), document.finish().map_err(|it| it.to_string()))
    };
    assert_eq!(told(""), (0, Ok(())));
    let right = "[[site]]\nname = \"a\"\n[[site]]\nname = \"b\"\n";
    assert_eq!(told(right), (2, Ok(())));
    let wrong = "[[site]]\nnmae = \"a\"\n\n[[site]]\nname = 1\n";
    let expected = r#"d.toml has 3 faults:
d.toml:1:1: site[0].name: is missing; write its name
d.toml:2:1: site[0].nmae: there is no such setting; write "name"
d.toml:5:8: site[1].name: is an integer; write "east""#;
    assert_eq!(told(wrong).1.unwrap_err(), expected);
    let expected = "d.toml has 1 fault:\nd.toml:1:8: site: is an integer; \
                    write sections, each begun by [[site]]";
    assert_eq!(told("site = 5").1.unwrap_err(), expected);
    let (count, faults) = told("site = [5]");
    assert_eq!(count, 1);
    assert!(faults.unwrap_err().contains("site[0]: is an integer"));
}

#[test]
fn what_is_no_toml_hides_only_itself() {
    let text = "data_dir = /srv\n[link]\nlisten = \"x\"\nidle = \"1s\nregions_max = 3\n";
    let expected = "d.toml has 3 faults:\n\
         d.toml:1:12: string values must be quoted, expected literal string; see \
         https://toml.io for how to write it\n\
         d.toml:3:10: link.listen: \"x\" is no IP address with a port; write \
         \"[::]:7443\"\n\
         d.toml:4:11: invalid basic string, expected `\"`; see https://toml.io for how \
         to write it";
    assert_eq!(told(text), expected);
}

#[test]
fn huge_and_strange_files_are_told_within_bounds() {
    let many: String = (0..10_000).map(|n| format!("a{n} = 1\n")).collect();
    assert_eq!(told(&many).lines().count(), FAULTS_MAX + 1);
    let long = format!("data_dir = \"{}\"", "é".repeat(100_000));
    assert!(told(&long).len() < 400, "{}", told(&long));
    assert!(read(Path::new("/proc/self/exe")).is_err());
}

proptest::proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "(\\PC|[\\[\\]=\"\n.#])*") {
        let _ = told(&text);
    }
}
