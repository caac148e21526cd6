/**
 * A line item of an AWS Cost and Usage Report: version 2 (`line_item_unblended_cost`) and the older
 * one (`lineItem/UnblendedCost`), whose names are the same once they are written alike.
 *
 * C1: billedCost is what was charged (unblended); its sum is the invoice.
 * C2: effectiveCost spreads commitments over what they cover: usage that a commitment covers costs
 *     its share of the commitment; fees of commitments cost what of them went unused, where the report has
 *     these columns; negations, which take covered usage off the bill again, cost nothing.
 *     https://docs.aws.amazon.com/cur/latest/userguide/use-cases.html
 */
import { lookup } from '../../../pipelines/intake/lookup.ts'
import type { ChargeCategory } from '../../../schemas/generated/telemetry-costs.ts'
import { Decimal } from '../../../schemas/decimal.ts'
import { RowProblem, type Cells } from '../cells.ts'
import {
  amount,
  currency,
  identityOf,
  optional,
  optionalAmount,
  required,
  tagsOf,
  time,
  type CostRow,
  type Delivery,
} from './cost-row.ts'

/** What tells a report from other tables. */
export const CUR_COLUMN = 'line_item_unblended_cost'

/** `lineItem/UnblendedCost` as `line_item_unblended_cost`; tags keep their names. */
export const curColumn = (title: string): string => {
  const [group = '', name] = title.split(/\/(.*)/s)
  if (name === undefined || group === TAGS) return title
  return `${snakeCase(group)}_${snakeCase(name)}`
}

const TAGS = 'resourceTags'

const snakeCase = (name: string): string =>
  name.replaceAll(/[A-Z]/g, (letter, at: number) => `${at === 0 ? '' : '_'}${letter.toLowerCase()}`)

const CATEGORIES = lookup<ChargeCategory>({
  Usage: 'usage',
  DiscountedUsage: 'usage',
  SavingsPlanCoveredUsage: 'usage',
  SavingsPlanNegation: 'usage',
  SavingsPlanRecurringFee: 'purchase',
  SavingsPlanUpfrontFee: 'purchase',
  RIFee: 'purchase',
  Fee: 'purchase',
  Tax: 'tax',
  Credit: 'credit',
  Refund: 'adjustment',
})

const KEPT: ReadonlySet<string> = new Set([
  'line_item_line_item_type',
  'line_item_product_code',
  'line_item_usage_type',
  'line_item_operation',
  'split_line_item_split_cost',
  'split_line_item_unused_cost',
  'cost_category',
  'discount',
])

export const curRow = (cells: Cells, delivery: Delivery, place: string): CostRow => {
  const type = required(cells, 'line_item_line_item_type')
  const billingPeriodStart = time(cells, 'bill_billing_period_start_date')
  const product = tagsOf(cells.get('product')) ?? {}
  const invoiceId = optional(cells, 'bill_invoice_id')
  const identity = cells.get('identity_line_item_id')
  const isCommitted = type === 'DiscountedUsage' || type === 'SavingsPlanCoveredUsage'
  return {
    chargePeriodStart: time(cells, 'line_item_usage_start_date'),
    chargePeriodEnd: time(cells, 'line_item_usage_end_date'),
    ...identityOf(delivery, identity === undefined ? place : `${identity} ${place}`),
    billingAccountId: required(cells, 'bill_payer_account_id'),
    billingAccountName: optional(cells, 'bill_payer_account_name'),
    subAccountId: optional(cells, 'line_item_usage_account_id'),
    subAccountName: optional(cells, 'line_item_usage_account_name'),
    serviceName:
      cells.get('product_product_name') ??
      product['product_name'] ??
      required(cells, 'line_item_product_code'),
    serviceCategory: null,
    provider: 'AWS',
    publisher: optional(cells, 'line_item_legal_entity'),
    invoiceIssuer: optional(cells, 'bill_invoicing_entity', 'bill_billing_entity'),
    billingPeriodStart,
    billingPeriodEnd: cells.has('bill_billing_period_end_date')
      ? time(cells, 'bill_billing_period_end_date')
      : nextMonth(billingPeriodStart),
    status: invoiceId === null ? 'estimated' : 'billed',
    chargeCategory: categoryOf(type),
    isCorrection: false,
    chargeDescription: optional(cells, 'line_item_line_item_description'),
    chargeFrequency: null,
    currency: currency(cells, 'line_item_currency_code'),
    billedCost: amount(cells, CUR_COLUMN),
    effectiveCost: effectiveCost(cells, type),
    listCost: optionalAmount(cells, 'pricing_public_on_demand_cost'),
    contractedCost: null,
    pricingQuantity: null,
    pricingUnit: optional(cells, 'pricing_unit'),
    consumedQuantity: optionalAmount(cells, 'line_item_usage_amount'),
    consumedUnit: optional(cells, 'pricing_unit'),
    listUnitPrice: optionalAmount(cells, 'pricing_public_on_demand_rate'),
    contractedUnitPrice: null,
    pricingCategory: isCommitted ? 'Committed' : null,
    commitmentDiscountId: optional(
      cells,
      'savings_plan_savings_plan_a_r_n',
      'reservation_reservation_a_r_n',
    ),
    commitmentDiscountType: null,
    commitmentDiscountStatus: isCommitted ? 'Used' : null,
    regionId: optional(cells, 'product_region_code', 'product_region'),
    availabilityZone: optional(cells, 'line_item_availability_zone'),
    resourceId: optional(cells, 'line_item_resource_id'),
    resourceName: null,
    resourceType: null,
    skuId: optional(cells, 'product_sku'),
    skuPriceId: null,
    invoiceId,
    tags: tagsIn(cells),
    extra: cells.rest((name) => KEPT.has(name)),
    source: 'aws-cur',
  }
}

