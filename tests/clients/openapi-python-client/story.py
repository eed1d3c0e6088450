"""One story with the client that openapi-python-client makes."""

import os
from io import BytesIO
from typing import TypeVar

import httpx

from attache_client import AuthenticatedClient
from attache_client.api.claims import claim_file, release_claim
from attache_client.api.content import read_content, read_content_head
from attache_client.api.files import change_file, get_file, list_files, upload_files, upload_json, upload_raw
from attache_client.api.links import create_link
from attache_client.api.uploads import begin_upload, get_upload
from attache_client.models import (
    Claim,
    FilePage,
    FilePatch,
    FileRecord,
    Link,
    LinkAction,
    NewLink,
    NewUpload,
    PendingUpload,
    Problem,
    ProblemType,
    SortOrder,
    Upload,
    UploadedFiles,
    UploadForm,
    UploadJson,
    UploadState,
)
from attache_client.types import File

T = TypeVar("T")


def the(kind: type[T], parsed: object) -> T:
    """Returns what was received, if it is of the expected kind."""
    assert isinstance(parsed, kind), parsed
    return parsed


client = AuthenticatedClient(base_url=os.environ["BASE"], token=os.environ["KEY"])

# A form with two files: fields that are not given are absent.
form = UploadForm(
    file=[File(BytesIO(b"one"), "one.txt", "text/plain"), File(BytesIO(b"two"), "two.txt", "text/plain")],
    category="letters",
)
uploaded = the(UploadedFiles, upload_files.sync(client=client, body=form))
one, two = uploaded.files
assert (one.filename, one.category, one.person, one.description) == ("one.txt", "letters", None, None)

# The bytes themselves, and base64.
body = File(BytesIO(b"three"))
raw = the(UploadedFiles, upload_raw.sync(client=client, body=body, filename="three.txt", person="PT-1"))
assert (raw.files[0].person, raw.files[0].size_bytes) == ("PT-1", 5)
json = UploadJson(filename="four.txt", content="Zm91cg==")
the(UploadedFiles, upload_json.sync(client=client, body=json))

# Two pages.
page = the(FilePage, list_files.sync(client=client, limit=3, sort=SortOrder.SEQ))
assert [file.filename for file in page.files] == ["one.txt", "two.txt", "three.txt"]
assert page.next_cursor is not None
page = the(FilePage, list_files.sync(client=client, limit=3, sort=SortOrder.SEQ, cursor=page.next_cursor))
assert [file.filename for file in page.files] == ["four.txt"] and page.next_cursor is None

# A change, in which null differs from absent.
changed = the(FileRecord, change_file.sync(one.id, client=client, body=FilePatch(category=None, name="First")))
assert (changed.name, changed.category, changed.filename) == ("First", None, "one.txt")

# One holder claims it; another is refused with a problem.
claimed = the(FileRecord, claim_file.sync(one.id, client=client, body=Claim(holder="certificate:42")))
assert claimed.used_by == "certificate:42"
refused = the(Problem, claim_file.sync(one.id, client=client, body=Claim(holder="certificate:43")))
assert refused.type_ == ProblemType.FILE_CLAIMED, refused
released = the(FileRecord, release_claim.sync(one.id, client=client, holder="certificate:42"))
assert released.used_by is None

# The bytes: with the key, the headers alone, and by a link.
assert the(File, read_content.sync(two.id, client=client)).payload.read() == b"two"
assert read_content_head.sync_detailed(two.id, client=client).headers["content-length"] == "3"
link = the(Link, create_link.sync(two.id, client=client, body=NewLink(action=LinkAction.VIEW, expires_in=60)))
assert httpx.get(link.url).content == b"two"

# A direct upload: anyone who has the URL sends the bytes.
new = NewUpload(filename="five.txt", content_type="text/plain", size_bytes=4)
pending = the(PendingUpload, begin_upload.sync(client=client, body=new))
headers = pending.headers.to_dict()
httpx.request(pending.method, pending.url, headers=headers, content=b"five").raise_for_status()
upload = the(Upload, get_upload.sync(pending.id, client=client))
assert upload.state == UploadState.COMPLETED
assert the(FileRecord, get_file.sync(pending.id, client=client)).size_bytes == 4
