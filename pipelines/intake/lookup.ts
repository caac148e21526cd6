/** Words of strangers are looked up in maps: an object would also have `constructor`. */
export const lookup = <Value>(words: Readonly<Record<string, Value>>): ReadonlyMap<string, Value> =>
  new Map(Object.entries(words))
