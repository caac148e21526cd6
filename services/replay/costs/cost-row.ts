/** A row of a bill as text and numbers, which JSON can hold, and the record that it becomes. */
import { contentId } from '../../../pipelines/intake/ids.ts'
import { parseTimestamp } from '../../../pipelines/intake/timestamp.ts'
import { decimalBytes } from '../../../schemas/decimal.ts'
import { SchemaError } from '../../../schemas/errors.ts'
import type { CostRecord } from '../../../schemas/generated/telemetry-costs.ts'
import type { DecimalBytes, EpochMs } from '../../../schemas/topic.ts'
import { RowProblem, type Cells } from '../cells.ts'
import { shortened } from '../rows.ts'

/** Decimals as text. */
export type CostRow = {
  readonly [Name in keyof CostRecord]: Extract<CostRecord[Name], DecimalBytes> extends never
    ? CostRecord[Name]
    : string | Extract<CostRecord[Name], null>
}

/** Where a row comes from, and when that was so. */
export interface Delivery {
  readonly tenant: string
  readonly export: string
  readonly asOf: EpochMs
}

export const costRecordOf = (row: CostRow): CostRecord => ({
  ...row,
  billedCost: decimalBytes(row.billedCost),
  effectiveCost: decimalBytes(row.effectiveCost),
  listCost: optionalBytes(row.listCost),
  contractedCost: optionalBytes(row.contractedCost),
  pricingQuantity: optionalBytes(row.pricingQuantity),
  consumedQuantity: optionalBytes(row.consumedQuantity),
  listUnitPrice: optionalBytes(row.listUnitPrice),
  contractedUnitPrice: optionalBytes(row.contractedUnitPrice),
})

const optionalBytes = (text: string | null): DecimalBytes | null =>
  text === null ? null : decimalBytes(text)

/** Who it is: the same row of the same delivery is the same record. */
export const identityOf = (delivery: Delivery, sourceId: string) => ({
  id: contentId(delivery.tenant, delivery.export, String(delivery.asOf), sourceId),
  sourceId,
  ...delivery,
})

export const required = (cells: Cells, ...names: readonly string[]): string => {
  const cell = cells.first(...names)
  if (cell === undefined) throw new RowProblem(`has no ${names.join(' or ')}`)
  return cell
}

export const optional = (cells: Cells, ...names: readonly string[]): string | null =>
  cells.first(...names) ?? null

export const amount = (cells: Cells, name: string): string => checked(name, required(cells, name))

export const optionalAmount = (cells: Cells, name: string): string | null => {
  const cell = cells.get(name)
  return cell === undefined ? null : checked(name, cell)
}

/** As it stands: what is no decimal is told of while its line is known. */
const checked = (name: string, text: string): string => {
  try {
    decimalBytes(text)
    return text
  } catch (error) {
    if (!(error instanceof SchemaError)) throw error
    throw new RowProblem(`${name}: '${shortened(text)}' is not a decimal number of 38 digits`)
  }
}

export const time = (cells: Cells, name: string): EpochMs => {
  const text = required(cells, name)
  const time = parseTimestamp(text)
  if (time === undefined)
    throw new RowProblem(`${name}: '${shortened(text)}' is not a time since 1970`)
  return time
}

const CURRENCY = /^[A-Z]{3}$/

export const currency = (cells: Cells, name: string): string => {
  const text = required(cells, name)
  if (!CURRENCY.test(text))
    throw new RowProblem(`${name}: '${shortened(text)}' is no currency like USD`)
  return text
}

/** `{"team": "shop"}`; undefined for text that is no such JSON. */
export const tagsOf = (text: string | undefined): Record<string, string> | undefined => {
  if (text === undefined) return {}
  try {
    const json: unknown = JSON.parse(text)
    if (typeof json !== 'object' || json === null || Array.isArray(json)) return undefined
    return Object.fromEntries(
      Object.entries(json)
        .filter(([, value]) => value !== null)
        .map(([name, value]) => [name, typeof value === 'string' ? value : JSON.stringify(value)]),
    )
  } catch {
    return undefined
  }
}
