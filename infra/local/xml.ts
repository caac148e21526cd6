const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;' }

/** For the text of an element. */
export const escapeXml = (text: string): string =>
  text.replace(/[&<>]/g, (character) => entities[character] ?? character)
