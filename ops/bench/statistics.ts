/** Of small sets of measurements. */

export const median = (values: readonly number[]): number => quantile(values, 0.5)

/** The smallest value that at least so large a share of the values does not exceed; NaN of none. */
export const quantile = (values: readonly number[], share: number): number => {
  const sorted = Float64Array.from(values).sort()
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN
}
