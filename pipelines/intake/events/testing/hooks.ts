/** Bodies as other systems send them, made up, with the fields that they are documented to have. */

export const SHA = '1f0e3dad99908345f7439f8ffabdffc4c04b2d9a'

const project = {
  id: 30,
  name: 'Checkout',
  path_with_namespace: 'shop/checkout',
  web_url: 'https://gitlab.example/shop/checkout',
}
const user = { id: 1, name: 'Ada Example', username: 'ada', email: 'ada@example.org' }

export const gitlabDeployment = {
  object_kind: 'deployment',
  status: 'success',
  status_changed_at: '2026-03-01 14:00:00 +0200',
  deployment_id: 15,
  deployable_id: 796,
  deployable_url: 'https://gitlab.example/shop/checkout/-/jobs/796',
  environment: 'production',
  environment_tier: 'production',
  environment_slug: 'production',
  environment_external_url: 'https://checkout.example',
  project,
  short_sha: SHA.slice(0, 8),
  user,
  user_url: 'https://gitlab.example/ada',
  commit_url: `https://gitlab.example/shop/checkout/-/commit/${SHA}`,
  commit_title: 'Take cards again',
  ref: 'main',
}

export const gitlabPipeline = {
  object_kind: 'pipeline',
  object_attributes: {
    id: 31,
    ref: 'v1.4.0',
    tag: true,
    sha: SHA,
    status: 'failed',
    source: 'push',
    created_at: '2026-03-01 11:50:00 UTC',
    finished_at: '2026-03-01 12:00:00 UTC',
    duration: 600,
  },
  user,
  project,
}

export const gitlabJob = {
  object_kind: 'build',
  ref: 'main',
  tag: false,
  sha: SHA,
  build_id: 1977,
  build_name: 'deploy',
  build_stage: 'deploy',
  build_status: 'running',
  build_created_at: '2026-03-01T11:50:00.000Z',
  build_started_at: '2026-03-01T12:00:00.000Z',
  build_finished_at: null,
  build_failure_reason: 'unknown_failure',
  pipeline_id: 31,
  retries_count: 1,
  user,
  project,
  environment: { name: 'production', action: 'start', deployment_tier: 'production' },
}

export const gitlabMergeRequest = {
  object_kind: 'merge_request',
  user,
  project,
  object_attributes: {
    iid: 7,
    state: 'merged',
    action: 'merge',
    title: 'Take cards again',
    source_branch: 'cards',
    target_branch: 'main',
    merge_commit_sha: SHA,
    last_commit: { id: 'c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00' },
    updated_at: '2026-03-01 12:00:00 UTC',
    url: 'https://gitlab.example/shop/checkout/-/merge_requests/7',
  },
  labels: [{ id: 1, title: 'bug' }],
}

export const gitlabFeatureFlag = {
  object_kind: 'feature_flag',
  project,
  user,
  object_attributes: { id: 6, name: 'new-cards', description: '', active: true },
}

const repository = {
  id: 1,
  name: 'checkout',
  full_name: 'shop/checkout',
  html_url: 'https://github.example/shop/checkout',
}

const githubDeploymentObject = {
  id: 42,
  sha: SHA,
  ref: 'main',
  task: 'deploy',
  environment: 'production',
  payload: {},
  created_at: '2026-03-01T11:59:00Z',
  creator: { login: 'ada' },
}

export const githubDeploymentStatus = {
  action: 'created',
  deployment: githubDeploymentObject,
  deployment_status: {
    id: 4711,
    state: 'success',
    environment: 'production',
    description: 'Done',
    target_url: 'https://github.example/shop/checkout/actions/runs/9',
    log_url: '',
    environment_url: '',
    created_at: '2026-03-01T12:00:00Z',
    creator: { login: 'robot[bot]' },
  },
  repository,
}

export const githubDeployment = {
  action: 'created',
  deployment: githubDeploymentObject,
  repository,
}

export const githubPullRequest = {
  action: 'closed',
  number: 7,
  pull_request: {
    number: 7,
    merged: true,
    merged_at: '2026-03-01T12:00:00Z',
    merge_commit_sha: SHA,
    html_url: 'https://github.example/shop/checkout/pull/7',
    title: 'Take cards again',
    base: { ref: 'main' },
    head: { ref: 'cards' },
    labels: [{ name: 'bug' }],
    merged_by: { login: 'ada' },
  },
  repository,
}

export const githubWorkflowRun = {
  action: 'completed',
  workflow_run: {
    id: 9,
    name: 'deploy',
    run_attempt: 2,
    status: 'completed',
    conclusion: 'failure',
    head_sha: SHA,
    head_branch: 'main',
    event: 'push',
    html_url: 'https://github.example/shop/checkout/actions/runs/9',
    run_started_at: '2026-03-01T11:50:00Z',
    updated_at: '2026-03-01T12:00:00Z',
    actor: { login: 'ada' },
  },
  repository,
}

/** As the shortest template has it; ours says more. */
export const argocdDeployed = {
  app: 'checkout-prod',
  ns: 'shop',
  revision: SHA,
  phase: 'Succeeded',
  health: 'Healthy',
  finishedAt: '2026-03-01T12:00:00Z',
}

const cdContext = (type: string) => ({
  id: '271069a8-fc18-44f1-b38f-9d70a1695819',
  source: '/event/source/123',
  type,
  timestamp: '2026-03-01T14:00:00+02:00',
})
const serviceContent = {
  environment: { id: 'production' },
  artifactId:
    'pkg:oci/checkout@sha256%3A0b31b1c02ff458ad?repository_url=registry.example&tag=v1.4.0',
}

export const cdEvent04 = {
  context: { version: '0.4.1', ...cdContext('dev.cdevents.service.deployed.0.2.0') },
  subject: { id: 'checkout', source: '/cluster/1', type: 'service', content: serviceContent },
  customData: { ticket: 'OPS-1' },
  customDataContentType: 'application/json',
}

export const cdEvent05 = {
  context: {
    specversion: '0.5.1',
    ...cdContext('dev.cdevents.service.deployed.0.3.0'),
    chainId: '6ca3f9c5-1cef-4ce0-861c-2456a69cf137',
  },
  subject: { id: 'checkout', source: '/cluster/1', content: serviceContent },
}

/** Any other kind of CDEvent of 0.4. */
export const cdEventOf = (kind: string, subject: object) => ({
  context: { version: '0.4.1', ...cdContext(`dev.cdevents.${kind}.0.2.0`) },
  subject,
})

const alert = {
  status: 'firing',
  labels: { alertname: 'HighLatency', service: 'checkout', severity: 'critical' },
  annotations: { summary: 'checkout is slow' },
  startsAt: '2026-03-01T11:50:00.123456789Z',
  endsAt: '0001-01-01T00:00:00Z',
  generatorURL: 'http://prometheus.example/graph?g0.expr=up',
  fingerprint: 'c4ca4238a0b92382',
}

export const alertmanagerGroup = {
  version: '4',
  groupKey: '{}:{alertname="HighLatency"}',
  truncatedAlerts: 0,
  status: 'firing',
  receiver: 'millrace',
  groupLabels: { alertname: 'HighLatency' },
  commonLabels: { alertname: 'HighLatency' },
  commonAnnotations: {},
  externalURL: 'http://alertmanager.example',
  alerts: [
    alert,
    {
      ...alert,
      status: 'resolved',
      endsAt: '2026-03-01T11:55:00Z',
      fingerprint: 'c81e728d9d4c2f63',
    },
  ],
}
