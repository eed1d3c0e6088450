// What pages and people learn when something is refused.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { startAttached } from './support/attached.js'
import { openPage, startBrowser } from './support/browser.js'
import { startSite } from './support/site.js'

let attached, browser, site, page, record

before(async () => {
  site = await startSite()
  attached = await startAttached(['--cors-origins', site.origin])
  record = await attached.store('a.txt', 'some text', 'text/plain')
  browser = await startBrowser()
  page = await openPage(browser)
})

after(async () => {
  await browser?.close()
  await attached?.stop()
  site?.stop()
})

/** Fetches from a page of this site; returns what the page can read. */
async function fetchFrom(origin, url, options = {}) {
  await page.goto(origin.addPage('/', '<!doctype html>'))
  return page.evaluate(
    async ([url, options]) => {
      try {
        const response = await fetch(url, options)
        const { headers } = response
        return { status: response.status, id: headers.get('X-Request-Id'), body: await response.json() }
      } catch (error) {
        return { error: error.name }
      }
    },
    [url, options],
  )
}

test('page reads why its request was refused', async () => {
  const wrong = { method: 'POST', headers: { Authorization: 'Bearer wrong', 'X-Requested-With': 'x' }, body: 'x' }
  const large = { method: 'POST', headers: { Authorization: `Bearer ${attached.key}`, 'Content-Type': 'application/json' }, body: ' '.repeat(100_000) }
  for (const [path, options, status, kind] of [
    ['/v1/files', {}, 401, 'unauthenticated'],
    ['/v1/files', wrong, 401, 'unauthenticated'],
    ['/v1/uploads', large, 413, 'too-large'],
    [`/v1/links/${record.id}/a.txt?Tenant=1`, {}, 403, 'invalid-link'],
  ]) {
    const read = await fetchFrom(site, attached.url + path, options)
    assert.equal(read.status, status, JSON.stringify(read))
    assert.equal(read.body.type, `urn:attache:problem:${kind}`)
    assert.equal(read.body.request_id, read.id)
  }
})

test('page of another origin reads links alone', async (t) => {
  const stranger = await startSite()
  t.after(() => stranger.stop())
  const refused = await fetchFrom(stranger, `${attached.url}/v1/files`, { headers: { Authorization: `Bearer ${attached.key}` } })
  assert.deepEqual(refused, { error: 'TypeError' })
  const link = await attached.link(record)
  const traced = { headers: { traceparent: '00-0-0-00', 'cache-control': 'no-cache', prefer: 'wait=1' } }
  const read = await fetchFrom(stranger, `${link}x`, traced)
  assert.equal(read.status, 403, JSON.stringify(read))
})

test('person sees a page for an expired link', async () => {
  const link = await attached.link(record, 'view', 1)
  await new Promise((resolve) => setTimeout(resolve, 2500))
  const response = await page.goto(link)
  assert.equal(response.status(), 403)
  assert.equal(await page.getByRole('heading').innerText(), 'This link has expired')
  assert.match(await page.getByRole('main').innerText(), /Ask the person or the site/)
})

test('person sees a page for a wrong link and a missing file', async () => {
  const cut = (await attached.link(record)).slice(0, -5)
  await page.goto(cut)
  assert.equal(await page.getByRole('heading').innerText(), 'This link is not valid')
  await page.goto(`${attached.url}/v1/public/${record.id}/a.txt`)
  assert.equal(await page.getByRole('heading').innerText(), 'This file is not here')
})
