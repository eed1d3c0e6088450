//! Clients of the published APIs: the commands on their pages work with another host and another key.

mod biometricscloud;
mod credentials_portal;
mod dokstamp;
mod flexportal;
mod participant_files;
mod selection;
