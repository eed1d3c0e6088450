//! The measured calls.

use std::time::{Duration, Instant};

use attache_metadata::{
    FileQuery, FileRepository as _, PageKey, PageRequest, Sort, SortDirection, SortField,
    SortValue, StateFilter,
};
use attache_metadata_sql::PostgresRepository;
use attache_model::{Category, Holder, MediaType, Sha256Digest};

use crate::fill::{self, BoxError, Place};

/// One measured call.
pub(crate) struct Work {
    pub(crate) name: &'static str,
    call: Call,
}

enum Call {
    /// The first page of a list, which holds something.
    List(FileQuery),
    /// The page after the file in the middle, newest first.
    LaterPage,
    /// The first page of a person who has few files.
    QuietPerson,
    Find,
    Claim,
}

/// Everything that is measured.
pub(crate) fn all() -> Result<Vec<Work>, BoxError> {
    let mut lists = lists();
    lists.extend(filtered_lists()?);
    let lists = lists.into_iter();
    let mut all: Vec<_> = lists
        .map(|(name, query)| Work {
            name,
            call: Call::List(query),
        })
        .collect();
    let others = [
        ("list, a page in the middle", Call::LaterPage),
        ("list of a person with fifty", Call::QuietPerson),
        ("fetch a record by id", Call::Find),
        ("claim", Call::Claim),
    ];
    all.extend(others.map(|(name, call)| Work { name, call }));
    Ok(all)
}

fn lists() -> Vec<(&'static str, FileQuery)> {
    let both = FileQuery {
        state: StateFilter::Any,
        ..FileQuery::default()
    };
    vec![
        ("list, newest first", FileQuery::default()),
        ("list, by name", sorted(SortField::Name)),
        ("list, largest first", sorted(SortField::SizeBytes)),
        ("list, active and archived", both),
    ]
}

fn filtered_lists() -> Result<Vec<(&'static str, FileQuery)>, BoxError> {
    let mut bytes = [0; 32];
    bytes[31] = fill::SHARED_BYTES;
    let bytes = Sha256Digest::from_bytes(bytes);
    let papers = Category::parse("papers")?;
    let (image, table) = (
        MediaType::parse("image/png")?,
        MediaType::parse("text/csv")?,
    );
    let of = |change: &dyn Fn(&mut FileQuery)| {
        let mut query = FileQuery::default();
        change(&mut query);
        query
    };
    let by_name = sorted(SortField::Name).sort;
    let prefix = || Some("Report 05".to_owned());
    Ok(vec![
        (
            "list of a person with half of all",
            of(&|it| it.person = Some(fill::BUSY_PERSON)),
        ),
        (
            "list of that person, by name",
            of(&|it| (it.person, it.sort) = (Some(fill::BUSY_PERSON), by_name)),
        ),
        (
            "list of a category",
            of(&|it| it.category = Some(papers.clone())),
        ),
        ("list of claimed files", of(&|it| it.used = Some(true))),
        (
            "list of files with the same bytes",
            of(&|it| it.sha256 = Some(bytes)),
        ),
        (
            "list by beginning of the name",
            of(&|it| (it.name_prefix, it.sort) = (prefix(), by_name)),
        ),
        (
            "list of the same, newest first",
            of(&|it| it.name_prefix = prefix()),
        ),
        (
            "list of a common type",
            of(&|it| it.content_type = Some(image.clone())),
        ),
        (
            "list of a rare type",
            of(&|it| it.content_type = Some(table.clone())),
        ),
        (
            "list of a rare type, by name",
            of(&|it| (it.content_type, it.sort) = (Some(table.clone()), by_name)),
        ),
    ])
}

fn sorted(field: SortField) -> FileQuery {
    let direction = match field {
        SortField::Name => SortDirection::Ascending,
        _ => SortDirection::Descending,
    };
    let sort = Sort { field, direction };
    FileQuery {
        sort,
        ..FileQuery::default()
    }
}

impl Work {
    /// Makes the call once and returns the time it took; `round` of `rounds` chooses the file, where it
    /// is about one.
    pub(crate) async fn run(
        &self,
        repository: &PostgresRepository,
        place: &Place,
        round: u64,
        rounds: u64,
    ) -> Result<Duration, BoxError> {
        let id = fill::file_id(place.somewhere(round, rounds));
        let cx = &place.context;
        match &self.call {
            Call::List(query) => list(repository, place, query, None).await,
            Call::LaterPage => {
                let number = place.middle();
                let after = PageKey {
                    value: SortValue::CreatedAt(fill::committed_at(number)),
                    id: fill::file_id(number),
                };
                list(repository, place, &FileQuery::default(), Some(after)).await
            }
            Call::QuietPerson => {
                let person = Some(fill::person_of(place.middle()));
                let query = FileQuery {
                    person,
                    ..FileQuery::default()
                };
                list(repository, place, &query, None).await
            }
            Call::Find => {
                let started = Instant::now();
                let found = repository.find_file(cx, id).await?;
                let took = started.elapsed();
                found.ok_or("a file is missing")?;
                Ok(took)
            }
            Call::Claim => {
                let holder = Holder::parse("bench")?;
                let started = Instant::now();
                let claimed = repository.claim_file(cx, id, &holder).await?;
                let took = started.elapsed();
                claimed.map_err(|refusal| format!("{refusal:?}"))?;
                let released = repository.release_claim(cx, id, &holder).await?;
                released.map_err(|refusal| format!("{refusal:?}"))?;
                Ok(took)
            }
        }
    }
}

async fn list(
    repository: &PostgresRepository,
    place: &Place,
    query: &FileQuery,
    after: Option<PageKey>,
) -> Result<Duration, BoxError> {
    let request = PageRequest { limit: 100, after };
    let started = Instant::now();
    let page = repository
        .list_files(&place.context, query, &request)
        .await?;
    let took = started.elapsed();
    if page.files.is_empty() {
        return Err("a page is empty".into());
    }
    Ok(took)
}
