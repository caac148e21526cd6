/**
 * One keep-alive connection that posts one request at a time. A library would take as much of the
 * two cores as what is measured.
 */
import { once } from 'node:events'
import { createConnection, type Socket } from 'node:net'

export interface PostedRequest {
  readonly path: string
  /** Name and value, as they stand on the wire. */
  readonly headers: readonly string[]
  readonly body: Buffer
}

export interface HttpAnswer {
  readonly status: number
  readonly text: string
}

const END_OF_HEAD = Buffer.from('\r\n\r\n')

export class HttpConnection {
  readonly #socket: Socket
  #received: Buffer = Buffer.alloc(0)
  #waiting: PromiseWithResolvers<HttpAnswer> | undefined

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.setNoDelay(true)
    socket.on('data', (bytes) => {
      this.#received = this.#received.length === 0 ? bytes : Buffer.concat([this.#received, bytes])
      this.#answer()
    })
    socket.on('error', (error) => this.#waiting?.reject(error))
    socket.on('close', () => this.#waiting?.reject(new Error('the gateway closed a connection')))
  }

  static async open(port: number): Promise<HttpConnection> {
    const socket = createConnection({ host: '127.0.0.1', port })
    await once(socket, 'connect')
    return new HttpConnection(socket)
  }

  post({ path, headers, body }: PostedRequest): Promise<HttpAnswer> {
    const head = [
      `POST ${path} HTTP/1.1`,
      'host: 127.0.0.1',
      ...headers,
      `content-length: ${body.length}`,
    ]
    this.#waiting = Promise.withResolvers()
    this.#socket.cork()
    this.#socket.write(`${head.join('\r\n')}\r\n\r\n`)
    this.#socket.write(body)
    this.#socket.uncork()
    return this.#waiting.promise
  }

  close(): void {
    this.#waiting = undefined
    this.#socket.destroy()
  }

  #answer(): void {
    const headEnd = this.#received.indexOf(END_OF_HEAD)
    if (headEnd < 0) return
    const head = this.#received.toString('latin1', 0, headEnd)
    const length = Number(/\r\ncontent-length: (\d+)/i.exec(head)?.[1] ?? 0)
    const start = headEnd + END_OF_HEAD.length
    if (this.#received.length < start + length) return
    const text = this.#received.toString('utf8', start, start + length)
    this.#received = this.#received.subarray(start + length)
    const waiting = this.#waiting
    this.#waiting = undefined
    waiting?.resolve({ status: Number(head.slice(9, 12)), text })
  }
}
