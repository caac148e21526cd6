/** Every protocol the gateway speaks, by the name its metrics and limits know it by. */
import type { Door } from '../ports.ts'
import { alertmanager } from './alertmanager/alertmanager.ts'
import { argocd } from './argocd/argocd.ts'
import { cloudevents } from './cloudevents/cloudevents.ts'
import { github } from './github/github.ts'
import { gitlab } from './gitlab/gitlab.ts'
import { otlp } from './otlp/door.ts'
import { plain } from './plain/plain.ts'
import { remoteWrite } from './remote-write/door.ts'

export const doors: Readonly<Record<string, Door>> = {
  otlp,
  plain,
  'remote-write': remoteWrite,
  cloudevents,
  gitlab,
  github,
  argocd,
  alertmanager,
}
