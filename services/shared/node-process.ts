/** How a Node process of ours is started, by `millrace up` and by whoever measures it. */

/** Bound of the worker's heap; resident memory is some 50 MB more. */
export const workerHeapMegabytes = 384

/** Node's flags for a child of ours. A small young generation keeps an idle process small. */
export const nodeFlags = (heapMegabytes: number): readonly string[] => [
  `--max-old-space-size=${String(heapMegabytes)}`,
  '--max-semi-space-size=8',
  '--disable-warning=ExperimentalWarning',
]

/** glibc keeps freed memory in an arena a thread, and mapped blocks the longer the larger they get; both are bounded here. */
export const allocatorSettings = { MALLOC_ARENA_MAX: '2', MALLOC_TRIM_THRESHOLD_: '131072' }
