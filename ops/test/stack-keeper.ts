/**
 * Holds the servers of a test run; see stack-setup.ts. Ends when its IPC channel closes.
 *
 * Usage: fork(stack-keeper.ts, ['local' | 'containers'])
 * or in a terminal, for TEST_STACK=attach in another one: node ops/test/stack-keeper.ts local
 */
import type { TestStack } from './test-stack.ts'

export interface KeeperMessage {
  readonly environment: Readonly<Record<string, string>>
}

const startStack = async (kind: string | undefined): Promise<TestStack> => {
  if (kind === 'containers') {
    const { startContainerStack } = await import('./container-stack.ts')
    return startContainerStack()
  }
  const { startLocalStack } = await import('./local-stack.ts')
  return startLocalStack()
}

/** As a shell reads them. */
const exportsOf = (environment: KeeperMessage['environment']): string =>
  Object.entries(environment)
    .map(([name, value]) => `export ${name}='${value}'`)
    .join('\n')

// Installed before anything starts: a run that ends meanwhile must not leave a server behind.
const toStop = new Promise<void>((resolve) => {
  process.on('disconnect', resolve)
  process.on('SIGTERM', resolve)
  process.on('SIGINT', resolve)
  // In a terminal there is no IPC channel, and to wait for a signal does not keep a process alive.
  setInterval(() => undefined, 60_000)
})

try {
  const stack = await startStack(process.argv[2])
  const message: KeeperMessage = { environment: stack.environment }
  if (process.connected) process.send?.(message)
  if (process.send === undefined) console.log(exportsOf(stack.environment))
  await toStop
  await stack.stop()
  process.exit(0)
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exit(1)
}
