//! Lists of groups that are cut: who is in those that came is told.

use super::*;

#[tokio::test]
async fn a_department_whose_list_of_groups_is_cut_costs_no_other_its_memberships() {
    let fake = Fake::start(|seen| {
        let of = seen.query.get("domain_id").map(String::as_str);
        match (seen.path.as_str(), of) {
            ("/identity/v3/groups", Some("d1")) => {
                let came = json!([{"id": "g1", "name": "staff", "domain_id": "d1"}]);
                let links = json!({"next": null});
                answer(json!({"groups": came, "links": links, "truncated": true}))
            }
            _ => keystone(seen),
        }
    })
    .await;
    let told = audit(&client(&fake), Part::Memberships).await;
    let mut members: Vec<String> = told
        .records()
        .iter()
        .map(|it| it.key().id.to_string())
        .collect();
    members.sort_unstable();
    assert_eq!(members.len(), 3, "{members:?}");
    let g1 = CloudId::new("g1");
    let beyond = Unread::Beyond(CloudId::new("d1"), [g1.clone()].into());
    assert!(unread(&told).contains(&&beyond), "{:?}", unread(&told));
    let Whole {
        incomplete, tells, ..
    } = told.result.unwrap();
    assert_eq!(tells.groups, [g1, CloudId::new("g3")].into());
    let whole = ["d2", "default"].map(CloudId::new);
    assert_eq!(tells.departments, whole.into());
    let incomplete = incomplete.unwrap().to_string();
    assert!(
        incomplete.contains("1 of 3 departments' lists"),
        "{incomplete}"
    );
}
