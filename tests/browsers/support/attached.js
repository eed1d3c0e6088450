// Starts the server that is tested, with a directory of its own, and sends it requests with a key.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Starts `attached` with more flags. Resolves once it listens. */
export async function startAttached(flags = []) {
  const binary = process.env.ATTACHE_BIN
  if (!binary) throw new Error('ATTACHE_BIN is not set: run `cargo xtask browsers`')
  const directory = await mkdtemp(join(tmpdir(), 'attache-browsers-'))
  const child = spawn(binary, ['--listen', '127.0.0.1:0', '--data-dir', directory, ...flags], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, ATTACHE_LOG: 'error' },
  })
  const printed = await waitForLine(child)
  const url = /listening on (\S+)/.exec(printed)[1]
  const key = /att_\S+/.exec(printed)[0]
  return {
    url,
    key,
    ...client(url, key),
    async stop() {
      const exit = once(child, 'exit')
      child.kill('SIGTERM')
      await exit
      await rm(directory, { recursive: true })
    },
  }
}

/** Collects what the server prints, up to the line that has its address. */
function waitForLine(child) {
  return new Promise((resolve, reject) => {
    let printed = ''
    child.stdout.on('data', (chunk) => {
      printed += chunk
      if (/listening on \S+\n/.test(printed)) resolve(printed)
    })
    child.on('error', reject)
    child.on('exit', (code) => reject(new Error(`attached ended with ${code}: ${printed}`)))
  })
}

function client(url, key) {
  const authorization = { Authorization: `Bearer ${key}` }

  async function send(path, options) {
    const headers = { ...authorization, ...options.headers }
    const response = await fetch(url + path, { ...options, headers })
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`)
    return response
  }

  const sendJson = (path, value) =>
    send(path, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(value),
    })

  return {
    /** Stores a file; returns its record. */
    async store(filename, bytes, type) {
      const path = `/v1/files?filename=${encodeURIComponent(filename)}`
      const headers = type ? { 'Content-Type': type } : {}
      const response = await send(path, { method: 'POST', headers, body: bytes })
      return (await response.json()).files[0]
    },

    /** Returns a link to a file: `view` or `download`. */
    async link(record, action = 'view', expires_in = 900) {
      const response = await sendJson(`/v1/files/${record.id}/links`, { action, expires_in })
      return (await response.json()).url
    },

    /** Begins an upload; returns its URL, method and headers. */
    async beginUpload(upload) {
      return (await sendJson('/v1/uploads', upload)).json()
    },

    /** Returns all records, the oldest first. */
    async list() {
      return (await (await send('/v1/files?sort=seq', {})).json()).files
    },

    /** Returns a file's bytes. */
    async read(record) {
      const response = await send(`/v1/files/${record.id}/content`, {})
      return Buffer.from(await response.arrayBuffer())
    },
  }
}
