/** How a Node process of ours is started, by `millrace up` and by whoever measures it. */

/** Bound of the worker's heap; resident memory is some 50 MB more. */
export const workerHeapMegabytes = 384

export interface NodeMemory {
  readonly heapMegabytes: number
  /** Of the young generation, which is up to three of these. Default 8: it keeps an idle process small. */
  readonly semiSpaceMegabytes?: number
}

/**
 * Of the gateway. What a body is as objects lives until its records are made: with 8 MB much of that
 * was copied again and again, which took a quarter of its CPU. It grows under load only, some 30 MB.
 */
export const gatewayMemory: NodeMemory = { heapMegabytes: 384, semiSpaceMegabytes: 32 }

/** Node's flags for a child of ours. */
export const nodeFlags = ({
  heapMegabytes,
  semiSpaceMegabytes = 8,
}: NodeMemory): readonly string[] => [
  `--max-old-space-size=${String(heapMegabytes)}`,
  `--max-semi-space-size=${String(semiSpaceMegabytes)}`,
  '--disable-warning=ExperimentalWarning',
]

/** glibc keeps freed memory in an arena a thread, and mapped blocks the longer the larger they get; both are bounded here. */
export const allocatorSettings = { MALLOC_ARENA_MAX: '2', MALLOC_TRIM_THRESHOLD_: '131072' }
