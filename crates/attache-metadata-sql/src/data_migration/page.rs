//! Rows of a table, and how those of two databases differ.

use uuid::Uuid;

use super::Table;
use super::tables::Kind;
use crate::columns::Columns;
use crate::failure::Failure;
use crate::session::{Session, Statement, Value};

/// A value of any kind. Those of a column are ordered by bytes, as both databases order them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Cell {
    Integer(Option<i64>),
    Text(Option<String>),
    Bytes(Option<Vec<u8>>),
    Uuid(Option<Uuid>),
}

impl Cell {
    fn read(row: &dyn Columns, at: usize, kind: Kind) -> Result<Self, Failure> {
        Ok(match kind {
            Kind::Integer => Self::Integer(row.integer_or_null(at)?),
            Kind::Text => Self::Text(row.text_or_null(at)?.map(str::to_owned)),
            Kind::Bytes => Self::Bytes(row.bytes_or_null(at)?.map(<[u8]>::to_vec)),
            Kind::Uuid => Self::Uuid(row.id_or_null(at)?),
        })
    }

    fn value(&self) -> Value<'_> {
        match self {
            Self::Integer(value) => (*value).into(),
            Self::Text(value) => value.as_deref().into(),
            Self::Bytes(value) => value.as_deref().into(),
            Self::Uuid(value) => (*value).into(),
        }
    }
}

/// Keys behind one and up to another; without the other, to the end.
#[derive(Debug, Default)]
pub(super) struct Range {
    pub(super) after: Option<Cell>,
    pub(super) up_to: Option<Cell>,
    /// The most rows to read.
    pub(super) limit: usize,
}

/// Some rows of a table, in the order of their keys.
#[derive(Debug, Clone)]
pub(super) struct Page {
    pub(super) table: &'static Table,
    pub(super) rows: Vec<Vec<Cell>>,
}

impl Page {
    /// Reads the rows in a range that meet a condition.
    pub(super) async fn read<S: Session>(
        session: &mut S,
        table: &'static Table,
        condition: &str,
        range: &Range,
    ) -> Result<Self, Failure> {
        let mut statement = Statement::new("");
        let key = table.key();
        let mut condition = condition.to_owned();
        for (bound, sign) in [(&range.after, ">"), (&range.up_to, "<=")] {
            if let Some(bound) = bound {
                let bound = statement.parameter(bound.value());
                condition = format!("{condition} AND {key} {sign} {bound}");
            }
        }
        let (columns, name, limit) = (table.column_list(), table.name, range.limit);
        statement.push(&format!(
            "SELECT {columns} FROM {name} WHERE {condition} ORDER BY {key} LIMIT {limit}"
        ));
        let read = |row: &dyn Columns| {
            let kinds = table.columns.iter().enumerate();
            let cells = kinds.map(|(at, (_, kind))| Cell::read(row, at, *kind));
            cells.collect()
        };
        let rows = session.rows(statement, read).await?;
        Ok(Self { table, rows })
    }

    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    /// Returns the value of a column at a place.
    pub(super) fn cell(&self, place: usize, column: &str) -> Option<&Cell> {
        let mut columns = self.table.columns.iter();
        let at = columns.position(|(name, _)| *name == column)?;
        self.rows.get(place)?.get(at)
    }

    /// Returns the rows at some places.
    pub(super) fn select(&self, places: &[usize]) -> Self {
        let rows = places.iter().map(|&place| self.rows[place].clone());
        Self {
            table: self.table,
            rows: rows.collect(),
        }
    }

    /// Returns the key of the last row; `None` where there is no row.
    pub(super) fn last_key(&self) -> Option<Cell> {
        self.rows.last()?.first().cloned()
    }
}

/// The difference between a page of the source and the same keys of the target.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Comparison {
    /// The target has the rows of the page as they are in the source, all but those at these places.
    Lacks(Vec<usize>),
    /// The target has a row that the source has not, or has with other values.
    Differs,
}

/// Compares a page of the source with all the rows that the target has between the same keys.
pub(super) fn compare(source: &Page, target: &Page) -> Comparison {
    let mut lacks = Vec::new();
    let mut at = 0;
    for row in &target.rows {
        while at < source.len() && source.rows[at][0] < row[0] {
            lacks.push(at);
            at += 1;
        }
        if source.rows.get(at) != Some(row) {
            return Comparison::Differs;
        }
        at += 1;
    }
    lacks.extend(at..source.len());
    Comparison::Lacks(lacks)
}
