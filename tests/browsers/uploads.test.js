// Uploads from web pages, with the recipes that docs/API.md prints and the defaults of each widget.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { startAttached } from './support/attached.js'
import { openPage, startBrowser, waitFor } from './support/browser.js'
import { pick, readRecipes } from './support/recipes.js'
import { bundle, startSite } from './support/site.js'

let attached, browser, site, recipes, page

before(async () => {
  recipes = await readRecipes()
  site = await startSite()
  attached = await startAttached(['--cors-origins', `${site.origin}/`])
  // The target of the printed proxy, on this server.
  const [, target] = /proxy_pass http:\/\/127\.0\.0\.1:8080(\S+);/.exec(pick(recipes, 'proxy_pass'))
  site.addProxy('/upload', attached.url + target, attached.key)
  site.addRoute('/begin-upload', beginUpload)
  browser = await startBrowser()
  page = await openPage(browser)
})

after(async () => {
  await browser?.close()
  await attached?.stop()
  site?.stop()
})

/** The customer's server: begins an upload for the page. */
async function beginUpload(request, response) {
  let body = ''
  for await (const chunk of request) body += chunk
  const { filename, content_type } = JSON.parse(body)
  response.end(JSON.stringify(await attached.beginUpload({ filename, content_type, person: 'PT-1' })))
}

/** What the recipes leave to the page. */
const HELPER = `
  async function beginUpload(file) {
    const body = JSON.stringify({ filename: file.name, content_type: file.type })
    return (await fetch('/begin-upload', { method: 'POST', body })).json()
  }`

/** Opens a page with a script that may import packages; `names` of the script can be used in tests. */
async function openScript(html, script, names) {
  const shared = names.map((name) => `window.${name} = ${name};`).join(' ')
  const code = await bundle(`${script}\n${HELPER}\n${shared}`)
  await page.goto(site.addPage('/page', `<!doctype html>${html}<script type="module">${code}</script>`))
}

const chosen = (name) => ({ name, mimeType: 'text/plain', buffer: Buffer.from(`the text of ${name}`) })

/** Waits until a file is stored with its bytes; returns the record. */
async function stored(name) {
  let record
  await waitFor(async () => {
    record = (await attached.list()).find(({ filename }) => filename === name)
    return record
  }, `${name} to be stored`)
  assert.equal((await attached.read(record)).toString(), `the text of ${name}`)
  return record
}

test('plain form stores its files and fields', async () => {
  await page.goto(site.addPage('/form', `<!doctype html>${pick(recipes, '<form')}`))
  await page.locator('input[type=file]').setInputFiles([chosen('form-1.txt'), chosen('form-2.txt')])
  await page.getByRole('button', { name: 'Send' }).click()
  await page.waitForURL('**/upload')
  for (const name of ['form-1.txt', 'form-2.txt']) assert.equal((await stored(name)).category, 'medical')
})

test('Uppy stores a file with its defaults', async () => {
  await openScript('', pick(recipes, '@uppy', '/upload'), ['uppy'])
  const result = await page.evaluate(() => {
    uppy.addFile({ name: 'uppy.txt', type: 'text/plain', data: new Blob(['the text of uppy.txt'], { type: 'text/plain' }) })
    return uppy.upload().then(({ successful, failed }) => [successful.length, failed.map(({ error }) => error)])
  })
  assert.deepEqual(result, [1, []])
  await stored('uppy.txt')
})

test('FilePond stores a file with its defaults', async () => {
  await openScript('<input type="file">', pick(recipes, 'FilePond', '/upload'), ['pond'])
  await page.locator('input[type=file]').setInputFiles(chosen('filepond.txt'))
  await stored('filepond.txt')
  await waitFor(() => page.evaluate(() => pond.getFile().status === 5), 'FilePond to be content')
})

test('Dropzone stores a file with its defaults', async () => {
  await openScript('<div id="dropzone"></div>', pick(recipes, 'Dropzone', "'/upload'"), ['dropzone'])
  await page.locator('input.dz-hidden-input').setInputFiles(chosen('dropzone.txt'))
  await stored('dropzone.txt')
  await waitFor(() => page.evaluate(() => dropzone.files[0].status === 'success'), 'Dropzone to be content')
})

test('page without a library sends to a pending upload', async () => {
  await openScript('', pick(recipes, 'async function upload'), ['upload'])
  const receipt = await page.evaluate(() => upload(new File(['the text of fetch.txt'], 'fetch.txt', { type: 'text/plain' })))
  assert.equal(receipt.state, 'completed')
  assert.equal((await stored('fetch.txt')).person, 'PT-1')
})

test('Uppy sends to a pending upload', async () => {
  await openScript('', pick(recipes, '@uppy', 'beginUpload'), ['uppy'])
  const result = await page.evaluate(() => {
    uppy.addFile(new File(['the text of uppy-put.txt'], 'uppy-put.txt', { type: 'text/plain' }))
    return uppy.upload().then(({ successful, failed }) => [successful.length, failed.map(({ error }) => error)])
  })
  assert.deepEqual(result, [1, []])
  await stored('uppy-put.txt')
})

test('FilePond sends to a pending upload', async () => {
  await openScript('<input type="file">', pick(recipes, 'FilePond', 'beginUpload'), ['pond'])
  await page.locator('input[type=file]').setInputFiles(chosen('filepond-put.txt'))
  await stored('filepond-put.txt')
  await waitFor(() => page.evaluate(() => pond.getFile().status === 5), 'FilePond to be content')
})

test('Dropzone sends to a pending upload', async () => {
  await openScript('<div id="dropzone"></div>', pick(recipes, 'Dropzone', 'beginUpload'), ['dropzone'])
  await page.locator('input.dz-hidden-input').setInputFiles(chosen('dropzone-put.txt'))
  await stored('dropzone-put.txt')
  await waitFor(() => page.evaluate(() => dropzone.files[0].status === 'success'), 'Dropzone to be content')
})

test('listed page with a key sends a form with headers of its own', async () => {
  await page.goto(site.addPage('/key', '<!doctype html>'))
  const status = await page.evaluate(
    async ([url, key]) => {
      const form = new FormData()
      form.append('file', new File(['the text of key.txt'], 'key.txt', { type: 'text/plain' }))
      form.append('send', 'now')
      const headers = { Authorization: `Bearer ${key}`, 'X-Requested-With': 'x', traceparent: '00-0-0-00', baggage: 'a=b' }
      return (await fetch(`${url}/v1/files?unknown_fields=ignore`, { method: 'POST', headers, body: form })).status
    },
    [attached.url, attached.key],
  )
  assert.equal(status, 201)
  await stored('key.txt')
})
