// Links to view a file: what people open in a tab, and what a customer's page shows in a frame.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { startAttached } from './support/attached.js'
import { middleColour, openPage, startBrowser, waitFor } from './support/browser.js'
import { redFilm, redPdf, redPicture, toneWav } from './support/samples.js'
import { startSite } from './support/site.js'

let attached, browser, site, page

before(async () => {
  site = await startSite()
  attached = await startAttached(['--frame-ancestors', site.origin])
  browser = await startBrowser()
  page = await openPage(browser)
})

after(async () => {
  await browser?.close()
  await attached?.stop()
  site?.stop()
})

async function viewLink(filename, bytes, type) {
  const record = await attached.store(filename, bytes, type)
  assert.equal(record.content_type.split(';')[0], type)
  return attached.link(record)
}

/** Waits until the middle of the page is red: some viewers paint late. */
async function waitForRed(page, what) {
  await waitFor(async () => {
    const [red, green, blue] = await middleColour(page)
    return red > 200 && green < 80 && blue < 80
  }, `${what} to be shown`)
}

/** Waits until a player has data; fails with its error. A sandboxed page has no timers of its own. */
async function waitForMedia(frame, selector) {
  const state = () =>
    frame.locator(selector).evaluate(({ readyState, error }) => ({ readyState, error: error?.message }))
  await waitFor(async () => {
    const { readyState, error } = await state()
    assert.equal(error, undefined)
    return readyState >= 2
  }, 'the player to have data')
}

for (const type of ['image/png', 'image/jpeg', 'image/webp']) {
  test(`${type} shows in a tab`, async () => {
    const picture = await redPicture(browser, type)
    await page.goto(await viewLink(`red.${type.slice(6)}`, picture, type))
    await waitForRed(page, type)
  })
}

test('text shows in a tab, in its own letters', async () => {
  await page.goto(await viewLink('grüße.txt', 'Grüße aus Köln', 'text/plain'))
  assert.equal(await page.locator('body').innerText(), 'Grüße aus Köln')
})

test('pdf shows in a tab', async () => {
  await page.goto(await viewLink('red.pdf', redPdf(), 'application/pdf'))
  await waitForRed(page, 'the PDF')
})

test('sound plays in a tab', async () => {
  await page.goto(await viewLink('tone.wav', toneWav(), 'audio/wav'))
  await waitForMedia(page, 'video, audio')
})

for (const type of ['video/webm', 'video/mp4']) {
  test(`${type} plays in a tab`, async () => {
    const film = await redFilm(browser, `${type};codecs=${type === 'video/mp4' ? 'vp9' : 'vp8'}`)
    await page.goto(await viewLink(`film.${type.slice(6)}`, film, type))
    await waitForMedia(page, 'video')
    await waitForRed(page, type)
  })
}

test('listed page shows files in frames, others do not', async (t) => {
  const picture = await viewLink('red.png', await redPicture(browser, 'image/png'), 'image/png')
  const film = await viewLink('film.webm', await redFilm(browser, 'video/webm;codecs=vp8'), 'video/webm')
  const html = `<iframe id="picture" src="${picture}"></iframe><iframe id="film" src="${film}"></iframe>`
  const listed = site.addPage('/frames', html)
  await page.goto(listed)
  await page.frameLocator('#picture').locator('img').waitFor()
  await waitForMedia(page.frameLocator('#film'), 'video')

  const stranger = await startSite()
  t.after(() => stranger.stop())
  const refusals = []
  page.on('console', (message) => message.text().includes('frame-ancestors') && refusals.push(message.text()))
  await page.goto(stranger.addPage('/frames', html))
  await waitFor(() => refusals.length === 2, 'both frames to be refused')
  for (const frame of page.frames().slice(1)) assert.equal(await frame.evaluate('location.protocol'), 'chrome-error:')
})

test('any page may embed pictures, sound and film', async (t) => {
  const picture = await viewLink('red.png', await redPicture(browser, 'image/png'), 'image/png')
  const tone = await viewLink('tone.wav', toneWav(), 'audio/wav')
  const stranger = await startSite()
  t.after(() => stranger.stop())
  await page.goto(stranger.addPage('/embed', `<img src="${picture}"><audio src="${tone}" controls></audio>`))
  const width = await page.locator('img').evaluate(async (image) => (await image.decode(), image.naturalWidth))
  assert.equal(width, 400)
  await waitForMedia(page, 'audio')
})
