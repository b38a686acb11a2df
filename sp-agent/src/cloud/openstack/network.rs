//! Neutron: networks and floating IPs.

mod parse;

use futures_util::{StreamExt, stream};
use serde::Deserialize;
use shared::model::{Capacity, CloudId, Network, Record, ServiceKind};

use self::parse::{Availability, FloatingIpList, NetworkList};
use super::client::{Ask, Client, GivenUp};
use super::paging::Pager;
use super::pass::{self, Pulse};
use super::remembered::{Figures, Remembered};
use super::rights;
use super::scalar::Scalar;
use crate::cloud::{CloudError, Mark, Page, Pages, Unread, Whole};

/// How many addresses each external network was told to have last; `None` where the cloud does not
/// tell.
pub(super) type LastAddresses = Remembered<Option<Capacity>>;

/// Reads all networks, and how many addresses of the external ones are taken. Proves that they are
/// of all projects, because what an audit does not meet is removed.
pub(super) async fn audit(
    client: &Client,
    last: &LastAddresses,
    pages: &Pages,
) -> Result<Whole, CloudError> {
    rights::prove(client, ServiceKind::Network).await?;
    let whole = read_networks(client, last, pages).await?;
    rights::prove(client, ServiceKind::Network).await?;
    Ok(whole)
}

async fn read_networks(
    client: &Client,
    last: &LastAddresses,
    pages: &Pages,
) -> Result<Whole, CloudError> {
    let ask = list("networks", parse::NETWORK_FIELDS);
    let mut pager = Pager::new(ask, pages);
    let mut figures = Figures::new("external networks' addresses", last);
    let pulse = Pulse::new(client.clock(), pages);
    while let Some(found) = pager.next::<NetworkList>(client).await? {
        pulse.beat().await?;
        let mut networks = Vec::with_capacity(found.len());
        for raw in found {
            networks.push(raw.read().ok_or_else(|| pager.no_id())?);
        }
        let (external, internal): (Vec<_>, Vec<_>) =
            networks.into_iter().partition(|it| it.external);
        let mut page = Page {
            records: internal.into_iter().map(Record::Network).collect(),
            ..Page::default()
        };
        with_addresses(client, external, (&mut page, &mut figures), &pulse).await?;
        pass::send(pages, page).await?;
    }
    let incomplete = figures.end();
    let mark = Mark(pager.begun(client));
    Ok(Whole::of(mark, incomplete))
}

/// Reads all floating IPs, with the same proof. A Neutron without routers has none.
pub(super) async fn audit_floating_ips(
    client: &Client,
    pages: &Pages,
) -> Result<Whole, CloudError> {
    rights::prove(client, ServiceKind::Network).await?;
    let mark = read_floating_ips(client, pages).await?;
    rights::prove(client, ServiceKind::Network).await?;
    Ok(mark.into())
}

async fn read_floating_ips(client: &Client, pages: &Pages) -> Result<Mark, CloudError> {
    let mut pager = Pager::new(list("floatingips", parse::FLOATING_IP_FIELDS), pages);
    loop {
        let found = match pager.next::<FloatingIpList>(client).await {
            Err(it) if it.is(&[404]) && !routers_exist(client).await? => None,
            other => other?,
        };
        let Some(found) = found else {
            return Ok(Mark(pager.begun(client)));
        };
        let mut page = Page::default();
        for raw in found {
            let wrong = || pager.malformed("a floating IP has no id or no address".to_owned());
            page.records
                .push(Record::FloatingIp(raw.read().ok_or_else(wrong)?));
        }
        pass::send(pages, page).await?;
    }
}

fn list(collection: &'static str, fields: &[&str]) -> Ask<'static> {
    let mut ask = Ask::new(ServiceKind::Network, [collection])
        .with("sort_key", "id")
        .with("sort_dir", "asc");
    for field in fields {
        ask = ask.with("fields", *field);
    }
    ask
}

/// Adds external networks to a page, with what is told of their addresses.
async fn with_addresses(
    client: &Client,
    networks: Vec<Network>,
    (page, figures): (&mut Page, &mut Figures<'_, Option<Capacity>>),
    pulse: &Pulse<'_>,
) -> Result<(), CloudError> {
    let ids: Vec<CloudId> = networks.iter().map(|it| it.id.clone()).collect();
    let questions = ids.into_iter().map(|id| addresses(client, id));
    let questions: Vec<_> = questions.collect();
    let mut answers = stream::iter(questions).buffered(client.concurrency_max);
    for mut network in networks {
        let answer = match figures.is_in_vain() {
            true => None,
            false => answers.next().await,
        };
        match figures.settle((&network.id, &network.name), answer) {
            Some(addresses) => {
                network.addresses = addresses;
                page.records.push(Record::Network(network));
            }
            None => page.unread.push(Unread::Record(network.id)),
        }
        pulse.beat().await?;
    }
    Ok(())
}

/// `None` where the cloud does not tell: the extension is not loaded, or the account may not ask,
/// or the network is just gone.
async fn addresses(client: &Client, id: CloudId) -> Result<Option<Capacity>, GivenUp> {
    let id = id.to_string();
    let ask = Ask::new(ServiceKind::Network, ["network-ip-availabilities", &id]);
    match client.get_page(&ask).await {
        Ok(answer) => Ok(answer.parse::<Availability>(&ask)?.addresses()),
        Err(GivenUp {
            error: CloudError::Forbidden { .. } | CloudError::Status { status: 404, .. },
            ..
        }) => Ok(None),
        Err(given_up) => Err(given_up),
    }
}

/// Whether Neutron has the extension that brings floating IPs. Only its own word makes "not found"
/// mean "none": a proxy that lost its way must not empty a region.
async fn routers_exist(client: &Client) -> Result<bool, CloudError> {
    let ask = Ask::new(ServiceKind::Network, ["extensions"]).with("fields", "alias");
    let found: Extensions = client.get(&ask).await?.parse(&ask)?;
    let mut aliases = found.extensions.iter().map(|it| it.alias.text());
    Ok(aliases.any(|alias| alias == Some("router")))
}

#[derive(Debug, Deserialize)]
struct Extensions {
    extensions: Vec<Extension>,
}

#[derive(Debug, Deserialize)]
struct Extension {
    #[serde(default)]
    alias: Scalar,
}
