/** Servers for tests, wherever they run. */
export interface TestStack {
  /** As every process of the product takes it. */
  readonly environment: Readonly<Record<string, string>>
  stop(): Promise<void>
}
