"""What a random request cannot get right, and no schema can say. Each has its reason."""

import schemathesis
from hypothesis import strategies as st
from schemathesis import GenerationMode

# Cursors, and the numbers and IDs of records and persons, come from earlier responses. A digest and a list of
# accepted types are promises about the bytes, which random bytes do not keep.
UNKNOWABLE = {"accept", "after_seq", "cursor", "offset", "pageID", "participantID", "person_id", "sha256"}

# Whether a precondition holds, or a range lies in the file, depends on what is stored.
CONDITIONS = {"if-match", "if-unmodified-since", "range"}

# The path names the same person.
REPEATED = {"/api/people/{id}/uploads": {"personId"}}

# A file that is to be a PDF has to be one.
schemathesis.openapi.media_type("application/pdf", st.just(b"%PDF-1.7\n%%EOF\n"))


@schemathesis.hook
def before_call(context, case, kwargs):
    """Leaves out of a valid request what makes it fail by chance."""
    if case.meta is None or case.meta.generation.mode != GenerationMode.POSITIVE:
        return
    for name in [name for name in case.headers or {} if name.lower() in CONDITIONS]:
        del case.headers[name]
    for name in UNKNOWABLE & set(case.query or {}):
        del case.query[name]
    if isinstance(case.body, dict):
        left_out = UNKNOWABLE | REPEATED.get(case.operation.path, set())
        case.body = {name: value for name, value in case.body.items() if name not in left_out}


@schemathesis.hook
def filter_body(context, body):
    """Passes over forms that the tool cannot write: it sends null and numbers as words, which are texts, an empty
    list not at all, and names of fields that no head of a part can hold."""
    forms = [it for it in context.operation.body if it.media_type == "multipart/form-data"]
    if not forms or not isinstance(body, dict):
        return True
    writable = (str, bytes, bool, list)
    return all(name.isprintable() and isinstance(value, writable) and value != [] for name, value in body.items())


@schemathesis.hook
def filter_query(context, query):
    """Passes over a parameter that is given without a value: it counts as absent."""
    return not isinstance(query, dict) or "" not in query.values()
