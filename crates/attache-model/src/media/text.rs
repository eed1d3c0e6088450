//! Text: whether bytes are text in any charset, and what kind of markup it is.

/// Returns `true` if the type is a kind of text: binary bytes contradict it.
pub(super) fn is_text_type(name: &str) -> bool {
    name.starts_with("text/")
        || name.ends_with("+xml")
        || name.ends_with("+json")
        || matches!(
            name,
            "application/json"
                | "application/sql"
                | "application/toml"
                | "application/x-ndjson"
                | "application/yaml"
        )
}

/// Returns `true` if a charset is meaningful for this type.
pub(super) fn has_charset(name: &str) -> bool {
    is_text_type(name)
}

/// Returns `true` if a reader who is told no charset assumes another one than UTF-8. HTML and XML name
/// their own; JSON and the like are always UTF-8.
pub(super) fn needs_charset(name: &str) -> bool {
    name.starts_with("text/") && !matches!(name, "text/html" | "text/xml")
}

/// Returns `true` if the bytes are UTF-8 text without binary data. A character that is cut at the
/// end of `head` is allowed.
pub(super) fn is_utf8_text(head: &[u8]) -> bool {
    let is_utf8 =
        std::str::from_utf8(head).map_or_else(|error| error.error_len().is_none(), |_| true);
    is_utf8 && !has_binary(head)
}

/// Returns `true` if the bytes may be text: in the declared charset, in Unicode, or in one of the many that
/// keep to ASCII's control characters.
///
/// This is the rule by which browsers tell text from binary data (WHATWG MIME Sniffing, 7.2). A detector
/// of charsets would only guess which one it is.
pub(super) fn may_be_text(head: &[u8], charset: Option<&str>) -> bool {
    if !has_binary(head) {
        return true;
    }
    match head {
        [0xff, 0xfe, 0, 0, units @ ..] => is_utf32(units, u32::from_le_bytes),
        [0, 0, 0xfe, 0xff, units @ ..] => is_utf32(units, u32::from_be_bytes),
        [0xff, 0xfe, units @ ..] => is_utf16(units, u16::from_le_bytes),
        [0xfe, 0xff, units @ ..] => is_utf16(units, u16::from_be_bytes),
        units => match charset {
            Some("utf-32" | "utf-32be" | "utf32") => is_utf32(units, u32::from_be_bytes),
            Some("utf-32le") => is_utf32(units, u32::from_le_bytes),
            Some("utf-16be" | "unicodefffe") => is_utf16(units, u16::from_be_bytes),
            Some("utf-16" | "utf-16le" | "utf16" | "ucs-2" | "iso-10646-ucs-2" | "unicode") => {
                is_utf16(units, u16::from_le_bytes)
            }
            Some(_) => false,
            None => {
                is_unmarked_utf16(units, u16::from_le_bytes)
                    || is_unmarked_utf16(units, u16::from_be_bytes)
            }
        },
    }
}

/// Returns `true` if there is a byte that no text in an ASCII-like charset has. The end of file of DOS is
/// one that it may have, at its end.
fn has_binary(head: &[u8]) -> bool {
    let head = head.strip_suffix(b"\x1a").unwrap_or(head);
    head.iter()
        .any(|byte| matches!(byte, 0..=0x08 | 0x0b | 0x0e..=0x1a | 0x1c..=0x1f))
}

fn is_utf16(units: &[u8], read: impl Fn([u8; 2]) -> u16) -> bool {
    let (units, rest) = units.as_chunks::<2>();
    let decoded = char::decode_utf16(units.iter().map(|unit| read(*unit)));
    let count = units.len();
    rest.len() < 2
        && decoded.enumerate().all(|(at, it)| match it {
            Ok(c) => is_textual(c),
            // A pair that is cut at the end.
            Err(_) => at + 1 >= count,
        })
}

/// Returns `true` for UTF-16 without a byte order mark: a good part of it are letters, digits and blanks of
/// ASCII, as in most text of any language.
fn is_unmarked_utf16(units: &[u8], read: impl Fn([u8; 2]) -> u16 + Copy) -> bool {
    let ascii = |unit: &[u8; 2]| {
        u8::try_from(read(*unit)).is_ok_and(|it| it.is_ascii_graphic() || it.is_ascii_whitespace())
    };
    let (chunks, rest) = units.as_chunks::<2>();
    let ascii = chunks.iter().filter(|unit| ascii(unit)).count();
    rest.is_empty() && ascii * 10 > chunks.len() && is_utf16(units, read)
}

fn is_utf32(units: &[u8], read: impl Fn([u8; 4]) -> u32) -> bool {
    let (units, rest) = units.as_chunks::<4>();
    let mut decoded = units.iter().map(|unit| char::from_u32(read(*unit)));
    rest.is_empty() && decoded.all(|it| it.is_some_and(is_textual))
}

fn is_textual(c: char) -> bool {
    !c.is_control() || matches!(c, '\n' | '\r' | '\t' | '\u{c}' | '\u{1b}' | '\u{85}')
}

/// Returns the kind of markup that text begins with (WHATWG MIME Sniffing, 7.1).
pub(super) fn markup(head: &[u8]) -> Option<&'static str> {
    const HTML: [&[u8]; 17] = [
        b"<!doctype html",
        b"<html",
        b"<head",
        b"<script",
        b"<iframe",
        b"<h1",
        b"<div",
        b"<font",
        b"<table",
        b"<a",
        b"<style",
        b"<title",
        b"<b",
        b"<body",
        b"<br",
        b"<p",
        b"<!--",
    ];
    if !may_be_text(head, None) {
        return None;
    }
    let head = head
        .strip_prefix(b"\xef\xbb\xbf")
        .unwrap_or(head)
        .trim_ascii_start();
    let begins_with = |tag: &[u8]| {
        head.split_at_checked(tag.len())
            .is_some_and(|(start, rest)| {
                start.eq_ignore_ascii_case(tag)
                    && rest
                        .first()
                        .is_none_or(|byte| !byte.is_ascii_alphanumeric())
            })
    };
    if head.starts_with(b"<?xml") {
        Some("text/xml")
    } else if begins_with(b"<svg") {
        Some("image/svg+xml")
    } else if HTML.into_iter().any(begins_with) {
        Some("text/html")
    } else {
        None
    }
}
