//! Finds the endpoint that a method and a path ask for.

use http::Method;

use crate::dialects::{DialectSpec, Dialects};
use crate::endpoint::{Endpoint, EndpointInfo};
use crate::native;
use crate::path_params::PathParams;
use crate::problem::Problem;

/// The endpoints of the native API and of the dialects that are switched on.
pub(crate) struct Router {
    routes: Vec<Route>,
}

/// An endpoint that is served.
#[derive(Clone, Copy)]
pub(crate) struct Route {
    pub(crate) endpoint: &'static Endpoint,
    pub(crate) info: EndpointInfo,
    /// The dialect that it belongs to; `None` for the native API.
    pub(crate) dialect: Option<&'static DialectSpec>,
}

impl Route {
    fn new(endpoint: &'static Endpoint, dialect: Option<&'static DialectSpec>) -> Self {
        Self {
            endpoint,
            info: endpoint.info(),
            dialect,
        }
    }

    /// Matches a path segment by segment; a segment in braces is a parameter and takes any text, the
    /// empty one included.
    fn matches(&self, path: &str) -> Option<PathParams> {
        let mut params = PathParams::default();
        let mut template = self.info.template.split('/');
        for segment in path.split('/') {
            let expected = template.next()?;
            if let Some(name) = parameter_name(expected) {
                params.push(name, segment);
            } else if segment != expected {
                return None;
            }
        }
        template.next().is_none().then_some(params)
    }
}

fn parameter_name(segment: &'static str) -> Option<&'static str> {
    segment.strip_prefix('{')?.strip_suffix('}')
}

impl Router {
    pub(crate) fn new(dialects: &Dialects) -> Self {
        let native = native::ENDPOINTS.iter().map(|row| Route::new(row, None));
        let of_dialect = |spec: &'static DialectSpec| {
            let endpoints = spec.endpoints.iter();
            endpoints.map(move |row| Route::new(row, Some(spec)))
        };
        let of_dialects = dialects.specs().flat_map(of_dialect);
        Self {
            routes: native.chain(of_dialects).collect(),
        }
    }

    pub(crate) fn routes(&self) -> &[Route] {
        &self.routes
    }

    /// Finds the endpoint of a request. Two may share a path, with different methods; HEAD goes where
    /// GET goes.
    ///
    /// # Errors
    ///
    /// `not-found` if no endpoint has the path, `method-not-allowed` if none takes the method there.
    pub(crate) fn find<'s>(
        &'s self,
        method: &Method,
        path: &str,
    ) -> Result<(&'s Route, PathParams), Problem> {
        let wanted = if method == Method::HEAD {
            &Method::GET
        } else {
            method
        };
        let mut allowed = Vec::new();
        for (route, params) in self.at(path) {
            if route.info.method == wanted {
                return Ok((route, params));
            }
            allowed.push(route.info.method.as_str());
        }
        if allowed.is_empty() {
            return Err(Problem::no_route());
        }
        Err(Problem::method_not_allowed(&with_head(allowed)))
    }

    /// Returns the value of an `Allow` header at a path; `None` if no endpoint has the path.
    pub(crate) fn allowed_methods(&self, path: &str) -> Option<String> {
        // `OPTIONS *` asks about the server as a whole.
        let routes: Vec<&Route> = match path {
            "*" => self.routes.iter().collect(),
            _ => self.at(path).map(|(route, _)| route).collect(),
        };
        let mut methods = Vec::new();
        for route in routes {
            let method = route.info.method.as_str();
            if !methods.contains(&method) {
                methods.push(method);
            }
        }
        (!methods.is_empty()).then(|| with_head(methods) + ", OPTIONS")
    }

    /// Returns `true` if web pages of any origin may read the responses at a path.
    pub(crate) fn is_open_to_all_origins(&self, path: &str) -> bool {
        self.at(path)
            .any(|(route, _)| route.info.access.is_open_to_all_origins())
    }

    /// Returns the endpoints of a path. A slash at its end is forgiven, but not in a signed or public
    /// URL: such a path ends in a filename.
    fn at<'s>(&'s self, path: &str) -> impl Iterator<Item = (&'s Route, PathParams)> + use<'s> {
        let all = |path: &str| -> Vec<(&'s Route, PathParams)> {
            let matching = |route: &'s Route| Some((route, route.matches(path)?));
            let mut found: Vec<_> = self.routes.iter().filter_map(matching).collect();
            // A path that is written out goes before one with parameters, as OpenAPI has it: `raw` is no ID.
            let is_exact = |route: &Route| !route.info.template.contains('{');
            if found.iter().any(|(route, _)| is_exact(route)) {
                found.retain(|(route, _)| is_exact(route));
            }
            found
        };
        // Two slashes enclose an empty segment, which is no ID.
        let forgiven = path.strip_suffix('/').filter(|rest| !rest.ends_with('/'));
        let mut found = forgiven.map(all).unwrap_or_default();
        found.retain(|(route, _)| !route.info.access.is_open_to_all_origins());
        if found.is_empty() {
            found = all(path);
        }
        found.into_iter()
    }
}

/// Lists methods; HEAD goes where GET goes.
fn with_head(mut methods: Vec<&str>) -> String {
    if methods.contains(&"GET") {
        methods.push("HEAD");
    }
    methods.join(", ")
}

