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

# A file that is to be a PDF has to be one. The tool takes this for the whole field, which is a list of files.
schemathesis.openapi.media_type("application/pdf", st.just([b"%PDF-1.7\n%%EOF\n"]))


@schemathesis.hook
def before_load_schema(context, raw_schema):
    """Leaves those fields out of forms for good: a form that is changed later is judged anew, and then the tool takes
    each file in it for a wrong text. Nor are there other fields, whose random names no head of a part can hold."""
    schemas = raw_schema["components"]["schemas"]
    for path, item in raw_schema["paths"].items():
        content = item.get("post", {}).get("requestBody", {}).get("content", {})
        if "multipart/form-data" not in content:
            continue
        form = schemas[content["multipart/form-data"]["schema"]["$ref"].rsplit("/", 1)[1]]
        for name in UNKNOWABLE | REPEATED.get(path, set()):
            form["properties"].pop(name, None)
        form["additionalProperties"] = False


@schemathesis.hook
def before_call(context, case, kwargs):
    """Leaves out of a valid request what makes it fail by chance."""
    if case.meta is None or case.meta.generation.mode != GenerationMode.POSITIVE:
        return
    for name in [name for name in case.headers or {} if name.lower() in CONDITIONS]:
        del case.headers[name]
    for name in UNKNOWABLE & set(case.query or {}):
        del case.query[name]
    if isinstance(case.body, dict) and not UNKNOWABLE.isdisjoint(case.body):
        case.body = {name: value for name, value in case.body.items() if name not in UNKNOWABLE}


@schemathesis.hook
def filter_query(context, query):
    """Passes over a parameter that is given without a value: it counts as absent."""
    return not isinstance(query, dict) or "" not in query.values()
