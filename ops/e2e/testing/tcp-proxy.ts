/**
 * A network path that a test can cut or make slow: what connects gets through, some pieces late, or
 * is refused and hung up.
 */
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'

export class TcpProxy {
  readonly #target: { readonly host: string; readonly port: number }
  readonly #sockets = new Set<Socket>()
  #server: Server | undefined
  #port = 0
  #pieceDelayMs = 0

  private constructor(target: { readonly host: string; readonly port: number }) {
    this.#target = target
  }

  static async open(target: { readonly host: string; readonly port: number }): Promise<TcpProxy> {
    const proxy = new TcpProxy(target)
    await proxy.mend()
    return proxy
  }

  get port(): number {
    return this.#port
  }

  /** From now on each piece of up to 64 KiB takes so long, in either direction; 0 ends it. */
  slow({ pieceDelayMs }: { readonly pieceDelayMs: number }): void {
    this.#pieceDelayMs = pieceDelayMs
  }

  /** Whoever is connected is hung up on, in the middle of a sentence; others may connect. */
  breakOff(): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  /** Nobody listens any more, and whoever was connected is hung up on. */
  async cut(): Promise<void> {
    const server = this.#server
    this.#server = undefined
    if (server === undefined) return
    const closed = once(server, 'close')
    server.close()
    this.breakOff()
    await closed
  }

  /** Listens again, at the same port. */
  async mend(): Promise<void> {
    const server = createServer((incoming) => {
      this.#join(incoming, connect(this.#target.port, this.#target.host))
    })
    server.listen(this.#port, '127.0.0.1')
    await once(server, 'listening')
    this.#port = (server.address() as AddressInfo).port
    this.#server = server
  }

  #join(one: Socket, other: Socket): void {
    for (const [from, to] of [
      [one, other],
      [other, one],
    ] as const) {
      this.#sockets.add(from)
      from.on('data', (piece: Buffer) => {
        void this.#pass(piece, from, to)
      })
      from.on('end', () => to.end())
      from.on('error', () => to.destroy())
      from.on('close', () => {
        this.#sockets.delete(from)
        to.destroy()
      })
    }
  }

  async #pass(piece: Buffer, from: Socket, to: Socket): Promise<void> {
    from.pause()
    if (this.#pieceDelayMs > 0) await sleep(this.#pieceDelayMs)
    if (!to.destroyed && !to.write(piece))
      await Promise.race([once(to, 'drain'), once(to, 'close')])
    from.resume()
  }
}
