/** Name patterns: `*` stands for any text, `?` for one character. Linear in practice, no regex. */
export const matchesGlob = (pattern: string, text: string): boolean => {
  let patternAt = 0
  let textAt = 0
  let starAt = -1
  let resumeAt = 0
  while (textAt < text.length) {
    const symbol = pattern[patternAt]
    if (symbol === '*') {
      starAt = patternAt++
      resumeAt = textAt
    } else if (symbol === '?' || symbol === text[textAt]) {
      patternAt++
      textAt++
    } else if (starAt >= 0) {
      // The last star takes one character more.
      patternAt = starAt + 1
      textAt = ++resumeAt
    } else {
      return false
    }
  }
  while (pattern[patternAt] === '*') patternAt++
  return patternAt === pattern.length
}
