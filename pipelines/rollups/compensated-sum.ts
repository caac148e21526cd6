/**
 * Neumaier's compensated summation: the rounding error of each addition is kept and added at the
 * end, so that a total does not depend on the order or the sizes of what was added. [1e16, 1, -1e16]
 * sums to 1, where plain addition gives 0.
 *
 * A. Neumaier, "Rundungsfehleranalyse einiger Verfahren zur Summation endlicher Summen", ZAMM 54,
 * 1974.
 */

/** The error of `sum + value`, to be added up beside the sum. */
export const additionError = (sum: number, value: number): number => {
  const total = sum + value
  return Math.abs(sum) >= Math.abs(value) ? sum - total + value : value - total + sum
}

/** The total of a sum and its compensation. Beyond the range of doubles it stays at the edge. */
export const compensatedTotal = (sum: number, compensation: number): number => {
  const total = sum + compensation
  // Once the sum has overflowed, the compensation is NaN or infinite too.
  if (Number.isFinite(total)) return total
  return sum < 0 ? -Number.MAX_VALUE : Number.MAX_VALUE
}
