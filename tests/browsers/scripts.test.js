// Scripts in stored files never run, whatever the file is called and however it is opened.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { startAttached } from './support/attached.js'
import { openPage, startBrowser } from './support/browser.js'
import { redPdf, redPicture } from './support/samples.js'
import { startSite } from './support/site.js'

let attached, browser, site
/** The requests that scripts made, if any ran. */
const reports = []

before(async () => {
  site = await startSite()
  site.addRoute('/ran', (request, response) => {
    reports.push(request.url)
    response.end()
  })
  attached = await startAttached(['--frame-ancestors', site.origin])
  browser = await startBrowser()
})

after(async () => {
  await browser?.close()
  await attached?.stop()
  site?.stop()
})

/** A script that tells on itself in every way that a page has. */
const script = (name) => `alert('${name}'); new Image().src = '${site.origin}/ran?${name}'`

/** The files: what they are called, their bytes, and the type that they are declared as. */
const hostile = {
  html: () => ['page.html', `<!doctype html><script>${script('html')}</script>`, 'text/html'],
  'html as text': () => ['page.txt', `<!doctype html><script>${script('text')}</script>`, 'text/plain'],
  'html as a picture': () => ['page.png', `<html><script>${script('png')}</script>`, 'image/png'],
  'html without a type': () => ['page', `<html><body onload="${script('none')}">`, undefined],
  xhtml: () => [
    'page.xhtml',
    `<html xmlns="http://www.w3.org/1999/xhtml"><script>${script('xhtml')}</script></html>`,
    'application/xhtml+xml',
  ],
  svg: () => [
    'picture.svg',
    `<svg xmlns="http://www.w3.org/2000/svg" onload="${script('svg')}"><script>${script('svg')}</script></svg>`,
    'image/svg+xml',
  ],
  'xml with a style sheet': () => [
    'page.xml',
    `<?xml version="1.0"?><?xml-stylesheet type="text/xsl" href="data:text/xml,x"?><a xmlns="http://www.w3.org/1999/xhtml"><script>${script('xml')}</script></a>`,
    'text/xml',
  ],
  javascript: () => ['script.js', script('js'), 'text/javascript'],
  'a page that is a GIF, too': () => [
    'polyglot.gif',
    `GIF89a/*<svg/onload="${script('gif')}">*/=1;${script('gif')}`,
    'image/gif',
  ],
  'a page that is a PDF, too': () => [
    'polyglot.pdf',
    Buffer.concat([redPdf(), Buffer.from(`<html><script>${script('pdf')}</script>`)]),
    'application/pdf',
  ],
  'a PDF with a script': () => [
    'script.pdf',
    redPdf().toString('latin1').replace('/Pages 2 0 R', `/Pages 2 0 R /OpenAction << /S /JavaScript /JS (app.alert\\(1\\)) >>`),
    'application/pdf',
  ],
}

for (const [what, make] of Object.entries(hostile)) {
  test(`${what} runs nothing`, async () => {
    const [filename, bytes, type] = make()
    const record = await attached.store(filename, bytes, type)
    const page = await openPage(browser)
    for (const action of ['view', 'download']) {
      const link = await attached.link(record, action)
      // A download is no navigation, which Playwright reports as an error.
      await page.goto(link).catch((error) => assert.match(error.message, /Download is starting|ERR_ABORTED/))
      const embedding = `<iframe src="${link}"></iframe><object data="${link}"></object>
        <embed src="${link}"><img src="${link}"><script src="${link}"></script>`
      await page.goto(site.addPage('/embedding', embedding))
      await page.waitForLoadState('load')
    }
    assert.deepEqual(page.dialogs, [])
    assert.deepEqual(reports, [])
    await page.context().close()
  })
}

test('the same script runs where it may', async () => {
  const page = await openPage(browser)
  await page.goto(site.addPage('/own', `<script>${script('own')}</script>`))
  await page.waitForLoadState('networkidle')
  assert.deepEqual(page.dialogs, ['own'])
  assert.deepEqual(reports.splice(0), ['/ran?own'])
  await page.context().close()
})

test('a shown picture cannot read its origin', async () => {
  const picture = await redPicture(browser, 'image/png')
  const page = await openPage(browser)
  await page.goto(await attached.link(await attached.store('red.png', picture, 'image/png')))
  assert.equal(await page.evaluate('window.origin'), 'null')
  await page.context().close()
})
