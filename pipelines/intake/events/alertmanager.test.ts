import { expect, it } from 'vitest'
import { alertmanagerAlerts, MAX_ALERTS, MAX_LABELS } from './alertmanager.ts'
import { alertmanagerGroup } from './testing/hooks.ts'

const arrival = { tenant: 'default', receivedAtMs: Date.UTC(2026, 2, 1, 12) }
const startsAt = Date.UTC(2026, 2, 1, 11, 50, 0, 123)
const [firing, resolved] = alertmanagerGroup.alerts
const read = (json: unknown, said: object = {}) =>
  alertmanagerAlerts(json, { ...arrival, ...said }).map((each) => {
    if (each.kind !== 'mapped') throw new Error(JSON.stringify(each))
    return each.value
  })
const group = (...alerts: readonly unknown[]) => ({ ...alertmanagerGroup, alerts })
const one = (change: object) => group({ ...firing, ...change })

it('reads each alert of a group by its own status', () => {
  expect(read(alertmanagerGroup)).toMatchObject([
    {
      status: 'firing',
      tenant: 'default',
      timestamp: startsAt,
      startsAt,
      endsAt: null,
      name: 'HighLatency',
      severity: 'critical',
      service: 'checkout',
      fingerprint: 'c4ca4238a0b92382',
      labels: firing?.labels,
      annotations: { summary: 'checkout is slow' },
      generatorUrl: 'http://prometheus.example/graph?g0.expr=up',
      source: 'alertmanager',
      receiver: 'millrace',
      groupKey: '{}:{alertname="HighLatency"}',
    },
    {
      status: 'resolved',
      timestamp: Date.UTC(2026, 2, 1, 11, 55),
      endsAt: Date.UTC(2026, 2, 1, 11, 55),
    },
  ])
})

it('gives an alert that fires no end, whatever is written there', () => {
  expect(read(one({ endsAt: '2026-03-01T13:00:00Z' }))[0]?.endsAt).toBeNull()
})

it.each([
  { title: 'the same again', change: { annotations: {} }, same: true },
  { title: 'another start', change: { startsAt: '2026-03-01T11:50:01Z' }, same: false },
  { title: 'another alert', change: { fingerprint: 'a' }, same: false },
  {
    title: 'another status',
    change: { status: 'resolved', endsAt: '2026-03-01T11:55:00Z' },
    same: false,
  },
])('$title: the same record $same', ({ change, same }) => {
  expect(read(one(change))[0]?.id === read(one({}))[0]?.id).toBe(same)
})

it.each([
  { labels: { service: 'a', app: 'b', job: 'c' }, service: 'a' },
  { labels: { service: '', app: 'b', job: 'c' }, service: 'b' },
  { labels: { job: 'c' }, service: 'c' },
  { labels: {}, service: null },
])('finds the service $service in labels', ({ labels, service }) => {
  expect(read(one({ labels: { alertname: 'x', ...labels } }))[0]?.service).toBe(service)
})

it('takes the service that the address names first', () => {
  expect(read(one({}), { service: 'pay' })[0]?.service).toBe('pay')
})

it('makes a fingerprint of the labels where none is sent', () => {
  const labels = { alertname: 'x', b: '1', a: '2' }
  const [first] = read(one({ fingerprint: undefined, labels }))
  const [again] = read(one({ fingerprint: '', labels: { a: '2', alertname: 'x', b: '1' } }))
  expect(first?.fingerprint).toMatch(/^[0-9a-f]{32}$/)
  expect(again?.fingerprint).toBe(first?.fingerprint)
})

it('keeps labels as they were sent', () => {
  const labels = JSON.parse(
    '{"alertname":"x","__proto__":"y","empty":"","hole":"<no value>"}',
  ) as object
  expect(JSON.stringify(read(one({ labels }))[0]?.labels)).toBe(JSON.stringify(labels))
})

it('keeps the good alerts of a group', () => {
  const results = alertmanagerAlerts(group({ ...firing, startsAt: 'soon' }, resolved), arrival)
  expect(results).toMatchObject([
    { kind: 'refused', fault: { field: 'alerts[0].startsAt' } },
    { kind: 'mapped', value: { status: 'resolved' } },
  ])
})

const many = Object.fromEntries(
  Array.from({ length: MAX_LABELS + 1 }, (_, index) => [`l${String(index)}`, '']),
)

it.each([
  { title: 'no object', json: [], field: 'body' },
  { title: 'another version', json: { ...alertmanagerGroup, version: '3' }, field: 'version' },
  { title: 'no alerts', json: { version: '4' }, field: 'alerts' },
  { title: 'alerts that are no array', json: { version: '4', alerts: {} }, field: 'alerts' },
  {
    title: 'too many alerts',
    json: { version: '4', alerts: Array.from({ length: MAX_ALERTS + 1 }) },
    field: 'alerts',
  },
  { title: 'an alert that is none', json: group('x'), field: 'alerts[0]' },
  { title: 'another status', json: one({ status: 'pending' }), field: 'alerts[0].status' },
  { title: 'no name', json: one({ labels: {} }), field: 'alerts[0].labels.alertname' },
  { title: 'labels that are no object', json: one({ labels: 'x' }), field: 'alerts[0].labels' },
  { title: 'a million labels', json: one({ labels: many }), field: 'alerts[0].labels' },
  {
    title: 'labels that are too long in all',
    json: one({ labels: { alertname: 'x', ['l'.repeat(131_072)]: '' } }),
    field: 'alerts[0].labels',
  },
  {
    title: 'a label that is a number',
    json: one({ labels: { alertname: 'x', a: 1 } }),
    field: 'alerts[0].labels.a',
  },
  { title: 'no start', json: one({ startsAt: undefined }), field: 'alerts[0].startsAt' },
  {
    title: 'a start ahead of now',
    json: one({ startsAt: '2026-03-01T12:02:00Z' }),
    field: 'alerts[0].startsAt',
  },
  {
    title: 'an end in the year 1 of what is resolved',
    json: one({ status: 'resolved' }),
    field: 'alerts[0].endsAt',
  },
])('refuses $title and names the field', ({ json, field }) => {
  expect(alertmanagerAlerts(json, arrival)).toMatchObject([{ kind: 'refused', fault: { field } }])
})

it('takes a group without alerts: there is nothing to say', () => {
  expect(alertmanagerAlerts(group(), arrival)).toEqual([])
})
