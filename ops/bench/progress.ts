/** What a long benchmark is doing: one line each on standard error, where `--json` does not read. */
export type Progress = (text: string) => void

export const progressOnStandardError = (): Progress => {
  const startedAtMs = performance.now()
  return (text) => {
    const seconds = Math.round((performance.now() - startedAtMs) / 1_000)
    process.stderr.write(`${String(seconds).padStart(5)} s  ${text}\n`)
  }
}
