import type { Systeminformation } from 'systeminformation'
import { describe, expect, it, vi } from 'vitest'
import { heartbeat } from './heartbeat.ts'
import { filesystemReadings, memoryReadings, networkReadings } from './machine.ts'
import { Outbox, type Moment } from './outbox.ts'
import { parseProc, parsePs } from './process-usage.ts'
import { reading } from './reading.ts'
import { independent } from './sampler.ts'
import { StackProcesses } from './stack-processes.ts'

describe('process usage', () => {
  it('of Linux counts fields behind the command, whatever its name', () => {
    const stat = '42 (a ) b) S 1 42 42 0 -1 4194560 1 2 3 4 150 50 7 8 20 0 1 0 99 1 2'
    expect(parseProc(stat, 'Name:\tx\nVmRSS:\t   2048 kB\n')).toEqual({
      cpuSeconds: 2,
      residentBytes: 2048 * 1024,
    })
    expect(parseProc(stat, 'Name:\tkernel thread\n')).toBeUndefined()
  })

  it.each([
    { line: '  512  20480   1:02.51', pid: 512, cpuSeconds: 62.51 },
    { line: '512 20480 01:02:03', pid: 512, cpuSeconds: 3723 },
    { line: '512 20480 2-01:00:00', pid: 512, cpuSeconds: 2 * 86_400 + 3600 },
  ])('of ps: $line', ({ line, pid, cpuSeconds }) => {
    expect(parsePs(`${line}\nnonsense\n`)).toEqual(
      new Map([[pid, { cpuSeconds, residentBytes: 20_480 * 1024 }]]),
    )
  })
})

describe('the processes of the stack', () => {
  const kafka = { name: 'kafka', pid: 7 }
  const usage = (cpuSeconds: number) => new Map([[7, { cpuSeconds, residentBytes: 100 }]])
  const cpuOf = (readings: readonly { name: string; value: number }[]) =>
    readings.filter(({ name }) => name === 'process.cpu.utilization').map(({ value }) => value)

  it('use CPU between two readings, in cores', () => {
    const stack = new StackProcesses()
    expect(cpuOf(stack.readings([kafka], usage(10), 0))).toEqual([])
    expect(cpuOf(stack.readings([kafka], usage(17.5), 5_000))).toEqual([1.5])
  })

  it('begin anew when they have been restarted', () => {
    const stack = new StackProcesses()
    stack.readings([kafka], usage(10), 0)
    expect(stack.readings([kafka], new Map(), 5_000)).toEqual([])
    expect(cpuOf(stack.readings([kafka], usage(11), 10_000))).toEqual([])
  })
})

describe('the machine', () => {
  it('has its memory told by state', () => {
    const memory = {
      total: 100,
      free: 40,
      buffers: 5,
      cached: 15,
      available: 55,
      swaptotal: 0,
    } as Systeminformation.MemData
    expect(memoryReadings(memory).map(({ value, labels }) => [labels['state'], value])).toEqual([
      ['used', 40],
      ['free', 40],
      ['cached', 15],
      ['buffers', 5],
      ['used', 0.45],
    ])
  })

  it('shows a mount once, and only rates that are known', () => {
    const root = { fs: '/dev/a', type: 'ext4', size: 100, used: 20, available: 60, mount: '/' }
    const sizes = [root, root] as Systeminformation.FsSizeData[]
    expect(filesystemReadings(sizes).map(({ value }) => value)).toEqual([20, 60, 0.25])
    const first = [{ iface: 'eth0', rx_sec: null, tx_sec: null }]
    const stats = first as unknown as Systeminformation.NetworkStatsData[]
    expect(networkReadings(stats)).toEqual([])
  })
})

