//! Links: signed URLs whose bearer may read one file until they expire.

use std::time::Duration;

use attache_model::{Actor, Context, FileId, FileState, Filename, RequestId, Timestamp};
use attache_signing::{LinkAction, LinkFields, LinkQuery, sign_link, verify_link};

use crate::access::{Action, authorise};
use crate::lifetime::check_lifetime;
use crate::{Download, FileService, ServiceError};

/// The description of a link to create.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LinkRequest {
    /// Download, or view in the browser if the type allows it.
    pub action: LinkAction,
    /// The lifetime in whole seconds; `None` for the default of 15 minutes.
    pub expires_in: Option<Duration>,
}

/// A link that was created: the parts of its URL.
#[derive(Debug, Clone)]
pub struct IssuedLink {
    /// The file, in the URL's path.
    pub file: FileId,
    /// The name under which the bytes are served, in the URL's path.
    pub filename: Filename,
    /// The URL's query.
    pub query: LinkQuery,
    /// The time at which it expires.
    pub expires_at: Timestamp,
}

impl FileService {
    /// Creates a link to an active file.
    ///
    /// # Errors
    ///
    /// `MissingScope`, `NotFound`, `Archived`; `Invalid` for a lifetime of less than a second or above
    /// the maximum.
    pub async fn create_link(
        &self,
        cx: &Context,
        id: FileId,
        request: LinkRequest,
    ) -> Result<IssuedLink, ServiceError> {
        authorise(cx, Action::CreateLink)?;
        let timing = &self.parts.timing;
        let lifetime = check_lifetime(
            request.expires_in,
            timing.default_link_lifetime,
            timing.max_link_lifetime,
        )?;
        let found = self.parts.repository.find_file(cx, id).await?;
        let record = found.ok_or(ServiceError::NotFound)?.record;
        if record.state() == FileState::Archived {
            return Err(ServiceError::Archived);
        }
        let expires_at = self.parts.clock.now().plus(lifetime).floor_to_second();
        let fields = LinkFields {
            action: request.action,
            tenant: cx.tenant(),
            file: id,
            filename: record.filename,
            expires_at: expires_at.as_seconds(),
        };
        let query = sign_link(&self.parts.key_ring.current(), &fields);
        Ok(IssuedLink {
            file: id,
            filename: fields.filename,
            query,
            expires_at,
        })
    }

    /// Opens the bytes that a link names. `pairs` are the decoded pairs of the URL's query.
    ///
    /// Nothing is looked up before the signature is verified.
    ///
    /// # Errors
    ///
    /// `InvalidLink`, `LinkExpired`; `NotFound` if the file was archived or deleted since.
    pub async fn open_link(
        &self,
        file: FileId,
        filename: &str,
        pairs: &[(String, String)],
        request_id: RequestId,
    ) -> Result<Download, ServiceError> {
        let now = self.parts.clock.now();
        let cap = self.parts.timing.verification_cap();
        let pairs = pairs.iter().map(|(name, value)| (name, value));
        let link = verify_link(
            &self.parts.key_ring.current(),
            file,
            filename,
            pairs,
            now,
            cap,
        )?;
        let LinkFields {
            action,
            tenant,
            filename,
            ..
        } = link.into_fields();
        let cx = Context::for_bearer(tenant, Actor::LinkBearer, request_id, now);
        self.open(&cx, file, Some(filename), action == LinkAction::View)
            .await
    }
}
