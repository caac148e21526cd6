/** One row of a table with a header: cells by the names of their columns. */

/** How files write that there is nothing; FOCUS asks for NULL, and never for empty text. */
const NOTHING: ReadonlySet<string> = new Set(['', 'NULL', 'null', '\\N'])

export type Columns = ReadonlyMap<string, number>

export const columnsOf = (
  header: readonly string[],
  nameOf: (title: string) => string = (title) => title,
): Columns => new Map(header.map((title, index) => [nameOf(title.trim()), index]))

export class Cells {
  readonly #columns: Columns
  readonly #cells: readonly string[]

  constructor(columns: Columns, cells: readonly string[]) {
    this.#columns = columns
    this.#cells = cells
  }

  /** Undefined for nothing, whichever way it is written. */
  get(name: string): string | undefined {
    const index = this.#columns.get(name)
    const cell = index === undefined ? undefined : this.#cells[index]
    return cell === undefined || NOTHING.has(cell) ? undefined : cell
  }

  /** Of several names for one thing, the first that says something. */
  first(...names: readonly string[]): string | undefined {
    for (const name of names) {
      const cell = this.get(name)
      if (cell !== undefined) return cell
    }
    return undefined
  }

  has(name: string): boolean {
    return this.#columns.has(name)
  }

  /** What says something in columns whose names suit. */
  rest(suits: (name: string) => boolean): Record<string, string> {
    const texts: [string, string][] = []
    for (const name of this.#columns.keys()) {
      const cell = suits(name) ? this.get(name) : undefined
      if (cell !== undefined) texts.push([name, cell])
    }
    return Object.fromEntries(texts)
  }
}

/** A row that cannot be taken; the message is for people and names column and value. */
export class RowProblem extends Error {
  override readonly name = 'RowProblem'
}
