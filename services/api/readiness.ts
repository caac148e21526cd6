/**
 * Is all of it working? Each part is asked by a probe; what is not ready is named with the way out.
 *
 * R1: a probe never hangs the answer: each has a deadline.
 * R2: many askers cost one round of probes: an answer is shared while it is young.
 */
export type PartState = 'ready' | 'degraded' | 'failed'

export interface PartReport {
  readonly name: string
  readonly state: PartState
  /** What was found, in words. */
  readonly detail: string
  /** What to do about it; null when all is well. */
  readonly remedy: string | null
}

/** Rejects or returns why not (`detail`) when the part does not work. */
export interface Probe {
  readonly name: string
  /** What to do when this part is not ready. */
  readonly remedy: string
  check(signal: AbortSignal): Promise<ProbeFinding>
}

export type ProbeFinding =
  | { readonly state: 'ready'; readonly detail: string }
  | { readonly state: 'degraded' | 'failed'; readonly detail: string; readonly remedy?: string }

export interface Readiness {
  readonly ready: boolean
  readonly checkedAtMs: number
  readonly parts: readonly PartReport[]
}

export interface ReadinessOptions {
  readonly probes: readonly Probe[]
  readonly deadlineMs: number
  readonly shareMs: number
  readonly nowMs: () => number
}

export interface ReadinessCheck {
  readonly current: () => Promise<Readiness>
}

export const createReadiness = (options: ReadinessOptions): ReadinessCheck => {
  const { probes, deadlineMs, shareMs, nowMs } = options
  let round: { readonly startedMs: number; readonly result: Promise<Readiness> } | undefined

  const ask = async (startedMs: number): Promise<Readiness> => {
    const parts = await Promise.all(probes.map((probe) => report(probe, deadlineMs)))
    return {
      ready: parts.every((part) => part.state === 'ready'),
      checkedAtMs: startedMs,
      parts,
    }
  }

  return {
    current() {
      const now = nowMs()
      if (round === undefined || now - round.startedMs >= shareMs) {
        round = { startedMs: now, result: ask(now) }
      }
      return round.result
    },
  }
}

const report = async (probe: Probe, deadlineMs: number): Promise<PartReport> => {
  const { name } = probe
  const finding = await withDeadline(probe, deadlineMs)
  if (finding.state === 'ready') {
    return { name, state: 'ready', detail: finding.detail, remedy: null }
  }
  const remedy = finding.remedy ?? probe.remedy
  return { name, state: finding.state, detail: finding.detail, remedy }
}

const withDeadline = async (probe: Probe, deadlineMs: number): Promise<ProbeFinding> => {
  const signal = AbortSignal.timeout(deadlineMs)
  const expired = new Promise<ProbeFinding>((resolve) => {
    signal.addEventListener('abort', () => {
      resolve({ state: 'failed', detail: `no answer within ${deadlineMs / 1000} s` })
    })
  })
  const asked = probe
    .check(signal)
    .catch((error: unknown): ProbeFinding => ({ state: 'failed', detail: reasonOf(error) }))
  return Promise.race([asked, expired])
}

/** fetch says only "fetch failed"; its cause says why. */
const reasonOf = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error)
  const { cause } = error
  if (cause instanceof Error) return reasonOf(cause)
  const code: unknown = 'code' in error ? error.code : undefined
  return error.message || (typeof code === 'string' ? code : error.name)
}

/** All is well, or what is not, in one sentence. */
export const summarise = ({ ready, parts }: Readiness): string => {
  if (ready) return `All ${parts.length} parts work.`
  const broken = parts.filter((part) => part.state !== 'ready')
  const list = broken.map((part) => `${part.name} (${part.detail})`).join('; ')
  return `${broken.length} of ${parts.length} parts do not work: ${list}.`
}
