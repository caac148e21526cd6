/** Standard output of commands that write many lines: waits for slow readers, ends with them. */
import process from 'node:process'

export class LineOutput {
  readonly #closed = new AbortController()

  constructor() {
    // `millrace tail ... | head` is a normal end.
    process.stdout.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error
      this.#closed.abort()
    })
  }

  /** Aborts when nobody reads any more. */
  get closed(): AbortSignal {
    return this.#closed.signal
  }

  async write(chunk: string | Uint8Array): Promise<void> {
    if (this.#closed.signal.aborted) return
    if (process.stdout.write(chunk)) return
    const { promise, resolve } = Promise.withResolvers<undefined>()
    const go = () => {
      resolve(undefined)
    }
    process.stdout.once('drain', go)
    this.#closed.signal.addEventListener('abort', go)
    await promise
    process.stdout.off('drain', go)
    this.#closed.signal.removeEventListener('abort', go)
  }

  /** Everything written has left the process. */
  async end(): Promise<void> {
    if (this.#closed.signal.aborted) return
    await new Promise<void>((resolve) =>
      process.stdout.write('', () => {
        resolve()
      }),
    )
  }
}
