/** Every protocol the gateway speaks, by the name its metrics and limits know it by. */
import type { Door } from '../ports.ts'
import { plain } from './plain/plain.ts'
import { remoteWrite } from './remote-write/door.ts'

export const doors: Readonly<Record<string, Door>> = {
  plain,
  'remote-write': remoteWrite,
}
