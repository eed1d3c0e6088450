//! Text in many encodings and formats, and text that looks like something else.

use encoding_rs::Encoding;

use super::Row;

/// A sentence, encoded; the bytes of UTF-16 and UTF-32 are made by hand, as WHATWG encodes neither.
fn encoded(label: &str, text: &str) -> Vec<u8> {
    let encoding = Encoding::for_label(label.as_bytes()).unwrap();
    let (bytes, _, has_errors) = encoding.encode(text);
    assert!(!has_errors, "{label}: {text}");
    bytes.into_owned()
}

fn utf16(text: &str, mark: bool, write: fn(u16) -> [u8; 2]) -> Vec<u8> {
    let mark = mark.then_some(0xfeff);
    mark.into_iter()
        .chain(text.encode_utf16())
        .flat_map(write)
        .collect()
}

pub(super) fn encodings() -> Vec<Row> {
    let german = "Größe: 5 €\r\n";
    let japanese = "テストです、日本語。\n";
    let chinese = "你好，世界：文件\n";
    let russian = "явление, ящик и ять\r\n";
    let utf32: Vec<u8> = "\u{feff}Größe\n"
        .chars()
        .flat_map(|c| u32::from(c).to_le_bytes())
        .collect();
    let plain = "text/plain";
    vec![
        ("UTF-8", "a.txt", plain, german.as_bytes().to_vec()),
        (
            "UTF-8 with a byte order mark",
            "a.txt",
            plain,
            format!("\u{feff}{german}").into_bytes(),
        ),
        (
            "ASCII",
            "a.txt",
            "text/plain; charset=us-ascii",
            b"plain\n".to_vec(),
        ),
        (
            "windows-1252",
            "a.txt",
            plain,
            encoded("windows-1252", german),
        ),
        (
            "windows-1252, declared",
            "a.txt",
            "text/plain; charset=windows-1252",
            encoded("windows-1252", german),
        ),
        (
            "ISO 8859-15",
            "a.txt",
            "text/plain; charset=iso-8859-15",
            encoded("iso-8859-15", german),
        ),
        ("Shift-JIS", "a.txt", plain, encoded("shift_jis", japanese)),
        (
            "EUC-JP",
            "a.txt",
            "text/plain; charset=euc-jp",
            encoded("euc-jp", japanese),
        ),
        (
            "ISO 2022-JP",
            "a.txt",
            "text/plain; charset=iso-2022-jp",
            encoded("iso-2022-jp", japanese),
        ),
        ("GB 18030", "a.txt", plain, encoded("gb18030", chinese)),
        (
            "Big5",
            "a.txt",
            "text/plain; charset=big5",
            encoded("big5", "你好\n"),
        ),
        ("EUC-KR", "a.txt", plain, encoded("euc-kr", "안녕하세요\n")),
        (
            "windows-1251",
            "a.txt",
            plain,
            encoded("windows-1251", russian),
        ),
        (
            "KOI8-R",
            "a.txt",
            "text/plain; charset=koi8-r",
            encoded("koi8-r", russian),
        ),
        (
            "IBM 866",
            "a.txt",
            "text/plain; charset=ibm866",
            encoded("ibm866", russian),
        ),
        (
            "windows-1256",
            "a.txt",
            plain,
            encoded("windows-1256", "مرحبا\n"),
        ),
        (
            "UTF-16, little end, marked",
            "a.txt",
            plain,
            utf16(german, true, u16::to_le_bytes),
        ),
        (
            "UTF-16, big end, marked",
            "a.txt",
            "text/plain; charset=utf-16",
            utf16(japanese, true, u16::to_be_bytes),
        ),
        (
            "UTF-16, little end, unmarked",
            "a.txt",
            plain,
            utf16(german, false, u16::to_le_bytes),
        ),
        (
            "UTF-16, big end, declared",
            "a.txt",
            "text/plain; charset=utf-16be",
            utf16(japanese, false, u16::to_be_bytes),
        ),
        ("UTF-32, marked", "a.txt", plain, utf32),
        (
            "CSV in windows-1252",
            "a.csv",
            "text/csv",
            encoded("windows-1252", "Name;Größe\r\nA;1\r\n"),
        ),
        (
            "CSV in UTF-16, by Excel",
            "a.csv",
            "text/csv",
            utf16("Name\tGröße\r\n", true, u16::to_le_bytes),
        ),
        (
            "DOS text with its end of file",
            "a.txt",
            plain,
            b"Gr\x94\xe1e\r\n\x1a".to_vec(),
        ),
    ]
}

