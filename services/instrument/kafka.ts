/**
 * Sends OTLP messages to topics of Kafka, which the pipeline `intake` reads, by the `kafkajs` that the application has.
 *
 * K1: it works in a thread of its own: its timers keep no process alive, its compression delays no request,
 *     and what goes wrong in it ends a thread that the next batch starts anew.
 * K2: a batch that the thread does not answer in time is tried again, with a new thread.
 */
import { createRequire } from 'node:module'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import { silently } from './context.ts'
import type { Exporter, Letter, Signal } from './exporter.ts'
import type { ThreadAnswer, ThreadData, ThreadRequest } from './kafka-thread.ts'
import type { Answer } from './outbox.ts'

export interface KafkaLogin {
  readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512'
  readonly username: string
  readonly password: string
}

export interface KafkaTarget {
  readonly brokers: readonly string[]
  readonly clientId: string
  readonly topics: Readonly<Record<Signal, string>>
  /** The authority's certificate (PEM) where it is not one of the system's. */
  readonly ssl: boolean | { readonly ca: string }
  readonly sasl: KafkaLogin | undefined
}

/** What kafkajs may take for one batch, with its own attempts, is less. */
const TIMEOUT_MS = 30_000
const MISSING =
  'kafkajs is not installed, and is needed to send to Kafka: npm install kafkajs@2 (or set MILLRACE_EXPORTER=otlp)'
const THREAD = `./kafka-thread.${import.meta.url.endsWith('.ts') ? 'ts' : 'js'}`

/** Of the program that runs, else of whoever installed us. */
const findKafkajs = (): string | undefined => {
  const [, program = ''] = process.argv
  const paths = [dirname(program), dirname(fileURLToPath(import.meta.url))]
  try {
    return createRequire(import.meta.url).resolve('kafkajs', { paths })
  } catch {
    return undefined
  }
}

export const kafkaExporter = (target: KafkaTarget): Exporter => {
  const library = findKafkajs()
  if (library === undefined) {
    process.emitWarning(`millrace/instrument: ${MISSING}.`)
    return {
      post: () => Promise.resolve({ kind: 'refused', reason: MISSING }),
      hold: () => undefined,
      postNow: () => undefined,
      close: () => undefined,
    }
  }
  return new KafkaThread({ library, ...target })
}

class KafkaThread implements Exporter {
  readonly #data: ThreadData
  readonly #pending = new Map<number, (answer: Answer) => void>()
  readonly #holding = new Set<Signal>()
  #worker: Worker | undefined
  #last = 0

  /** Begins at once: a process that ends soon has no time to connect. */
  constructor(data: ThreadData) {
    this.#data = data
    this.#worker = this.#start()
  }

  readonly post = (signal: Signal, body: string): Promise<Answer> =>
    new Promise((resolve) => {
      const id = (this.#last += 1)
      const timer = setTimeout(() => {
        this.#end(`no answer within ${TIMEOUT_MS / 1_000} s`) // K2
      }, TIMEOUT_MS).unref()
      this.#pending.set(id, (answer) => {
        clearTimeout(timer)
        resolve(answer)
      })
      this.#send({ id, topic: this.#data.topics[signal], bodies: [body] })
    })

  readonly hold = (signal: Signal, hold: boolean): void => {
    if (hold) this.#holding.add(signal)
    else this.#holding.delete(signal)
    if (this.#holding.size > 0) this.#worker?.ref()
    else this.#worker?.unref()
  }

  /** The thread works while this one waits. */
  readonly postNow = (letters: readonly Letter[], limitMs: number): void => {
    const left = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT))
    const full = letters.filter(({ bodies }) => bodies.length > 0)
    left[0] = full.length
    for (const { signal, bodies } of full) {
      this.#send({ id: 0, topic: this.#data.topics[signal], bodies, left })
    }
    const untilMs = performance.now() + limitMs
    for (let count = left[0]; count > 0; count = Atomics.load(left, 0)) {
      const restMs = untilMs - performance.now()
      if (restMs <= 0 || Atomics.wait(left, 0, count, restMs) === 'timed-out') return
    }
  }

  readonly close = (): void => this.#end('closed')

  #send(request: ThreadRequest): void {
    this.#worker ??= this.#start()
    this.#worker.postMessage(request)
  }

  #start(): Worker {
    const worker = silently(
      () =>
        new Worker(new URL(THREAD, import.meta.url), {
          workerData: this.#data,
          // Without our own module, which came by an option.
          execArgv: [],
          env: { ...process.env, NODE_OPTIONS: '' },
          name: 'millrace/instrument',
        }),
    )
    const ended = (reason: string): void => {
      if (this.#worker === worker) this.#end(reason)
    }
    worker.on('message', ({ id, answer }: ThreadAnswer) => {
      const resolve = this.#pending.get(id)
      this.#pending.delete(id)
      resolve?.(answer)
    })
    worker.on('error', (error) => ended(String(error)))
    worker.on('exit', () => ended('its thread has ended'))
    if (this.#holding.size === 0) worker.unref()
    return worker
  }

  #end(reason: string): void {
    void this.#worker?.terminate()
    this.#worker = undefined
    const pending = [...this.#pending.values()]
    this.#pending.clear()
    for (const resolve of pending) resolve({ kind: 'later', reason: `Kafka: ${reason}` })
  }
}
