/** What the headers say a body is. https://prometheus.io/docs/specs/prw/remote_write_spec_2_0/#protocol */
import { lookup } from '../../../../pipelines/intake/lookup.ts'
import type { RemoteWriteVersion } from '../../../../pipelines/intake/prometheus/remote-write.ts'

export const MEDIA_TYPE = 'application/x-protobuf'
export const ENCODING = 'snappy'

const MESSAGES = lookup<RemoteWriteVersion>({
  'prometheus.writerequest': '1.0',
  'io.prometheus.write.v2.request': '2.0',
})

/** By the parameter `proto` of the content type, which 1.0 does not have; undefined for another message. */
export const versionOf = (contentType: string): RemoteWriteVersion | undefined => {
  const [, ...parameters] = contentType.toLowerCase().split(';')
  for (const parameter of parameters) {
    const [name, value = ''] = parameter.split('=')
    if (name?.trim() === 'proto') return MESSAGES.get(value.trim().replaceAll('"', ''))
  }
  return '1.0'
}

/** Nothing said means Snappy, as it does to Prometheus itself. */
export const isSnappy = (contentEncoding: string | undefined): boolean =>
  (contentEncoding ?? ENCODING).trim().toLowerCase() === ENCODING
