/** A small generator of good enough quality (mulberry32): the same seed, the same numbers. */
export type Random = (below: number) => number

export const randomFrom = (seed: number): Random => {
  let state = seed >>> 0
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below
  }
}

export const shuffled = <Item>(items: readonly Item[], random: Random): Item[] => {
  const result = [...items]
  for (let last = result.length - 1; last > 0; last--) {
    const other = random(last + 1)
    const held = result[last] as Item
    result[last] = result[other] as Item
    result[other] = held
  }
  return result
}
