//! The declaration of an endpoint: one row with its access and its handler. Method, path and operation are
//! read from the `#[utoipa::path]` beside the handler, so that nothing is written twice.

use attache_model::Context;
use attache_service::{Action, FileService};
use futures_util::future::BoxFuture;
use http::Method;
use utoipa::openapi::OpenApi as Document;

use crate::answer::Answer;
use crate::call::Call;
use crate::problem::Problem;
use crate::state::App;

/// The callers that an endpoint admits. Keys are authenticated and their actions authorised before the
/// handler is called, so that no handler can forget to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// A principal that may do this.
    Key(Action),
    /// A principal that may do all of these.
    KeyForAll(&'static [Action]),
    /// A principal that may do some of these. The request decides which, so the handler authorises.
    KeyForSome(&'static [Action]),
    /// The bearer of a valid link.
    Link,
    /// Anyone, for what was made public.
    Public,
    /// Anyone: the response says nothing about any tenant.
    Open,
}

impl Access {
    /// Returns the actions that a principal needs at most; empty if no key is needed.
    pub const fn actions(&self) -> &[Action] {
        match self {
            Self::Key(action) => std::slice::from_ref(action),
            Self::KeyForAll(actions) | Self::KeyForSome(actions) => actions,
            Self::Link | Self::Public | Self::Open => &[],
        }
    }

    /// Returns `true` if the endpoint takes an API key.
    pub const fn needs_key(&self) -> bool {
        matches!(
            self,
            Self::Key(_) | Self::KeyForAll(_) | Self::KeyForSome(_)
        )
    }

    /// Returns `true` if web pages of any origin may read the responses: they are signed or public.
    pub(crate) const fn is_open_to_all_origins(&self) -> bool {
        matches!(self, Self::Link | Self::Public)
    }
}

/// Refuses a principal that may not do all of these actions.
///
/// The verbs of the service authorise again. Here it happens for all actions first, so that an endpoint
/// with several verbs does not do one of them alone.
pub(crate) fn authorise_all(
    service: &FileService,
    cx: &Context,
    actions: &[Action],
) -> Result<(), Problem> {
    for action in actions {
        service.authorise(cx, *action)?;
    }
    Ok(())
}

/// An endpoint as others see it: for tests, metrics and documentation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct EndpointInfo {
    /// The name in logs, metrics and the OpenAPI document.
    pub name: &'static str,
    /// The method. An endpoint for GET serves HEAD too.
    pub method: &'static Method,
    /// The path, with its parameters in braces.
    pub template: &'static str,
    /// The callers it admits.
    pub access: Access,
}

/// The function that serves an endpoint. Only endpoints with a key are given the principal, and they
/// cannot be declared without one.
#[derive(Clone, Copy)]
pub(crate) enum Handler {
    Keyed(for<'a> fn(&'a App, Context, Call) -> BoxFuture<'a, Answer>),
    Keyless(for<'a> fn(&'a App, Call) -> BoxFuture<'a, Answer>),
}

/// One row of a table of endpoints, written with [`endpoint!`].
pub(crate) struct Endpoint {
    pub(crate) name: &'static str,
    pub(crate) access: Access,
    pub(crate) handler: Handler,
    /// The description beside the handler, made on first use.
    pub(crate) description: fn() -> &'static Description,
}

impl Endpoint {
    pub(crate) fn info(&self) -> EndpointInfo {
        let description = (self.description)();
        EndpointInfo {
            name: self.name,
            method: &description.method,
            template: &description.template,
            access: self.access,
        }
    }
}

/// The content of the `#[utoipa::path]` beside a handler.
pub(crate) struct Description {
    method: Method,
    template: String,
    /// The part of the OpenAPI document: the operation, and the schemas it refers to.
    pub(crate) document: Document,
}

impl Description {
    pub(crate) fn new(document: Document) -> Self {
        let (template, item) = document
            .paths
            .paths
            .iter()
            .next()
            .unwrap_or_else(|| unreachable!("utoipa describes one path for each handler"));
        let methods = [
            (Method::GET, &item.get),
            (Method::POST, &item.post),
            (Method::PUT, &item.put),
            (Method::PATCH, &item.patch),
            (Method::DELETE, &item.delete),
        ];
        let described = methods
            .into_iter()
            .find(|(_, operation)| operation.is_some());
        let (method, _) = described
            .unwrap_or_else(|| unreachable!("utoipa describes one method for each handler"));
        Self {
            method,
            template: template.clone(),
            document,
        }
    }
}

/// Declares an endpoint: the handler, by its module and name, and its [`Access`].
///
/// A handler with a key is an `async fn(&App, Context, Call) -> Answer`, one without is an
/// `async fn(&App, Call) -> Answer`.
macro_rules! endpoint {
    ($module:ident::$handler:ident, $access:ident($actions:expr)) => {
        endpoint!(
            @row $module::$handler,
            $access($actions),
            Keyed(|app, cx, call| Box::pin($module::$handler(app, cx, call)))
        )
    };
    ($module:ident::$handler:ident, $access:ident) => {
        endpoint!(
            @row $module::$handler,
            $access,
            Keyless(|app, call| Box::pin($module::$handler(app, call)))
        )
    };
    (@row $module:ident::$handler:ident, $access:expr, $kind:ident($call:expr)) => {{
        use $crate::endpoint::Access::*;

        #[derive(utoipa::OpenApi)]
        #[openapi(paths($module::$handler))]
        struct Described;

        $crate::endpoint::Endpoint {
            name: stringify!($handler),
            access: $access,
            handler: $crate::endpoint::Handler::$kind($call),
            description: || {
                static DESCRIPTION: std::sync::LazyLock<$crate::endpoint::Description> =
                    std::sync::LazyLock::new(|| {
                        $crate::endpoint::Description::new(<Described as utoipa::OpenApi>::openapi())
                    });
                &DESCRIPTION
            },
        }
    }};
}

pub(crate) use endpoint;
