/** The page at /: static files of ours, and the chart library from its package. No CDN. */
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import fastifyStatic from '@fastify/static'
import { openRoutes } from '../../shared/identity/guard.ts'
import type { ApiInstance } from '../ports.ts'

const pageFolder = fileURLToPath(new URL('../page/', import.meta.url))
const chartFolder = dirname(fileURLToPath(import.meta.resolve('uplot')))
const chartFiles = new Set(['/uPlot.esm.js', '/uPlot.min.css'])
const pageFile = /^\/[a-z-]*(\.html|\.css|\.js|\.svg)?$/

export const pageRoutes = async (app: ApiInstance): Promise<void> => {
  // Revalidated each time by ETag: a new version of Millrace must not run with half an old page.
  const cacheControl = { cacheControl: true, maxAge: 0 }
  await app.register(async (open: ApiInstance) => {
    openRoutes(open)
    await open.register(fastifyStatic, {
      root: pageFolder,
      ...cacheControl,
      allowedPath: (path) => pageFile.test(path) && !path.endsWith('.test.js'),
    })
    await open.register(fastifyStatic, {
      root: chartFolder,
      prefix: '/vendor/uplot/',
      decorateReply: false,
      ...cacheControl,
      allowedPath: (path) => chartFiles.has(path),
    })
  })
}
