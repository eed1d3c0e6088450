"""What a random request cannot know is left out of it."""

import schemathesis

# Cursors, and numbers and IDs of records, come from earlier responses. A digest and a list of accepted types
# are promises about the bytes, which random bytes do not keep.
UNKNOWABLE = {"cursor", "pageID", "after_seq", "offset", "person_id", "sha256", "accept"}


def known(values):
    if not isinstance(values, dict):
        return values
    return {name: value for name, value in values.items() if name not in UNKNOWABLE}


@schemathesis.hook
def map_query(context, query):
    return known(query)


@schemathesis.hook
def map_body(context, body):
    return known(body)
