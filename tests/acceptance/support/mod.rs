//! What the stories share: a server, a client, a bare socket, and a few fixtures.

mod answer;
mod binary;
mod client;
mod command;
mod curl;
mod fixtures;
mod form;
mod identities;
mod pairing;
mod promise;
mod raw;
mod server;
mod shape;
mod skip;
mod wait;

pub(crate) use answer::Answer;
pub(crate) use client::{Client, Request};
pub(crate) use command::run;
pub(crate) use curl::Page;
pub(crate) use fixtures::{
    ALL_SCOPES, HTML, PDF, PNG, SVG, UNKNOWN_ID, encode_segment, id_of, noise, sha256_hex,
};
pub(crate) use form::Form;
pub(crate) use identities::Identities;
pub(crate) use pairing::{Needs, Place, has_story, signs_requests};
pub(crate) use promise::{
    assert_nothing_left, begin, begin_anywhere, complete, finish, loose_promise, send, state,
    upload_of, url_of, whole_promise,
};
pub(crate) use raw::RawConnection;
pub(crate) use server::{Options, Server};
pub(crate) use shape::assert_shape;
pub(crate) use skip::{has_program, skip};
pub(crate) use wait::eventually;
