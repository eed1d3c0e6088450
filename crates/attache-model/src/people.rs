//! Tenants, and the people whom files are about.

use crate::{InvalidValue, PersonId, PersonIdentifier, TenantId, TenantSlug, Timestamp};

/// The isolation boundary: a district, a project, a customer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tenant {
    /// The number the database gave it.
    pub id: TenantId,
    /// Its name in URLs and on the command line; unique and immutable.
    pub slug: TenantSlug,
    /// When it was made.
    pub created_at: Timestamp,
}

/// Whom a file is about: a participant, an employee, a patient. Belongs to one tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// Our own id, stable for ever.
    pub id: PersonId,
    /// The tenant's own name for the person, unique within the tenant.
    pub identifier: PersonIdentifier,
}

/// How a caller names a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PersonRef {
    /// By our id. The person must exist.
    Id(PersonId),
    /// By the tenant's identifier. A write that names an unknown one registers the person; a filter
    /// never does.
    Identifier(PersonIdentifier),
}

impl PersonRef {
    /// Combines the two optional ways of naming a person; `None` where neither is given.
    ///
    /// # Errors
    ///
    /// When both are given, as they could contradict each other.
    pub fn from_parts(
        id: Option<PersonId>,
        identifier: Option<PersonIdentifier>,
    ) -> Result<Option<Self>, InvalidValue> {
        match (id, identifier) {
            (None, None) => Ok(None),
            (Some(id), None) => Ok(Some(Self::Id(id))),
            (None, Some(identifier)) => Ok(Some(Self::Identifier(identifier))),
            (Some(_), Some(_)) => Err(InvalidValue::new(
                "person",
                "is named twice: give person or person_id, not both",
            )),
        }
    }
}
