// Generated from telemetry.costs.avsc by schemas/generate.ts; do not edit.
import type { AvroSchema, DecimalBytes, EpochMs } from '../topic.ts'

/** One row of a bill, in the columns of FOCUS. Amounts, quantities and prices are decimals with 12 places (`bytes`, two's complement, big-endian), never floats. */
export interface CostRecord {
  /** Event time: begin of the time that is charged for, UTC. */
  readonly chargePeriodStart: EpochMs
  /** End of the time that is charged for, UTC; exclusive. */
  readonly chargePeriodEnd: EpochMs
  /** Identity of the row in its delivery: 32 hex digits, a hash of tenant, export, as-of and source id. A repetition has the same. */
  readonly id: string
  /** Tenant the record belongs to; `default` for a plain installation, `replay-*` and `sim-*` for replays and simulations. */
  readonly tenant: string
  /** Account that is billed. */
  readonly billingAccountId: string
  /** Its name. */
  readonly billingAccountName: string | null
  /** Account or subscription within it that the charge belongs to; null: the account that is billed. */
  readonly subAccountId: string | null
  /** Its name. */
  readonly subAccountName: string | null
  /** Product of the provider, e.g. `Amazon Elastic Compute Cloud`; not a service of one's own. */
  readonly serviceName: string
  /** What the product is for, e.g. `Compute`. */
  readonly serviceCategory: string | null
  /** Who makes the product available: `AWS`, `Microsoft`, ... */
  readonly provider: string
  /** Who made the product. */
  readonly publisher: string | null
  /** Who sends the invoice. */
  readonly invoiceIssuer: string | null
  /** Begin of the billing period, UTC. */
  readonly billingPeriodStart: EpochMs
  /** End of the billing period, UTC; exclusive. */
  readonly billingPeriodEnd: EpochMs
  /** `estimated` until the amount stands on an invoice, `billed` from then on. */
  readonly status: CostStatus
  /** What the charge is for. */
  readonly chargeCategory: ChargeCategory
  /** True: it corrects a period that has been invoiced before, and is added to what was billed then. */
  readonly isCorrection: boolean
  /** What is charged for, in words. */
  readonly chargeDescription: string | null
  /** `One-Time`, `Recurring` or `Usage-Based`. */
  readonly chargeFrequency: string | null
  /** Currency of all amounts (ISO 4217), e.g. `USD`. */
  readonly currency: string
  /** What the invoice says, discounts taken off; a commitment stands where it was paid. */
  readonly billedCost: DecimalBytes
  /** What it cost in truth: with commitments and other prepaid charges spread over what they cover. For comparisons and for charging on. */
  readonly effectiveCost: DecimalBytes
  /** At list prices. */
  readonly listCost: DecimalBytes | null
  /** At negotiated prices, before commitments. */
  readonly contractedCost: DecimalBytes | null
  /** How much was charged for, in `pricingUnit`. */
  readonly pricingQuantity: DecimalBytes | null
  /** E.g. `Hours`. */
  readonly pricingUnit: string | null
  /** How much was used, in `consumedUnit`. */
  readonly consumedQuantity: DecimalBytes | null
  /** E.g. `GB`. */
  readonly consumedUnit: string | null
  /** List price of one `pricingUnit`. */
  readonly listUnitPrice: DecimalBytes | null
  /** Negotiated price of one `pricingUnit`. */
  readonly contractedUnitPrice: DecimalBytes | null
  /** `Standard`, `Committed`, `Dynamic` (spot) or `Other`. */
  readonly pricingCategory: string | null
  /** Commitment (reservation, savings plan) that covers it or is paid by it. */
  readonly commitmentDiscountId: string | null
  /** Kind of the commitment, as the provider names it. */
  readonly commitmentDiscountType: string | null
  /** `Used` or `Unused`. */
  readonly commitmentDiscountStatus: string | null
  /** Region, e.g. `us-west-2`. */
  readonly regionId: string | null
  /** Zone within the region. */
  readonly availabilityZone: string | null
  /** What is charged for, as the provider identifies it. */
  readonly resourceId: string | null
  /** Its name. */
  readonly resourceName: string | null
  /** Its kind, e.g. `volume`. */
  readonly resourceType: string | null
  /** Article, as the provider numbers it. */
  readonly skuId: string | null
  /** Price of the article. */
  readonly skuPriceId: string | null
  /** Invoice on which it stands. */
  readonly invoiceId: string | null
  /** Tags of what is charged for. */
  readonly tags: Readonly<Record<string, string>>
  /** What else the row said, under the names of its columns. */
  readonly extra: Readonly<Record<string, string>>
  /** Layout it came in: `focus`, `aws-cur`, ... */
  readonly source: string
  /** Delivery series it belongs to, e.g. the name of the file. Of one export and billing period the newest `asOf` replaces all before it. */
  readonly export: string
  /** When the source said so, UTC. */
  readonly asOf: EpochMs
  /** The row within its delivery: the provider's id of the line item, else where it stood. */
  readonly sourceId: string
}

