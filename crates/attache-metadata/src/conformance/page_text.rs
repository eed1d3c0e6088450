//! The text of a page is bounded, however long the descriptions are.

use std::collections::HashSet;

use attache_model::{Context, Description, Filename};

use super::listing::sorts;
use super::world::{CheckResult, Problem, World, ensure, ensure_eq};
use crate::{FileQuery, PAGE_TEXT_BYTES, PageRequest, StateFilter, text_bytes};

/// The longest description.
const DESCRIPTION_BYTES: usize = 4096;

pub(super) async fn page_ends_once_its_text_fills_it(world: &World) -> CheckResult {
    let tenancy = world.tenant("north").await?;
    let cx = world.context(&tenancy);
    let count = PAGE_TEXT_BYTES / DESCRIPTION_BYTES + 20;
    populate(world, &cx, count).await?;
    for sort in sorts() {
        for state in [StateFilter::Active, StateFilter::Any] {
            let query = FileQuery {
                state,
                sort,
                ..FileQuery::default()
            };
            let pages = walk(world, &cx, &query, count).await?;
            ensure_eq!(pages, 2, "pages of {query:?}");
        }
    }
    Ok(())
}

/// Commits files with long descriptions, in letters of one byte and of three.
async fn populate(world: &World, cx: &Context, count: usize) -> CheckResult {
    for number in 0..count {
        let mut draft = world.draft(cx, &format!("content {number}")).await?;
        draft.filename = Filename::parse(&format!("{number}.pdf"))?;
        let text = if number % 2 == 0 {
            "x".repeat(DESCRIPTION_BYTES)
        } else {
            "文".repeat(DESCRIPTION_BYTES / 3)
        };
        draft.description = Some(Description::parse(&text)?);
        world.commit(cx, draft).await?;
    }
    Ok(())
}

/// Returns the number of pages of a list, each of which ends with the record that fills it.
async fn walk(
    world: &World,
    cx: &Context,
    query: &FileQuery,
    count: usize,
) -> Result<usize, Problem> {
    let mut seen = HashSet::new();
    let mut page = PageRequest {
        limit: 1000,
        after: None,
    };
    for number in 1.. {
        let listed = world.repository().list_files(cx, query, &page).await?;
        let texts: Vec<_> = listed.files.iter().map(text_bytes).collect();
        let text: usize = texts.iter().sum();
        let before_last = text - texts.last().unwrap_or(&0);
        ensure!(
            before_last < PAGE_TEXT_BYTES,
            "a page goes on after {before_last} bytes of text"
        );
        let is_new = listed.files.iter().all(|file| seen.insert(file.id));
        ensure!(is_new, "a record is on two pages of {query:?}");
        page.after = listed.next;
        if page.after.is_none() {
            ensure_eq!(seen.len(), count, "records on all pages of {query:?}");
            return Ok(number);
        }
        ensure!(
            text >= PAGE_TEXT_BYTES,
            "a page of {query:?} ends after {text} bytes of text"
        );
    }
    Ok(0)
}
