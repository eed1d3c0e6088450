//! Lists without pages: written as they are read, so that only one page of them is in memory.

use std::time::Duration;

use attache_model::{Context, FileRecord};
use attache_service::{FileList, FileQuery, FileService, ListRequest, ServiceError};
use bytes::Bytes;
use futures_util::stream;
use http::Response;
use serde::Serialize;

use crate::app::App;
use crate::endpoints::Answer;
use crate::problem::Problem;
use crate::response::{BoxError, ResponseBody, insert_json_headers};

/// How many records are read at once, at most.
const PAGE_RECORDS: u32 = 500;

/// How long to wait, time after time, for a page that cannot be had for the moment.
const PAUSES: [Duration; 3] = [
    Duration::from_millis(100),
    Duration::from_millis(400),
    Duration::from_secs(1),
];

/// Answers every record of a list in one JSON array, which stands between `open` and `close`.
///
/// Every record that is there all the while is in it once. A failure after the first page breaks the
/// answer off, so that nobody takes a part for the whole.
///
/// # Errors
///
/// What the first page fails with.
pub(super) async fn whole_list<V: Serialize>(
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
    let first = walk.ask(None).await.map_err(Problem::in_query)?;
    walk.at = At::Page(first);
    let chunks = stream::try_unfold(walk, |mut walk| async move {
        let chunk = walk.next_chunk().await?;
        Ok::<_, BoxError>(chunk.map(|chunk| (chunk, walk)))
    });
    let mut response = Response::new(ResponseBody::of_unknown_length(chunks));
    insert_json_headers(response.headers_mut());
    Ok(response)
}

/// A list on its way out.
struct Walk<F> {
    service: FileService,
    cx: Context,
    query: FileQuery,
    /// What stands before the next record: what opens the list, then commas.
    before: &'static str,
    close: &'static str,
    view: F,
    at: At,
}

/// How far a list is.
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
    async fn ask(&self, cursor: Option<String>) -> Result<FileList, ServiceError> {
        let request = ListRequest {
            query: self.query.clone(),
            limit: Some(PAGE_RECORDS.min(self.service.limits().max_page_size)),
            cursor,
            ..ListRequest::default()
        };
        self.service.list_files(&self.cx, request).await
    }

    /// The text of one page; `None` behind the last.
    async fn next_chunk(&mut self) -> Result<Option<Bytes>, BoxError> {
        let list = match std::mem::replace(&mut self.at, At::End) {
            At::End => return Ok(None),
            At::Page(list) => list,
            At::Cursor(cursor) => {
                let page = patiently(|| self.ask(Some(cursor.clone())));
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

/// Asks again, a few times, for what is unavailable: half a list is of no use to anybody.
async fn patiently<T, F>(mut ask: impl FnMut() -> F) -> Result<T, ServiceError>
where
    F: Future<Output = Result<T, ServiceError>>,
{
    for pause in PAUSES {
        match ask().await {
            Err(ServiceError::Unavailable(_)) => tokio::time::sleep(pause).await,
            answer => return answer,
        }
    }
    ask().await
}

fn log(error: &ServiceError) {
    let error: &dyn std::error::Error = error;
    tracing::error!(error, "a list broke off");
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    async fn asked(failures: u32, error: fn() -> ServiceError) -> (u32, bool) {
        let asked = Cell::new(0);
        let answer = patiently(async || {
            asked.set(asked.get() + 1);
            if asked.get() > failures {
                Ok(())
            } else {
                Err(error())
            }
        });
        let is_answered = answer.await.is_ok();
        (asked.get(), is_answered)
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_unavailable_is_asked_for_again_a_few_times() {
        let unavailable = || ServiceError::Unavailable("no connection".into());
        assert_eq!(asked(0, unavailable).await, (1, true));
        assert_eq!(asked(3, unavailable).await, (4, true));
        assert_eq!(asked(9, unavailable).await, (4, false));
        assert_eq!(asked(9, || ServiceError::InvalidCursor).await, (1, false));
    }
}