describe('the sampler', () => {
  const good = reading('good', '1', 1)

  it('gives what it has when a source fails or hangs, and asks a hanging one only once', async () => {
    const failures: string[] = []
    const hanging = vi.fn(() => new Promise<never>(() => undefined))
    const sample = independent(
      [
        ['good', () => Promise.resolve([good, reading('nan', '1', NaN)])],
        ['broken', () => Promise.reject(new Error('no'))],
        ['hanging', hanging],
      ],
      { timeoutMs: 20, onFailure: (source) => failures.push(source) },
    )
    expect(await sample()).toEqual([good])
    expect(await sample()).toEqual([good])
    expect(failures).toEqual(['broken', 'hanging', 'broken'])
    expect(hanging).toHaveBeenCalledTimes(1)
  })
})

describe('the outbox', () => {
  const moment = (timestampMs: number, points = 2): Moment => ({
    timestampMs,
    readings: Array.from({ length: points }, () => reading('x', '1', 1)),
  })

  /** Publishing waits until it is let through, as with a broker that is away. */
  const blocked = (maxPoints = 10) => {
    const log: string[] = []
    let gate = Promise.withResolvers<undefined>()
    const outbox = new Outbox({
      maxPoints,
      publishPoints: async (moments) => {
        const open = gate
        await open.promise
        log.push(`points ${moments.map(({ timestampMs }) => timestampMs).join(' ')}`)
      },
      publishTick: (timestampMs) => {
        log.push(`tick ${String(timestampMs)}`)
        return Promise.resolve()
      },
      onDropped: (points) => log.push(`dropped ${String(points)}`),
      onFailed: (_, error) => log.push(String(error)),
    })
    return {
      log,
      outbox,
      open: () => {
        gate.resolve(undefined)
      },
      fail: () => {
        gate.reject(new Error('away'))
        gate = Promise.withResolvers()
      },
    }
  }

  it('sends the tick of a moment when its points are acknowledged', async () => {
    const { log, outbox, open } = blocked()
    outbox.put(moment(5_000))
    expect(log).toEqual([])
    open()
    await outbox.idle()
    expect(log).toEqual(['points 5000', 'tick 5000'])
  })

  it('sends no ticks for what an outage swallowed, and the oldest points go first', async () => {
    const { log, outbox, open } = blocked(4)
    for (const at of [5_000, 10_000, 15_000, 20_000, 25_000]) outbox.put(moment(at))
    expect(outbox.waitingPoints).toBe(4)
    open()
    await outbox.idle()
    expect(log).toEqual([
      ...['dropped 2', 'dropped 2'],
      'points 5000',
      ...['points 20000 25000', 'tick 25000'],
    ])
  })

  it('ticks on when publishing is slow but keeps up', async () => {
    const { log, outbox, open } = blocked()
    outbox.put(moment(5_000))
    outbox.put(moment(10_000))
    open()
    await outbox.idle()
    expect(log).toEqual(['points 5000', 'tick 5000', 'points 10000', 'tick 10000'])
  })

  it('goes on after a failure', async () => {
    const { log, outbox, fail, open } = blocked()
    outbox.put(moment(5_000))
    fail()
    await outbox.idle()
    outbox.put(moment(10_000))
    open()
    await outbox.idle()
    expect(log).toEqual(['Error: away', 'points 10000', 'tick 10000'])
  })
})

describe('the heartbeat', () => {
  it('beats on the grid, never twice for one moment, also when the clock is set back', async () => {
    const times = [10_003, 10_004, 12_000, 12_001, 4_000, 4_001, 20_000, 20_001]
    const beats: number[] = []
    const stop = new AbortController()
    await heartbeat({
      intervalMs: 5,
      // The last time stays: waiting for it costs at most one interval.
      now: () => times.shift() ?? 20_001,
      signal: stop.signal,
      beat: (timestampMs) => {
        beats.push(timestampMs)
        if (timestampMs === 20_000) stop.abort()
        return Promise.resolve()
      },
    })
    expect(beats).toEqual([10_000, 12_000, 20_000])
  })
})
