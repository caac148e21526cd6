import { describe, expect, it } from 'vitest'
import { ciJob } from './ci-job.ts'
import { eventOfOptions, type DeployEventOptions } from './event-of-options.ts'

const nowMs = Date.UTC(2026, 2, 1, 12)
const plain: DeployEventOptions = { status: 'succeeded', metadata: [], tenant: 'default' }
const said: DeployEventOptions = { ...plain, service: 'checkout', version: 'v1.4.0' }
const event = (options: Partial<DeployEventOptions> = {}, variables = {}, atMs = nowMs) =>
  eventOfOptions({ ...said, ...options }, ciJob(variables), atMs)

const SHA = '1f0e3dad99908345f7439f8ffabdffc4c04b2d9a'
const gitlab = {
  GITLAB_CI: 'true',
  CI_PROJECT_NAME: 'pay',
  CI_COMMIT_SHA: SHA,
  CI_COMMIT_TAG: '',
  CI_COMMIT_REF_NAME: 'main',
  CI_ENVIRONMENT_NAME: 'production',
  CI_JOB_URL: 'https://gitlab.example/shop/pay/-/jobs/7',
  GITLAB_USER_LOGIN: 'ada',
}
const github = {
  GITHUB_ACTIONS: 'true',
  GITHUB_REPOSITORY: 'shop/pay',
  GITHUB_REF_TYPE: 'branch',
  GITHUB_REF_NAME: 'main',
  GITHUB_SHA: SHA,
  GITHUB_ACTOR: 'ada',
  GITHUB_SERVER_URL: 'https://github.example',
  GITHUB_RUN_ID: '9',
  GITHUB_RUN_ATTEMPT: '2',
  GITHUB_JOB: 'deploy',
}

it('says what it was told', () => {
  const options = {
    environment: 'production',
    status: 'running',
    kind: 'rollback',
    commit: SHA,
    ref: 'main',
    by: 'ada',
    url: 'https://example.org',
    at: '2026-03-01T11:00:00Z',
    plannedFrom: '2026-03-01T10:00:00Z',
    plannedTo: '2026-03-01T14:00:00+02:00',
    metadata: ['ticket=OPS-1', 'note=a=b'],
    id: 'mine',
    tenant: 'shop',
  }
  expect(event(options)).toMatchObject({
    timestamp: nowMs - 3_600_000,
    startedAt: nowMs - 3_600_000,
    finishedAt: null,
    tenant: 'shop',
    service: 'checkout',
    environment: 'production',
    version: 'v1.4.0',
    status: 'running',
    kind: 'rollback',
    commit: SHA,
    ref: 'main',
    deployedBy: 'ada',
    url: 'https://example.org',
    plannedFrom: nowMs - 7_200_000,
    plannedTo: nowMs,
    source: 'cli',
    sourceId: 'mine',
    metadata: { ticket: 'OPS-1', note: 'a=b' },
  })
})

it.each([
  {
    title: 'GitLab',
    variables: gitlab,
    is: { environment: 'production', url: gitlab.CI_JOB_URL },
  },
  {
    title: 'GitHub',
    variables: github,
    is: { environment: null, url: 'https://github.example/shop/pay/actions/runs/9' },
  },
])('takes the rest from a job of $title', ({ variables, is }) => {
  const made = eventOfOptions(plain, ciJob(variables), nowMs)
  const job = { service: 'pay', version: SHA, commit: SHA, ref: 'main', deployedBy: 'ada' }
  expect(made).toMatchObject({ ...job, ...is, timestamp: nowMs, status: 'succeeded' })
})

it.each([
  { title: 'GitLab', variables: { ...gitlab, CI_COMMIT_TAG: 'v2.0.0' } },
  { title: 'GitHub', variables: { ...github, GITHUB_REF_TYPE: 'tag', GITHUB_REF_NAME: 'v2.0.0' } },
])('takes the tag as version in $title', ({ variables }) => {
  expect(eventOfOptions(plain, ciJob(variables), nowMs).version).toBe('v2.0.0')
})

it('what is said wins over the job', () => {
  const options = { environment: 'staging', commit: 'abc' }
  const made = event(options, gitlab)
  expect(made).toMatchObject({ service: 'checkout', version: 'v1.4.0', ...options })
})

describe('identity', () => {
  const later = nowMs + 5_000
  it.each([
    { title: 'the same step of a job, later', other: event({}, gitlab, later), same: true },
    { title: 'another status', other: event({ status: 'failed' }, gitlab), same: false },
    { title: 'another environment', other: event({ environment: 'x' }, gitlab), same: false },
    {
      title: 'another job',
      other: event({}, { ...gitlab, CI_JOB_URL: 'https://gitlab.example/8' }),
      same: false,
    },
  ])('$title: the same $same', ({ other, same }) => {
    expect(other.id === event({}, gitlab).id).toBe(same)
  })

  it('of another attempt is another', () => {
    expect(event({}, { ...github, GITHUB_RUN_ATTEMPT: '3' }).id).not.toBe(event({}, github).id)
  })

  it('outside of a job is that of the moment, unless given', () => {
    expect(event({}, {}, later).id).not.toBe(event().id)
    expect(event({ id: 'mine' }, {}, later).id).toBe(event({ id: 'mine' }).id)
  })
})

it.each([
  { status: 'success', is: 'succeeded' },
  { status: 'failure', is: 'failed' },
  { status: 'canceled', is: 'cancelled' },
  { status: 'In Progress', is: 'running' },
])('takes "$status" for $is', ({ status, is }) => {
  expect(event({ status }).status).toBe(is)
})

it.each([
  { title: 'no service', options: { service: '' }, says: /--service is missing/ },
  { title: 'no version', options: { version: '' }, says: /--version is missing/ },
  { title: 'an unknown status', options: { status: 'so-so' }, says: /--status is 'so-so'/ },
  { title: 'an unknown kind', options: { kind: 'party' }, says: /--kind is 'party'/ },
  { title: 'no time', options: { at: 'soon' }, says: /--at is 'soon'/ },
  { title: 'a time ahead', options: { at: '2027-01-01' }, says: /--at is '2027-01-01T.*not ahead/ },
  {
    title: 'a window that ends before it begins',
    options: { plannedFrom: '2026-03-02', plannedTo: '2026-03-01' },
    says: /--planned-to is '2026-03-01T/,
  },
  { title: 'metadata without name', options: { metadata: ['=x'] }, says: /--metadata is '=x'/ },
  { title: 'a tenant that cannot be', options: { tenant: 'a b' }, says: /--tenant is 'a b'/ },
  { title: 'a long name', options: { by: 'x'.repeat(3_000) }, says: /--by is 'x+\.\.\.'/ },
])('refuses $title as wrong usage', ({ options, says }) => {
  expect(() => event(options)).toThrow(
    expect.objectContaining({
      code: 'USAGE_INVALID',
      message: expect.stringMatching(says) as string,
    }),
  )
})
