//! The page for a person who opens a link that does not work.

use attache_model::RequestId;
use http::header::{CONTENT_TYPE, VARY};
use http::request::Parts;
use http::{HeaderValue, Method, Response};

use crate::endpoint::Access;
use crate::page_policy::PagePolicy;
use crate::problem::{Problem, ProblemKind};
use crate::wire::accept::prefers_html;
use crate::wire::response_body::ResponseBody;

/// The form that a problem takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// A document for every client.
    Document,
    /// A document, because the client does not ask for a page.
    RequestedDocument,
    /// A page, because a browser asks for one.
    RequestedPage,
}

/// Returns the form of a problem: a person who follows a link, or opens a public file, gets a page.
pub(crate) fn form(access: Access, request: &Parts) -> Form {
    let is_read = request.method == Method::GET || request.method == Method::HEAD;
    if !is_read || !matches!(access, Access::Link | Access::Public) {
        return Form::Document;
    }
    if prefers_html(&request.headers) {
        Form::RequestedPage
    } else {
        Form::RequestedDocument
    }
}

/// Writes a problem in this form.
pub(crate) fn respond(
    problem: Problem,
    form: Form,
    request_id: &RequestId,
    policy: &PagePolicy,
) -> Response<ResponseBody> {
    let mut response = match form {
        Form::RequestedPage => respond_with_page(problem, request_id, policy),
        Form::Document | Form::RequestedDocument => problem.into_response(request_id),
    };
    if form != Form::Document {
        let names = HeaderValue::from_static("accept");
        response.headers_mut().append(VARY, names);
    }
    response
}

/// Writes a problem as a page: the status and headers of the problem, in words for the reader of a link.
fn respond_with_page(
    problem: Problem,
    request_id: &RequestId,
    policy: &PagePolicy,
) -> Response<ResponseBody> {
    let (title, advice) = words(problem.kind());
    let page = page(title, advice, request_id.as_str());
    let (parts, _) = problem.into_response(request_id).into_parts();
    let mut response = Response::from_parts(parts, ResponseBody::full(page));
    let headers = response.headers_mut();
    headers.insert(
        CONTENT_TYPE,
        HeaderValue::from_static("text/html; charset=utf-8"),
    );
    policy.protect_notice(headers);
    response
}

/// Returns what happened, and what the reader can do.
fn words(kind: ProblemKind) -> (&'static str, &'static str) {
    match kind {
        ProblemKind::LinkExpired => (
            "This link has expired",
            "Links work for a limited time. Ask the person or the site that gave you this one for a \
             new link.",
        ),
        ProblemKind::InvalidLink => (
            "This link is not valid",
            "It may have been shortened or changed on the way. Copy the whole link and try again, or \
             ask for a new one.",
        ),
        ProblemKind::NotFound => (
            "This file is not here",
            "It may have been removed, or the link is wrong. Ask the person or the site that gave \
             you the link.",
        ),
        ProblemKind::FileHeld => (
            "This file is still being checked",
            "Try again in a few minutes.",
        ),
        ProblemKind::Unavailable => (
            "The file cannot be shown just now",
            "Try again in a few minutes.",
        ),
        _ => (
            "The file cannot be shown",
            "If it does not work later either, tell the person or the site that gave you the link.",
        ),
    }
}

/// Returns the page. Only the request ID is not ours.
fn page(title: &str, advice: &str, request_id: &str) -> String {
    let request_id = escape(request_id);
    format!(
        r#"<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<style>
body {{ font: 1rem/1.5 system-ui, sans-serif; max-width: 34rem; margin: 15vh auto; padding: 0 1.5rem; }}
h1 {{ font-size: 1.5rem; }}
small {{ opacity: 0.7; overflow-wrap: anywhere; }}
</style>
</head>
<body>
<main>
<h1>{title}</h1>
<p>{advice}</p>
<p><small>If you report this, name the request: {request_id}</small></p>
</main>
</body>
</html>
"#
    )
}

/// Escapes text for an element's content.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn request_id_cannot_add_markup() {
        let page = page("t", "a", "<script>alert(1)</script>&amp;");
        assert!(!page.contains("<script"), "{page}");
        assert!(
            page.contains("&lt;script&gt;alert(1)&lt;/script&gt;&amp;amp;"),
            "{page}"
        );
    }
}
