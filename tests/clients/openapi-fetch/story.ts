// One story with openapi-fetch and the types that openapi-typescript makes.

import assert from "node:assert/strict";
import createClient from "openapi-fetch";
import type { paths } from "./schema.js";

const client = createClient<paths>({
  baseUrl: process.env["BASE"]!,
  headers: { Authorization: `Bearer ${process.env["KEY"]}` },
});

/** Returns the body of a success. */
function body<T>(response: { data?: T; error?: unknown }): T {
  assert.equal(response.error, undefined);
  assert(response.data !== undefined);
  return response.data;
}

/** Writes a form; files are those of the browser. */
function form(fields: { file: unknown; category?: string }): FormData {
  const form = new FormData();
  for (const file of fields.file as File[]) form.append("file", file);
  if (fields.category !== undefined) form.append("category", fields.category);
  return form;
}

// A form with two files.
const files = [new File(["one"], "one.txt"), new File(["two"], "two.txt")] as unknown as string[];
const uploaded = body(
  await client.POST("/v1/files", { body: { file: files, category: "letters" }, bodySerializer: form }),
);
const [one, two] = uploaded.files;
assert(one && two);
assert.deepEqual([one.filename, one.category, one.person], ["one.txt", "letters", null]);

// The bytes themselves, and base64.
const raw = body(
  await client.POST("/v1/files/raw", {
    params: { query: { filename: "three.txt", person: "PT-1" } },
    body: "three",
    bodySerializer: (text) => text,
    headers: { "Content-Type": "text/plain" },
  }),
);
assert.deepEqual([raw.files[0]?.person, raw.files[0]?.size_bytes], ["PT-1", 5]);
body(await client.POST("/v1/files/json", { body: { filename: "four.txt", content: "Zm91cg==" } }));

// Two pages.
const first = body(await client.GET("/v1/files", { params: { query: { limit: 3, sort: "seq" } } }));
assert.deepEqual(first.files.map((file) => file.filename), ["one.txt", "two.txt", "three.txt"]);
assert(first.next_cursor !== null);
const query = { limit: 3, sort: "seq", cursor: first.next_cursor } as const;
const second = body(await client.GET("/v1/files", { params: { query } }));
assert.deepEqual([second.files.map((file) => file.filename), second.next_cursor], [["four.txt"], null]);

// A change, in which null differs from absent.
const path = { id: one.id };
const changed = body(await client.PATCH("/v1/files/{id}", { params: { path }, body: { category: null, name: "First" } }));
assert.deepEqual([changed.name, changed.category, changed.filename], ["First", null, "one.txt"]);

// One holder claims it; another is refused with a problem.
const claimed = body(
  await client.POST("/v1/files/{id}/claim", { params: { path }, body: { holder: "certificate:42" } }),
);
assert.equal(claimed.used_by, "certificate:42");
const refused = await client.POST("/v1/files/{id}/claim", { params: { path }, body: { holder: "certificate:43" } });
assert.equal(refused.error?.type, "urn:attache:problem:file-claimed");
const holder = { holder: "certificate:42" };
body(await client.DELETE("/v1/files/{id}/claim", { params: { path, query: holder } }));

// The bytes: with the key, the headers alone, and by a link.
const of = { path: { id: two.id } };
const bytes = await client.GET("/v1/files/{id}/content", { params: of, parseAs: "text" });
assert.equal(body(bytes), "two");
const head = await client.HEAD("/v1/files/{id}/content", { params: of });
assert.equal(head.response.headers.get("content-length"), "3");
const link = body(
  await client.POST("/v1/files/{id}/links", { params: of, body: { action: "view", expires_in: 60 } }),
);
assert.equal(await (await fetch(link.url)).text(), "two");

// A direct upload: anyone who has the URL sends the bytes.
const pending = body(
  await client.POST("/v1/uploads", { body: { filename: "five.txt", content_type: "text/plain", size_bytes: 4 } }),
);
const sent = await fetch(pending.url, { method: pending.method, headers: pending.headers, body: "five" });
assert.equal(sent.status, 201);
const upload = body(await client.GET("/v1/uploads/{id}", { params: { path: { id: pending.id } } }));
assert.deepEqual([upload.state, upload.file?.size_bytes], ["completed", 4]);
