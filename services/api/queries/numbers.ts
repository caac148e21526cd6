/**
 * Numbers as JSON can carry them. JSON knows no NaN and no infinity; an answer writes them as the
 * strings "NaN", "Infinity" and "-Infinity" (JavaScript's own spelling, `Number(text)` reads them
 * back). ClickHouse writes them as "nan", "inf" and "-inf".
 */
export type StoredNumber = number | string
export type JsonNumber = number | 'NaN' | 'Infinity' | '-Infinity'

export const toJsonNumber = (stored: StoredNumber): JsonNumber => {
  if (typeof stored === 'number') return stored
  if (stored === 'inf' || stored === '+inf') return 'Infinity'
  return stored === '-inf' ? '-Infinity' : 'NaN'
}

export const toJsonNumberOrNull = (stored: StoredNumber | null): JsonNumber | null =>
  stored === null ? null : toJsonNumber(stored)