/// Returns every endpoint that is served with these dialects: those of the native API, then those of each
/// dialect.
pub fn endpoints(dialects: &Dialects) -> impl Iterator<Item = EndpointInfo> + use<> {
    let routes = Router::new(dialects).routes;
    routes.into_iter().map(|route| route.info)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialects::Dialect;

    fn everything() -> Router {
        Router::new(&Dialects::all())
    }

    fn found(router: &Router, method: &Method, path: &str) -> Option<&'static str> {
        let found = router.find(method, path);
        found.ok().map(|(route, _)| route.info.name)
    }

    /// Returns `true` if some path matches both templates.
    fn overlap(left: &str, right: &str) -> bool {
        let (left, right) = (left.split('/'), right.split('/'));
        let any = |segment: &str| segment.starts_with('{');
        left.clone().count() == right.clone().count()
            && left
                .zip(right)
                .all(|(left, right)| left == right || any(left) || any(right))
    }

    #[test]
    fn requests_match_at_most_one_endpoint() {
        let router = everything();
        for (at, route) in router.routes().iter().enumerate() {
            for other in &router.routes()[..at] {
                let (one, two) = (route.info, other.info);
                let both = one.method == two.method && overlap(one.template, two.template);
                assert!(!both, "{} and {}", one.name, two.name);
                assert_ne!(one.name, two.name);
            }
        }
        assert!(overlap("/v1/files/url", "/v1/files/{id}"));
        assert!(!overlap("/v1/files", "/v1/files/{id}"));
    }

    #[test]
    fn every_template_leads_to_its_endpoint() {
        let router = everything();
        for route in router.routes() {
            let path = route.info.template.replace(['{', '}'], "");
            let name = found(&router, route.info.method, &path);
            assert_eq!(name, Some(route.info.name), "{path}");
            let open = route.info.access.is_open_to_all_origins();
            assert!(!open || router.is_open_to_all_origins(&path), "{path}");
        }
        assert!(!router.is_open_to_all_origins("/v1/files"));
    }

    #[test]
    fn head_goes_to_get_and_405_names_the_methods() {
        let router = everything();
        let name = found(&router, &Method::HEAD, "/v1/files");
        assert_eq!(name, Some("list_files"));
        let refused = router
            .find(&Method::PUT, "/v1/files")
            .err()
            .expect("a problem");
        let allow = refused.header(http::header::ALLOW);
        assert_eq!(allow.expect("Allow"), "POST, GET, HEAD");
    }

    #[test]
    fn written_out_path_has_no_methods_of_an_id() {
        let router = everything();
        for path in ["/v1/files/raw", "/v1/files/json", "/v1/files/url"] {
            assert_eq!(found(&router, &Method::PATCH, path), None, "{path}");
            let allowed = router.allowed_methods(path);
            assert_eq!(allowed.as_deref(), Some("POST, OPTIONS"), "{path}");
        }
    }

    #[test]
    fn unknown_paths_lead_nowhere() {
        for path in [
            "",
            "/",
            "/v1",
            "/v1/files/x/y",
            "/v2/files",
            "/v1/files/x/content//",
            "/v1/links/x/a.pdf/",
            "/v1/public/x/a.pdf/",
            "/v1/uploads/x/content/",
        ] {
            assert_eq!(found(&everything(), &Method::GET, path), None, "{path}");
        }
    }

    #[test]
    fn slash_at_the_end_is_forgiven() {
        let router = everything();
        for (path, name) in [
            ("/v1/files/", Some("list_files")),
            ("/v1/files/x/", Some("get_file")),
            ("/v1/files/x/content/", Some("read_content")),
            ("/livez/", Some("check_live")),
            // An empty name, not the list of links.
            ("/v1/public/x/", Some("read_public")),
            // An empty segment at the end is no ID.
            ("/v1/files//", None),
            ("/v1/files//content/", Some("read_content")),
        ] {
            assert_eq!(found(&router, &Method::GET, path), name, "{path}");
        }
    }

    #[test]
    fn allowed_methods_are_those_of_the_path() {
        let router = everything();
        for (path, allowed) in [
            ("/v1/files", Some("POST, GET, HEAD, OPTIONS")),
            ("/v1/files/x/claim", Some("POST, DELETE, OPTIONS")),
            ("*", Some("POST, GET, PATCH, DELETE, PUT, HEAD, OPTIONS")),
            ("/nowhere", None),
            ("/", None),
        ] {
            assert_eq!(router.allowed_methods(path).as_deref(), allowed, "{path}");
        }
    }

    #[test]
    fn dialect_that_is_off_has_no_paths() {
        let (all, none) = (everything(), Router::new(&Dialects::none()));
        for dialect in Dialect::all() {
            let alone = Router::new(&[dialect].into_iter().collect());
            let of_dialect = |route: &&Route| route.dialect.is_some();
            assert!(alone.routes().iter().any(|route| of_dialect(&route)));
            for Route { info, .. } in alone.routes().iter().filter(of_dialect) {
                let path = info.template.replace(['{', '}'], "");
                for (router, name) in [
                    (&all, Some(info.name)),
                    (&alone, Some(info.name)),
                    (&none, None),
                ] {
                    assert_eq!(found(router, info.method, &path), name, "{path}");
                }
            }
        }
    }
}
