/** What a child gets: everything of ours (certificates, proxies, locale), and what it is told on top. */
import process from 'node:process'

export const childEnvironment = (extra: Readonly<Record<string, string>>): NodeJS.ProcessEnv => ({
  ...process.env,
  ...extra,
})
