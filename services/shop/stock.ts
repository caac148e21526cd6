/** What the shop sells. Shelves are filled up when they run low, so that it can go on for ever. */
import { oneOf, type Random } from './random.ts'

export interface Item {
  readonly sku: string
  readonly name: string
  readonly priceCents: number
}

export interface OrderLine {
  readonly sku: string
  readonly quantity: number
}

const item = (sku: string, name: string, priceCents: number): Item => ({ sku, name, priceCents })

export const ITEMS: readonly [Item, ...Item[]] = [
  item('mug-blue', 'Mug, blue', 1290),
  item('mug-red', 'Mug, red', 1290),
  item('teapot', 'Teapot, 1.2 l', 3990),
  item('tea-assam', 'Assam, 250 g', 890),
  item('tea-sencha', 'Sencha, 100 g', 1450),
  item('kettle', 'Kettle, 1.7 l', 5900),
  item('strainer', 'Tea strainer', 650),
  item('honey', 'Honey, 500 g', 990),
]

const FULL = 400
const LOW = 40

export class Stock {
  readonly #left = new Map(ITEMS.map(({ sku }) => [sku, FULL]))

  shelves() {
    return ITEMS.map(({ sku, name, priceCents }) => ({
      sku,
      name,
      priceCents,
      available: this.#left.get(sku) ?? 0,
    }))
  }

  /** Answers which shelves were filled up for it. */
  take(lines: readonly OrderLine[]): string[] {
    const filled: string[] = []
    for (const { sku, quantity } of lines) {
      const left = (this.#left.get(sku) ?? 0) - quantity
      this.#left.set(sku, left < LOW ? FULL : left)
      if (left < LOW) filled.push(sku)
    }
    return filled
  }
}

export const priceCents = (lines: readonly OrderLine[]): number =>
  lines.reduce((sum, { sku, quantity }) => {
    const known = ITEMS.find((one) => one.sku === sku)
    return sum + (known?.priceCents ?? 0) * quantity
  }, 0)

/** One to three things, as people buy them. */
export const someBasket = (random: Random): OrderLine[] =>
  Array.from({ length: 1 + Math.floor(random() * 3) }, () => ({
    sku: oneOf(random, ITEMS).sku,
    quantity: 1 + Math.floor(random() * 2),
  }))
