// The browser: Debian's Chromium, driven by Playwright.

import { chromium } from 'playwright-core'

/** The time limit of one step, long enough for a busy machine. */
const TIMEOUT_MS = 30_000

/** Waits until a condition holds. */
export async function waitFor(condition, what) {
  const end = Date.now() + TIMEOUT_MS
  while (!(await condition())) {
    if (Date.now() > end) throw new Error(`timed out waiting for ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}

/** Starts the browser. */
export async function startBrowser() {
  const executablePath = process.env.ATTACHE_CHROMIUM ?? '/usr/bin/chromium'
  return chromium.launch({
    executablePath,
    // The tests run as root in containers, and serve loopback only.
    args: ['--no-sandbox', '--disable-audio-output'],
  })
}

/** Opens a page, and notes everything that no served file may do. */
export async function openPage(browser) {
  const context = await browser.newContext()
  const page = await context.newPage()
  page.setDefaultTimeout(TIMEOUT_MS)
  page.dialogs = []
  page.on('dialog', async (dialog) => {
    page.dialogs.push(dialog.message())
    await dialog.dismiss()
  })
  return page
}

/** Returns the colour in the middle of what a page shows, as `[red, green, blue]`. */
export async function middleColour(page) {
  const png = (await page.screenshot()).toString('base64')
  const reader = await page.context().newPage()
  const colour = await reader.evaluate(async (data) => {
    const bitmap = await createImageBitmap(await (await fetch(`data:image/png;base64,${data}`)).blob())
    const canvas = new OffscreenCanvas(bitmap.width, bitmap.height)
    const context = canvas.getContext('2d')
    context.drawImage(bitmap, 0, 0)
    return [...context.getImageData(bitmap.width / 2, bitmap.height / 2, 1, 1).data.slice(0, 3)]
  }, png)
  await reader.close()
  return colour
}
