//! Unpaginated lists: streamed page by page, so that only one page is in memory.

use std::time::Duration;

use attache_model::{Context, FileRecord};
use attache_service::{Action, FileList, FileQuery, FileService, ListRequest, ServiceError};
use bytes::Bytes;
use futures_util::stream;
use http::Response;
use serde::Serialize;

use crate::answer::{Answer, insert_json_headers};
use crate::problem::Problem;
use crate::state::App;
use crate::wire::response_body::{BoxError, ResponseBody};

/// The most records that are read at once.
const PAGE_RECORDS: u32 = 500;

/// The pauses between the attempts to read a page that is unavailable.
const PAUSES: [Duration; 3] = [
    Duration::from_millis(100),
    Duration::from_millis(400),
    Duration::from_secs(1),
];

/// Responds with every record of a list in one JSON array, between `open` and `close`.
///
/// Every record that exists throughout is in it once. A failure after the first page aborts the response,
/// so that no client takes a part for the whole.
///
/// # Errors
///
/// The error of the first page.
pub(super) async fn unpaginated_list<V: Serialize>(
    app: &App,
    cx: Context,
    query: FileQuery,
    (open, close): (&'static str, &'static str),
    view: impl Fn(&FileRecord) -> V + Send + Sync + 'static,
) -> Answer {
    let mut walk = Walk {
        service: app.service.clone(),
        cx,
        query,
        before: open,
        close,
        view,
        at: At::End,
    };
    let first = walk.read(None).await.map_err(Problem::in_query)?;
    walk.at = At::Page(first);
    let chunks = stream::try_unfold(walk, |mut walk| async move {
        let chunk = walk.next_chunk().await?;
        Ok::<_, BoxError>(chunk.map(|chunk| (chunk, walk)))
    });
    let mut response = Response::new(ResponseBody::of_unknown_length(chunks));
    insert_json_headers(response.headers_mut());
    Ok(response)
}

/// A list that is being sent.
struct Walk<F> {
    service: FileService,
    cx: Context,
    query: FileQuery,
    /// The text before the next record: `open`, then commas.
    before: &'static str,
    close: &'static str,
    view: F,
    at: At,
}

/// The position in a list.
enum At {
    /// Before the records of a page.
    Page(FileList),
    /// Behind the page that this cursor follows.
    Cursor(String),
    End,
}

impl<F, V> Walk<F>
where
    F: Fn(&FileRecord) -> V,
    V: Serialize,
{
    async fn read(&self, cursor: Option<String>) -> Result<FileList, ServiceError> {
        let request = ListRequest {
            query: self.query.clone(),
            limit: Some(PAGE_RECORDS.min(self.service.limits().max_page_size)),
            cursor,
            ..ListRequest::default()
        };
        self.service.list_files(&self.cx, request).await
    }

    /// Reads a page behind the first, unless the key was revoked or has expired meanwhile.
    async fn read_on(&self, cursor: String) -> Result<FileList, ServiceError> {
        let again = self.service.authorise_again(&self.cx, Action::List);
        again.await?;
        self.read(Some(cursor)).await
    }

    /// Returns the text of the next page; `None` after the last.
    async fn next_chunk(&mut self) -> Result<Option<Bytes>, BoxError> {
        let list = match std::mem::replace(&mut self.at, At::End) {
            At::End => return Ok(None),
            At::Page(list) => list,
            At::Cursor(cursor) => {
                let page = retry_while_unavailable(|| self.read_on(cursor.clone()));
                page.await.inspect_err(log)?
            }
        };
        let mut text = Vec::new();
        for file in &list.files {
            text.extend_from_slice(self.before.as_bytes());
            serde_json::to_writer(&mut text, &(self.view)(file))?;
            self.before = ",";
        }
        if let Some(cursor) = list.next_cursor {
            self.at = At::Cursor(cursor);
        } else {
            if self.before != "," {
                text.extend_from_slice(self.before.as_bytes());
            }
            text.extend_from_slice(self.close.as_bytes());
        }
        Ok(Some(text.into()))
    }
}

/// Retries a few times while the service is unavailable: half a list is useless.
async fn retry_while_unavailable<T, F>(mut attempt: impl FnMut() -> F) -> Result<T, ServiceError>
where
    F: Future<Output = Result<T, ServiceError>>,
{
    for pause in PAUSES {
        match attempt().await {
            Err(ServiceError::Unavailable(_)) => tokio::time::sleep(pause).await,
            outcome => return outcome,
        }
    }
    attempt().await
}

fn log(error: &ServiceError) {
    let error: &dyn std::error::Error = error;
    tracing::error!(error, "a list was aborted");
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    async fn attempts(failures: u32, error: fn() -> ServiceError) -> (u32, bool) {
        let count = Cell::new(0);
        let outcome = retry_while_unavailable(async || {
            count.set(count.get() + 1);
            if count.get() > failures {
                Ok(())
            } else {
                Err(error())
            }
        });
        let succeeded = outcome.await.is_ok();
        (count.get(), succeeded)
    }

    #[tokio::test(start_paused = true)]
    async fn unavailable_page_is_retried_a_few_times() {
        let unavailable = || ServiceError::Unavailable("no connection".into());
        assert_eq!(attempts(0, unavailable).await, (1, true));
        assert_eq!(attempts(3, unavailable).await, (4, true));
        assert_eq!(attempts(9, unavailable).await, (4, false));
        assert_eq!(
            attempts(9, || ServiceError::InvalidCursor).await,
            (1, false)
        );
    }
}