/** What a charge is for. */
export type ChargeCategory = 'usage' | 'purchase' | 'tax' | 'credit' | 'adjustment'

/** How far an amount may be relied upon. */
export type CostStatus = 'estimated' | 'billed'

/** The Avro schema of CostRecord, as it stands in telemetry.costs.avsc. */
export const costRecordSchema: AvroSchema = {
  type: 'record',
  namespace: 'millrace',
  name: 'CostRecord',
  doc: "One row of a bill, in the columns of FOCUS. Amounts, quantities and prices are decimals with 12 places (`bytes`, two's complement, big-endian), never floats.",
  fields: [
    {
      name: 'chargePeriodStart',
      type: {
        type: 'long',
        logicalType: 'timestamp-millis',
      },
      doc: 'Event time: begin of the time that is charged for, UTC.',
    },
    {
      name: 'chargePeriodEnd',
      type: {
        type: 'long',
        logicalType: 'timestamp-millis',
      },
      doc: 'End of the time that is charged for, UTC; exclusive.',
    },
    {
      name: 'id',
      type: 'string',
      doc: 'Identity of the row in its delivery: 32 hex digits, a hash of tenant, export, as-of and source id. A repetition has the same.',
    },
    {
      name: 'tenant',
      type: 'string',
      doc: 'Tenant the record belongs to; `default` for a plain installation, `replay-*` and `sim-*` for replays and simulations.',
    },
    {
      name: 'billingAccountId',
      type: 'string',
      doc: 'Account that is billed.',
    },
    {
      name: 'billingAccountName',
      type: ['null', 'string'],
      doc: 'Its name.',
      default: null,
    },
    {
      name: 'subAccountId',
      type: ['null', 'string'],
      doc: 'Account or subscription within it that the charge belongs to; null: the account that is billed.',
      default: null,
    },
    {
      name: 'subAccountName',
      type: ['null', 'string'],
      doc: 'Its name.',
      default: null,
    },
    {
      name: 'serviceName',
      type: 'string',
      doc: "Product of the provider, e.g. `Amazon Elastic Compute Cloud`; not a service of one's own.",
    },
    {
      name: 'serviceCategory',
      type: ['null', 'string'],
      doc: 'What the product is for, e.g. `Compute`.',
      default: null,
    },
    {
      name: 'provider',
      type: 'string',
      doc: 'Who makes the product available: `AWS`, `Microsoft`, ...',
    },
    {
      name: 'publisher',
      type: ['null', 'string'],
      doc: 'Who made the product.',
      default: null,
    },
    {
      name: 'invoiceIssuer',
      type: ['null', 'string'],
      doc: 'Who sends the invoice.',
      default: null,
    },
    {
      name: 'billingPeriodStart',
      type: {
        type: 'long',
        logicalType: 'timestamp-millis',
      },
      doc: 'Begin of the billing period, UTC.',
    },
    {
      name: 'billingPeriodEnd',
      type: {
        type: 'long',
        logicalType: 'timestamp-millis',
      },
      doc: 'End of the billing period, UTC; exclusive.',
    },
    {
      name: 'status',
      type: {
        type: 'enum',
        name: 'CostStatus',
        doc: 'How far an amount may be relied upon.',
        symbols: ['estimated', 'billed'],
        default: 'estimated',
      },
      doc: '`estimated` until the amount stands on an invoice, `billed` from then on.',
      default: 'estimated',
    },
    {
      name: 'chargeCategory',
      type: {
        type: 'enum',
        name: 'ChargeCategory',
        doc: 'What a charge is for.',
        symbols: ['usage', 'purchase', 'tax', 'credit', 'adjustment'],
        default: 'usage',
      },
      doc: 'What the charge is for.',
      default: 'usage',
    },
    {
      name: 'isCorrection',
      type: 'boolean',
      doc: 'True: it corrects a period that has been invoiced before, and is added to what was billed then.',
      default: false,
    },
    {
      name: 'chargeDescription',
      type: ['null', 'string'],
      doc: 'What is charged for, in words.',
      default: null,
    },
    {
      name: 'chargeFrequency',
      type: ['null', 'string'],
      doc: '`One-Time`, `Recurring` or `Usage-Based`.',
      default: null,
    },
    {
      name: 'currency',
      type: 'string',
      doc: 'Currency of all amounts (ISO 4217), e.g. `USD`.',
    },
    {
      name: 'billedCost',
      type: {
        type: 'bytes',
        logicalType: 'decimal',
        precision: 38,
        scale: 12,
      },
      doc: 'What the invoice says, discounts taken off; a commitment stands where it was paid.',
    },
    {
      name: 'effectiveCost',
      type: {
        type: 'bytes',
        logicalType: 'decimal',
        precision: 38,
        scale: 12,
      },
      doc: 'What it cost in truth: with commitments and other prepaid charges spread over what they cover. For comparisons and for charging on.',
    },
    {
      name: 'listCost',
      type: [
        'null',
        {
          type: 'bytes',
          logicalType: 'decimal',
          precision: 38,
          scale: 12,
        },
      ],
      doc: 'At list prices.',
      default: null,
    },
    {
      name: 'contractedCost',
      type: [
        'null',
        {
          type: 'bytes',
          logicalType: 'decimal',
          precision: 38,
          scale: 12,
        },
      ],
      doc: 'At negotiated prices, before commitments.',
      default: null,
    },
    {
      name: 'pricingQuantity',
      type: [
        'null',
        {
          type: 'bytes',
          logicalType: 'decimal',
          precision: 38,
          scale: 12,
        },
      ],
      doc: 'How much was charged for, in `pricingUnit`.',
      default: null,
    },
    {
      name: 'pricingUnit',
      type: ['null', 'string'],
      doc: 'E.g. `Hours`.',
      default: null,
    },
    {
      name: 'consumedQuantity',
      type: [
        'null',
        {
          type: 'bytes',
          logicalType: 'decimal',
          precision: 38,
          scale: 12,
        },
      ],
      doc: 'How much was used, in `consumedUnit`.',
      default: null,
    },
    {
      name: 'consumedUnit',
      type: ['null', 'string'],
      doc: 'E.g. `GB`.',
      default: null,
    },
    {
      name: 'listUnitPrice',
      type: [
        'null',
        {
          type: 'bytes',
          logicalType: 'decimal',
          precision: 38,
          scale: 12,
        },
      ],
      doc: 'List price of one `pricingUnit`.',
      default: null,
    },
    {
      name: 'contractedUnitPrice',
      type: [
        'null',
        {
          type: 'bytes',
          logicalType: 'decimal',
          precision: 38,
          scale: 12,
        },
      ],
      doc: 'Negotiated price of one `pricingUnit`.',
      default: null,
    },
    {
      name: 'pricingCategory',
      type: ['null', 'string'],
      doc: '`Standard`, `Committed`, `Dynamic` (spot) or `Other`.',
      default: null,
    },
    {
      name: 'commitmentDiscountId',
      type: ['null', 'string'],
      doc: 'Commitment (reservation, savings plan) that covers it or is paid by it.',
      default: null,
    },
    {
      name: 'commitmentDiscountType',
      type: ['null', 'string'],
      doc: 'Kind of the commitment, as the provider names it.',
      default: null,
    },
    {
      name: 'commitmentDiscountStatus',
      type: ['null', 'string'],
      doc: '`Used` or `Unused`.',
      default: null,
    },
    {
      name: 'regionId',
      type: ['null', 'string'],
      doc: 'Region, e.g. `us-west-2`.',
      default: null,
    },
    {
      name: 'availabilityZone',
      type: ['null', 'string'],
      doc: 'Zone within the region.',
      default: null,
    },
    {
      name: 'resourceId',
      type: ['null', 'string'],
      doc: 'What is charged for, as the provider identifies it.',
      default: null,
    },
    {
      name: 'resourceName',
      type: ['null', 'string'],
      doc: 'Its name.',
      default: null,
    },
    {
      name: 'resourceType',
      type: ['null', 'string'],
      doc: 'Its kind, e.g. `volume`.',
      default: null,
    },
    {
      name: 'skuId',
      type: ['null', 'string'],
      doc: 'Article, as the provider numbers it.',
      default: null,
    },
    {
      name: 'skuPriceId',
      type: ['null', 'string'],
      doc: 'Price of the article.',
      default: null,
    },
    {
      name: 'invoiceId',
      type: ['null', 'string'],
      doc: 'Invoice on which it stands.',
      default: null,
    },
    {
      name: 'tags',
      type: {
        type: 'map',
        values: 'string',
      },
      doc: 'Tags of what is charged for.',
      default: {},
    },
    {
      name: 'extra',
      type: {
        type: 'map',
        values: 'string',
      },
      doc: 'What else the row said, under the names of its columns.',
      default: {},
    },
    {
      name: 'source',
      type: 'string',
      doc: 'Layout it came in: `focus`, `aws-cur`, ...',
    },
    {
      name: 'export',
      type: 'string',
      doc: 'Delivery series it belongs to, e.g. the name of the file. Of one export and billing period the newest `asOf` replaces all before it.',
    },
    {
      name: 'asOf',
      type: {
        type: 'long',
        logicalType: 'timestamp-millis',
      },
      doc: 'When the source said so, UTC.',
    },
    {
      name: 'sourceId',
      type: 'string',
      doc: "The row within its delivery: the provider's id of the line item, else where it stood.",
    },
  ],
}
