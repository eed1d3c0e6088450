//! Groups, failures inside them, and what readers see.

use attache_metadata::RepositoryErrorKind;
use attache_model::SystemClock;
use futures_util::future::join_all;

use super::super::connection::open_reader;
use super::super::readers::Readers;
use super::*;
use crate::SqliteRepository;
use crate::repository::Never;
use crate::session::{Session as _, Statement};

async fn start(limit_pages: Option<i64>) -> (tempfile::TempDir, Writer) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("attache.db");
    SqliteRepository::migrate(&path).await.unwrap();
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let connection = open_writer(&path, &clock).unwrap();
    if let Some(pages) = limit_pages {
        let limit = format!("PRAGMA max_page_count = {pages}");
        connection.query_row(&limit, [], |_| Ok(())).unwrap();
    }
    let writer = Writer::start(connection, path, clock, 1024).unwrap();
    (directory, writer)
}

fn call(operation: &'static str) -> Call {
    Call::of_service(operation)
}

/// Makes a change of one statement, and fails with its failure.
async fn execute(writer: &Writer, sql: String) -> Result<(), RepositoryError> {
    let changed = writer.change::<_, _, Never, _>(call("execute"), sql, |session, sql| {
        let statement = Statement::new(sql.clone());
        Box::pin(async move { Ok(session.execute(statement).await.map(drop)?) })
    });
    changed.await.map(|Ok(())| ())
}

/// Returns the statement that makes a tenant whose slug has `length` bytes.
fn tenant(length: usize, number: usize) -> String {
    let slug = format!("{number}{}", "x".repeat(length));
    format!("INSERT INTO tenants (slug, created_at) VALUES ('{slug}', 1)")
}

async fn make(writer: &Writer, length: usize, number: usize) -> Result<(), RepositoryError> {
    execute(writer, tenant(length, number)).await
}

/// Blocks the writer from `begun` until `held` has a message.
async fn block(writer: &Writer, begun: oneshot::Sender<()>, held: std::sync::mpsc::Receiver<()>) {
    let input = std::sync::Mutex::new(Some((begun, held)));
    let blocked = writer.change::<_, _, Never, _>(call("block"), input, |_, input| {
        let (begun, held) = input.lock().unwrap().take().unwrap();
        begun.send(()).unwrap();
        held.recv().unwrap();
        Box::pin(async { Ok(()) })
    });
    let Ok(()) = blocked.await.unwrap();
}

/// Keeps the writer busy until the sender is used: all that is sent meanwhile is one group.
async fn hold(writer: &Writer) -> std::sync::mpsc::Sender<()> {
    let (release, held) = std::sync::mpsc::channel();
    let (begun, begins) = oneshot::channel();
    // Polled once it is queued; nobody waits for its result.
    assert!(futures_util::poll!(Box::pin(block(writer, begun, held))).is_pending());
    begins.await.unwrap();
    release
}

/// Returns the pages ever written to the log, while it is too short to begin again.
fn log_pages(directory: &tempfile::TempDir) -> u64 {
    let log = directory.path().join("attache.db-wal");
    std::fs::metadata(log).unwrap().len() / 4096
}

async fn count(writer: &Writer) -> i64 {
    let counted = writer.change::<_, _, Never, _>(call("count"), (), |session, ()| {
        let statement = Statement::new("SELECT count(*) FROM tenants");
        Box::pin(async move { Ok(session.one(statement, |row| row.integer(0)).await?) })
    });
    let Ok(count) = counted.await.unwrap();
    count
}

/// Sends changes while the writer is held, and returns their results.
async fn together<F: Future>(
    writer: &Writer,
    changes: impl IntoIterator<Item = F>,
) -> Vec<F::Output> {
    let release = hold(writer).await;
    let mut changes = Box::pin(join_all(changes));
    assert!(futures_util::poll!(changes.as_mut()).is_pending());
    release.send(()).unwrap();
    changes.await
}

#[tokio::test]
async fn full_disk_fails_group_and_next_recovers() {
    let (_directory, writer) = start(Some(80)).await;
    let sizes = [10, 10, 400_000, 10].into_iter().enumerate();
    let changes = sizes.map(|(number, size)| make(&writer, size, number));
    let mut made = together(&writer, changes).await;
    // The last one was not begun: it is of the next group.
    made.pop().unwrap().unwrap();
    for made in made {
        assert_eq!(made.unwrap_err().kind(), RepositoryErrorKind::OutOfSpace);
    }
    assert_eq!(count(&writer).await, 1);
    make(&writer, 10, 1).await.unwrap();
    assert_eq!(count(&writer).await, 2);
}

