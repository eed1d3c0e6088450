#![doc = include_str!("../README.md")]

mod app;
mod base64;
mod call;
mod conditional;
mod content_disposition;
mod cors;
mod dialects;
mod endpoints;
mod entity_tag;
mod json_body;
mod json_budget;
mod multipart;
mod openapi;
mod operations;
mod percent;
mod problem;
mod public_url;
mod query;
mod range;
mod readiness;
mod response;
mod route;
mod served;
mod service;
mod views;

pub use app::HttpConfig;
pub use dialects::{Dialect, Dialects};
pub use operations::{Access, OPERATIONS, Operation, Row};
pub use public_url::PublicUrl;
pub use response::ResponseBody;
pub use route::Route;
pub use service::{HttpService, OperationName};
