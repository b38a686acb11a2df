//! A hub and agents over a real link, in one process: joined, followed, cut, removed, restarted.

use idp_hub::fleet::{Reason, State};
use idp_hub::store::RegionNo;
use shared::link::agent::Phase;
use shared::model::{CloudId, Record, RecordKind, Server, ServerState, Totals, UnixMillis};
use shared::wire::frame::Refusal;
use sp_agent::cloud::{Mark, Page, Part, Unread};
use tests::inproc::{TestAgent, TestHub, join, private_dir};

fn server(number: u32, state: ServerState) -> Record {
    Record::Server(Server {
        id: CloudId::new(&format!("server-{number}")),
        name: format!("web-{number}"),
        project: CloudId::new("p"),
        state,
        vcpus: 2,
        memory_mib: 2048,
        disk_gib: 10,
        node: None,
        addresses: Vec::new(),
        created: UnixMillis::from_secs(1),
        fault: None,
    })
}

async fn report(agent: &TestAgent, servers: Vec<Record>) {
    let audit = agent.spool.begin_audit(Part::Servers);
    let page = Page {
        records: servers,
        ..Page::default()
    };
    agent.spool.put_page(&audit, page).await.unwrap();
    agent
        .spool
        .finish_audit(audit, Mark(UnixMillis(1)))
        .await
        .unwrap();
}

async fn servers_at(hub: &TestHub, name: &str) -> Vec<Record> {
    let no = RegionNo(hub.hub.board.region(name).unwrap().view.no.0);
    let page = hub
        .hub
        .store
        .read(move |it| it.records(no, RecordKind::Server, &[], 1000));
    page.await
        .unwrap()
        .records
        .into_iter()
        .map(|it| it.record)
        .collect()
}

fn totals_of(servers: &[Record]) -> Totals {
    let mut totals = Totals::default();
    servers
        .iter()
        .for_each(|server| totals.add(&Totals::of(server)));
    totals
}

