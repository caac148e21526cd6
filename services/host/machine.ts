/**
 * What systeminformation says of the machine, as OpenTelemetry's system metrics
 * (https://opentelemetry.io/docs/specs/semconv/system/system-metrics/). Pure.
 *
 * Where OpenTelemetry counts bytes since boot, this publishes rates, named `*.rate`: a detector
 * that looks at one value at a time can do nothing with a number that only rises.
 */
import type { Systeminformation } from 'systeminformation'
import { reading, type Reading } from './reading.ts'

export const cpuReadings = (load: Systeminformation.CurrentLoadData): Reading[] => {
  const states: readonly (readonly [string, number])[] = [
    ['user', load.currentLoadUser + load.currentLoadNice],
    ['system', load.currentLoadSystem],
    ['interrupt', load.currentLoadIrq],
    ['steal', load.currentLoadSteal],
    ['idle', load.currentLoadIdle],
  ]
  return states.map(([state, percent]) =>
    reading('system.cpu.utilization', '1', percent / 100, { state }),
  )
}

export const loadReadings = (averages: readonly number[]): Reading[] =>
  (['1m', '5m', '15m'] as const).flatMap((span, index) => {
    const average = averages[index]
    return average === undefined
      ? []
      : [reading(`system.cpu.load_average.${span}`, '{thread}', average)]
  })

export const memoryReadings = (memory: Systeminformation.MemData): Reading[] => {
  const { total, free, buffers, cached, available, swaptotal, swapused, swapfree } = memory
  const used = Math.max(0, total - free - buffers - cached)
  const usage = (state: string, bytes: number) =>
    reading('system.memory.usage', 'By', bytes, { state })
  return [
    usage('used', used),
    usage('free', free),
    usage('cached', cached),
    usage('buffers', buffers),
    ...(total > 0
      ? [reading('system.memory.utilization', '1', (total - available) / total, { state: 'used' })]
      : []),
    ...(swaptotal > 0
      ? [
          reading('system.paging.usage', 'By', swapused, { state: 'used' }),
          reading('system.paging.usage', 'By', swapfree, { state: 'free' }),
        ]
      : []),
  ]
}

export const filesystemReadings = (sizes: readonly Systeminformation.FsSizeData[]): Reading[] =>
  unique(sizes, ({ mount }) => mount)
    .filter(({ size }) => size > 0)
    .flatMap(({ fs: device, mount: mountpoint, type, used, available }) => {
      const labels = { device, mountpoint, type }
      const usage = (state: string, bytes: number) =>
        reading('system.filesystem.usage', 'By', bytes, { ...labels, state })
      return [
        usage('used', used),
        usage('free', available),
        // Of what this user can fill, as `df` shows it: some blocks are reserved.
        reading('system.filesystem.utilization', '1', used / Math.max(1, used + available), labels),
      ]
    })

/** Null in containers that do not see the disks. */
export const diskReadings = (
  bytes: Systeminformation.FsStatsData | null,
  operations: Systeminformation.DisksIoData | null,
): Reading[] => [
  ...directed('system.disk.io.rate', 'By/s', bytes?.rx_sec, bytes?.wx_sec, ['read', 'write']),
  ...directed(
    'system.disk.operations.rate',
    '{operation}/s',
    operations?.rIO_sec,
    operations?.wIO_sec,
    ['read', 'write'],
  ),
]

export const networkReadings = (stats: readonly Systeminformation.NetworkStatsData[]): Reading[] =>
  unique(stats, ({ iface }) => iface).flatMap((each) =>
    directed('system.network.io.rate', 'By/s', each.rx_sec, each.tx_sec, ['receive', 'transmit'], {
      device: each.iface,
    }),
  )

/** Rates are null until there are two samples. */
const directed = (
  name: string,
  unit: string,
  inward: number | null | undefined,
  outward: number | null | undefined,
  directions: readonly [string, string],
  labels: Readonly<Record<string, string>> = {},
): Reading[] =>
  [inward, outward].flatMap((value, index) =>
    typeof value === 'number' && value >= 0
      ? [reading(name, unit, value, { ...labels, direction: directions[index] ?? '' })]
      : [],
  )

const unique = <T>(items: readonly T[], keyOf: (item: T) => string): T[] => [
  ...new Map(items.map((item) => [keyOf(item), item])).values(),
]
