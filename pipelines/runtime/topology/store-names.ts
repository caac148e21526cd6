/** Stores that the runtime makes itself; each has a changelog as a declared one has. */

/** Clocks of tenants and positions in global tables: what belongs to the task, not to a key. */
export const TASK_STORE = 'task'
/** The home row of a pipeline that declares none. */
export const KEYS_STORE = 'keys'
