// The customer's site: pages on an origin of their own, and a route that adds the key to uploads.

import { createServer, request } from 'node:http'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const HERE = fileURLToPath(new URL('..', import.meta.url))

/** Starts a site without pages. Its origin is on `localhost`, other than the server's 127.0.0.1. */
export async function startSite() {
  const pages = new Map()
  const routes = new Map()
  const server = createServer((incoming, outgoing) => {
    const path = incoming.url.split('?')[0]
    if (routes.has(path)) return routes.get(path)(incoming, outgoing)
    const page = pages.get(path)
    outgoing.writeHead(page ? 200 : 404, { 'Content-Type': 'text/html; charset=utf-8' })
    outgoing.end(page)
  })
  server.listen(0, 'localhost')
  await once(server, 'listening')
  const origin = `http://localhost:${server.address().port}`
  return {
    origin,

    /** Adds a page; returns its URL. */
    addPage(path, html) {
      pages.set(path, html)
      return origin + path
    },

    /** Adds a route, served by a function of a request and a response. */
    addRoute(path, serve) {
      routes.set(path, serve)
    },

    /** Adds a route that passes requests on to a URL, with the key. */
    addProxy(path, target, key) {
      routes.set(path, (incoming, outgoing) => {
        const headers = { ...incoming.headers, authorization: `Bearer ${key}` }
        delete headers.host
        const passed = request(target, { method: incoming.method, headers }, (response) => {
          outgoing.writeHead(response.statusCode, response.headers)
          response.pipe(outgoing)
        })
        passed.on('error', () => outgoing.destroy())
        incoming.pipe(passed)
      })
    },

    stop() {
      server.closeAllConnections()
      server.close()
    },
  }
}

/** Bundles a script that imports packages, for a page. */
export async function bundle(script) {
  const { outputFiles } = await build({
    stdin: { contents: script, resolveDir: HERE },
    bundle: true,
    format: 'esm',
    write: false,
    logLevel: 'error',
  })
  // The end tag would end the script of the page.
  return outputFiles[0].text.replaceAll('</script', '<\\/script')
}
