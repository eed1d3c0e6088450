// One story with the client that @hey-api/openapi-ts makes.

import assert from "node:assert/strict";
import { client } from "./attache/client.gen.js";
import {
  beginUpload,
  changeFile,
  claimFile,
  createLink,
  getUpload,
  listFiles,
  readContent,
  readContentHead,
  releaseClaim,
  uploadFiles,
  uploadJson,
  uploadRaw,
} from "./attache/sdk.gen.js";

client.setConfig({ baseUrl: process.env["BASE"]!, auth: () => process.env["KEY"] });

/** Returns the body of a success. */
function body<T>(response: { data?: T; error?: unknown }): NonNullable<T> {
  assert.equal(response.error, undefined);
  assert(response.data != null);
  return response.data;
}

// A form with two files.
const file = [new File(["one"], "one.txt"), new File(["two"], "two.txt")];
const uploaded = body(await uploadFiles({ body: { file, category: "letters" } }));
const [one, two] = uploaded.files;
assert(one && two);
assert.deepEqual([one.filename, one.category, one.person], ["one.txt", "letters", null]);

// The bytes themselves, and base64.
const three = new Blob(["three"]);
const raw = body(await uploadRaw({ body: three, query: { filename: "three.txt", person: "PT-1" } }));
assert.deepEqual([raw.files[0]?.person, raw.files[0]?.size_bytes], ["PT-1", 5]);
body(await uploadJson({ body: { filename: "four.txt", content: "Zm91cg==" } }));

// Two pages.
const first = body(await listFiles({ query: { limit: 3, sort: "seq" } }));
assert.deepEqual(first.files.map((file) => file.filename), ["one.txt", "two.txt", "three.txt"]);
assert(first.next_cursor !== null);
const second = body(await listFiles({ query: { limit: 3, sort: "seq", cursor: first.next_cursor } }));
assert.deepEqual([second.files.map((file) => file.filename), second.next_cursor], [["four.txt"], null]);

// A change, in which null differs from absent.
const path = { id: one.id };
const changed = body(await changeFile({ path, body: { category: null, name: "First" } }));
assert.deepEqual([changed.name, changed.category, changed.filename], ["First", null, "one.txt"]);

// One holder claims it; another is refused with a problem.
const claimed = body(await claimFile({ path, body: { holder: "certificate:42" } }));
assert.equal(claimed.used_by, "certificate:42");
const refused = await claimFile({ path, body: { holder: "certificate:43" } });
assert.equal(refused.error?.type, "urn:attache:problem:file-claimed");
body(await releaseClaim({ path, query: { holder: "certificate:42" } }));

// The bytes: with the key, the headers alone, and by a link.
const of = { path: { id: two.id } };
const bytes = body(await readContent({ ...of, parseAs: "blob" }));
assert.equal(await bytes.text(), "two");
const head = await readContentHead(of);
assert.equal(head.response?.headers.get("content-length"), "3");
const link = body(await createLink({ ...of, body: { action: "view", expires_in: 60 } }));
assert.equal(await (await fetch(link.url)).text(), "two");

// A direct upload: anyone who has the URL sends the bytes.
const pending = body(
  await beginUpload({ body: { filename: "five.txt", content_type: "text/plain", size_bytes: 4 } }),
);
const sent = await fetch(pending.url, { method: pending.method, headers: pending.headers, body: "five" });
assert.equal(sent.status, 201);
const upload = body(await getUpload({ path: { id: pending.id } }));
assert.deepEqual([upload.state, upload.file?.size_bytes], ["completed", 4]);
