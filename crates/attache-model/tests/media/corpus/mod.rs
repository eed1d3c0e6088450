//! Small files of many types, made here: each has what its type is told by, and little more.

mod documents;
mod make;
mod recordings;
mod records;
mod texts;

/// A file, and the type that it is truly declared as.
#[derive(Debug, Clone)]
pub(crate) struct Sample {
    /// The kind of file, and the program that writes such ones.
    pub(crate) label: &'static str,
    pub(crate) filename: &'static str,
    /// The type, perhaps by an alias, with its charset where a client would send one.
    pub(crate) declared: &'static str,
    pub(crate) bytes: Vec<u8>,
}

type Row = (&'static str, &'static str, &'static str, Vec<u8>);

/// Returns every sample.
pub(crate) fn samples() -> Vec<Sample> {
    let groups = [
        documents::rows(),
        records::rows(),
        recordings::pictures(),
        recordings::sound_and_film(),
        recordings::archives(),
        texts::encodings(),
        texts::formats(),
        texts::lookalikes(),
    ];
    let rows = groups.into_iter().flatten();
    let sample = |(label, filename, declared, bytes)| Sample {
        label,
        filename,
        declared,
        bytes,
    };
    rows.map(sample).collect()
}
