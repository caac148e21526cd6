import { existsSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Decimal, decimalOf } from '../../../schemas/decimal.ts'
import type { Row } from '../rows.ts'
import { costsSignal, type CostOptions } from './cost-file.ts'
import { costRecordOf, type CostRow } from './cost-row.ts'
import { collect } from '../testing/collect.ts'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-costs-'))
})
afterAll(() => {
  rmSync(folder, { recursive: true })
})

const WRITTEN_MS = Date.UTC(2026, 1, 3)
const context = { tenant: 't', latestMs: Date.UTC(2026, 5, 1) }

const rowsOf = async (path: string, options: CostOptions = {}): Promise<Row<CostRow>[]> => {
  const file = { path, name: 'bill', label: 'bill.csv' }
  return collect(costsSignal(options).reader(context)(file))
}

const written = (text: string | Buffer, name = 'bill.csv'): string => {
  const path = join(folder, name)
  writeFileSync(path, text)
  utimesSync(path, WRITTEN_MS / 1000, WRITTEN_MS / 1000)
  return path
}

const csv = (...rows: readonly Readonly<Record<string, string>>[]): string => {
  const names = [...new Set(rows.flatMap((row) => Object.keys(row)))]
  const line = (cells: readonly string[]) =>
    cells.map((cell) => `"${cell.replaceAll('"', '""')}"`).join(',')
  return [names, ...rows.map((row) => names.map((name) => row[name] ?? ''))].map(line).join('\n')
}

const valueOf = (row: Row<CostRow> | undefined): CostRow => {
  if (row?.kind !== 'row') throw new Error(`no row: ${row?.reason ?? 'nothing'}`)
  return row.value
}
const reasonsOf = (rows: readonly Row<CostRow>[]) =>
  rows.map((row) =>
    row.kind === 'bad' ? [row.line, row.reason] : [row.line, row.value.billedCost],
  )

const focus = {
  BilledCost: '0.00000080000',
  EffectiveCost: '8.0E-7',
  ListCost: 'NULL',
  BillingAccountId: '4711',
  BillingCurrency: 'USD',
  BillingPeriodStart: '2026-01-01T00:00:00Z',
  BillingPeriodEnd: '2026-02-01T00:00:00Z',
  ChargePeriodStart: '2026-01-05 22:00:00',
  ChargePeriodEnd: '2026-01-05 23:00:00',
  ChargeCategory: 'Usage',
  ChargeClass: 'NULL',
  ServiceName: 'Amazon SQS',
  ProviderName: 'AWS',
  SubAccountId: '4712',
  Tags: '{"team": "shop", "size": 2, "none": null}',
  x_Discount: '0.1',
}

