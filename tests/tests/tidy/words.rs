//! Words that stand for unfinished work, and tests that don't run.

use super::source;

pub(crate) fn unfinished() -> Vec<String> {
    // Put together here, so that this file doesn't find itself.
    let words = ["FIX", "TO", "XX"].map(|it| it.to_owned());
    let words = [
        words[0].clone() + "ME",
        words[1].clone() + "DO",
        words[2].clone() + "X",
    ];
    let macros = ["to", "unimplemen"].map(|it| it.to_owned());
    let macros = [macros[0].clone() + "do!(", macros[1].clone() + "ted!("];
    let skipped = format!("#[{}", "ignore");
    let mut findings = Vec::new();
    for file in source::all() {
        for (number, line) in file.text.lines().enumerate() {
            let found = words
                .iter()
                .chain(&macros)
                .chain([&skipped])
                .find(|it| line.contains(*it));
            if let Some(found) = found {
                findings.push(format!("{}:{}: {found}", file.path, number + 1));
            }
        }
        let module = file.path.rsplit('/').next().unwrap_or_default();
        if ["utils.rs", "util.rs", "helpers.rs", "misc.rs", "mod.rs"].contains(&module) {
            findings.push(format!("{}: name it for what it does", file.path));
        }
    }
    findings
}