pub(super) fn formats() -> Vec<Row> {
    vec![
        ("empty text", "a.txt", "text/plain", Vec::new()),
        (
            "CSV",
            "a.csv",
            "text/comma-separated-values",
            b"a,b\n1,2\n".to_vec(),
        ),
        ("JSON", "a.json", "application/json", b"{\"a\":1}".to_vec()),
        (
            "JSON lines",
            "a.jsonl",
            "application/jsonl",
            b"{}\n{}\n".to_vec(),
        ),
        (
            "XML",
            "a.xml",
            "application/xml",
            b"<?xml version=\"1.0\"?><a/>".to_vec(),
        ),
        (
            "XML in UTF-16",
            "a.xml",
            "text/xml",
            utf16("<?xml version=\"1.0\"?><a/>", true, u16::to_le_bytes),
        ),
        (
            "HTML",
            "a.html",
            "text/html",
            b"<!DOCTYPE html><html>".to_vec(),
        ),
        (
            "SVG",
            "a.svg",
            "image/svg+xml",
            b"<svg xmlns=\"http://www.w3.org/2000/svg\"/>".to_vec(),
        ),
        (
            "Markdown",
            "a.md",
            "text/markdown",
            b"# Title\n<p align=center>\n".to_vec(),
        ),
        ("YAML", "a.yaml", "text/yaml", b"a: 1\n".to_vec()),
        (
            "JavaScript",
            "a.js",
            "text/javascript",
            b"alert(1)\n".to_vec(),
        ),
        ("CSS", "a.css", "text/css", b"a{}\n".to_vec()),
        (
            "log with colours",
            "a.log",
            "text/plain",
            b"\x1b[31merror\x1b[0m\n".to_vec(),
        ),
        (
            "type of one's own",
            "a.xyz",
            "application/x-own",
            b"\0\x01\x02own".to_vec(),
        ),
    ]
}

pub(super) fn lookalikes() -> Vec<Row> {
    let with_pdf = |before: &str| format!("{before} %PDF-1.7 %PDF-").into_bytes();
    vec![
        (
            "text about PDF",
            "a.txt",
            "text/plain",
            with_pdf("The header is"),
        ),
        (
            "CSV about PDF",
            "a.csv",
            "text/csv",
            with_pdf("name,header\npdf,"),
        ),
        (
            "JSON about PDF",
            "a.json",
            "application/json",
            b"{\"header\":\"%PDF-1.7\"}".to_vec(),
        ),
        (
            "Markdown about PDF",
            "a.md",
            "text/markdown",
            with_pdf("# PDF\n\n"),
        ),
        (
            "SVG about PDF",
            "a.svg",
            "image/svg+xml",
            b"<svg><!-- %PDF-1.4 --></svg>".to_vec(),
        ),
        (
            "XML about PDF",
            "a.xml",
            "text/xml",
            b"<?xml version=\"1.0\"?><a>%PDF-1.4</a>".to_vec(),
        ),
        (
            "HTML about PDF",
            "a.html",
            "text/html",
            b"<html>%PDF-1.4</html>".to_vec(),
        ),
        (
            "table of BMI",
            "a.csv",
            "text/csv",
            b"BMI;weight\n21;70\n".to_vec(),
        ),
        (
            "text about GIF",
            "a.txt",
            "text/plain",
            b"GIF89a is a format".to_vec(),
        ),
        (
            "text about tags",
            "a.md",
            "text/markdown",
            b"ID3 tags, explained".to_vec(),
        ),
        (
            "text that begins as MZ",
            "a.txt",
            "text/plain",
            b"MZ, an initial".to_vec(),
        ),
        (
            "text that begins as PK",
            "a.txt",
            "text/plain",
            b"PK\nis a country".to_vec(),
        ),
        (
            "windows-1251 that begins as MP3",
            "a.txt",
            "text/plain",
            b"\xff\xfb\xe9 \xff\xf2\xfc\r\n".to_vec(),
        ),
        (
            "HTML for Excel",
            "a.xls",
            "text/html",
            b"<html><table>".to_vec(),
        ),
    ]
}