describe('FOCUS', () => {
  it('becomes a record, with what it has besides in extra, and nothing as null', async () => {
    const [row] = await rowsOf(written(csv(focus)))
    expect(row).toMatchObject({ line: 2, timestampMs: Date.UTC(2026, 0, 5, 22) })
    expect(valueOf(row)).toMatchObject({
      tenant: 't',
      billedCost: '0.00000080000',
      effectiveCost: '8.0E-7',
      listCost: null,
      contractedCost: null,
      billingAccountId: '4711',
      subAccountId: '4712',
      serviceName: 'Amazon SQS',
      provider: 'AWS',
      chargeCategory: 'usage',
      isCorrection: false,
      tags: { team: 'shop', size: '2' },
      extra: { x_Discount: '0.1' },
      source: 'focus',
      export: 'bill',
      asOf: WRITTEN_MS,
      sourceId: 'bill.csv:2',
    })
    const record = costRecordOf(valueOf(row))
    expect(decimalOf(record.billedCost).equals('0.0000008')).toBe(true)
    expect(record.listCost).toBeNull()
  })

  it.each([
    { title: '1.0, period ended', change: {}, status: 'billed' },
    { title: '1.0, period open', change: { BillingPeriodEnd: '2026-02-04' }, status: 'estimated' },
    { title: '1.2, on an invoice', change: { InvoiceId: '9' }, status: 'billed' },
    { title: '1.2, on none', change: { InvoiceId: 'NULL' }, status: 'estimated' },
  ])('$title: $status', async ({ change, status }) => {
    const [row] = await rowsOf(written(csv({ ...focus, ...change })))
    expect(valueOf(row).status).toBe(status)
  })

  it('1.3 names the provider anew; the older name is kept where it differs', async () => {
    const both = { ...focus, ServiceProviderName: 'Databricks', HostProviderName: 'AWS' }
    const [row] = await rowsOf(written(csv(both)))
    expect(valueOf(row)).toMatchObject({
      provider: 'Databricks',
      extra: { ProviderName: 'AWS', HostProviderName: 'AWS' },
    })
  })

  it('tells corrections, credits and taxes apart', async () => {
    const rows = await rowsOf(
      written(
        csv(
          { ...focus, ChargeClass: 'Correction', BilledCost: '-3' },
          { ...focus, ChargeCategory: 'Credit' },
          { ...focus, ChargeCategory: 'Tax' },
        ),
      ),
    )
    expect(
      rows.map(valueOf).map(({ chargeCategory, isCorrection }) => [chargeCategory, isCorrection]),
    ).toEqual([
      ['usage', true],
      ['credit', false],
      ['tax', false],
    ])
  })

  it('loses no money for tags that are no JSON', async () => {
    const [row] = await rowsOf(written(csv({ ...focus, Tags: '{broken' })))
    expect(valueOf(row)).toMatchObject({ tags: {}, extra: { Tags: '{broken' } })
  })

  it('has the reasons of bad rows', async () => {
    const rows = await rowsOf(
      written(
        csv(
          focus,
          { ...focus, BilledCost: '1,5' },
          { ...focus, EffectiveCost: 'NULL' },
          { ...focus, BillingCurrency: 'dollars' },
          { ...focus, ChargePeriodStart: 'May' },
          { ...focus, ChargePeriodStart: '1969-01-01' },
          { ...focus, ChargePeriodStart: '2026-07-01' },
          { ...focus, ChargeCategory: 'Gift' },
          { ...focus, BilledCost: '1'.repeat(27) },
          { ...focus, BillingAccountId: '' },
          focus,
        ),
      ),
    )
    expect(reasonsOf(rows)).toEqual([
      [2, focus.BilledCost],
      [3, `BilledCost: '1,5' is not a decimal number of 38 digits`],
      [4, 'has no EffectiveCost'],
      [5, `BillingCurrency: 'dollars' is no currency like USD`],
      [6, `ChargePeriodStart: 'May' is not a time since 1970`],
      [7, `ChargePeriodStart: '1969-01-01' is not a time since 1970`],
      [8, 'its charge period begins in the future, 2026-07-01T00:00:00.000Z'],
      [9, `ChargeCategory is 'Gift'; FOCUS has Usage, Purchase, Tax, Credit, Adjustment`],
      [10, `BilledCost: '${'1'.repeat(27)}' is not a decimal number of 38 digits`],
      [11, 'has no BillingAccountId'],
      [12, focus.BilledCost],
    ])
  })

  it('is the same again under the same as-of, and another delivery under another', async () => {
    const path = written(csv(focus, focus))
    const ids = async (options: CostOptions) =>
      (await rowsOf(path, options)).map((row) => valueOf(row).id)
    const [one, two] = await ids({})
    expect(one).not.toBe(two)
    expect(await ids({})).toEqual([one, two])
    expect(await ids({ asOfMs: WRITTEN_MS + 1 })).not.toContain(one)
    expect(await ids({ exportName: 'other' })).not.toContain(one)
  })
})

const item = {
  identity_line_item_id: 'abc',
  bill_payer_account_id: '4711',
  bill_invoice_id: '',
  bill_billing_period_start_date: '2026-01-01T00:00:00.000Z',
  line_item_usage_account_id: '4712',
  line_item_usage_start_date: '2026-01-05T22:00:00.000Z',
  line_item_usage_end_date: '2026-01-05T23:00:00.000Z',
  line_item_line_item_type: 'Usage',
  line_item_product_code: 'AmazonEC2',
  line_item_usage_type: 'BoxUsage',
  line_item_usage_amount: '1',
  line_item_currency_code: 'USD',
  line_item_unblended_cost: '0.1',
  reservation_effective_cost: '0.04',
  savings_plan_savings_plan_effective_cost: '0.07',
  resource_tags: '{"user_team":"shop"}',
  product: '{"product_name":"Amazon Elastic Compute Cloud"}',
}

