import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { createSecrets } from '../../shared/secrets/secrets.ts'
import { openWebhookSecrets, type OpenWebhookSecrets } from './webhook-secrets.ts'

let folder: string
let open: OpenWebhookSecrets | undefined
const warnings: unknown[] = []
const logger = { warn: (...said: unknown[]) => void warnings.push(said), info: () => undefined }
const path = (name: string) => join(folder, name)
const write = (name: string, text: string) => {
  writeFileSync(path(name), text)
}
const secretsOf = async (...names: readonly string[]) => {
  const references = names.map((name) => ({
    source: 'github',
    tenant: name,
    reference: `file:${path(name)}`,
  }))
  const secrets = createSecrets({ vault: undefined })
  open = await openWebhookSecrets(references, { secrets, refreshMs: 60_000, logger })
  return open
}
const texts = () => open?.of('github').map(({ secret }) => secret.reveal())

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-secrets-'))
  warnings.length = 0
})
afterEach(() => {
  open?.close()
  open = undefined
  rmSync(folder, { recursive: true })
})

it('has those of a source, without the end of the line', async () => {
  write('a', 'sixteen letters.\n')
  const secrets = await secretsOf('a')
  expect(secrets.of('github').map(({ tenant }) => tenant)).toEqual(['a'])
  expect(texts()).toEqual(['sixteen letters.'])
  expect(secrets.of('gitlab')).toEqual([])
})

it('follows a file, and keeps what it had while the file is of no use', async () => {
  write('a', 'the first secret')
  const secrets = await secretsOf('a')
  write('a', 'another one, also long')
  await secrets.refresh()
  expect(texts()).toEqual(['another one, also long'])
  write('a', 'short')
  await secrets.refresh()
  await secrets.refresh()
  expect(texts()).toEqual(['another one, also long'])
  expect(warnings).toHaveLength(1)
})

it.each([
  { title: 'a missing file', text: undefined, says: /cannot be read/ },
  { title: 'a short secret', text: 'fifteen letters', says: /fewer than 16/ },
])('refuses $title at the start, and shows no secret', async ({ text, says }) => {
  if (text !== undefined) write('a', text)
  const refused = secretsOf('a')
  await expect(refused).rejects.toThrow(says)
  await expect(refused).rejects.not.toThrow(/letters/)
})
