//! Rights that are lost must not empty a region: lists that are short and good.

use super::*;
use crate::cloud::openstack::testing::{Fake, Reply, Seen, answer};

const VOLUMES: &str = "/volume/v3/volumes/detail";
const VOLUME_QUESTION: &str = "/volume/v3/volumes";
const NETWORK_QUESTION: &str = "/network/v2.0/quotas";

/// What a Cinder and a Neutron say to an account that is no administrator, as real ones did.
fn not_an_administrator(seen: &Seen) -> Option<Reply> {
    match seen.path.as_str() {
        VOLUME_QUESTION if seen.query.contains_key("host") => {
            let body = r#"{"badRequest": {"code": 400, "message":
                "Invalid filters host are found in query options."}}"#;
            Some(Reply::status(400, body))
        }
        "/volume/v3/os-services" => {
            let body = r#"{"forbidden": {"code": 403, "message": "Policy doesn't allow it."}}"#;
            Some(Reply::status(403, body))
        }
        NETWORK_QUESTION => {
            let body = r#"{"NeutronError": {"type": "AdminRequired", "detail": "", "message":
                "User does not have admin privileges: Only admin can view or configure quota."}}"#;
            Some(Reply::status(403, body))
        }
        _ => None,
    }
}

const PARTS: [Part; 3] = [Part::Volumes, Part::Networks, Part::FloatingIps];

#[tokio::test]
async fn a_list_without_proof_that_it_is_of_all_projects_fails_its_pass() {
    let fake = Fake::start(not_an_administrator).await;
    let cloud = client(&fake);
    for part in PARTS {
        let told = audit(&cloud, part).await;
        let error = told.result.unwrap_err();
        assert!(matches!(error, CloudError::Forbidden { .. }), "{error}");
        let text = error.to_string();
        assert!(text.contains("all projects"), "{text}");
        assert!(text.contains("needs an administrator role"), "{text}");
        assert!(told.pages.is_empty(), "{part:?} sent {:?}", told.pages);
    }
}

#[tokio::test]
async fn rights_that_are_lost_while_a_list_is_read_fail_its_pass() {
    let fake = Fake::start(|seen| {
        (seen.before > 0)
            .then(|| not_an_administrator(seen))
            .flatten()
    })
    .await;
    for part in [Part::Volumes, Part::Networks] {
        let error = audit(&client(&fake), part).await.result.unwrap_err();
        assert!(matches!(error, CloudError::Forbidden { .. }), "{error}");
    }
}

#[tokio::test]
async fn an_old_cinder_which_drops_filters_without_a_word_is_asked_for_its_services() {
    let fake = Fake::start(|seen| match seen.path.as_str() {
        "/volume/v3/" => answer(json!({"versions": [{
            "id": "v3.0", "version": "3.27", "min_version": "3.0"}]})),
        VOLUME_QUESTION => answer(json!({"volumes": []})),
        _ => not_an_administrator(seen),
    })
    .await;
    let error = audit(&client(&fake), Part::Volumes)
        .await
        .result
        .unwrap_err();
    assert!(matches!(error, CloudError::Forbidden { .. }), "{error}");
    assert!(fake.seen(VOLUMES).is_empty());
}

#[tokio::test]
async fn a_question_about_rights_that_is_not_answered_says_nothing_about_rights() {
    let fake = Fake::start(|seen| {
        let question = [VOLUME_QUESTION, NETWORK_QUESTION].contains(&seen.path.as_str());
        question.then(|| Reply::status(500, "{}"))
    })
    .await;
    for part in PARTS {
        let error = audit(&client(&fake), part).await.result.unwrap_err();
        assert!(
            matches!(error, CloudError::Status { status: 500, .. }),
            "{error}"
        );
    }
}

#[tokio::test]
async fn the_check_tells_that_lists_are_not_of_all_projects() {
    let fake = Fake::start(not_an_administrator).await;
    let lines = client(&fake).check().await;
    for subject in ["list all volumes", "list all networks"] {
        let line = lines.iter().find(|it| it.subject == subject).unwrap();
        assert_eq!(line.verdict, crate::cloud::openstack::Verdict::Bad);
        assert!(line.text.contains("all projects"), "{}", line.text);
    }
}
