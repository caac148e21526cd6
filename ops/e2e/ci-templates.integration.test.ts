/** The templates of ops/ci-templates do what they say: their lines run as in a job, what Argo CD renders is taken. */
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { telemetryDeployments } from '../../schemas/topics.ts'
import { readConfig } from '../../services/shared/config.ts'
import { stackEnvironment, uniqueName } from '../test/stack.ts'
import { BrokerSide } from './testing/broker-side.ts'
import { blockBehind, lineBehind, templateText } from './testing/ci-template.ts'
import { ProductProcess } from '../test/product-process.ts'
import { answerOf, runProgram } from './testing/program.ts'

const home = fileURLToPath(new URL('../..', import.meta.url))
const environment = stackEnvironment()
let broker: BrokerSide
let gateway: ProductProcess

beforeAll(async () => {
  broker = await BrokerSide.open(readConfig(environment))
  gateway = await ProductProcess.start({ command: ['service', 'gateway'], environment })
})
afterAll(async () => {
  expect(await gateway.stop()).toBe(0)
  await broker.close()
})

const told = async (service: string) =>
  (await broker.values(telemetryDeployments, 'default')).filter(
    (event) => event.service === service,
  )

const SHA = '1f0e3dad99908345f7439f8ffabdffc4c04b2d9a'

describe('a job of CI', () => {
  const gitlab = templateText('gitlab-ci.yml')
  const github = templateText('github-actions.yml')
  const gitlabJob = (service: string) => ({
    GITLAB_CI: 'true',
    CI_PROJECT_NAME: service,
    CI_COMMIT_SHA: SHA,
    CI_ENVIRONMENT_NAME: 'production',
    CI_JOB_STATUS: 'failed',
    CI_JOB_URL: `https://gitlab.example/${service}/-/jobs/7`,
    GITLAB_USER_LOGIN: 'ada',
  })
  const githubJob = (service: string) => ({
    GITHUB_ACTIONS: 'true',
    GITHUB_REPOSITORY: `shop/${service}`,
    GITHUB_SHA: SHA,
    GITHUB_ACTOR: 'ada',
    GITHUB_SERVER_URL: 'https://github.example',
    GITHUB_RUN_ID: '9',
    GITHUB_RUN_ATTEMPT: '1',
    GITHUB_JOB: 'deploy',
    JOB_STATUS: 'failure',
  })

  it.each([
    { title: 'GitLab, by Kafka', lines: lineBehind(gitlab, '.millrace-by-kafka'), job: gitlabJob },
    {
      title: 'GitLab, by the gateway',
      lines: blockBehind(gitlab, '.millrace-by-gateway'),
      job: gitlabJob,
    },
    {
      title: 'GitHub, by Kafka',
      lines: blockBehind(github, 'name: millrace-by-kafka'),
      job: githubJob,
    },
    {
      title: 'GitHub, by the gateway',
      lines: blockBehind(github, 'name: millrace-by-gateway'),
      job: githubJob,
    },
  ])('$title: tells of one event, however often the step runs', async ({ lines, job }) => {
    const service = uniqueName('ci')
    const variables = {
      ...environment,
      ...job(service),
      MILLRACE_HOME: home,
      MILLRACE_URL: gateway.url,
      MILLRACE_API_KEY: '',
    }
    for (let run = 1; run <= 2; run++) {
      // Nobody has a key here; a header without a value is not sent.
      const script = lines.replace('X-API-Key: $MILLRACE_API_KEY', 'X-API-Key:')
      const { code, err } = await runProgram('sh', ['-ec', script], { environment: variables })
      expect({ code, err }).toMatchObject({ code: 0 })
    }
    const ids = new Set((await told(service)).map(({ id }) => id))
    expect(ids.size).toBe(1)
    expect((await told(service))[0]).toMatchObject({
      environment: 'production',
      version: SHA,
      commit: SHA,
      status: 'failed',
      deployedBy: 'ada',
    })
  })
})

const NO_GO = 'there is no Go, in whose templates Argo CD writes'
const hasGo = answerOf('go', ['version']) !== undefined

describe.skipIf(!hasGo)(`the template of Argo CD${hasGo ? '' : ` (${NO_GO})`}`, () => {
  const template = blockBehind(templateText('argocd-notifications.yaml'), 'body: |')
  const source = fileURLToPath(new URL('testing/render-template.go', import.meta.url))
  const render = async (data: object): Promise<string> => {
    const { code, out, err } = await runProgram('go', ['run', source], {
      input: JSON.stringify({ template, data }),
      environment: { GO111MODULE: 'off' },
    })
    expect({ code, err }).toMatchObject({ code: 0 })
    return out.toString()
  }
  const post = async (body: string) => {
    const headers = { 'content-type': 'application/json' }
    const answer = await fetch(`${gateway.url}/ingest/argocd`, { method: 'POST', headers, body })
    return { status: answer.status, text: await answer.text() }
  }
  const application = (status: object, labels?: object) => ({
    context: { argocdUrl: 'https://argocd.example' },
    app: {
      metadata: { name: uniqueName('argo'), ...(labels && { labels }) },
      spec: {
        project: 'shop',
        destination: { namespace: 'shop' },
        source: { repoURL: 'https://git.example/shop.git', targetRevision: 'main' },
      },
      status: { sync: { revision: SHA }, health: { status: 'Healthy' }, ...status },
    },
  })

  it('of a sync that is done', async () => {
    const service = uniqueName('argo')
    const labels = { 'millrace/service': service, 'millrace/environment': 'production' }
    const operationState = {
      phase: 'Succeeded',
      message: 'says "done"\nand more',
      startedAt: '2026-03-01T11:59:00Z',
      finishedAt: '2026-03-01T12:00:00Z',
      operation: { initiatedBy: { username: 'ada' } },
    }
    const body = await render(application({ operationState }, labels))
    expect(await post(body)).toMatchObject({ status: 200 })
    expect(await told(service)).toMatchObject([
      {
        status: 'succeeded',
        environment: 'production',
        version: SHA,
        ref: 'main',
        deployedBy: 'ada',
        timestamp: Date.UTC(2026, 2, 1, 12),
        metadata: { message: 'says "done"\nand more' },
      },
    ])
  })

  it('of one that runs, without labels, from several sources', async () => {
    const operationState = { phase: 'Running', startedAt: '2026-03-01T11:59:00Z', operation: {} }
    const data = application({ operationState, sync: { revisions: [SHA, 'b'] } })
    expect(await post(await render(data))).toMatchObject({ status: 200 })
    expect(await told(data.app.metadata.name)).toMatchObject([
      { status: 'running', environment: 'shop', commit: SHA, finishedAt: null },
    ])
  })

  it('of an application that was never synced', async () => {
    const data = application({ health: { status: 'Degraded' }, sync: {} })
    expect(await post(await render(data))).toMatchObject({ status: 200 })
    expect(await told(data.app.metadata.name)).toMatchObject([{ status: 'failed', version: null }])
  })
})
