//! Starts a PostgreSQL server for the tests of several processes: prints its directory, for
//! `ATTACHE_TEST_POSTGRES`, and stops it at the end of its standard input.

use std::io;

use attache_testkit::ThrowawayPostgres;

fn main() -> io::Result<()> {
    let server = ThrowawayPostgres::start()?;
    println!("{}", server.directory().display());
    io::copy(&mut io::stdin(), &mut io::sink())?;
    Ok(())
}
