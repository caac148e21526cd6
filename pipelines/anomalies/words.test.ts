import { describe, expect, it } from 'vitest'
import { subjectWords, serviceOf, valueWords } from './metric-words.ts'
import { comparableNumbers, durationWords, plainNumber } from './number-words.ts'

it.each([
  [0, '0'],
  [242.29, '242.3'],
  [6.944, '6.94'],
  [3, '3'],
  [0.018, '0.018'],
  [1_500, '1,500'],
  [-1_234_567.8, '-1,234,568'],
  [0.00001234, '0.0000123'],
  [1.5e-12, '1.50e-12'],
  [2e20, '2.00e+20'],
  [-0.0000000001, '-1.00e-10'],
])('%d is written %s', (value, text) => {
  expect(plainNumber(value)).toBe(text)
})

it.each([
  { distance: 10, values: [1_000.2, 1_010.2], texts: ['1,000', '1,010'] },
  { distance: 0.1, values: [1_000.2, 1_000.3], texts: ['1,000.2', '1,000.3'] },
  { distance: 0.002, values: [41.001, 41.003], texts: ['41.001', '41.003'] },
  { distance: 0, values: [5, 5], texts: ['5', '5'] },
])('numbers $distance apart can be told apart', ({ distance, values, texts }) => {
  expect(values.map(comparableNumbers(distance))).toEqual(texts)
})

it.each([
  [0, '0 s'],
  [45_000, '45 s'],
  [480_000, '8 min'],
  [7_500_000, '2 h 5 min'],
  [7_200_000, '2 h'],
  [273_600_000, '3 d 4 h'],
])('%d ms are %s', (durationMs, text) => {
  expect(durationWords(durationMs)).toBe(text)
})

const series = (name: string, labels: Record<string, string> = {}) => ({
  tenant: 't',
  name,
  labels,
})

describe('a series is called', () => {
  it.each([
    {
      of: series('system.cpu.utilization', { host: 'web-1' }),
      words: 'cpu utilization of host web-1',
    },
    { of: series('latency_ms', { service: 'payment' }), words: 'latency of payment' },
    {
      of: series('http_request_duration_seconds', { job: 'api', instance: 'a:1' }),
      words: 'http request duration of api on host a:1',
    },
    {
      of: series('system.network.io', { 'host.name': 'db', device: 'eth0', direction: 'in' }),
      words: 'network io of host db (device eth0, direction in)',
    },
    { of: series('up'), words: 'up' },
    { of: series('system'), words: 'system' },
    { of: series('bytes'), words: 'bytes' },
    { of: series('...'), words: '...' },
    { of: series('x', { d: '4', c: '3', b: '2', a: '1' }), words: 'x (a 1, b 2, c 3)' },
  ])('$words', ({ of, words }) => {
    expect(subjectWords(of)).toBe(words)
  })
})

it.each([
  { name: 'latency_ms', value: 1_500, text: '1,500 ms' },
  { name: 'system.cpu.utilization', value: 0.931, text: '93.1 %' },
  { name: 'system.cpu.utilization', value: 93.1, text: '93.1' },
  { name: 'cpu_percent', value: 93.1, text: '93.1 %' },
  { name: 'cpu_utilization', value: 93.1, text: '93.1' },
  { name: 'system.memory.usage', value: 1_530_000_000, text: '1.42 GiB' },
  { name: 'response_bytes', value: 512, text: '512 B' },
  { name: 'response_bytes', value: 0, text: '0 B' },
  { name: 'response_bytes', value: 1_048_576, text: '1 MiB' },
  { name: 'system.disk.io.rate', value: 171_966_464, text: '164 MiB/s' },
  { name: 'system.network.io.rate', value: 3_000, text: '2.93 KiB/s' },
  { name: 'node_disk_bytes_per_second', value: 512, text: '512 B/s' },
  { name: 'system.disk.operations.rate', value: 120, text: '120 per second' },
  { name: 'queue_length', value: 17, text: '17' },
  { name: 'http_request_duration_seconds', value: 0.25, text: '0.25 s' },
])('$value of $name reads $text', ({ name, value, text }) => {
  expect(valueWords(name, { largest: value, distance: 0 }).full(value)).toBe(text)
})

it.each([
  { labels: { service: 'a', job: 'b' }, service: 'a' },
  { labels: { 'service.name': 'a' }, service: 'a' },
  { labels: { job: 'b' }, service: 'b' },
  { labels: { service: '', job: 'b' }, service: 'b' },
  { labels: { host: 'c' }, service: null },
])('the service of $labels is $service', ({ labels, service }) => {
  expect(serviceOf(labels as Record<string, string>)).toBe(service)
})
