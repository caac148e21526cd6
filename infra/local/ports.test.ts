import { createServer, type AddressInfo } from 'node:net'

import { describe, expect, it } from 'vitest'

import { assertPortsFree, portsFrom, wellKnownPorts } from './ports.ts'

describe('portsFrom', () => {
  it('has the well-known ports without a base', () => {
    expect(portsFrom()).toMatchObject({ api: 8080, gateway: 4318, kafka: 9092, registry: 8081 })
    expect(portsFrom()).toMatchObject({ clickhouseHttp: 8123, clickhouseNative: 9000 })
  })

  it('counts from a base in the documented order', () => {
    const ports = portsFrom(20_000)
    expect(Object.values(ports)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10].map((i) => 20_000 + i))
    expect(Object.keys(ports)).toEqual([
      'api',
      'gateway',
      'kafka',
      'registry',
      'clickhouseHttp',
      'clickhouseNative',
      'kafkaController',
      'metrics',
      'sinkMetrics',
      'hostMetrics',
      'shop',
    ])
  })

  it.each([
    { title: 'below the ports of users', base: 1023, ok: false },
    { title: 'lowest', base: 1024, ok: true },
    { title: 'highest', base: 65_525, ok: true },
    { title: 'too high for the last port', base: 65_526, ok: false },
    { title: 'not whole', base: 2000.5, ok: false },
    { title: 'not a number', base: Number.NaN, ok: false },
  ])('judges a base that is $title', ({ base, ok }) => {
    if (ok) expect(portsFrom(base).api).toBe(base)
    else expect(() => portsFrom(base)).toThrow(expect.objectContaining({ code: 'PORT_INVALID' }))
  })
})

describe('assertPortsFree', () => {
  it('names every port that is taken, and only those', async () => {
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    try {
      const ports = { ...wellKnownPorts, kafka: port, api: 0 }
      await expect(assertPortsFree(ports, ['kafka', 'api'])).rejects.toMatchObject({
        code: 'PORT_IN_USE',
        message: expect.stringContaining(`Port ${String(port)} (kafka)`) as unknown,
      })
      await expect(assertPortsFree(ports, ['api'])).resolves.toBeUndefined()
    } finally {
      server.close()
    }
  })
})
