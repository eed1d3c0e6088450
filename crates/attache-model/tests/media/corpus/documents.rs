//! Documents: PDF as it is found, office formats by several writers.

use super::Row;
use super::make::{compound, join, streamed_zip, zip};

const DOCX: &str = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";
const XLSX: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
const PPTX: &str = "application/vnd.openxmlformats-officedocument.presentationml.presentation";
const DOTX: &str = "application/vnd.openxmlformats-officedocument.wordprocessingml.template";
const XLSM: &str = "application/vnd.ms-excel.sheet.macroEnabled.12";
const ODT: &str = "application/vnd.oasis.opendocument.text";
const ODS: &str = "application/vnd.oasis.opendocument.spreadsheet";
const ODP: &str = "application/vnd.oasis.opendocument.presentation";
const TYPES: (&str, &[u8]) = ("[Content_Types].xml", b"<?xml version=\"1.0\"?><Types/>");
const RELS: (&str, &[u8]) = ("_rels/.rels", b"<?xml version=\"1.0\"?><Relationships/>");

pub(super) fn rows() -> Vec<Row> {
    [pdf(), open_xml(), open_document(), compound_files()].concat()
}

fn pdf() -> Vec<Row> {
    let pdf = "application/pdf";
    let body = &b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n"[..];
    let dicom_like = [&[b' '; 900][..], body].concat();
    vec![
        ("PDF", "a.pdf", pdf, body.to_vec()),
        (
            "PDF, ASCII only",
            "a.pdf",
            pdf,
            b"%PDF-1.4\n1 0 obj\n<<>>\nendobj\n".to_vec(),
        ),
        (
            "PDF behind a byte order mark",
            "a.pdf",
            "application/x-pdf",
            join(&[b"\xef\xbb\xbf", body]),
        ),
        (
            "PDF behind blank lines",
            "a.pdf",
            pdf,
            join(&[b"\r\n\r\n \t", body]),
        ),
        ("PDF behind zeros", "a.pdf", pdf, join(&[&[0; 128], body])),
        (
            "PDF for a printer (PJL)",
            "a.pdf",
            pdf,
            join(&[b"\x1b%-12345X@PJL ENTER LANGUAGE=PDF\r\n", body]),
        ),
        (
            "PDF behind a header of HTTP",
            "a.pdf",
            pdf,
            join(&[b"Content-Type: application/pdf\r\n\r\n", body]),
        ),
        (
            "PDF behind a warning of PHP",
            "a.pdf",
            pdf,
            join(&[b"<br />\n<b>Warning</b>: x in y\n", body]),
        ),
        (
            "PDF behind MacBinary",
            "a.pdf",
            pdf,
            join(&[b"\0\x05a.pdf", &[0; 121], body]),
        ),
        ("PDF behind 900 blanks", "a.pdf", pdf, dicom_like),
        (
            "Illustrator's PDF",
            "a.ai",
            "application/illustrator",
            body.to_vec(),
        ),
    ]
}

