/** What the set-up says: on standard error, so that standard output stays the command's own. */
import process from 'node:process'

export const say = (text) => {
  process.stderr.write(`${text}\n`)
}

/** One line that is rewritten in a terminal, and said now and then elsewhere. */
export const progressLine = () => {
  const terminal = process.stderr.isTTY === true
  const everyMs = terminal ? 100 : 5_000
  let saidAt = 0
  return {
    update(text) {
      const now = Date.now()
      if (now - saidAt < everyMs) return
      saidAt = now
      process.stderr.write(terminal ? `\r\x1b[K${text}` : `${text}\n`)
    },
    clear() {
      if (terminal) process.stderr.write('\r\x1b[K')
    },
  }
}

/** An expected failure: shown as it is, without a stack. */
export class SetupError extends Error {
  constructor(message, exitCode) {
    super(message)
    this.name = 'SetupError'
    this.exitCode = exitCode
  }
}
