"""One story with the client that openapi-generator makes for Python."""

import os

import urllib3

import attache_client as api
from attache_client.exceptions import ConflictException

configuration = api.Configuration(host=os.environ["BASE"], access_token=os.environ["KEY"])
client = api.ApiClient(configuration)
claims, content, files = api.ClaimsApi(client), api.ContentApi(client), api.FilesApi(client)
links, uploads = api.LinksApi(client), api.UploadsApi(client)

# A form with two files: fields that are not given are absent.
uploaded = files.upload_files(file=[("one.txt", b"one"), ("two.txt", b"two")], category="letters")
one, two = uploaded.files
assert (one.filename, one.category, one.person, one.description) == ("one.txt", "letters", None, None)

# The bytes themselves, and base64.
raw = files.upload_raw("three.txt", b"three", person="PT-1")
assert (raw.files[0].person, raw.files[0].size_bytes) == ("PT-1", 5)
files.upload_json(api.UploadJson(filename="four.txt", content="Zm91cg=="))

# Two pages.
page = files.list_files(limit=3, sort=api.SortOrder.Seq)
assert [file.filename for file in page.files] == ["one.txt", "two.txt", "three.txt"]
page = files.list_files(limit=3, sort=api.SortOrder.Seq, cursor=page.next_cursor)
assert [file.filename for file in page.files] == ["four.txt"] and page.next_cursor is None

# A change, in which null differs from absent.
changed = files.change_file(one.id, api.FilePatch(category=None, name="First"))
assert (changed.name, changed.category, changed.filename) == ("First", None, "one.txt")

# One holder claims it; another is refused with a problem.
assert claims.claim_file(one.id, api.Claim(holder="certificate:42")).used_by == "certificate:42"
try:
    claims.claim_file(one.id, api.Claim(holder="certificate:43"))
    raise AssertionError("claimed twice")
except ConflictException as refused:
    assert refused.data.type == api.ProblemType.FileClaimed, refused
assert claims.release_claim(one.id, holder="certificate:42").used_by is None

# The bytes: with the key, the headers alone, and by a link.
assert content.read_content(two.id) == b"two"
assert content.read_content_head_with_http_info(two.id).headers["content-length"] == "3"
link = links.create_link(two.id, api.NewLink(action=api.LinkAction.VIEW, expires_in=60))
assert urllib3.request("GET", link.url).data == b"two"

# A direct upload: anyone who has the URL sends the bytes.
new = api.NewUpload(filename="five.txt", content_type="text/plain", size_bytes=4)
pending = uploads.begin_upload(new)
sent = urllib3.request(pending.method, pending.url, headers=pending.headers, body=b"five")
assert sent.status == 201
upload = uploads.get_upload(pending.id)
assert upload.state == api.UploadState.COMPLETED and upload.file.size_bytes == 4
