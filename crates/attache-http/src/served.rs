//! What is served: the native API and the dialects beside it, each with its URLs, its table of
//! operations, what answers them, and its part of the OpenAPI document.

use futures_util::future::BoxFuture;
use http::Method;
use utoipa::openapi::OpenApi as Document;

use crate::app::App;
use crate::call::Call;
use crate::endpoints::{Answer, Native};
use crate::operations::Row;
use crate::problem::Problem;

/// The URLs of an API, as values that are parsed here and build their paths by `Display`, so that the
/// two cannot disagree.
pub(crate) trait Routes: Sized + Send + 'static {
    /// Reads a URL's path; `None` where it is none of these.
    fn parse(path: &str) -> Option<Self>;

    /// The route with its parameters named, as the API's table has it.
    fn template(&self) -> &'static str;
}

/// One API: a way to ask for what the service does.
pub(crate) trait Api: 'static {
    /// Its URLs.
    type Route: Routes;
    /// What it can be asked to do.
    type Operation: Copy + Send + Sync + 'static;

    /// Its table.
    fn operations() -> &'static [Row<Self::Operation>];

    /// Answers a request for an operation on a route.
    fn answer(
        app: &App,
        row: &'static Row<Self::Operation>,
        route: Self::Route,
        call: Call,
    ) -> impl Future<Output = Answer> + Send;

    /// Its part of the OpenAPI document.
    fn document() -> Document;
}

/// An API, whatever its types.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Served {
    find: fn(&str, &Method) -> Found,
    is_open: fn(&str) -> bool,
    rows: fn() -> Vec<Row<()>>,
    document: fn() -> Document,
}

/// What an API makes of a method and a path.
enum Found {
    /// The path is none of its own.
    NoRoute,
    /// The path is its own, and is asked with these methods only.
    Methods(Vec<Method>),
    Operation(Asked),
}

/// What answers a request, whatever the types of its API.
type Answering = dyn for<'a> FnOnce(&'a App, Call) -> BoxFuture<'a, Answer> + Send;

/// An operation that is asked for.
pub(crate) struct Asked {
    /// Its name in logs and metrics.
    pub(crate) name: &'static str,
    answer: Box<Answering>,
}

impl Asked {
    /// Answers it.
    pub(crate) fn answer(self, app: &App, call: Call) -> BoxFuture<'_, Answer> {
        (self.answer)(app, call)
    }
}

impl Served {
    /// The native API.
    pub(crate) const NATIVE: Self = Self::of::<Native>();

    pub(crate) const fn of<A: Api>() -> Self {
        Self {
            find: find::<A>,
            is_open: is_open::<A>,
            rows: rows::<A>,
            document: A::document,
        }
    }

    /// Its table.
    pub(crate) fn rows(&self) -> Vec<Row<()>> {
        (self.rows)()
    }

    /// Its part of the OpenAPI document.
    pub(crate) fn document(&self) -> Document {
        (self.document)()
    }
}

/// Finds the operation that a request asks for, in the first API that has it. Two may share a path,
/// with different methods.
///
/// # Errors
///
/// `not-found` where none has the path, `method-not-allowed` where none takes the method there.
pub(crate) fn find_operation(
    served: &[Served],
    path: &str,
    method: &Method,
) -> Result<Asked, Problem> {
    let mut allowed: Vec<Method> = Vec::new();
    for api in served {
        match (api.find)(path, method) {
            Found::Operation(asked) => return Ok(asked),
            Found::Methods(methods) => allowed.extend(methods),
            Found::NoRoute => {}
        }
    }
    if allowed.is_empty() {
        return Err(Problem::no_route());
    }
    if allowed.contains(&Method::GET) {
        allowed.push(Method::HEAD);
    }
    let names: Vec<&str> = allowed.iter().map(Method::as_str).collect();
    Err(Problem::method_not_allowed(&names.join(", ")))
}

/// Whether a path's answers are meant for any web page.
pub(crate) fn is_open_to_all_origins(served: &[Served], path: &str) -> bool {
    served.iter().any(|api| (api.is_open)(path))
}

fn rows_at<A: Api>(route: &A::Route) -> impl Iterator<Item = &'static Row<A::Operation>> {
    let template = route.template();
    let rows = A::operations().iter();
    rows.filter(move |row| row.template == template)
}

