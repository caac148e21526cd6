/** Shows the page in a browser, where there is a person in front of one. Failing to is no failure. */
import { spawn } from 'node:child_process'
import process from 'node:process'

const opener = (platform: NodeJS.Platform): string => (platform === 'darwin' ? 'open' : 'xdg-open')

export const openPage = (url: string): void => {
  if (!process.stdout.isTTY) return
  const child = spawn(opener(process.platform), [url], { stdio: 'ignore', detached: true })
  child.once('error', () => undefined) // no such program: the address is on the screen
  child.unref()
}
