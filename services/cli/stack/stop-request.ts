/**
 * When `up` is to end: Ctrl-C, SIGTERM, a closed terminal, or the end of the process that started it. Once or several times makes
 * no difference: the handlers stay, so that a second signal cannot cut a stop short.
 */
import process from 'node:process'

export const watchForStop = (): AbortSignal => {
  const controller = new AbortController()
  const stop = (): void => {
    controller.abort()
  }
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, stop)
  if (process.send !== undefined) {
    process.on('disconnect', stop)
    if (!process.connected) stop()
  }
  return controller.signal
}

export const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve()
    else {
      signal.addEventListener('abort', () => {
        resolve()
      })
    }
  })
