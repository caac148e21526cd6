/** The health checks of the servers, spoken directly: what supervises them should need no client library. */
import { createConnection } from 'node:net'

/** Metadata v1 (api key 3) for no topic at all: the answer lists the brokers that are registered and not fenced. */
const metadataRequest = (): Buffer => {
  const clientId = Buffer.from('millrace-health')
  const request = Buffer.alloc(4 + 2 + 2 + 4 + 2 + clientId.length + 4)
  let at = request.writeInt32BE(request.length - 4)
  at = request.writeInt16BE(3, at) // Metadata
  at = request.writeInt16BE(1, at) // v1: an empty list means no topics, null would mean all
  at = request.writeInt32BE(1, at) // correlation id
  at = request.writeInt16BE(clientId.length, at)
  at += clientId.copy(request, at)
  request.writeInt32BE(0, at)
  return request
}

/** Size, correlation id, then the array of brokers: its length says whether the cluster has one. */
const brokerCountOffset = 8

export const kafkaAnswers = (port: number, signal: AbortSignal): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = createConnection({ port, host: '127.0.0.1', signal })
    let received = Buffer.alloc(0)
    const finish = (answer: boolean): void => {
      socket.destroy()
      resolve(answer)
    }
    socket.once('connect', () => socket.write(metadataRequest()))
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk])
      if (received.length >= brokerCountOffset + 4) {
        finish(received.readInt32BE(brokerCountOffset) > 0)
      }
    })
    socket.once('error', () => {
      finish(false)
    })
    socket.once('close', () => {
      finish(false)
    })
  })

export const httpAnswers = async (url: string, signal: AbortSignal): Promise<boolean> => {
  const response = await fetch(url, { signal })
  await response.body?.cancel()
  return response.ok
}
