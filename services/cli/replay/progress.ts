/** The progress bar of a replay; silent where nobody watches. */
import { Presets, SingleBar } from 'cli-progress'
import type { ReplayProgress } from '../../replay/replay-files.ts'

export interface ProgressView {
  readonly show: (progress: ReplayProgress) => void
  readonly stop: () => void
}

const FORMAT = '{phase} [{bar}] {percentage}%  {value}/{total}  {detail}'

export const progressView = (stream: NodeJS.WriteStream): ProgressView => {
  if (!stream.isTTY) return { show: () => undefined, stop: () => undefined }
  const bar = new SingleBar(
    { format: FORMAT, stream, hideCursor: true, clearOnComplete: true, stopOnComplete: false },
    Presets.shades_classic,
  )
  let shown: ReplayProgress['phase'] | undefined
  const update = (phase: ReplayProgress['phase'], done: number, of: number, detail: string) => {
    const payload = { phase, detail }
    if (shown === phase) {
      bar.update(done, payload)
      return
    }
    if (shown !== undefined) bar.stop()
    bar.start(of, done, payload)
    shown = phase
  }
  return {
    show: (progress) => {
      switch (progress.phase) {
        case 'survey':
          update(
            'survey',
            progress.done,
            progress.of,
            `${progress.file} ${String(progress.rows)} rows`,
          )
          return
        case 'publish': {
          const at = new Date(progress.atMs).toISOString().slice(0, 16)
          update('publish', progress.rows, progress.of, at)
        }
      }
    },
    stop: () => {
      if (shown !== undefined) bar.stop()
    },
  }
}
