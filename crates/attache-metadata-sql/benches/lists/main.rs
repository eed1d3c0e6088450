//! Measures how much longer lists, lookups and claims take in a large database than in a small one, on a
//! PostgreSQL server of the benchmark's own:
//! `cargo bench -p attache-metadata-sql --features postgres --bench lists -- [records [rounds]]`.

mod fill;
mod work;

use std::time::Duration;

use attache_metadata_sql::PostgresRepository;
use attache_testkit::ThrowawayPostgres;

use fill::{BoxError, Place};
use work::Work;

const FEW: u64 = 10_000;
const MANY: u64 = 1_000_000;
const ROUNDS: u64 = 200;
/// Rounds whose pages are counted.
const COUNTED: u64 = 10;

/// One database, and the repository that is measured on it.
struct Measured {
    place: Place,
    repository: PostgresRepository,
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    // Cargo adds `--bench`.
    let mut numbers = std::env::args()
        .skip(1)
        .filter(|argument| !argument.starts_with("--"));
    let mut number = |default| numbers.next().map_or(Ok(default), |text| text.parse());
    let (many, rounds) = (number(MANY)?, number(ROUNDS)?.max(1));
    let server = ThrowawayPostgres::start()?;
    let mut places = Vec::new();
    for count in [FEW, many] {
        eprintln!("filling a database with {count} records");
        let place = Place::filled(&server, count).await?;
        let repository = place.open().await?;
        places.push(Measured { place, repository });
    }
    println!(
        "| {:<36} | {FEW:>9} | {many:>9} | ratio | {:>10} | {:>11} |",
        "median ms among so many records", "pages, few", "pages, many"
    );
    println!("| :--- | ---: | ---: | ---: | ---: | ---: |");
    for work in work::all()? {
        let [few, many] = medians(&places, &work, rounds).await?;
        let ratio = many.as_secs_f64() / few.as_secs_f64();
        let [few_pages, many_pages] = pages(&places, &work).await?;
        println!(
            "| {:<36} | {:>9.3} | {:>9.3} | {ratio:>5.2} | {few_pages:>10} | {many_pages:>11} |",
            work.name,
            few.as_secs_f64() * 1000.0,
            many.as_secs_f64() * 1000.0,
        );
    }
    Ok(())
}

/// The median time in both databases, which take turns, so that whatever else the machine does slows
/// both.
async fn medians(places: &[Measured], work: &Work, rounds: u64) -> Result<[Duration; 2], BoxError> {
    let mut times = [Vec::new(), Vec::new()];
    let warm_up = rounds / 10 + 1;
    for round in 0..warm_up + rounds {
        for (measured, times) in places.iter().zip(&mut times) {
            let Measured { place, repository } = measured;
            let took = work.run(repository, place, round, warm_up + rounds).await?;
            if round >= warm_up {
                times.push(took);
            }
        }
    }
    Ok(times.map(|mut times| {
        times.sort_unstable();
        times[times.len() / 2]
    }))
}

/// Counts the pages of the disk that one round requests, in memory or not.
async fn pages(places: &[Measured], work: &Work) -> Result<[i64; 2], BoxError> {
    let mut pages = [0, 0];
    for (measured, pages) in places.iter().zip(&mut pages) {
        let place = &measured.place;
        // What opening and closing take, then the same with work in between.
        let mut counts = [0, 0];
        for (rounds, count) in [0, COUNTED].into_iter().zip(&mut counts) {
            let before = settled_pages(place).await?;
            let repository = place.open().await?;
            for round in 0..rounds {
                work.run(&repository, place, round, rounds).await?;
            }
            repository.close().await;
            *count = settled_pages(place).await? - before;
        }
        *pages = (counts[1] - counts[0]) / i64::try_from(COUNTED)?;
    }
    Ok(pages)
}

/// Counts the pages once sessions have ended: they report at their end.
async fn settled_pages(place: &Place) -> Result<i64, BoxError> {
    tokio::time::sleep(Duration::from_millis(150)).await;
    place.pages().await
}
