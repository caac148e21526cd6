export { StackError } from './errors.ts'
export type { StackErrorCode } from './errors.ts'
export { environmentOf, serverNames, startServers } from './stack.ts'
export type { RunningServers, ServerName, StartServersOptions } from './stack.ts'
