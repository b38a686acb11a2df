//! `cargo xtask demo`: a hub and three regions on this machine, as an operator would set them up.
//!
//! Everything goes through the daemons' own command lines, in `target/demo`. The regions are
//! simulated, of three characters; with `--openstack` they are two real clouds whose servers are
//! created and stopped all the time.

mod daemon;
mod place;
mod region;
mod show;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use signal_hook::consts::{SIGINT, SIGTERM};

use crate::clock;
use crate::lint::cargo;
use crate::lock::{Lock, LockError};
use crate::progress::Progress;
use crate::project::Project;
use crate::run::{self, RunError};
use daemon::{DaemonError, Daemons};
use place::{Place, PlaceError};
use region::Region;

/// The time for all regions to become healthy. Simulated ones take two seconds; a real cloud's
/// first reading on a busy machine takes longer.
const HEALTHY_WITHIN: Duration = Duration::from_secs(120);

/// How often the demonstration looks at its regions and its daemons.
const LOOK_EVERY: Duration = Duration::from_millis(300);

/// What to demonstrate.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// End when all regions are healthy, after printing them as JSON; exit code 0
    #[arg(long)]
    once: bool,
    /// Two real OpenStack clouds instead of simulated ones (takes two minutes the first time)
    #[arg(long)]
    openstack: bool,
}

/// Runs it until Ctrl-C, or with `--once` until all regions are healthy.
pub(crate) fn run(project: &Project, args: &Args) -> Result<(), DemoError> {
    let progress = Progress::begin();
    // Two of them in one folder would be each other's daemons.
    let lock = project.root.join("target/demo.lock");
    let _lock = Lock::take(&lock, "its demonstration (Ctrl-C there ends it)", &progress)?;
    let stop = interrupted().map_err(DemoError::Signals)?;
    let regions = Region::all(&progress, args.openstack)?;
    let step = progress.step("build idp-hub and sp-agent");
    let log = project.root.join("target/demo-build.log");
    let mut build = cargo(project);
    run::quietly(
        build.args(["build", "-p", "idp-hub", "-p", "sp-agent"]),
        &log,
    )?;
    step.done();

    let place = Place::make(project)?;
    let mut daemons = Daemons::default();
    let outcome = begin(&place, &regions, &mut daemons, &progress, &stop)
        .and_then(|()| serve(&place, &regions, &mut daemons, &progress, &stop, args.once));
    progress.say("stopping");
    daemons.stop();
    regions.iter().for_each(Region::end);
    outcome
}

/// Brings up the hub, and joins every region to it.
fn begin(
    place: &Place,
    regions: &[Region],
    daemons: &mut Daemons,
    progress: &Progress,
    stop: &AtomicBool,
) -> Result<(), DemoError> {
    let step = progress.step("make a federation and start its hub");
    place.init_hub()?;
    daemons.start("idp-hub", &mut place.serve(), &place.log("idp-hub"))?;
    place.wait_for_hub(daemons, stop)?;
    step.done();
    for region in regions {
        if stop.load(Ordering::Relaxed) {
            return Err(DemoError::Interrupted);
        }
        let step = progress.step(format!("join {} ({})", region.name, region.character));
        place.join(region)?;
        daemons.start(
            &region.name,
            &mut place.agent(region),
            &place.log(&region.name),
        )?;
        step.done();
    }
    Ok(())
}

fn serve(
    place: &Place,
    regions: &[Region],
    daemons: &mut Daemons,
    progress: &Progress,
    stop: &AtomicBool,
    once: bool,
) -> Result<(), DemoError> {
    let step = progress.step("wait until every region is healthy");
    let deadline = clock::now() + HEALTHY_WITHIN;
    while !place.all_healthy(regions.len())? {
        daemons.check()?;
        if stop.load(Ordering::Relaxed) {
            return Err(DemoError::Interrupted);
        }
        if clock::now() > deadline {
            return Err(DemoError::NotHealthy {
                table: place.region_table()?,
            });
        }
        thread::sleep(LOOK_EVERY);
    }
    step.done();
    progress.say(&format!(
        "ready in {:.1} s",
        progress.elapsed().as_secs_f64()
    ));
    if once {
        show::json(&place.region_list()?);
        return Ok(());
    }
    show::welcome(place, &place.region_table()?);
    let load = region::Load::begin(regions);
    while !stop.load(Ordering::Relaxed) {
        daemons.check()?;
        thread::sleep(LOOK_EVERY);
    }
    load.end();
    Ok(())
}

/// Set by Ctrl-C or SIGTERM, so that the daemons are stopped in good order.
fn interrupted() -> Result<Arc<AtomicBool>, std::io::Error> {
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        signal_hook::flag::register(signal, Arc::clone(&stop))?;
    }
    Ok(stop)
}

/// Why the demonstration ended early.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DemoError {
    /// Signals can't be caught.
    #[error("cannot listen for Ctrl-C")]
    Signals(#[source] std::io::Error),
    /// Nobody can tell whether another demonstration runs.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The daemons can't be built, or a command failed.
    #[error(transparent)]
    Run(#[from] RunError),
    /// A daemon ended.
    #[error(transparent)]
    Daemon(#[from] DaemonError),
    /// Its files or commands failed.
    #[error(transparent)]
    Place(#[from] PlaceError),
    /// The real clouds can't be had.
    #[error("cannot bring up the OpenStack clouds")]
    Cloud(#[source] std::io::Error),
    /// Not healthy in time.
    #[error(
        "not every region became healthy within {} s:\n{table}\nlook into target/demo/*.log",
        HEALTHY_WITHIN.as_secs()
    )]
    NotHealthy {
        /// What the hub shows.
        table: String,
    },
    /// Ctrl-C before it was ready.
    #[error("interrupted before all regions were healthy")]
    Interrupted,
}
