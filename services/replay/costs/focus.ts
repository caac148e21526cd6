/**
 * A row of FOCUS 1.0 to 1.3 (https://focus.finops.org), whose columns telemetry.costs has under its
 * own names. Columns that it does not have, those of the provider (`x_...`) among them, are kept in `extra`.
 */
import { lookup } from '../../../pipelines/intake/lookup.ts'
import type { ChargeCategory } from '../../../schemas/generated/telemetry-costs.ts'
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

/** What tells FOCUS from other tables. */
export const FOCUS_COLUMNS = ['BilledCost', 'EffectiveCost', 'ChargePeriodStart'] as const

const MAPPED: ReadonlySet<string> = new Set(
  `BilledCost EffectiveCost ListCost ContractedCost BillingAccountId BillingAccountName BillingCurrency
  BillingPeriodStart BillingPeriodEnd ChargePeriodStart ChargePeriodEnd ChargeCategory ChargeClass
  ChargeDescription ChargeFrequency PricingQuantity PricingUnit ConsumedQuantity ConsumedUnit ListUnitPrice
  ContractedUnitPrice PricingCategory InvoiceIssuerName PublisherName ServiceCategory ServiceName RegionId
  ResourceId ResourceName ResourceType SkuId SkuPriceId SubAccountId SubAccountName Tags AvailabilityZone
  CommitmentDiscountId CommitmentDiscountType CommitmentDiscountStatus InvoiceId`.split(/\s+/),
)

/** Names of the provider; 1.3 has the first, and keeps the second until 1.4. */
const PROVIDERS = ['ServiceProviderName', 'ProviderName'] as const

const CATEGORIES = lookup<ChargeCategory>({
  Usage: 'usage',
  Purchase: 'purchase',
  Tax: 'tax',
  Credit: 'credit',
  Adjustment: 'adjustment',
})

export const focusRow = (cells: Cells, delivery: Delivery, place: string): CostRow => {
  const provider = required(cells, ...PROVIDERS)
  const billingPeriodEnd = time(cells, 'BillingPeriodEnd')
  const tagText = cells.get('Tags')
  const tags = tagsOf(tagText)
  const extra = cells.rest(
    (name) =>
      !MAPPED.has(name) &&
      !(PROVIDERS.some((each) => each === name) && cells.get(name) === provider),
  )
  return {
    chargePeriodStart: time(cells, 'ChargePeriodStart'),
    chargePeriodEnd: time(cells, 'ChargePeriodEnd'),
    ...identityOf(delivery, place),
    billingAccountId: required(cells, 'BillingAccountId'),
    billingAccountName: optional(cells, 'BillingAccountName'),
    subAccountId: optional(cells, 'SubAccountId'),
    subAccountName: optional(cells, 'SubAccountName'),
    serviceName: required(cells, 'ServiceName'),
    serviceCategory: optional(cells, 'ServiceCategory'),
    provider,
    publisher: optional(cells, 'PublisherName'),
    invoiceIssuer: optional(cells, 'InvoiceIssuerName'),
    billingPeriodStart: time(cells, 'BillingPeriodStart'),
    billingPeriodEnd,
    status: isBilled(cells, billingPeriodEnd, delivery) ? 'billed' : 'estimated',
    chargeCategory: categoryOf(required(cells, 'ChargeCategory')),
    isCorrection: cells.get('ChargeClass') === 'Correction',
    chargeDescription: optional(cells, 'ChargeDescription'),
    chargeFrequency: optional(cells, 'ChargeFrequency'),
    currency: currency(cells, 'BillingCurrency'),
    billedCost: amount(cells, 'BilledCost'),
    effectiveCost: amount(cells, 'EffectiveCost'),
    listCost: optionalAmount(cells, 'ListCost'),
    contractedCost: optionalAmount(cells, 'ContractedCost'),
    pricingQuantity: optionalAmount(cells, 'PricingQuantity'),
    pricingUnit: optional(cells, 'PricingUnit'),
    consumedQuantity: optionalAmount(cells, 'ConsumedQuantity'),
    consumedUnit: optional(cells, 'ConsumedUnit'),
    listUnitPrice: optionalAmount(cells, 'ListUnitPrice'),
    contractedUnitPrice: optionalAmount(cells, 'ContractedUnitPrice'),
    pricingCategory: optional(cells, 'PricingCategory'),
    commitmentDiscountId: optional(cells, 'CommitmentDiscountId'),
    commitmentDiscountType: optional(cells, 'CommitmentDiscountType'),
    commitmentDiscountStatus: optional(cells, 'CommitmentDiscountStatus'),
    regionId: optional(cells, 'RegionId'),
    availabilityZone: optional(cells, 'AvailabilityZone'),
    resourceId: optional(cells, 'ResourceId'),
    resourceName: optional(cells, 'ResourceName'),
    resourceType: optional(cells, 'ResourceType'),
    skuId: optional(cells, 'SkuId'),
    skuPriceId: optional(cells, 'SkuPriceId'),
    invoiceId: optional(cells, 'InvoiceId'),
    tags: tags ?? {},
    extra: tags === undefined && tagText !== undefined ? { ...extra, Tags: tagText } : extra,
    source: 'focus',
  }
}

/** Before 1.2 no row names its invoice: there a period that has ended counts as billed. */
const isBilled = (cells: Cells, billingPeriodEnd: number, { asOf }: Delivery): boolean =>
  cells.has('InvoiceId') ? cells.get('InvoiceId') !== undefined : billingPeriodEnd <= asOf

const categoryOf = (text: string): ChargeCategory => {
  const category = CATEGORIES.get(text)
  if (category !== undefined) return category
  throw new RowProblem(
    `ChargeCategory is '${text}'; FOCUS has ${[...CATEGORIES.keys()].join(', ')}`,
  )
}
