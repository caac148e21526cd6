/** One reading of a metric, before it is known which tenant, machine and moment it belongs to. */
export interface Reading {
  readonly name: string
  readonly value: number
  /** UCUM, as OpenTelemetry has it: `1` is a ratio, `By` bytes. */
  readonly unit: string
  readonly labels: Readonly<Record<string, string>>
}

const NO_LABELS = Object.freeze({})

export const reading = (
  name: string,
  unit: string,
  value: number,
  labels: Readonly<Record<string, string>> = NO_LABELS,
): Reading => ({ name, unit, value, labels })
