/** What somebody sent and we cannot take: which field, what it holds, what it must be. */
export class BadInput extends Error {
  override readonly name = 'BadInput'
  readonly field: string
  readonly value: unknown
  /** In words that follow "must be". */
  readonly limit: string

  constructor(field: string, value: unknown, limit: string) {
    super(`${field} must be ${limit}`)
    this.field = field
    this.value = value
    this.limit = limit
  }
}
