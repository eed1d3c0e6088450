// Small true files: some by hand, the rest made by the browser itself.

/** A picture-sized page, red all over. */
export function redPdf() {
  const content = '1 0 0 rg 0 0 600 600 re f'
  const objects = [
    '<< /Type /Catalog /Pages 2 0 R >>',
    '<< /Type /Pages /Kids [3 0 R] /Count 1 >>',
    '<< /Type /Page /Parent 2 0 R /MediaBox [0 0 600 600] /Contents 4 0 R >>',
    `<< /Length ${content.length} >>\nstream\n${content}\nendstream`,
  ]
  let pdf = '%PDF-1.4\n'
  const offsets = objects.map((object, at) => {
    const offset = pdf.length
    pdf += `${at + 1} 0 obj\n${object}\nendobj\n`
    return offset
  })
  const start = pdf.length
  const rows = offsets.map((offset) => `${String(offset).padStart(10, '0')} 00000 n \n`)
  pdf += `xref\n0 5\n0000000000 65535 f \n${rows.join('')}`
  pdf += `trailer\n<< /Size 5 /Root 1 0 R >>\nstartxref\n${start}\n%%EOF\n`
  return Buffer.from(pdf, 'latin1')
}

/** Half a second of a tone. */
export function toneWav() {
  const samples = 4000
  const wav = Buffer.alloc(44 + samples, 128)
  wav.write('RIFF', 0, 'latin1')
  wav.writeUInt32LE(36 + samples, 4)
  wav.write('WAVEfmt ', 8, 'latin1')
  wav.writeUInt32LE(16, 16)
  wav.writeUInt16LE(1, 20) // PCM
  wav.writeUInt16LE(1, 22) // one channel
  wav.writeUInt32LE(8000, 24) // samples a second
  wav.writeUInt32LE(8000, 28) // bytes a second
  wav.writeUInt16LE(1, 32)
  wav.writeUInt16LE(8, 34)
  wav.write('data', 36, 'latin1')
  wav.writeUInt32LE(samples, 40)
  for (let at = 0; at < samples; at++) wav[44 + at] = 128 + 100 * Math.sin((at * 440 * 2 * Math.PI) / 8000)
  return wav
}

/** A red picture, of a type that a canvas can write. */
export async function redPicture(browser, type) {
  return inBlankPage(browser, type, async (type) => {
    const canvas = new OffscreenCanvas(400, 400)
    const context = canvas.getContext('2d')
    context.fillStyle = 'rgb(255, 0, 0)'
    context.fillRect(0, 0, 400, 400)
    return canvas.convertToBlob({ type })
  })
}

/** A short red film, of a type that the browser can record. */
export async function redFilm(browser, type) {
  return inBlankPage(browser, type, async (type) => {
    const canvas = document.createElement('canvas')
    canvas.width = canvas.height = 320
    const context = canvas.getContext('2d')
    const paint = () => {
      context.fillStyle = 'rgb(255, 0, 0)'
      context.fillRect(0, 0, 320, 320)
    }
    const recorder = new MediaRecorder(canvas.captureStream(20), { mimeType: type })
    const chunks = []
    recorder.ondataavailable = ({ data }) => chunks.push(data)
    recorder.start()
    const timer = setInterval(paint, 50)
    await new Promise((resolve) => setTimeout(resolve, 700))
    clearInterval(timer)
    await new Promise((resolve) => {
      recorder.onstop = resolve
      recorder.stop()
    })
    return new Blob(chunks, { type })
  })
}

/** Runs a function in a page of its own; it returns a blob of the type that it is given. */
async function inBlankPage(browser, type, make) {
  const page = await browser.newPage()
  const made = await page.evaluate(`(async () => {
    const blob = await (${make})(${JSON.stringify(type)})
    const bytes = new Uint8Array(await blob.arrayBuffer())
    return { type: blob.type, text: Array.from(bytes, (byte) => String.fromCharCode(byte)).join('') }
  })()`)
  await page.close()
  // A canvas falls back to PNG, silently.
  if (!made.type.startsWith(type.split(';')[0])) throw new Error(`no ${type} but ${made.type}`)
  return Buffer.from(made.text, 'latin1')
}
