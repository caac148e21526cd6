import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Decimal, decimalBytes, decimalFieldsOf, decimalOf, decimalText } from './decimal.ts'
import { costRecordSchema } from './generated/telemetry-costs.ts'
import { metricPointSchema } from './generated/telemetry-metrics.ts'

/** Hex of the two's complement of value * 10^12, as the Avro specification has it. */
describe('bytes of a decimal', () => {
  it.each([
    { text: '0', hex: '00', again: '0' },
    { text: '-0', hex: '00', again: '0' },
    { text: '0.000000000001', hex: '01', again: '0.000000000001' },
    { text: '-0.000000000001', hex: 'ff', again: '-0.000000000001' },
    { text: '0.000000000127', hex: '7f', again: '0.000000000127' },
    { text: '0.000000000128', hex: '0080', again: '0.000000000128' },
    { text: '-0.000000000128', hex: '80', again: '-0.000000000128' },
    { text: '0.1', hex: '174876e800', again: '0.1' },
    { text: '1', hex: '00e8d4a51000', again: '1' },
    { text: '+12.50', hex: '0b5e620f4800', again: '12.5' },
    { text: '2.000000000000000', hex: '01d1a94a2000', again: '2' },
    { text: '8.0E-7', hex: '0c3500', again: '0.0000008' },
    { text: '0.0000000000005', hex: '00', again: '0' },
    { text: '0.0000000000015', hex: '02', again: '0.000000000002' },
    {
      text: '99999999999999999999999999.999999999999',
      hex: '4b3b4ca85a86c47a098a223fffffffff',
      again: '99999999999999999999999999.999999999999',
    },
  ])('$text', ({ text, hex, again }) => {
    expect(decimalBytes(text).toString('hex')).toBe(hex)
    expect(decimalText(decimalBytes(text))).toBe(again)
  })

  it.each(['', ' ', 'NULL', 'NaN', 'Infinity', '0x10', '1,5', '1e9999', '1'.padEnd(27, '0')])(
    'are none for %j',
    (text) => {
      expect(() => decimalBytes(text)).toThrow(/give a number like/)
    },
  )

  it('come back as they were, and add up exactly', () => {
    const amounts = fc.bigInt({ min: -(10n ** 36n), max: 10n ** 36n })
    fc.assert(
      fc.property(fc.array(amounts), (units) => {
        const decimals = units.map((unit) => decimalOf(decimalBytes(`${String(unit)}e-12`)))
        const sum = decimals.reduce((total, each) => total.plus(each), new Decimal(0))
        const exact = units.reduce((total, each) => total + each, 0n)
        expect(sum.times('1e12').toFixed(0)).toBe(String(exact))
      }),
    )
  })
})

it('knows which fields are decimals, null or not', () => {
  expect(decimalFieldsOf(costRecordSchema)).toEqual(
    expect.arrayContaining(['billedCost', 'listUnitPrice']),
  )
  expect(decimalFieldsOf(metricPointSchema)).toEqual([])
})