fn find<A: Api>(path: &str, method: &Method) -> Found {
    let Some(route) = A::Route::parse(path) else {
        return Found::NoRoute;
    };
    // A row for GET serves HEAD, too.
    let wanted = if method == Method::HEAD {
        &Method::GET
    } else {
        method
    };
    let Some(row) = rows_at::<A>(&route).find(|row| row.method == *wanted) else {
        return Found::Methods(rows_at::<A>(&route).map(|row| row.method.clone()).collect());
    };
    Found::Operation(Asked {
        name: row.name,
        answer: Box::new(move |app, call| Box::pin(A::answer(app, row, route, call))),
    })
}

fn is_open<A: Api>(path: &str) -> bool {
    A::Route::parse(path)
        .is_some_and(|route| rows_at::<A>(&route).any(|row| row.access.is_open_to_all_origins()))
}

fn rows<A: Api>() -> Vec<Row<()>> {
    A::operations().iter().map(Row::erased).collect()
}

#[cfg(test)]
pub(crate) mod tests {
    use std::fmt::{Debug, Display};

    use super::*;
    use crate::dialects::{Dialect, Dialects};
    use crate::operations::Access;
    use crate::route::tests::every_route;

    /// That an API's routes build what they parse, and that routes and operations belong together.
    /// `routes` has one of each route.
    pub(crate) fn check_routes<A>(routes: Vec<A::Route>)
    where
        A: Api,
        A::Route: Debug + Display + PartialEq,
    {
        let templates: Vec<_> = routes.iter().map(Routes::template).collect();
        for row in A::operations() {
            assert!(templates.contains(&row.template), "{}", row.name);
        }
        for route in routes {
            let path = route.to_string();
            let is_uri = path.is_ascii() && path.parse::<http::Uri>().is_ok();
            assert!(is_uri, "{path}");
            assert!(rows_at::<A>(&route).next().is_some(), "{path}");
            let open = rows_at::<A>(&route).any(|row| {
                let access = row.access;
                matches!(access, Access::Link | Access::Public)
            });
            assert_eq!(is_open::<A>(&path), open, "{path}");
            assert_eq!(A::Route::parse(&path), Some(route), "{path}");
        }
    }

    fn everything() -> Vec<Served> {
        Dialects::all().served()
    }

    /// Whether some path is one of both templates.
    fn overlap(left: &str, right: &str) -> bool {
        let (left, right) = (left.split('/'), right.split('/'));
        let any = |segment: &str| segment.starts_with('{');
        left.clone().count() == right.clone().count()
            && left
                .zip(right)
                .all(|(left, right)| left == right || any(left) || any(right))
    }

    #[test]
    fn no_request_asks_for_two_operations() {
        let rows: Vec<_> = everything().iter().flat_map(Served::rows).collect();
        for (at, row) in rows.iter().enumerate() {
            for other in &rows[..at] {
                let both = row.method == other.method && overlap(row.template, other.template);
                assert!(!both, "{} and {}", row.name, other.name);
                assert_ne!(row.name, other.name);
            }
        }
        assert!(overlap("/v1/files/url", "/v1/files/{id}"));
        assert!(!overlap("/v1/files", "/v1/files/{id}"));
    }

    #[test]
    fn native_routes_and_operations_belong_together() {
        check_routes::<Native>(every_route());
    }

    #[test]
    fn head_goes_where_get_goes_and_other_methods_are_named() {
        let found = find_operation(&everything(), "/v1/files", &Method::HEAD);
        assert_eq!(found.ok().unwrap().name, "list_files");
        let Found::Methods(methods) = find::<Native>("/v1/files", &Method::PUT) else {
            panic!("a method that is not there was found");
        };
        assert_eq!(methods, [Method::POST, Method::GET]);
    }

    #[test]
    fn a_dialect_that_is_off_has_no_paths() {
        for dialect in Dialect::ALL {
            for row in dialect.operations() {
                let path = row.template.replace(['{', '}'], "");
                let name = |served: &[Served]| {
                    let found = find_operation(served, &path, &row.method);
                    found.ok().map(|asked| asked.name)
                };
                assert_eq!(name(&everything()), Some(row.name), "{path}");
                assert_eq!(name(&Dialects::none().served()), None, "{path}");
                let alone: Dialects = [dialect].into_iter().collect();
                assert_eq!(name(&alone.served()), Some(row.name), "{path}");
            }
        }
    }
}
