//! A response of the server, with the assertions that most stories make.

use bytes::Bytes;
use http::HeaderMap;
use serde_json::Value;

/// A response with its whole body.
#[derive(Debug, Clone)]
pub(crate) struct Response {
    /// The request, for messages.
    pub(crate) request: String,
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Response {
    /// Fails, showing the response, unless it has this status.
    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Self {
        assert_eq!(
            self.status,
            status,
            "{}\nheaders: {:?}\nbody: {}",
            self.request,
            self.headers,
            self.text()
        );
        self
    }

    /// Returns the problem document; fails unless it has this status and slug.
    #[track_caller]
    pub(crate) fn problem(self, status: u16, slug: &str) -> Value {
        let response = self.expect(status);
        assert_eq!(
            response.header("content-type"),
            "application/problem+json",
            "{}",
            response.request
        );
        let problem = response.json();
        let context = format!("{}\n{problem:#}", response.request);
        assert_eq!(
            problem["type"],
            format!("urn:attache:problem:{slug}"),
            "{context}"
        );
        assert_eq!(problem["status"], status, "{context}");
        for member in ["title", "detail", "request_id"] {
            assert!(
                problem[member]
                    .as_str()
                    .is_some_and(|text| !text.is_empty()),
                "{context}"
            );
        }
        assert_eq!(
            problem["request_id"],
            response.header("x-request-id"),
            "{context}"
        );
        problem
    }

    /// As [`problem`](Self::problem); the text of the document also contains `word`.
    #[track_caller]
    pub(crate) fn problem_mentioning(self, status: u16, slug: &str, word: &str) -> Value {
        let problem = self.problem(status, slug);
        let text = format!("{} {}", problem["detail"], problem["errors"]);
        assert!(
            text.contains(word),
            "`{word}` is not mentioned in {problem:#}"
        );
        problem
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{}: {error} in {}", self.request, self.text()))
    }

    /// Returns the value of a header; fails if it is absent.
    #[track_caller]
    pub(crate) fn header(&self, name: &str) -> &str {
        self.find_header(name)
            .unwrap_or_else(|| panic!("{}: no {name} in {:?}", self.request, self.headers))
    }

    pub(crate) fn find_header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The records of an upload or a list.
    #[track_caller]
    pub(crate) fn files(&self) -> Vec<Value> {
        match self.json()["files"].take() {
            Value::Array(files) => files,
            other => panic!("{}: `files` is {other}", self.request),
        }
    }

    /// The record of an upload of one file.
    #[track_caller]
    pub(crate) fn only_file(&self) -> Value {
        let mut files = self.files();
        assert_eq!(files.len(), 1, "{}: {files:#?}", self.request);
        files.remove(0)
    }
}