describe('a report of AWS', () => {
  const withUnused = {
    savings_plan_total_commitment_to_date: '10.5',
    savings_plan_used_commitment: '10.2',
    reservation_unused_amortized_upfront_fee_for_billing_period: '0.25',
    reservation_unused_recurring_fee: '0.5',
  }
  it.each([
    { type: 'Usage', effective: '0.1', category: 'usage' },
    { type: 'DiscountedUsage', effective: '0.04', category: 'usage' },
    { type: 'SavingsPlanCoveredUsage', effective: '0.07', category: 'usage' },
    { type: 'SavingsPlanNegation', effective: '0', category: 'usage' },
    { type: 'SavingsPlanRecurringFee', effective: '0.1', category: 'purchase' },
    { type: 'SavingsPlanRecurringFee', effective: '0.3', category: 'purchase', more: withUnused },
    { type: 'SavingsPlanUpfrontFee', effective: '0', category: 'purchase' },
    { type: 'RIFee', effective: '0.1', category: 'purchase' },
    { type: 'RIFee', effective: '0.75', category: 'purchase', more: withUnused },
    { type: 'Fee', effective: '0.1', category: 'purchase' },
    {
      type: 'Fee',
      effective: '0',
      category: 'purchase',
      more: { reservation_reservation_a_r_n: 'arn:aws:...' },
    },
    { type: 'Tax', effective: '0.1', category: 'tax' },
    { type: 'Credit', effective: '0.1', category: 'credit' },
    { type: 'Refund', effective: '0.1', category: 'adjustment' },
    { type: 'EdpDiscount', effective: '0.1', category: 'adjustment' },
  ])('$type costs $effective in effect, and 0.1 on the bill', async (given) => {
    const { type, effective, category, more = {} } = given
    const [row] = await rowsOf(written(csv({ ...item, ...more, line_item_line_item_type: type })))
    expect(valueOf(row)).toMatchObject({
      billedCost: '0.1',
      effectiveCost: effective,
      chargeCategory: category,
    })
  })

  it.each(['constructor', 'Bogus'])('has no type %s', async (type) => {
    const rows = await rowsOf(written(csv({ ...item, line_item_line_item_type: type })))
    expect(reasonsOf(rows)).toEqual([[2, `line_item_line_item_type '${type}' is not known`]])
  })

  it('becomes a record, packed or not', async () => {
    const [row] = await rowsOf(written(gzipSync(csv(item)), 'cur.csv.gz'))
    expect(valueOf(row)).toMatchObject({
      billingAccountId: '4711',
      subAccountId: '4712',
      serviceName: 'Amazon Elastic Compute Cloud',
      provider: 'AWS',
      status: 'estimated',
      billingPeriodEnd: Date.UTC(2026, 1, 1),
      tags: { user_team: 'shop' },
      extra: { line_item_usage_type: 'BoxUsage' },
      source: 'aws-cur',
      sourceId: 'abc bill.csv:2',
    })
  })

  it('is billed once it names an invoice, and in its older form the same', async () => {
    const older = csv({
      'identity/LineItemId': 'abc',
      'bill/PayerAccountId': '4711',
      'bill/InvoiceId': '9',
      'bill/BillingPeriodStartDate': '2026-01-01T00:00:00Z',
      'bill/BillingPeriodEndDate': '2026-02-01T00:00:00Z',
      'lineItem/UsageAccountId': '4712',
      'lineItem/UsageStartDate': '2026-01-05T22:00:00Z',
      'lineItem/UsageEndDate': '2026-01-05T23:00:00Z',
      'lineItem/LineItemType': 'SavingsPlanCoveredUsage',
      'lineItem/ProductCode': 'AmazonEC2',
      'lineItem/CurrencyCode': 'USD',
      'lineItem/UnblendedCost': '0.1',
      'savingsPlan/SavingsPlanEffectiveCost': '0.07',
      'savingsPlan/SavingsPlanARN': 'arn:aws:savingsplans::1:savingsplan/2',
      'resourceTags/user:Team': 'shop',
    })
    const [row] = await rowsOf(written(older))
    expect(valueOf(row)).toMatchObject({
      status: 'billed',
      invoiceId: '9',
      effectiveCost: '0.07',
      commitmentDiscountId: 'arn:aws:savingsplans::1:savingsplan/2',
      commitmentDiscountStatus: 'Used',
      tags: { 'user:Team': 'shop' },
    })
  })

  it('does not guess what an unknown type of line item means', async () => {
    const rows = await rowsOf(written(csv({ ...item, line_item_line_item_type: 'Gift' })))
    expect(reasonsOf(rows)).toEqual([[2, `line_item_line_item_type 'Gift' is not known`]])
  })
})

it('a table of another kind is refused at its header', async () => {
  const [first, ...others] = reasonsOf(await rowsOf(written('timestamp,value\n1,2\n')))
  expect(first).toEqual([1, expect.stringContaining('columns of FOCUS')])
  expect(others).toEqual([])
})

const sample = process.env['FOCUS_DATA'] ?? ''
it.skipIf(!existsSync(sample))(
  'the sample of the FinOps Foundation adds up to the last digit (FOCUS_DATA names focus_sample.csv)',
  async () => {
    const rows = await rowsOf(sample)
    expect(rows).toHaveLength(1_000)
    const total = rows
      .map((row) => decimalOf(costRecordOf(valueOf(row)).billedCost))
      .reduce((sum, each) => sum.plus(each), new Decimal(0))
    expect(total.toString()).toBe('20.52022672899')
  },
)