/** C2. */
const effectiveCost = (cells: Cells, type: string): string => {
  const unblended = (): string => amount(cells, CUR_COLUMN)
  const isThere = (...names: readonly string[]): boolean =>
    names.every((name) => cells.get(name) !== undefined)
  switch (type) {
    case 'DiscountedUsage':
      return amount(cells, 'reservation_effective_cost')
    case 'SavingsPlanCoveredUsage':
      return amount(cells, 'savings_plan_savings_plan_effective_cost')
    case 'SavingsPlanNegation':
    case 'SavingsPlanUpfrontFee':
      return '0'
    case 'SavingsPlanRecurringFee':
      return isThere(COMMITTED, USED_COMMITMENT)
        ? decimalIn(cells, COMMITTED).minus(decimalIn(cells, USED_COMMITMENT)).toString()
        : unblended()
    case 'RIFee':
      return isThere(UNUSED_UPFRONT, UNUSED_RECURRING)
        ? decimalIn(cells, UNUSED_UPFRONT).plus(decimalIn(cells, UNUSED_RECURRING)).toString()
        : unblended()
    case 'Fee':
      return isThere('reservation_reservation_a_r_n') ? '0' : unblended()
    default:
      return unblended()
  }
}

const COMMITTED = 'savings_plan_total_commitment_to_date'
const USED_COMMITMENT = 'savings_plan_used_commitment'
const UNUSED_UPFRONT = 'reservation_unused_amortized_upfront_fee_for_billing_period'
const UNUSED_RECURRING = 'reservation_unused_recurring_fee'

const decimalIn = (cells: Cells, name: string): Decimal => new Decimal(amount(cells, name))

const categoryOf = (type: string): ChargeCategory => {
  const category = CATEGORIES.get(type) ?? (type.endsWith('Discount') ? 'adjustment' : undefined)
  if (category === undefined)
    throw new RowProblem(`line_item_line_item_type '${type}' is not known`)
  return category
}

/** A column of JSON in version 2, a column for each tag before. */
const tagsIn = (cells: Cells): Record<string, string> => {
  const prefix = `${TAGS}/`
  const own = Object.entries(cells.rest((name) => name.startsWith(prefix)))
  return {
    ...tagsOf(cells.get('resource_tags')),
    ...Object.fromEntries(own.map(([name, value]) => [name.slice(prefix.length), value])),
  }
}

const nextMonth = (startMs: number): number => {
  const start = new Date(startMs)
  return Date.UTC(start.getUTCFullYear(), start.getUTCMonth() + 1, 1)
}
