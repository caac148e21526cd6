/** Senders that nobody here wrote: the curl lines of docs/producers.md, the CDEvents SDK for Java, a real Alertmanager. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { freePort } from '../../infra/local/ports.ts'
import { telemetryAlerts, telemetryDeployments } from '../../schemas/topics.ts'
import { readConfig } from '../../services/shared/config.ts'
import { eventually } from '../test/eventually.ts'
import { stackEnvironment, uniqueName } from '../test/stack.ts'
import { BrokerSide } from './testing/broker-side.ts'
import { javaLibrary } from './testing/java-library.ts'
import { ProductProcess } from '../test/product-process.ts'
import { answerOf, runProgram } from './testing/program.ts'

const MAIN = fileURLToPath(new URL('../../services/cli/main.ts', import.meta.url))
const environment = stackEnvironment()
const folder = mkdtempSync(join(tmpdir(), 'millrace-senders-'))
const tenant = uniqueName('shop')
const token = 'a token of GitLab, 1'
const noop = (): void => undefined
let broker: BrokerSide
let gateway: ProductProcess
let key: string

beforeAll(async () => {
  broker = await BrokerSide.open(readConfig(environment))
  writeFileSync(join(folder, 'gitlab'), token)
  gateway = await ProductProcess.start({
    command: ['service', 'gateway'],
    environment: {
      ...environment,
      MILLRACE_ANONYMOUS: 'false',
      GATEWAY_WEBHOOK_SECRETS: `gitlab:${tenant}=file:${join(folder, 'gitlab')},github:${tenant}=file:${join(folder, 'gitlab')}`,
    },
  })
  const create = ['keys', 'create', '--name', 'senders', '--tenant', tenant, '--json']
  const kinds = ['--kinds', 'deployments,alerts']
  const made = await runProgram(process.execPath, [MAIN, ...create, ...kinds], { environment })
  key = (JSON.parse(made.out.toString()) as { key: string }).key
})
afterAll(async () => {
  expect(await gateway.stop()).toBe(0)
  await broker.close()
  rmSync(folder, { recursive: true, force: true })
})

describe('the curl lines of docs/producers.md', () => {
  const page = readFileSync(new URL('../../docs/producers.md', import.meta.url), 'utf8')
  const [, part = ''] = page.split('## Deployments and alerts of other systems')
  const [section = ''] = part.split('\n## ')
  const lines = [...section.matchAll(/```sh\n(curl http:\/\/127\.0\.0\.1:4318\/(\S+)[^`]*)```/g)]
  const examples = lines.map(([, script = '', path = '']) => ({ path, script }))

  it('are there for each door', () => {
    expect(examples.map(({ path }) => path)).toEqual([
      'ingest/gitlab',
      'ingest/github',
      'ingest/argocd',
      'ingest/cloudevents',
      'ingest/alertmanager',
    ])
  })

  it.each(examples)('$path', async ({ script }) => {
    // Who signs by hand would need a line of its own for it; a key does as well.
    const withKey = script.replace("-H 'X-GitHub-Event", '-H "X-API-Key: $KEY" -H \'X-GitHub-Event')
    const here = `${withKey.replace('http://127.0.0.1:4318', gateway.url).trim()} --silent --show-error`
    const variables = { KEY: key, TOKEN: token }
    const answer = () => runProgram('sh', ['-c', here], { environment: variables })
    // A key that was made just now may take a moment to be known.
    const { out, err } = await eventually(answer, (got) =>
      got.out.toString().includes('"accepted"'),
    )
    expect({ out: out.toString(), err }).toMatchObject({
      out: expect.stringMatching(/^\{"status":"accepted","ids":\["[0-9a-f]{32}"\]\}$/) as string,
    })
  })
})

const sdk = await javaLibrary({
  group: 'dev.cdevents',
  artifact: 'cdevents-sdk-java',
  version: '0.3.1',
})
const noSdk = typeof sdk === 'string' ? sdk : undefined

describe.skipIf(noSdk !== undefined)(`the CDEvents SDK${noSdk ? ` (${noSdk})` : ''}`, () => {
  const { classPath, remove } = typeof sdk === 'string' ? { classPath: '', remove: noop } : sdk
  afterAll(remove)

  it('a service that was deployed', async () => {
    const service = uniqueName('service')
    const source = fileURLToPath(new URL('testing/SendCdEvent.java', import.meta.url))
    const args = ['-cp', classPath, source, `${gateway.url}/ingest/cloudevents`, key, service]
    const { out, err } = await runProgram('java', args)
    expect({ out: out.toString(), err }).toMatchObject({
      out: expect.stringMatching(/^200 \{"status":"accepted"/) as string,
    })
    const events = await broker.values(telemetryDeployments, tenant)
    expect(events.filter((event) => event.service === service)).toMatchObject([
      {
        source: 'cdevents',
        kind: 'deployment',
        status: 'succeeded',
        environment: 'production',
        version: 'v1.4.0',
      },
    ])
  })
})

const NO_ALERTMANAGER =
  'prometheus-alertmanager is not installed (Debian and Ubuntu: apt-get install prometheus-alertmanager)'
const hasAlertmanager = answerOf('prometheus-alertmanager', ['--version']) !== undefined

describe.skipIf(!hasAlertmanager)(
  `Alertmanager${hasAlertmanager ? '' : ` (${NO_ALERTMANAGER})`}`,
  () => {
    it('its alert that fires and is resolved is two records, however often it tells', async () => {
      const config = join(folder, 'alertmanager.yml')
      writeFileSync(join(folder, 'key'), key)
      writeFileSync(config, alertmanagerConfig(gateway.url))
      const address = `127.0.0.1:${String(await freePort())}`
      const alertmanager = spawn(
        'prometheus-alertmanager',
        [
          `--config.file=${config}`,
          `--storage.path=${join(folder, 'alertmanager')}`,
          `--web.listen-address=${address}`,
          '--cluster.listen-address=',
        ],
        { stdio: 'ignore' },
      )
      const exited = once(alertmanager, 'exit')
      try {
        const service = uniqueName('service')
        const labels = { alertname: 'HighLatency', service, severity: 'critical' }
        const startsAt = new Date(Date.now() - 60_000).toISOString()
        const tell = async (endsAt?: string): Promise<boolean> => {
          const body = JSON.stringify([
            { labels, annotations: { summary: 'slow' }, startsAt, endsAt },
          ])
          const headers = { 'content-type': 'application/json' }
          const url = `http://${address}/api/v2/alerts`
          return fetch(url, { method: 'POST', headers, body }).then(
            ({ ok }) => ok,
            () => false, // it does not listen yet
          )
        }
        const alerts = async () =>
          (await broker.values(telemetryAlerts, tenant)).filter(
            (alert) => alert.service === service,
          )
        const requests = () =>
          gateway.metric('gateway_request_duration_seconds_count', { door: 'alertmanager' })
        expect(
          await eventually(
            () => tell(),
            (isTaken) => isTaken,
          ),
        ).toBe(true)
        expect(await eventually(alerts, (told) => told.length > 0)).toMatchObject([
          {
            status: 'firing',
            name: 'HighLatency',
            severity: 'critical',
            startsAt: Date.parse(startsAt),
            endsAt: null,
            annotations: { summary: 'slow' },
            receiver: 'millrace',
          },
        ])
        const before = await requests()
        await eventually(requests, (count) => count >= before + 2) // it repeats itself
        const endsAt = new Date().toISOString()
        expect(await tell(endsAt)).toBe(true)
        const all = await eventually(alerts, (told) => told.length > 1)
        expect(all.map(({ status }) => status).sort()).toEqual(['firing', 'resolved'])
        expect(all.find(({ status }) => status === 'resolved')?.endsAt).toBe(Date.parse(endsAt))
      } finally {
        alertmanager.kill('SIGTERM')
        await exited
      }
    })
  },
)

const alertmanagerConfig = (url: string): string => `
route: { receiver: millrace, group_by: [alertname], group_wait: 100ms, group_interval: 500ms, repeat_interval: 1s }
receivers:
  - name: millrace
    webhook_configs:
      - url: ${url}/ingest/alertmanager
        http_config:
          authorization: { credentials_file: ${join(folder, 'key')} }
`
