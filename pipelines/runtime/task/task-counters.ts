/** What a task counts; read by metrics, by `status` and by tests. */
export class TaskCounters {
  records = 0
  ticks = 0
  emitted = 0
  late = 0
  repartitioned = 0
  /** Records of keys beyond the pipeline's key limit: not processed, still in their topic. */
  refusedByKeyLimit = 0
  evictedKeys = 0
  /** Records of others that their senders had sent before. */
  repeated = 0
  readonly deadLetters = new Map<string, number>()

  countDeadLetter(reason: string): void {
    this.deadLetters.set(reason, (this.deadLetters.get(reason) ?? 0) + 1)
  }
}
