import type { Command } from 'commander'
import type { ApplyTopicsOptions } from '../topics/apply.ts'
import type { DescribeTopicOptions } from '../topics/describe.ts'
import type { ListTopicsOptions } from '../topics/list.ts'
import { onServers } from './on-servers.ts'
import { JSON_OPTION } from './option-values.ts'

export const register = (program: Command): void => {
  const topics = program
    .command('topics')
    .description('create topics and register schemas; list and describe them')
  onServers(topics.command('apply'))
    .description('create what is missing and register schemas; refuses what would break readers')
    .option('--dry-run', 'show what would be done and do nothing')
    .option('--foreign', 'make the topics of MILLRACE_INTAKE_TOPICS, too, where they are missing')
    .option('--app <id>', 'own topics of a shadow application instead of the product')
    .option(...JSON_OPTION)
    .action(async (options: ApplyTopicsOptions) => {
      const { runApply } = await import('../topics/apply.ts')
      await runApply(options)
    })
  onServers(topics.command('list'))
    .description('every topic of the catalogue, and whether it exists')
    .option('--internal', 'the internal topics of pipelines and services, too')
    .option(...JSON_OPTION)
    .action(async (options: ListTopicsOptions) => {
      const { runList } = await import('../topics/list.ts')
      await runList(options)
    })
  onServers(topics.command('describe'))
    .argument('<topic>', 'name of a topic of the catalogue or an internal one')
    .description('key, event time, schema, settings and offsets of one topic')
    .option(...JSON_OPTION)
    .action(async (name: string, options: DescribeTopicOptions) => {
      const { runDescribe } = await import('../topics/describe.ts')
      await runDescribe(name, options)
    })
}
