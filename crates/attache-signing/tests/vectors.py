"""Makes the test vectors of docs/SIGNING.md without using attache: python3 vectors.py > vectors.json

Standard library only, and HKDF by hand, so that an error in the Rust code cannot repeat itself here.
"""
import base64, hashlib, hmac, json, zlib


def mac(key, message): return hmac.new(key, message, hashlib.sha256).digest()
def b64(data): return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
def part(data): return len(data).to_bytes(4, "big") + data


def canonical(label, *fields):
    parts = [label] + [part for field in fields for part in field]
    return b"".join(part(p if isinstance(p, bytes) else p.encode()) for p in parts)


def derive(master, info):
    prk = mac(b"\0" * 32, master)  # extract, without salt
    return prk, mac(prk, info.encode() + b"\x01")  # expand, one block


def base62(number, places):
    alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
    return "".join(alphabet[number // 62**place % 62] for place in reversed(range(places)))


MASTER = {"k1": bytes(range(32)), "k2": bytes(range(32, 64))}
LINKS = {id: derive(master, "attache/v1/links")[1] for id, master in MASTER.items()}
CURSORS = {id: derive(master, "attache/v1/cursors")[1] for id, master in MASTER.items()}
NOW, DAY = 1_800_000_000, 86_400
FILE = "0190163d-8694-739b-aea5-966c26f8ad91"


def key(id):
    prk, links = derive(MASTER[id], "attache/v1/links")
    return {"id": id, "master_hex": MASTER[id].hex(), "line": f"{id}:{b64(MASTER[id])}",
            "prk_hex": prk.hex(), "links_hex": links.hex(), "cursors_hex": CURSORS[id].hex()}


def form(label, *fields):
    return {"label": label, "fields": fields, "canonical_hex": canonical(label, *fields).hex()}


def link(id, action="download", tenant="7", filename="report.pdf", expires=str(NOW + 900), label="attache/v1/link"):
    covered = canonical(label, ("action", action), ("tenant", tenant), ("file", FILE),
                        ("filename", filename), ("expires", expires))
    signature = mac(LINKS[id], covered)
    pairs = [("Tenant", tenant), ("Action", action), ("Expires", expires), ("KeyId", id), ("Signature", b64(signature))]
    return {"key": id, "action": action, "tenant": int(tenant), "file": FILE, "filename": filename,
            "expires": int(expires), "canonical_hex": covered.hex(), "signature_hex": signature.hex(),
            "query": "&".join(f"{name}={value}" for name, value in pairs)}


def verification(case, outcome, link, now_millis=NOW * 1000, query=None, **path):
    return {"case": case, "file": path.get("file", link["file"]), "filename": path.get("filename", link["filename"]),
            "query": query or link["query"], "now_millis": now_millis, "outcome": outcome}


def upload_link(id, tenant="7", expires=str(NOW + 900), label="attache/v1/upload"):
    covered = canonical(label, ("tenant", tenant), ("upload", FILE), ("expires", expires))
    signature = mac(LINKS[id], covered)
    pairs = [("Tenant", tenant), ("Expires", expires), ("KeyId", id), ("Signature", b64(signature))]
    return {"key": id, "tenant": int(tenant), "upload": FILE, "expires": int(expires),
            "canonical_hex": covered.hex(), "signature_hex": signature.hex(),
            "query": "&".join(f"{name}={value}" for name, value in pairs)}


def upload_verification(case, outcome, link, now_millis=NOW * 1000, query=None, upload=None):
    return {"case": case, "upload": upload or link["upload"], "query": query or link["query"],
            "now_millis": now_millis, "outcome": outcome}


def cursor(id, binding, payload):
    covered = canonical("attache/v1/cursor", ("binding", binding), ("payload", payload))
    sealed = b"\x01" + id.encode() + b":" + payload + mac(CURSORS[id], covered)
    return {"key": id, "binding_hex": binding.hex(), "payload_hex": payload.hex(),
            "canonical_hex": covered.hex(), "text": b64(sealed)}


def api_key(id, secret):
    body = f"att_{id}_{secret}"
    crc = zlib.crc32(body.encode())
    return {"id": id, "secret": secret, "crc32": crc, "text": body + base62(crc, 6),
            "hash_key": f"attache/v1/api-key/{id}", "hash_hex": mac(f"attache/v1/api-key/{id}".encode(), secret.encode()).hex()}


plain, view = link("k1"), link("k2", "view", "12", "na\u00efve \u4e2d\u6587 100%.pdf", str(NOW + DAY))
send, longest = upload_link("k1"), upload_link("k2", "12", str(NOW + DAY))
foreign = dict(plain, query=plain["query"].replace("k1", "k3"))
stretched = plain["query"].replace(f"Expires={NOW + 900}", f"Expires={NOW + 901}")
# 32 bytes leave two bits of the last character unused: the next symbol differs in those only.
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
spare_bit = plain["query"][:-1] + ALPHABET[ALPHABET.index(plain["query"][-1]) + 1]
print(json.dumps({
    "keys": [key("k1"), key("k2")],
    "canonical_forms": [form("x"), form("x", ("a", "")), form("x", ("a", "b"), ("c", "d")), form("x", ("a", "bc"), ("", "d"))],
    "links": [plain, view],
    "max_lifetime_seconds": DAY,
    "verifications": [
        verification("first key", "valid", plain),
        verification("second key, longest lifetime", "valid", view),
        verification("other order of parameters", "valid", plain, query="&".join(reversed(plain["query"].split("&")))),
        verification("file id in upper case", "valid", plain, file=FILE.upper()),
        verification("last millisecond", "valid", plain, (NOW + 900) * 1000 - 1),
        verification("first second past its time", "expired", plain, (NOW + 900) * 1000),
        verification("altered and past its time", "invalid", plain, (NOW + 901) * 1000, stretched),
        verification("genuine, but lives too long", "invalid", link("k1", expires=str(NOW + DAY + 1))),
        verification("stretched", "invalid", plain, query=stretched),
        verification("another file", "invalid", plain, file=FILE[:-1] + "2"),
        verification("another filename", "invalid", plain, filename="report.pdF"),
        verification("filename as a path", "invalid", plain, filename="x/report.pdf"),
        verification("another action", "invalid", plain, query=plain["query"].replace("download", "view")),
        verification("another tenant", "invalid", plain, query=plain["query"].replace("Tenant=7", "Tenant=8")),
        verification("the other key's id", "invalid", plain, query=plain["query"].replace("k1", "k2")),
        verification("unknown key", "invalid", foreign),
        verification("another label", "invalid", link("k1", label="attache/v1/upload")),
        verification("query of an upload link", "invalid", plain, query=send["query"]),
        verification("upload link with an action", "invalid", plain, query="Action=download&" + send["query"]),
        verification("leading zero, even where signed", "invalid", link("k1", tenant="07")),
        verification("sign, even where signed", "invalid", link("k1", expires=f"-{NOW}")),
        verification("unknown parameter", "invalid", plain, query=plain["query"] + "&Size=1"),
        verification("parameter twice", "invalid", plain, query=plain["query"] + "&Tenant=7"),
        verification("parameter missing", "invalid", plain, query=plain["query"].replace("Action=download&", "")),
        verification("name in another case", "invalid", plain, query=plain["query"].replace("KeyId", "keyid")),
        verification("padded signature", "invalid", plain, query=plain["query"] + "="),
        verification("signature with a spare bit set", "invalid", plain, query=spare_bit),
    ],
    "upload_links": [send, longest],
    "upload_verifications": [
        upload_verification("first key", "valid", send),
        upload_verification("second key, longest lifetime", "valid", longest),
        upload_verification("other order of parameters", "valid", send, query="&".join(reversed(send["query"].split("&")))),
        upload_verification("last millisecond", "valid", send, (NOW + 900) * 1000 - 1),
        upload_verification("first second past its time", "expired", send, (NOW + 900) * 1000),
        upload_verification("altered and past its time", "invalid", send, (NOW + 901) * 1000,
                            send["query"].replace(f"Expires={NOW + 900}", f"Expires={NOW + 901}")),
        upload_verification("genuine, but lives too long", "invalid", upload_link("k1", expires=str(NOW + DAY + 1))),
        upload_verification("another upload", "invalid", send, upload=FILE[:-1] + "2"),
        upload_verification("another tenant", "invalid", send, query=send["query"].replace("Tenant=7", "Tenant=8")),
        upload_verification("the other key's id", "invalid", send, query=send["query"].replace("k1", "k2")),
        upload_verification("label of a read link", "invalid", upload_link("k1", label="attache/v1/link")),
        upload_verification("query of a read link", "invalid", send, query=plain["query"]),
        upload_verification("read link without its action", "invalid", send, query=plain["query"].replace("Action=download&", "")),
        upload_verification("leading zero, even where signed", "invalid", upload_link("k1", tenant="07")),
        upload_verification("unknown parameter", "invalid", send, query=send["query"] + "&Size=1"),
        upload_verification("parameter twice", "invalid", send, query=send["query"] + "&Tenant=7"),
        upload_verification("parameter missing", "invalid", send, query=send["query"].replace("KeyId=k1&", "")),
    ],
    "cursors": [cursor("k1", b"tenant 7", b"\x00\x01position"), cursor("k2", b"", b"")],
    "api_keys": [api_key("0123456789AB", "CDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrs"),
                 api_key("zzzzzzzzzzzz", "0" * 43)],
}, indent=1))
