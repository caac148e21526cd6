export { childEnvironment } from './child-environment.ts'
export { diskUse } from './disk-use.ts'
export { defaultMinFreeBytes, freeBytes, purgeDataFolder } from './data-folder.ts'
export { StackError, type StackErrorCode } from './errors.ts'
export { lockHolder } from './folder-lock.ts'
export { layoutOf, type DataLayout } from './layout.ts'
export { hungAfterMs } from './managed-process.ts'
export type { ProcessSpec, ProcessState, ProcessStatus } from './managed-process.ts'
export { readPidRecords, stopLeftovers, stopProcess } from './pid-records.ts'
export { freePort, freePortBase, type PortName, type StackPorts } from './ports.ts'
export { isAlive, residentBytes } from './process-identity.ts'
export { httpHealth } from './probes.ts'
export {
  environmentOf,
  serverSettings,
  startServers,
  type RunningServers,
  type ServerName,
  type StartServersOptions,
} from './stack.ts'
export { readStackState, type StackState } from './stack-state.ts'