fn open_xml() -> Vec<Row> {
    let document: (&str, &[u8]) = ("word/document.xml", b"<w:document/>");
    let properties: (&str, &[u8]) = ("docProps/app.xml", b"<Properties/>");
    vec![
        (
            "docx by Word",
            "a.docx",
            DOCX,
            zip(&[TYPES, RELS, document]),
        ),
        (
            "docx by python-docx",
            "a.docx",
            DOCX,
            zip(&[
                TYPES,
                RELS,
                ("docProps/core.xml", b"<x/>"),
                properties,
                document,
            ]),
        ),
        (
            "docx by LibreOffice",
            "a.docx",
            DOCX,
            streamed_zip(&[
                RELS,
                properties,
                ("word/_rels/document.xml.rels", b"<x/>"),
                document,
                TYPES,
            ]),
        ),
        (
            "docx by Google Docs",
            "a.docx",
            DOCX,
            streamed_zip(&[
                ("word/numbering.xml", b"<x/>"),
                ("word/settings.xml", b"<x/>"),
                document,
                RELS,
                TYPES,
            ]),
        ),
        (
            "docx by docx4j",
            "a.docx",
            DOCX,
            streamed_zip(&[TYPES, document, RELS]),
        ),
        (
            "docx with a large first member",
            "a.docx",
            DOCX,
            zip(&[("[Content_Types].xml", &[b'x'; 9000]), document]),
        ),
        ("dotx", "a.dotx", DOTX, zip(&[TYPES, RELS, document])),
        (
            "docx, encrypted",
            "a.docx",
            DOCX,
            compound(1, &["EncryptedPackage", "EncryptionInfo"]),
        ),
        (
            "xlsx by Excel",
            "a.xlsx",
            XLSX,
            zip(&[TYPES, RELS, ("xl/workbook.xml", b"<workbook/>")]),
        ),
        (
            "xlsx by openpyxl",
            "a.xlsx",
            XLSX,
            zip(&[
                ("docProps/app.xml", b"<x/>"),
                ("xl/theme/theme1.xml", b"<x/>"),
                ("xl/workbook.xml", b"<x/>"),
                RELS,
                TYPES,
            ]),
        ),
        (
            "xlsx by Apache POI",
            "a.xlsx",
            XLSX,
            streamed_zip(&[
                TYPES,
                RELS,
                ("docProps/core.xml", b"<x/>"),
                ("xl/sharedStrings.xml", b"<x/>"),
            ]),
        ),
        (
            "xlsm",
            "a.xlsm",
            XLSM,
            zip(&[TYPES, RELS, ("xl/workbook.xml", b"<workbook/>")]),
        ),
        (
            "pptx by PowerPoint",
            "a.pptx",
            PPTX,
            zip(&[TYPES, RELS, ("ppt/presentation.xml", b"<p/>")]),
        ),
        (
            "pptx by python-pptx",
            "a.pptx",
            PPTX,
            zip(&[
                TYPES,
                RELS,
                ("docProps/app.xml", b"<x/>"),
                ("ppt/slides/slide1.xml", b"<p/>"),
            ]),
        ),
        (
            "vsdx",
            "a.vsdx",
            "application/vnd.ms-visio.drawing",
            zip(&[TYPES, RELS, ("visio/document.xml", b"<x/>")]),
        ),
        (
            "XPS",
            "a.xps",
            "application/vnd.ms-xpsdocument",
            zip(&[TYPES, RELS, ("FixedDocSeq.fdseq", b"<x/>")]),
        ),
    ]
}

fn open_document() -> Vec<Row> {
    let by_writer = |mime: &str| {
        zip(&[
            ("mimetype", mime.as_bytes()),
            ("META-INF/manifest.xml", b"<x/>"),
        ])
    };
    vec![
        ("odt by LibreOffice", "a.odt", ODT, by_writer(ODT)),
        (
            "odt without mimetype",
            "a.odt",
            ODT,
            zip(&[("content.xml", b"<x/>"), ("META-INF/manifest.xml", b"<x/>")]),
        ),
        (
            "ott",
            "a.ott",
            "application/vnd.oasis.opendocument.text-template",
            by_writer("application/vnd.oasis.opendocument.text-template"),
        ),
        ("ods by LibreOffice", "a.ods", ODS, by_writer(ODS)),
        ("odp by LibreOffice", "a.odp", ODP, by_writer(ODP)),
        (
            "EPUB",
            "a.epub",
            "application/epub+zip",
            by_writer("application/epub+zip"),
        ),
    ]
}

fn compound_files() -> Vec<Row> {
    vec![
        (
            "doc by Word",
            "a.doc",
            "application/msword",
            compound(1, &["1Table", "WordDocument"]),
        ),
        (
            "doc with a far directory",
            "a.doc",
            "application/vnd.ms-word",
            compound(60, &["WordDocument"]),
        ),
        (
            "xls by Excel",
            "a.xls",
            "application/vnd.ms-excel",
            compound(2, &["Workbook"]),
        ),
        (
            "xls of Excel 5",
            "a.xls",
            "application/msexcel",
            compound(2, &["Book"]),
        ),
        (
            "ppt by PowerPoint",
            "a.ppt",
            "application/vnd.ms-powerpoint",
            compound(1, &["Current User", "PowerPoint Document"]),
        ),
        (
            "msg by Outlook",
            "a.msg",
            "application/vnd.ms-outlook",
            compound(1, &["__nameid_version1.0", "__properties_version1.0"]),
        ),
        (
            "mpp by Project",
            "a.mpp",
            "application/vnd.ms-project",
            compound(1, &["Props9"]),
        ),
        (
            "RTF",
            "a.rtf",
            "text/rtf",
            b"{\\rtf1\\ansi\\deff0 {\\fonttbl}%PDF-1.7}".to_vec(),
        ),
        (
            "PostScript",
            "a.ps",
            "application/postscript",
            b"%!PS-Adobe-3.0\n% %PDF-1.4\n".to_vec(),
        ),
        (
            "EPS with a preview",
            "a.eps",
            "application/postscript",
            b"\xc5\xd0\xd3\xc6\x20\0\0\0%PDF-1.4".to_vec(),
        ),
        (
            "DjVu",
            "a.djvu",
            "image/x-djvu",
            b"AT&TFORM\0\0\0\x40DJVMDIRM".to_vec(),
        ),
    ]
}
