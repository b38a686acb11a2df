//! The API's problems in the command line's words: who types commands knows no addresses, methods
//! and fields.

use crate::api::problem::{IN_DETAIL, Kind, ProblemDocument};

/// What stands for what.
const WORDS: [(&str, &str); 19] = [
    (", or GET /api/v1/directory/drift", ""),
    (", or GET /api/v1/directory/spreads", ""),
    (
        "Correct it; /api/v1/openapi.json describes what is taken.",
        "Correct it; the command's --help says what it takes.",
    ),
    (", or GET /api/v1/regions.", "."),
    (", or GET /api/v1/invitations.", "."),
    (
        "GET /api/v1/directory/spreads",
        "`idp-hub org quota spread list`",
    ),
    ("GET /api/v1/directory/drift", "`idp-hub org drift`"),
    (
        "GET /api/v1/directory/users, and so on",
        "`idp-hub org list users`, and so on",
    ),
    (
        "Look at the plan, and give its digest.",
        "Give the one that `idp-hub org plan` shows.",
    ),
    (
        "Look at the plan again, and confirm the digest that it has now.",
        "Look at it again with `idp-hub org plan`, and give the digest that it has now.",
    ),
    (
        IN_DETAIL,
        "Correct it and try again; the command's --help says what it takes.",
    ),
    ("or -1 for unlimited", "or unlimited"),
    ("in the same request", "first"),
    (" (force: true)", ""),
    (" (overcommit: true)", ""),
    (" (Retry-After says how long)", ""),
    (
        "Give one by RFC 3339, such as 2026-11-21T18:00:00Z.",
        "Write 90m, 2h, 3d, or 2026-11-21T18:00:00Z.",
    ),
    ("The request is too large", "That is too much at once"),
    (
        "Send less.",
        "Do it in several commands, or say it shorter.",
    ),
];

/// Problems whose details say all that their titles say.
const TOLD_BY_DETAIL: [Kind; 3] = [Kind::InvalidRequest, Kind::NotFound, Kind::NameTaken];

/// What a value that is wrong is called in the API's details, and what flag gives it.
const FLAGS: [(&str, &str); 2] = [("digest: ", "--digest: "), ("since: ", "--since: ")];

/// Lists of the directory, which a command shows.
const LISTS: &str = "GET /api/v1/directory/";

/// What a request's body is said to lack, by the library that reads it.
const BODY: &str = "Failed to deserialize the JSON body into the target type: ";

/// A problem as the command line tells it.
pub(super) fn of_commands(mut problem: ProblemDocument) -> ProblemDocument {
    let is_told = |kind: &Kind| problem.kind.ends_with(&format!(":{}", kind.slug()));
    if TOLD_BY_DETAIL.iter().any(is_told) {
        problem.title.clear();
    }
    let is_in_detail = [IN_DETAIL, Kind::NameTaken.next_step()].contains(&&*problem.next_step);
    if is_in_detail && let Some((what, step)) = problem.detail.rsplit_once("; ") {
        problem.next_step = sentence(step);
        problem.detail = what.to_owned();
    }
    for text in [
        &mut problem.title,
        &mut problem.detail,
        &mut problem.next_step,
    ] {
        for (theirs, ours) in WORDS {
            if text.contains(theirs) {
                *text = text.replace(theirs, ours);
            }
        }
        *text = listed(text);
    }
    if let Some(what) = problem.detail.strip_prefix(BODY) {
        problem.detail = what.to_owned();
    }
    for (field, flag) in FLAGS {
        if let Some(what) = problem.detail.strip_prefix(field) {
            problem.detail = format!("{flag}{what}");
        }
    }
    problem
}

/// With commands for the addresses of lists.
fn listed(text: &str) -> String {
    if let Some((before, after)) = text.split_once(&format!(", or {LISTS}")) {
        // The command stands before it.
        let rest = after.trim_start_matches(|it: char| it.is_ascii_alphabetic());
        return format!("{before}{rest}");
    }
    let Some((before, after)) = text.split_once(LISTS) else {
        return text.to_owned();
    };
    let end = after.find(|it: char| !it.is_ascii_alphabetic());
    let (kind, rest) = after.split_at(end.unwrap_or(after.len()));
    format!("{before}`idp-hub org list {kind}`{rest}")
}

/// As a sentence of its own.
fn sentence(step: &str) -> String {
    let mut letters = step.chars();
    let first = letters.next().map(char::to_uppercase);
    let mut text: String = first.into_iter().flatten().chain(letters).collect();
    if !text.ends_with('.') {
        text.push('.');
    }
    text
}

#[cfg(test)]
mod tests {
    use axum::response::IntoResponse;

    use super::*;
    use crate::api::problem::Problem;
    use crate::cli::CliError;
    use crate::directory::Refusal;
    use crate::store::StoreError;

    async fn told(problem: impl Into<Problem>) -> [String; 2] {
        let body = problem.into().into_response().into_body();
        let bytes = axum::body::to_bytes(body, 1 << 16).await.unwrap();
        let told = of_commands(serde_json::from_slice(&bytes).unwrap());
        let next_step = told.next_step.clone();
        [CliError::Problem(Box::new(told)).to_string(), next_step]
    }

    #[tokio::test]
    async fn what_the_api_says_is_told_in_the_command_lines_words() {
        let next = "choose another name";
        let what = "the user's name \"a; b\" is empty".to_owned();
        let wrong = StoreError::Edit(Refusal::Wrong { what, next });
        assert_eq!(
            told(wrong).await,
            ["the user's name \"a; b\" is empty", "Choose another name."]
        );
        let none = Problem::new(Kind::NotFound, "The directory has no role 7.")
            .next_step("List them: GET /api/v1/directory/roles.");
        let [what, step] = told(none).await;
        assert_eq!(what, "The directory has no role 7.");
        assert_eq!(step, "List them: `idp-hub org list roles`.");
        let taken = Problem::new(Kind::NameTaken, "the name \"a\" is taken; choose another");
        let [what, step] = told(taken).await;
        assert_eq!(
            (what.as_str(), step.as_str()),
            ("the name \"a\" is taken", "Choose another.")
        );
        for kind in [
            Kind::InvalidRequest,
            Kind::NotFound,
            Kind::NameTaken,
            Kind::Refused,
            Kind::PlanChanged,
            Kind::TooLarge,
            Kind::TooManyAttempts,
            Kind::Unavailable,
            Kind::Internal,
        ] {
            let said = told(Problem::new(kind, "x")).await.concat();
            for word in ["GET ", "/api/", "request", "body", "Retry-After"] {
                assert!(!said.contains(word), "{word}: {said}");
            }
        }
    }
}
