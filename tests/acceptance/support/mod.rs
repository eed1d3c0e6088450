//! The tools that the stories share: a server, a client, a bare socket, and a few fixtures.

mod backends;
mod binary;
mod client;
mod command;
mod credentials_endpoint;
mod curl;
mod fixtures;
mod form;
mod home;
mod pairing;
mod pending_upload;
mod raw;
mod repetitions;
mod response;
mod server;
mod shape;
mod skip;
mod wait;

pub(crate) use backends::Backends;
pub(crate) use client::{Client, Request};
pub(crate) use command::run;
pub(crate) use credentials_endpoint::CredentialsEndpoint;
pub(crate) use curl::PageReader;
pub(crate) use fixtures::{
    ALL_SCOPES, HTML, PDF, PNG, SVG, UNKNOWN_ID, encode_segment, id_of, noise, sha256_hex,
};
pub(crate) use form::Form;
pub(crate) use home::Options;
pub(crate) use pairing::{Capability, pairing_has, presigns_requests};
pub(crate) use pending_upload::{
    assert_nothing_left, begin, begin_to_any_url, complete, declared_upload, finish, send, state,
    undeclared_upload, upload_path, upload_url,
};
pub(crate) use raw::RawConnection;
pub(crate) use repetitions::repetitions;
pub(crate) use response::Response;
pub(crate) use server::Server;
pub(crate) use shape::assert_shape;
pub(crate) use skip::{has_program, skip};
pub(crate) use wait::eventually;
