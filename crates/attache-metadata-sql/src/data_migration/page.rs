//! Rows of a table, column by column, and how those of two databases differ.

use std::cmp::Ordering;

use sqlx::{ColumnIndex, Decode, Row, Type};
use uuid::Uuid;

use super::Table;
use super::tables::Kind;

/// The values of one column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Values {
    Integers(Vec<Option<i64>>),
    Texts(Vec<Option<String>>),
    Bytes(Vec<Option<Vec<u8>>>),
    Uuids(Vec<Option<Uuid>>),
}

impl Values {
    fn new(kind: Kind) -> Self {
        match kind {
            Kind::Integer => Self::Integers(Vec::new()),
            Kind::Text => Self::Texts(Vec::new()),
            Kind::Bytes => Self::Bytes(Vec::new()),
            Kind::Uuid => Self::Uuids(Vec::new()),
        }
    }

    /// Takes the value that a row has at `index`.
    fn push<R>(&mut self, row: &R, index: usize) -> Result<(), sqlx::Error>
    where
        R: Row,
        usize: ColumnIndex<R>,
        for<'r> i64: Decode<'r, R::Database> + Type<R::Database>,
        for<'r> String: Decode<'r, R::Database> + Type<R::Database>,
        for<'r> Vec<u8>: Decode<'r, R::Database> + Type<R::Database>,
        for<'r> Uuid: Decode<'r, R::Database> + Type<R::Database>,
    {
        match self {
            Self::Integers(values) => values.push(row.try_get(index)?),
            Self::Texts(values) => values.push(row.try_get(index)?),
            Self::Bytes(values) => values.push(row.try_get(index)?),
            Self::Uuids(values) => values.push(row.try_get(index)?),
        }
        Ok(())
    }

    /// The values at some places.
    fn select(&self, places: &[usize]) -> Self {
        fn pick<T: Clone>(values: &[T], places: &[usize]) -> Vec<T> {
            places.iter().map(|&place| values[place].clone()).collect()
        }
        match self {
            Self::Integers(values) => Self::Integers(pick(values, places)),
            Self::Texts(values) => Self::Texts(pick(values, places)),
            Self::Bytes(values) => Self::Bytes(pick(values, places)),
            Self::Uuids(values) => Self::Uuids(pick(values, places)),
        }
    }

    /// Compares a value with one of the same column in another database: by bytes, as both order them.
    fn compare(&self, place: usize, other: &Self, other_place: usize) -> Ordering {
        match (self, other) {
            (Self::Integers(ours), Self::Integers(theirs)) => ours[place].cmp(&theirs[other_place]),
            (Self::Texts(ours), Self::Texts(theirs)) => ours[place].cmp(&theirs[other_place]),
            (Self::Bytes(ours), Self::Bytes(theirs)) => ours[place].cmp(&theirs[other_place]),
            (Self::Uuids(ours), Self::Uuids(theirs)) => ours[place].cmp(&theirs[other_place]),
            _ => Ordering::Less,
        }
    }
}

/// Some rows of a table, in the order of their keys.
#[derive(Debug, Clone)]
pub(crate) struct Page {
    pub(crate) table: &'static Table,
    columns: Vec<Values>,
    len: usize,
}

impl Page {
    pub(crate) fn new(table: &'static Table) -> Self {
        let columns = table.columns.iter().map(|(_, kind)| Values::new(*kind));
        Self {
            table,
            columns: columns.collect(),
            len: 0,
        }
    }

    /// Takes a row that holds the table's columns in their order.
    pub(crate) fn push<R>(&mut self, row: &R) -> Result<(), sqlx::Error>
    where
        R: Row,
        usize: ColumnIndex<R>,
        for<'r> i64: Decode<'r, R::Database> + Type<R::Database>,
        for<'r> String: Decode<'r, R::Database> + Type<R::Database>,
        for<'r> Vec<u8>: Decode<'r, R::Database> + Type<R::Database>,
        for<'r> Uuid: Decode<'r, R::Database> + Type<R::Database>,
    {
        for (index, values) in self.columns.iter_mut().enumerate() {
            values.push(row, index)?;
        }
        self.len += 1;
        Ok(())
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn columns(&self) -> &[Values] {
        &self.columns
    }

    /// The values of a column.
    pub(crate) fn column(&self, name: &str) -> Option<&Values> {
        let mut columns = self.table.columns.iter();
        let place = columns.position(|(column, _)| *column == name)?;
        self.columns.get(place)
    }

    /// The rows at some places.
    pub(crate) fn select(&self, places: &[usize]) -> Self {
        let columns = self.columns.iter().map(|values| values.select(places));
        Self {
            table: self.table,
            columns: columns.collect(),
            len: places.len(),
        }
    }

    /// The key of the last row, as a column of one value; `None` where there is no row.
    pub(crate) fn last_key(&self) -> Option<Values> {
        let last = self.len.checked_sub(1)?;
        Some(self.columns[0].select(&[last]))
    }

    fn compare_keys(&self, place: usize, other: &Self, other_place: usize) -> Ordering {
        self.columns[0].compare(place, &other.columns[0], other_place)
    }

    fn is_same_row(&self, place: usize, other: &Self, other_place: usize) -> bool {
        let mut columns = self.columns.iter().zip(&other.columns);
        columns.all(|(ours, theirs)| ours.compare(place, theirs, other_place).is_eq())
    }
}

/// What the target has of a page of the source.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Comparison {
    /// Rows of the page as they are in the source, all but those at these places.
    Lacks(Vec<usize>),
    /// A row that the source has not, or has with other values.
    Differs,
}

/// Compares a page of the source with all the rows that the target has between the same keys.
pub(crate) fn compare(source: &Page, target: &Page) -> Comparison {
    let mut lacks = Vec::new();
    let mut at = 0;
    for place in 0..target.len {
        while at < source.len && source.compare_keys(at, target, place).is_lt() {
            lacks.push(at);
            at += 1;
        }
        if at == source.len || !source.is_same_row(at, target, place) {
            return Comparison::Differs;
        }
        at += 1;
    }
    lacks.extend(at..source.len);
    Comparison::Lacks(lacks)
}
