import type { Command } from 'commander'

export const register = (program: Command): void => {
  program
    .command('service')
    .argument('<name>', 'worker, sink, gateway, api, host, shop or webhook')
    .description('run one service in the foreground against KAFKA_BROKERS etc.; SIGTERM drains it')
    .action(async (name: string) => {
      const { runNamedService } = await import('../stack/run-service.ts')
      await runNamedService(name)
    })
}
