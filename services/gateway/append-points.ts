/** Points of known series into Kafka: key, partition and value are there, only time and number are new. */
import type { PointList } from '../../pipelines/intake/points/point-list.ts'
import type { DoorPorts, IntakeBatch, Sender } from './ports.ts'

interface PointPorts {
  readonly intake: DoorPorts['intake']
  readonly records: Pick<DoorPorts['records'], 'metrics'>
}

export const appendPoints = (
  { count, sizeBytes, series, timestampsMs, values }: PointList,
  sender: Sender,
  { intake, records }: PointPorts,
): IntakeBatch => {
  const batch = intake.open(sender, sizeBytes)
  const { name: topic } = records.metrics.format.topic
  for (let index = 0; index < count; index++) {
    const each = series[index]!
    const value = each.valueOf(timestampsMs[index]!, values[index]!)
    batch.append({ topic, partition: each.partition, key: each.key, value })
  }
  return batch
}
