//! The verbs without HTTP, on SQLite and a store in memory whose faults are scripted.

mod service {
    mod authorising;
    mod downloading;
    mod listing;
    mod reaping;
    mod support;
    mod uploading;
}
