//! Clients of the published APIs: what their pages tell them to type works here, with another host and
//! another key.

mod biometricscloud;
mod credentials_portal;
mod dokstamp;
mod flexportal;
mod participant_files;
mod switches;
