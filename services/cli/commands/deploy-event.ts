import type { Command } from 'commander'
import type { DeployEventOptions } from '../deploy-event/run-deploy-event.ts'
import { onServers } from './on-servers.ts'
import { JSON_OPTION } from './option-values.ts'

export const register = (program: Command): void => {
  onServers(program.command('deploy-event'))
    .description('tell of a deployment, or another change of a service, straight to Kafka')
    .option('--service <name>', 'what was changed')
    .option('--version <version>', 'version that it leads to')
    .option('--environment <name>', 'where: production, staging, ...')
    .option(
      '--status <status>',
      'pending, running, succeeded, failed or cancelled; also as CI systems say it: success, failure, canceled, ...',
      'succeeded',
    )
    .option(
      '--kind <kind>',
      'deployment (default), rollback, removal, configuration, flag, scaling, infrastructure, build, merge or other',
    )
    .option('--commit <sha>', 'Git commit')
    .option('--ref <name>', 'branch or tag')
    .option('--by <who>', 'person or robot that did it')
    .option('--url <url>', 'where a person sees more')
    .option('--at <time>', 'when the status was reached, ISO 8601 (default: now)')
    .option('--planned-from <time>', 'begin of the window it is planned for')
    .option('--planned-to <time>', 'end of that window')
    .option('--metadata <name=value>', 'what else there is to say; may be repeated', collect, [])
    .option('--id <id>', 'identity of the event: the same again makes no second one')
    .option('--tenant <tenant>', 'tenant to write to', 'default')
    .option(...JSON_OPTION)
    .addHelpText('after', CI_HELP)
    .action(async (options: DeployEventOptions) => {
      const { runDeployEvent } = await import('../deploy-event/run-deploy-event.ts')
      await runDeployEvent(options)
    })
}

const collect = (value: string, before: readonly string[]): readonly string[] => [...before, value]

const CI_HELP = `
In a job of GitLab CI or GitHub Actions, what is not given comes from its variables: service (the
project), version (tag, else commit), environment (GitLab), commit, ref, by, url, and the identity,
which is the job's: a step that is run twice tells of one event.`
