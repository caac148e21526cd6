/** What the variables of a CI job say about a deployment that it makes. */

type Variables = Readonly<Record<string, string | undefined>>

export interface CiJob {
  readonly service?: string | undefined
  readonly version?: string | undefined
  readonly environment?: string | undefined
  readonly commit?: string | undefined
  readonly ref?: string | undefined
  readonly by?: string | undefined
  readonly url?: string | undefined
  /** Of the job's one run: another attempt is another. */
  readonly id?: string | undefined
}

/** Those that are read. */
export const CI_VARIABLES = [
  ...['GITLAB_CI', 'CI_PROJECT_NAME', 'CI_COMMIT_TAG', 'CI_COMMIT_SHA', 'CI_COMMIT_REF_NAME'],
  ...['CI_ENVIRONMENT_NAME', 'CI_JOB_URL', 'GITLAB_USER_LOGIN'],
  ...['GITHUB_ACTIONS', 'GITHUB_REPOSITORY', 'GITHUB_REF_TYPE', 'GITHUB_REF_NAME', 'GITHUB_SHA'],
  ...['GITHUB_ACTOR', 'GITHUB_SERVER_URL', 'GITHUB_RUN_ID', 'GITHUB_RUN_ATTEMPT', 'GITHUB_JOB'],
] as const

/** Nothing outside of a CI job. */
export const ciJob = (variables: Variables): CiJob => {
  const get = (name: (typeof CI_VARIABLES)[number]): string | undefined =>
    variables[name] === '' ? undefined : variables[name]
  if (get('GITLAB_CI') === 'true') {
    return {
      service: get('CI_PROJECT_NAME'),
      version: get('CI_COMMIT_TAG') ?? get('CI_COMMIT_SHA'),
      environment: get('CI_ENVIRONMENT_NAME'),
      commit: get('CI_COMMIT_SHA'),
      ref: get('CI_COMMIT_REF_NAME'),
      by: get('GITLAB_USER_LOGIN'),
      url: get('CI_JOB_URL'),
      id: get('CI_JOB_URL'),
    }
  }
  if (get('GITHUB_ACTIONS') === 'true') {
    const repository = get('GITHUB_REPOSITORY')
    const ref = get('GITHUB_REF_NAME')
    const run = `${get('GITHUB_SERVER_URL') ?? ''}/${repository ?? ''}/actions/runs/${get('GITHUB_RUN_ID') ?? ''}`
    return {
      service: repository?.slice(repository.lastIndexOf('/') + 1),
      version: get('GITHUB_REF_TYPE') === 'tag' ? ref : get('GITHUB_SHA'),
      commit: get('GITHUB_SHA'),
      ref,
      by: get('GITHUB_ACTOR'),
      url: run,
      id: `${run}/attempts/${get('GITHUB_RUN_ATTEMPT') ?? '1'} ${get('GITHUB_JOB') ?? ''}`.trim(),
    }
  }
  return {}
}
