//! A region's records, page by page.

mod documents;

use axum::extract::State;
use serde::Serialize;
use shared::model::{Record, RecordKind};

use super::extract::{Page, PageQuery, Path, Query, cursor};
use super::problem::{Problem, ProblemDocument};
use super::state::ApiState;
use super::who::Who;
use crate::store::records::StoredRecord;
pub use documents::{
    CapacityDocument, FloatingIpDocument, NetworkDocument, NodeDocument, QuotaDocument,
    QuotaResourceDocument, ServerDocument, ServiceDocument, StoragePoolDocument, VolumeDocument,
};

/// One kind's document, made of a record of that kind.
pub(super) trait Document: Sized + Serialize {
    const KIND: RecordKind;

    /// `None` for a record of another kind.
    fn of(record: StoredRecord) -> Option<Self>;
}

async fn page<D: Document>(
    state: &ApiState,
    region: &str,
    page: &PageQuery,
) -> Result<axum::Json<Page<D>>, Problem> {
    let (limit, after) = (page.limit()?, page.after()?);
    let shown = state
        .board
        .region(region)
        .ok_or_else(|| Problem::no_region(region))?;
    let no = shown.view.no;
    let records = state
        .store
        .read(move |it| it.records(no, D::KIND, &after, limit))
        .await?;
    Ok(axum::Json(Page {
        items: records.records.into_iter().filter_map(D::of).collect(),
        next: records.next.map(|id| cursor(&id)),
    }))
}

macro_rules! routes {
    ($($(#[$doc:meta])* $name:ident: $path:literal => $kind:ident($document:ident),)*) => {
        $(
            impl Document for $document {
                const KIND: RecordKind = RecordKind::$kind;

                fn of(stored: StoredRecord) -> Option<Self> {
                    match stored.record {
                        Record::$kind(it) => Some(Self::new(&it, stored.changed)),
                        _ => None,
                    }
                }
            }

            $(#[$doc])*
            #[utoipa::path(get, path = $path, tag = "records",
                params(("region" = String, Path, description = "The region's name"), PageQuery),
                responses(
                (status = 200, description = "Some records", body = Page<$document>),
                (status = 400, description = "A wrong limit or cursor", body = ProblemDocument),
                (status = 401, description = "Nobody is signed in", body = ProblemDocument),
                (status = 404, description = "No such region", body = ProblemDocument),
            ))]
            pub(in crate::api) async fn $name(
                State(state): State<ApiState>,
                _: Who,
                Path(region): Path<String>,
                Query(query): Query<PageQuery>,
            ) -> Result<axum::Json<Page<$document>>, Problem> {
                page(&state, &region, &query).await
            }
        )*
    };
}

routes! {
    /// A region's servers, in the order of their ids.
    servers: "/regions/{region}/servers" => Server(ServerDocument),
    /// A region's volumes, in the order of their ids.
    volumes: "/regions/{region}/volumes" => Volume(VolumeDocument),
    /// A region's networks, in the order of their ids.
    networks: "/regions/{region}/networks" => Network(NetworkDocument),
    /// A region's floating IPs, in the order of their ids.
    floating_ips: "/regions/{region}/floating-ips" => FloatingIp(FloatingIpDocument),
    /// A region's nodes, in the order of their ids.
    nodes: "/regions/{region}/nodes" => Node(NodeDocument),
    /// A region's storage pools, in the order of their ids.
    storage_pools: "/regions/{region}/storage-pools" => StoragePool(StoragePoolDocument),
    /// A region's quotas, one for each project and service.
    quotas: "/regions/{region}/quotas" => Quota(QuotaDocument),
    /// The services of a region's cloud, as its agent finds them.
    services: "/regions/{region}/services" => Service(ServiceDocument),
}
