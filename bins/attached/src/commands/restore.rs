//! `restore`: accepts the database and the store after one of them was restored from a copy.

use attache::{Installation, InstallationOptions};

use super::explain;
use crate::output::print;

pub(super) async fn run(options: &InstallationOptions, adopt_store: bool) -> anyhow::Result<()> {
    let accepted = Installation::accept_restored(options, adopt_store).await;
    let report = accepted.map_err(explain)?;
    let forgotten = report.forgotten;
    print(&format!(
        "the database and the store are accepted as installation {}, generation {}\n\
         {} unfinished uploads and {} deletions of the copy were forgotten: their bytes, if there \
         are any, stay in the store\n",
        report.id, report.generation, forgotten.staging, forgotten.condemned
    ))
}
