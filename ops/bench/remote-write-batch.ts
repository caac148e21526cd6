/**
 * Batches of remote_write as Prometheus cuts them: one sample of each of so many series, with labels
 * of which most repeat. A batch is encoded once; each time it is sent its times and values change.
 */
type Labels = readonly (readonly [name: string, value: string])[]

const METHODS = ['GET', 'POST', 'PUT'] as const
const BOUNDS = ['0.005', '0.01', '0.025', '0.05', '0.1', '0.25', '0.5', '1', '2.5', '5', '+Inf']
const NAMES = [
  'http_request_duration_seconds_bucket',
  'node_cpu_seconds_total',
  'container_memory_working_set_bytes',
  'go_gc_duration_seconds',
] as const

/** Some 200 bytes, six to eight labels, as a cluster's series have them. */
export const labelsOf = (series: number): Labels => {
  const name = NAMES[series % NAMES.length]!
  const place = Math.floor(series / 64)
  return [
    ['__name__', name],
    ['cluster', 'prod-eu-central-1'],
    ['instance', `10.4.${place % 200}.${Math.floor(place / 200)}:9100`],
    ['job', `kubernetes-pods-${place % 12}`],
    ...(name.endsWith('_bucket') ? [['le', BOUNDS[(series >> 2) % BOUNDS.length]!] as const] : []),
    ['method', METHODS[(series >> 2) % METHODS.length]!],
    ['namespace', `team-${place % 30}`],
    ['pod', `checkout-7d9f8b6c5-${place.toString(36).padStart(5, 'x')}-${series % 64}`],
  ]
}

const varint = (value: number): number[] => {
  const bytes: number[] = []
  for (let left = value; ; left = Math.floor(left / 128)) {
    if (left < 128) return [...bytes, left]
    bytes.push((left % 128) + 128)
  }
}
const field = (number: number, body: Uint8Array): Buffer =>
  Buffer.concat([Buffer.from([(number << 3) | 2, ...varint(body.length)]), body])

/** A sample of zeros in sixteen bytes: 09 value, 10 time in six bytes. */
const SAMPLE = field(2, Buffer.from([0x09, ...new Uint8Array(8), 0x10, 128, 128, 128, 128, 128, 0]))
const VALUE_FROM_END = 15
const TIME_FROM_END = 6

const seriesOf1 = (labels: Labels): Buffer =>
  Buffer.concat([
    ...labels.map((pair) =>
      field(1, Buffer.concat(pair.map((text, index) => field(index + 1, Buffer.from(text))))),
    ),
    SAMPLE,
  ])

export class RemoteWriteBatch {
  readonly samples: number
  readonly #body: Buffer
  /** Where the samples end. */
  readonly #ends: number[] = []

  constructor(all: readonly Labels[], version: '1.0' | '2.0') {
    this.samples = all.length
    const symbols = new Map<string, number>([['', 0]])
    const refOf = (text: string): number => {
      if (!symbols.has(text)) symbols.set(text, symbols.size)
      return symbols.get(text)!
    }
    const series = all.map((labels) =>
      version === '1.0'
        ? field(1, seriesOf1(labels))
        : field(5, Buffer.concat([refsOf(labels, refOf), SAMPLE, METADATA])),
    )
    const head =
      version === '1.0' ? [] : [...symbols.keys()].map((text) => field(4, Buffer.from(text)))
    const behind = version === '1.0' ? 0 : METADATA.length
    let at = head.reduce((sum, { length }) => sum + length, 0)
    for (const { length } of series) this.#ends.push((at += length) - behind)
    this.#body = Buffer.concat([...head, ...series])
  }

  /** The body of a request, unpacked, until the next one: all samples at one time, with values of their own. */
  at(timestampMs: number, value: number): Buffer {
    const time = Buffer.from(varint(timestampMs))
    for (const [index, end] of this.#ends.entries()) {
      this.#body.writeDoubleLE(value + index, end - VALUE_FROM_END)
      time.copy(this.#body, end - TIME_FROM_END)
    }
    return this.#body
  }
}

/** A gauge without help and unit. */
const METADATA = field(5, Buffer.from([0x08, 2]))
const refsOf = (labels: Labels, refOf: (text: string) => number): Buffer =>
  field(1, Buffer.from(labels.flat().flatMap((text) => varint(refOf(text)))))
