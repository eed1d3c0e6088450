//! Durable uploads of 4 KiB by many clients, against the serial loop of the same run.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use bytes::Bytes;
use futures_util::future::try_join_all;
use http_body_util::Full;

use crate::client::Connection;
use crate::pattern::Pattern;
use crate::server::Server;
use crate::statistics::{median, percentile, ratio, sorted};
use crate::yardstick::SerialLoop;

/// The servers, clients and rounds of the measurement.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// A server to measure, as `name=path`; repeat it to compare builds in one run
    #[arg(long = "server", value_parser = parse_server, required = true)]
    servers: Vec<(String, PathBuf)>,
    /// Numbers of clients
    #[arg(long, value_delimiter = ',', default_values_t = [8, 64, 256])]
    clients: Vec<usize>,
    /// Size of each file, in bytes
    #[arg(long, default_value_t = 4096)]
    size_bytes: u64,
    /// Interleaved rounds
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Length of each measurement, in seconds
    #[arg(long, default_value_t = 3)]
    seconds: u64,
}

fn parse_server(text: &str) -> Result<(String, PathBuf), String> {
    let (name, path) = text.split_once('=').ok_or("not of the form name=path")?;
    Ok((name.to_owned(), PathBuf::from(path)))
}

/// A server and its figures.
struct Contender {
    name: String,
    server: Server,
    key: String,
    /// One series for each number of clients.
    series: Vec<Series>,
    /// Keeps the server's data until the end.
    _data: tempfile::TempDir,
}

/// The figures of one number of clients, round by round.
#[derive(Default)]
struct Series {
    per_second: Vec<f64>,
    median_ms: Vec<f64>,
    p99_ms: Vec<f64>,
}

/// Measures in interleaved rounds and prints the medians.
pub(crate) async fn run(scratch: &Path, options: &Options) -> Result<()> {
    let content = Pattern::new(options.size_bytes)
        .next_block()
        .context("a size of 0 bytes measures nothing")?
        .to_vec();
    let folder = tempfile::tempdir_in(scratch)?;
    let mut serial = SerialLoop::new(folder.path())?;
    let mut contenders = Vec::new();
    for (name, binary) in &options.servers {
        contenders.push(start(scratch, name, binary, options.clients.len())?);
    }
    let time = Duration::from_secs(options.seconds);
    let mut yardstick = Vec::new();
    for round in 1..=options.rounds {
        yardstick.push(serial.run(&content, time)?);
        for (at, clients) in options.clients.iter().enumerate() {
            for contender in &mut contenders {
                let run = format!("{round}-{clients}");
                contender
                    .measure(at, *clients, &run, &content, time)
                    .await?;
            }
        }
        println!("round {round} of {} is done", options.rounds);
    }
    print(&options.clients, &contenders, &yardstick);
    Ok(())
}

fn start(scratch: &Path, name: &str, binary: &Path, series: usize) -> Result<Contender> {
    let data = tempfile::tempdir_in(scratch)?;
    let server = Server::start(binary, data.path())?;
    Ok(Contender {
        name: name.to_owned(),
        key: server.create_key()?,
        server,
        series: std::iter::repeat_with(Series::default)
            .take(series)
            .collect(),
        _data: data,
    })
}

impl Contender {
    async fn measure(
        &mut self,
        at: usize,
        clients: usize,
        run: &str,
        content: &[u8],
        time: Duration,
    ) -> Result<()> {
        let mut connections = Vec::with_capacity(clients);
        for _ in 0..clients {
            connections.push(Connection::open(self.server.authority(), &self.key).await?);
        }
        let started = Instant::now();
        let end = started + time;
        let uploads = connections.into_iter().enumerate();
        let uploads = uploads.map(|(client, connection)| {
            upload_until(end, connection, format!("{run}-{client}"), content)
        });
        let durations = try_join_all(uploads).await?.concat();
        let elapsed = started.elapsed().as_secs_f64();
        let count = u32::try_from(durations.len())?;
        let durations = sorted(durations);
        let series = &mut self.series[at];
        series.per_second.push(f64::from(count) / elapsed);
        series.median_ms.push(percentile(&durations, 50));
        series.p99_ms.push(percentile(&durations, 99));
        Ok(())
    }
}

/// Uploads files, all different, one after another; returns how long each took, in milliseconds.
async fn upload_until(
    end: Instant,
    mut connection: Connection<Full<Bytes>>,
    client: String,
    content: &[u8],
) -> Result<Vec<f64>> {
    let mut durations = Vec::new();
    while Instant::now() < end {
        let filename = format!("{client}-{}.bin", durations.len());
        let mut body = content.to_vec();
        let mark = filename.as_bytes();
        let length = mark.len().min(body.len());
        body[..length].copy_from_slice(&mark[..length]);
        let started = Instant::now();
        connection.upload(&filename, Full::from(body)).await?;
        durations.push(started.elapsed().as_secs_f64() * 1000.0);
    }
    Ok(durations)
}

fn print(clients: &[usize], contenders: &[Contender], yardstick: &[f64]) {
    println!(
        "serial loop (file sync, rename, directory sync, SQLite FULL commit): {:.0}/s",
        median(yardstick)
    );
    println!(
        "{:<12} {:>7} {:>10} {:>22} {:>9} {:>9}",
        "server", "clients", "uploads/s", "of the serial loop", "p50 ms", "p99 ms"
    );
    for (at, clients) in clients.iter().enumerate() {
        for contender in contenders {
            let series = &contender.series[at];
            println!(
                "{:<12} {clients:>7} {:>10.0} {:>22} {:>9.1} {:>9.1}",
                contender.name,
                median(&series.per_second),
                ratio(&series.per_second, yardstick),
                median(&series.median_ms),
                median(&series.p99_ms),
            );
        }
    }
}
