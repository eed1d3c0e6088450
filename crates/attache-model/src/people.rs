//! Tenants, and the people that files are about.

use crate::{InvalidValue, PersonId, PersonIdentifier, TenantId, TenantSlug, Timestamp};

/// The isolation boundary: a district, a project, a customer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tenant {
    /// The id, assigned by the database.
    pub id: TenantId,
    /// The name in URLs and on the command line; unique and immutable.
    pub slug: TenantSlug,
    /// The time of its creation.
    pub created_at: Timestamp,
}

/// A person that files are about: a participant, an employee, a patient. Belongs to one tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// The id, assigned by attache; never changes.
    pub id: PersonId,
    /// The identifier chosen by the tenant; unique per tenant.
    pub identifier: PersonIdentifier,
}

/// A reference to a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PersonRef {
    /// The person with this id, which must exist.
    Id(PersonId),
    /// The person with this identifier. A write with an unknown identifier registers the person; a filter
    /// never does.
    Identifier(PersonIdentifier),
}

impl PersonRef {
    /// Combines the two optional references to a person. Returns `None` if neither is given.
    ///
    /// # Errors
    ///
    /// Returns an error if both are given, since they could contradict each other.
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
