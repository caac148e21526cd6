/**
 * Growing typed arrays: numbers of a million keys or windows take what their type says, and a
 * `number[]` takes 8 bytes each and half as much again while it grows. Room that was not written
 * yet takes no memory: the system hands out pages when they are touched.
 */

type TypedArray = Uint8Array | Uint16Array | Int32Array | Uint32Array | Float64Array

/** `larger` with the numbers of `old` in front. */
export const grown = <T extends TypedArray>(old: T, larger: T): T => {
  larger.set(old)
  return larger
}

/** The capacity to grow to, so that `index` has a place. */
export const capacityFor = (index: number, capacity: number): number => {
  let larger = capacity
  while (larger <= index) larger *= 2
  return larger
}
