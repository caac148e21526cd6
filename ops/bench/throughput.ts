/** Whole runs through a prefilled topic: a fresh process and an application of its own each. */
import type { BenchStack } from './bench-stack.ts'
import { checkAnswer } from './check.ts'
import { runChild, script } from './child.ts'
import type { Expected } from './expected.ts'
import { runPeer, type Peer, type PeerVariant } from './peer.ts'
import { brokerCpuSeconds } from './process-figures.ts'
import type { Progress } from './progress.ts'
import { median } from './statistics.ts'
import type { RunFigures } from './worker-process.ts'
import { createWorkload, type Decode } from './workload.ts'
import { createApplication, removeTopics } from './workload-topics.ts'

/** Medians over the runs. */
export interface ThroughputFigures {
  readonly records_per_second: number
  readonly records_per_cpu_second: number
  readonly cpu_seconds: number
  readonly rss_bytes: number
  /** Of the broker, while the run lasted; NaN where it is not ours to see. */
  readonly broker_cpu_seconds: number
}

export interface OurFigures extends ThroughputFigures {
  readonly commit_p50_ms: number
  readonly commit_p99_ms: number
  readonly last_commit_ms: number
  readonly commits: number
}

export interface PeerFigures extends ThroughputFigures {
  readonly variant: string
}

export interface ThroughputReport {
  readonly declared: OurFigures
  readonly objects: OurFigures
  readonly peer?: {
    readonly default: PeerFigures
    readonly tuned: PeerFigures
    readonly variants: readonly PeerFigures[]
  }
}

export interface ThroughputOptions {
  readonly name: string
  readonly records: number
  readonly partitions: number
  readonly runs: number
  readonly expected: Expected
  readonly peer: Peer | undefined
  readonly progress: Progress
}

const PEER_VARIANTS: readonly PeerVariant[] = (['generic', 'hand'] as const).flatMap((decode) =>
  (['mem', 'rocksdb'] as const).flatMap((store) =>
    [1, 2].map((threads) => ({ decode, store, threads })),
  ),
)

/** All in turn, and again: what else the machine does then meets everybody alike. */
export const measureThroughput = async (
  stack: BenchStack,
  options: ThroughputOptions,
): Promise<ThroughputReport> => {
  const { runs, peer, progress } = options
  const ours = { fields: [] as OurFigures[], objects: [] as OurFigures[] }
  const peers = PEER_VARIANTS.map((variant) => ({ variant, figures: [] as ThroughputFigures[] }))
  const say = (round: number, who: string, { records_per_second: rate }: ThroughputFigures) => {
    progress(`round ${round} of ${runs}: ${who}, ${Math.round(rate / 1_000)} k records/s`)
  }
  for (let round = 1; round <= runs; round++) {
    for (const decode of ['fields', 'objects'] as const) {
      const figures = await runOurs(stack, {
        ...options,
        decode,
        id: `${stack.prefix}-${decode}-${round}`,
      })
      ours[decode].push(figures)
      say(round, decode === 'fields' ? 'declared fields' : 'objects', figures)
    }
    if (peer === undefined) continue
    for (const { variant, figures } of peers) {
      const one = await runPeer(stack, peer, { ...options, ...variant, run: round })
      figures.push(one)
      say(round, nameOf(variant), one)
    }
  }
  const variants = peers.map(({ variant, figures }) => ({
    variant: nameOf(variant),
    decode: variant.decode,
    ...mediansOf(figures),
  }))
  const best = (decode: PeerVariant['decode']): PeerFigures =>
    variants
      .filter((figures) => figures.decode === decode)
      .reduce((a, b) => (a.records_per_second >= b.records_per_second ? a : b))
  return {
    declared: mediansOf(ours.fields),
    objects: mediansOf(ours.objects),
    ...(peer && { peer: { default: best('generic'), tuned: best('hand'), variants } }),
  }
}

interface OurRunOptions extends Pick<
  ThroughputOptions,
  'name' | 'records' | 'partitions' | 'expected'
> {
  readonly id: string
  readonly decode: Decode
}

const runOurs = async (stack: BenchStack, options: OurRunOptions): Promise<OurFigures> => {
  const { name, id, decode, records, expected, partitions } = options
  const workload = createWorkload({ name, decode })
  const application = await createApplication(stack, workload, { id, partitions })
  const before = brokerCpuSeconds(stack)
  const figures = (await runChild(
    script('worker-process.ts', ['run', name, id, decode, records], stack.env),
  )) as RunFigures
  const broker = brokerCpuSeconds(stack) - before
  const { windows, deviations } = application
  await checkAnswer(stack, { windows: windows.name, deviations: deviations.name }, expected)
  await removeTopics(stack, id)
  return { ...figures, broker_cpu_seconds: broker }
}

const nameOf = ({ decode, store, threads }: PeerVariant): string =>
  `Kafka Streams, ${store}, ${threads} ${threads === 1 ? 'thread' : 'threads'}` +
  (decode === 'hand' ? ', decoding by hand' : '')

/** Of each number; all objects have the same ones. */
const mediansOf = <Figures extends ThroughputFigures>(runs: readonly Figures[]): Figures => {
  const [first] = runs
  const names = Object.keys(first ?? {}) as (keyof Figures)[]
  const pairs = names.map((name) => [name, median(runs.map((run) => Number(run[name])))])
  return Object.fromEntries(pairs) as Figures
}
