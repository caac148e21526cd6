/** What a sender hears of what became of its samples. */
import type { RequestPoints } from '../../../../pipelines/intake/prometheus/request-points.ts'

/** Small: the ledger keeps it for retries. */
export interface Answer {
  readonly samples: number
  readonly histograms: number
  /** Undefined when nothing was refused. */
  readonly complaint: string | undefined
}

/**
 * Markers of the end of a series and values that are no finite number count as written: they were
 * dealt with, and a sender that reads zero takes the whole request for lost.
 */
export const answerTo = ({ tally, reasons }: RequestPoints): Answer => ({
  samples: tally.samples - tally.refusedSamples,
  histograms: tally.histograms - tally.refusedHistograms,
  complaint:
    tally.refusedSamples + tally.refusedHistograms === 0
      ? undefined
      : [
          `${refused(tally.refusedSamples, tally.samples, 'samples')} and ${refused(tally.refusedHistograms, tally.histograms, 'histograms')} were refused, the others are written. The first reasons:`,
          ...reasons,
        ].join('\n'),
})

const refused = (count: number, of: number, what: string): string =>
  `${String(count)} of ${String(of)} ${what}`

export type WrittenHeaders = Readonly<Record<string, string>>

/** Exemplars are not kept. */
export const writtenHeaders = ({
  samples,
  histograms,
}: Pick<Answer, 'samples' | 'histograms'>): WrittenHeaders => ({
  'x-prometheus-remote-write-samples-written': String(samples),
  'x-prometheus-remote-write-histograms-written': String(histograms),
  'x-prometheus-remote-write-exemplars-written': '0',
})

export const nothingWritten = writtenHeaders({ samples: 0, histograms: 0 })