#[tokio::test]
async fn panic_undoes_its_change_and_no_other() {
    let (_directory, writer) = start(None).await;
    let panicking = async {
        let changed = writer.change::<_, (), Never, _>(call("panic"), (), |session, ()| {
            Box::pin(async move {
                session.execute(Statement::new(tenant(10, 3))).await?;
                panic!("on purpose")
            })
        });
        changed.await.map(|Ok(())| ())
    };
    let (first, second) = (make(&writer, 10, 1), make(&writer, 10, 2));
    let changes: Vec<futures_util::future::BoxFuture<'_, _>> =
        vec![Box::pin(first), Box::pin(panicking), Box::pin(second)];
    let made = together(&writer, changes).await;
    assert!(made[0].is_ok() && made[2].is_ok());
    let panicked = made[1].as_ref().unwrap_err();
    assert_eq!(panicked.kind(), RepositoryErrorKind::Other);
    assert_eq!(count(&writer).await, 2);
}

#[tokio::test]
async fn reader_sees_no_uncommitted_row() {
    let (directory, writer) = start(None).await;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let path = directory.path().join("attache.db");
    let readers = Readers::start(vec![open_reader(&path, &clock).unwrap()], 8).unwrap();
    let count = async || {
        let counted = readers.read(call("count"), (), |session, ()| {
            let statement = Statement::new("SELECT count(*) FROM tenants");
            Box::pin(session.one(statement, |row| row.integer(0)))
        });
        counted.await.unwrap()
    };
    // In one group: the first change is made, and the second keeps the group from its commit.
    let release = hold(&writer).await;
    let mut made = Box::pin(make(&writer, 10, 1));
    assert!(futures_util::poll!(made.as_mut()).is_pending());
    let (begun, begins) = oneshot::channel();
    let (commit, held) = std::sync::mpsc::channel();
    let mut holding = Box::pin(block(&writer, begun, held));
    assert!(futures_util::poll!(holding.as_mut()).is_pending());
    release.send(()).unwrap();
    begins.await.unwrap();
    assert_eq!(count().await, 0);
    commit.send(()).unwrap();
    made.await.unwrap();
    assert_eq!(count().await, 1);
}

#[tokio::test]
async fn refused_change_of_group_leaves_others() {
    let (_directory, writer) = start(None).await;
    let refused = |number| {
        let writer = &writer;
        async move {
            let refused =
                writer.change::<_, (), _, _>(call("refuse"), number, |session, number| {
                    let insert = Statement::new(tenant(10, *number));
                    Box::pin(async move {
                        session.execute(insert).await?;
                        Err(Stop::Refused(*number))
                    })
                });
            refused.await.unwrap().unwrap_err()
        }
    };
    let made = async |number| make(&writer, 10, number).await.map(|()| number).unwrap();
    let changes: Vec<futures_util::future::BoxFuture<'_, usize>> =
        vec![Box::pin(made(1)), Box::pin(refused(2)), Box::pin(made(3))];
    assert_eq!(together(&writer, changes).await, [1, 2, 3]);
    assert_eq!(count(&writer).await, 2);
}

#[tokio::test]
async fn waiting_changes_share_a_commit() {
    let (directory, writer) = start(None).await;
    make(&writer, 10, GROUP_SIZE).await.unwrap();
    let before = log_pages(&directory);
    let changes = (0..GROUP_SIZE).map(|number| make(&writer, 10, number));
    let made = together(&writer, changes).await;
    assert!(made.iter().all(Result::is_ok));
    // Each commit writes the pages it changed: alone, 128 changes would write 128 times as many.
    let pages = log_pages(&directory) - before;
    assert!((1..32).contains(&pages), "{pages} pages");
}

#[tokio::test]
async fn log_does_not_grow_without_end() {
    let (directory, writer) = start(None).await;
    for number in 0..100 {
        make(&writer, 400_000, number).await.unwrap();
    }
    let log = directory.path().join("attache.db-wal");
    let length = std::fs::metadata(&log).unwrap().len();
    assert!(
        length < 20 << 20,
        "40 MB were written, the log has {length} bytes"
    );
    writer.close().await;
    assert!(!log.exists());
}