#[tokio::test(flavor = "multi_thread")]
async fn a_region_joins_is_accepted_and_reports() {
    let directory = private_dir();
    let hub = TestHub::found(&directory.path().join("hub")).await;
    let data_dir = TestAgent::joined(&hub, "north").await;
    let mut agent = TestAgent::start(data_dir).await;
    agent.until(|status| status.phase == Phase::Pending).await;
    hub.shows("north", State::Connecting).await;
    let servers: Vec<_> = (0..50)
        .map(|number| server(number, ServerState::Running))
        .collect();
    report(&agent, servers.clone()).await;
    assert!(
        servers_at(&hub, "north").await.is_empty(),
        "reported before the second yes"
    );

    hub.hub.authority.accept("north").await.unwrap();
    agent.drained().await;
    hub.shows("north", State::Healthy).await;
    assert_eq!(servers_at(&hub, "north").await.len(), 50);
    hub.adds_up_to(totals_of(&servers)).await;
    agent.stop().await;
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_agent_finds_out_of_its_cloud_is_shown_at_once_and_kept() {
    let directory = private_dir();
    let hub = TestHub::found(&directory.path().join("hub")).await;
    let agent = TestAgent::join(&hub, "north").await;
    hub.shows_version("north", "1").await;
    agent
        .described
        .send_modify(|it| "2".clone_into(&mut it.version));
    hub.shows_version("north", "2").await;

    // Upgraded while its hub is away: told in the greeting.
    let data_dir = agent.stop().await;
    let hub = hub.restart().await;
    hub.shows_version("north", "2").await;
    let agent = TestAgent::start(data_dir).await;
    hub.shows_version("north", "1").await;
    agent.stop().await;
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hub_that_was_away_is_brought_up_by_the_changes() {
    let directory = private_dir();
    let hub = TestHub::found(&directory.path().join("hub")).await;
    let mut agent = TestAgent::join(&hub, "north").await;
    let mut servers: Vec<_> = (0..30).map(|it| server(it, ServerState::Running)).collect();
    report(&agent, servers.clone()).await;
    agent.drained().await;
    let hub = hub.restart().await;
    servers.truncate(20);
    servers[3] = server(3, ServerState::Stopped);
    report(&agent, servers.clone()).await;
    hub.adds_up_to(totals_of(&servers)).await;
    hub.shows("north", State::Healthy).await;
    agent.stop().await;
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_agent_that_lost_its_spool_has_not_read_again_stays() {
    let directory = private_dir();
    let hub = TestHub::found(&directory.path().join("hub")).await;
    let mut agent = TestAgent::join(&hub, "north").await;
    let servers: Vec<_> = (0..30).map(|it| server(it, ServerState::Running)).collect();
    report(&agent, servers.clone()).await;
    agent.drained().await;
    let data_dir = agent.stop().await;
    std::fs::remove_dir_all(data_dir.path().join("spool")).unwrap();

    let mut agent = TestAgent::start_blind(data_dir).await;
    agent.tell_services().await;
    // One part is read, and another one is not: nothing may be taken for gone yet.
    report(&agent, servers[..20].to_vec()).await;
    agent.drained().await;
    assert_eq!(servers_at(&hub, "north").await.len(), 30);
    let hub = hub.restart().await;
    // Nor when the hub starts in between, and not by an audit that could not read what may be there.
    let unread = agent.spool.begin_audit(Part::Nodes);
    let page = Page {
        unread: vec![Unread::Record(CloudId::new("node"))],
        ..Page::default()
    };
    agent.spool.put_page(&unread, page).await.unwrap();
    let mark = Mark(UnixMillis(1));
    agent.spool.finish_audit(unread, mark).await.unwrap();
    for part in Part::ALL.into_iter().filter(|it| *it != Part::Nodes) {
        agent.spool.put_absent(part).await.unwrap();
    }
    agent.drained().await;
    assert_eq!(servers_at(&hub, "north").await.len(), 30);
    hub.adds_up_to(totals_of(&servers)).await;
    for part in Part::ALL {
        agent.spool.put_absent(part).await.unwrap();
    }
    hub.shows("north", State::Healthy).await;
    hub.adds_up_to(totals_of(&servers[..20])).await;
    agent.stop().await;
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn how_an_agent_took_its_leave_outlives_the_hub_s_restart() {
    let directory = private_dir();
    let hub = TestHub::found(&directory.path().join("hub")).await;
    let mut agent = TestAgent::join(&hub, "north").await;
    report(&agent, vec![server(1, ServerState::Running)]).await;
    agent.drained().await;
    let data_dir = agent.stop().await;
    hub.shows_reason("north", Reason::AgentStopped).await;
    let hub = hub.restart().await;
    hub.shows_reason("north", Reason::AgentStopped).await;

    // An agent that is back has forgotten its goodbye, also for a hub that stops meanwhile.
    let mut agent = TestAgent::start(data_dir).await;
    hub.shows("north", State::Healthy).await;
    let hub = hub.restart().await;
    hub.shows("north", State::Healthy).await;

    // The hub knows a moment before the agent does that they have greeted.
    agent.drained().await;
    agent.leave();
    hub.shows_reason("north", Reason::AgentLeft).await;
    let hub = hub.restart().await;
    hub.shows_reason("north", Reason::AgentLeft).await;
    agent.stop().await;
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn removal_closes_the_connection_and_frees_the_name() {
    let directory = private_dir();
    let hub = TestHub::found(&directory.path().join("hub")).await;
    let mut agent = TestAgent::join(&hub, "north").await;
    report(&agent, vec![server(1, ServerState::Running)]).await;
    agent.drained().await;
    hub.hub.authority.remove("north").await.unwrap();
    agent
        .until(|status| {
            matches!(
                status.phase,
                Phase::Waiting {
                    refusal: Some(Refusal::Removed),
                    ..
                }
            )
        })
        .await;
    hub.adds_up_to(Totals::default()).await;
    // The same agent can't come back by its old certificate, and another may have the name.
    let mut other = TestAgent::join(&hub, "north").await;
    report(&other, vec![server(2, ServerState::Running)]).await;
    other.drained().await;
    assert_eq!(
        servers_at(&hub, "north").await,
        [server(2, ServerState::Running)]
    );
    agent.stop().await;
    other.stop().await;
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_good_for_one_key() {
    let directory = private_dir();
    let hub = TestHub::found(&directory.path().join("hub")).await;
    let lifetime = idp_hub::authority::INVITATION_LIFETIME;
    let token = hub
        .hub
        .authority
        .invite("north", lifetime)
        .await
        .unwrap()
        .token;
    let first = private_dir();
    join(first.path(), &token, hub.hub.address).await.unwrap();
    let second = private_dir();
    let refused = join(second.path(), &token, hub.hub.address)
        .await
        .unwrap_err();
    assert!(refused.contains("used by another agent"), "{refused}");
    hub.stop().await;
}
