// The recipes of docs/API.md, as they are printed.

import { readFile } from 'node:fs/promises'

/** Returns the recipes for web pages: `{ language, text }`, in order. */
export async function readRecipes() {
  const document = await readFile(new URL('../../../docs/API.md', import.meta.url), 'utf8')
  const section = document.split('\n## ').find((text) => text.startsWith('Uploading from web pages'))
  if (!section) throw new Error('docs/API.md has no section about uploading from web pages')
  const blocks = section.matchAll(/^```(\w+)\n(.*?)^```$/gms)
  return Array.from(blocks, ([, language, text]) => ({ language, text }))
}

/** Returns the only recipe that all words are in. */
export function pick(recipes, ...words) {
  const found = recipes.filter(({ text }) => words.every((word) => text.includes(word)))
  if (found.length !== 1) throw new Error(`${found.length} recipes have ${words.join(' and ')}`)
  return found[0].text
}
