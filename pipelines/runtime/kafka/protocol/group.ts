/** JoinGroup v5, SyncGroup v3, Heartbeat v3, LeaveGroup v2 (the classic group protocol). */
import type { Api } from './api.ts'
import type { GroupSession } from './offsets.ts'

export interface JoinGroupRequest {
  readonly groupId: string
  readonly sessionTimeoutMs: number
  readonly rebalanceTimeoutMs: number
  /** Empty for a new member; the broker answers MEMBER_ID_REQUIRED and gives one. */
  readonly memberId: string
  readonly protocolType: string
  readonly protocols: readonly { readonly name: string; readonly metadata: Buffer }[]
}

export interface JoinGroupResponse {
  readonly errorCode: number
  readonly generationId: number
  readonly protocolName: string
  readonly leaderId: string
  readonly memberId: string
  /** Only the leader gets the members. */
  readonly members: readonly { readonly memberId: string; readonly metadata: Buffer }[]
}

export const joinGroupApi: Api<JoinGroupRequest, JoinGroupResponse> = {
  name: 'JoinGroup',
  key: 11,
  version: 5,
  flexible: false,
  write(writer, request) {
    writer.string(request.groupId)
    writer.int32(request.sessionTimeoutMs)
    writer.int32(request.rebalanceTimeoutMs)
    writer.string(request.memberId)
    writer.string(null) // group instance id
    writer.string(request.protocolType)
    writer.array(request.protocols, ({ name, metadata }) => {
      writer.string(name)
      writer.bytes(metadata)
    })
  },
  read(reader) {
    reader.int32() // throttle time
    return {
      errorCode: reader.int16(),
      generationId: reader.int32(),
      protocolName: reader.string(),
      leaderId: reader.string(),
      memberId: reader.string(),
      members: reader.array(() => {
        const memberId = reader.string()
        reader.nullableString() // group instance id
        return { memberId, metadata: reader.bytes() }
      }),
    }
  },
}

export interface SyncGroupRequest extends GroupSession {
  /** From the leader: one per member. Empty from all others. */
  readonly assignments: readonly { readonly memberId: string; readonly assignment: Buffer }[]
}

export interface SyncGroupResponse {
  readonly errorCode: number
  readonly assignment: Buffer
}

export const syncGroupApi: Api<SyncGroupRequest, SyncGroupResponse> = {
  name: 'SyncGroup',
  key: 14,
  version: 3,
  flexible: false,
  write(writer, request) {
    writer.string(request.groupId)
    writer.int32(request.generationId)
    writer.string(request.memberId)
    writer.string(null) // group instance id
    writer.array(request.assignments, ({ memberId, assignment }) => {
      writer.string(memberId)
      writer.bytes(assignment)
    })
  },
  read(reader) {
    reader.int32() // throttle time
    return { errorCode: reader.int16(), assignment: reader.bytes() }
  },
}

/** The response is the error code. */
export const heartbeatApi: Api<GroupSession, number> = {
  name: 'Heartbeat',
  key: 12,
  version: 3,
  flexible: false,
  write(writer, request) {
    writer.string(request.groupId)
    writer.int32(request.generationId)
    writer.string(request.memberId)
    writer.string(null) // group instance id
  },
  read(reader) {
    reader.int32() // throttle time
    return reader.int16()
  },
}

export interface LeaveGroupRequest {
  readonly groupId: string
  readonly memberId: string
}

/** The response is the error code. */
export const leaveGroupApi: Api<LeaveGroupRequest, number> = {
  name: 'LeaveGroup',
  key: 13,
  version: 2,
  flexible: false,
  write(writer, request) {
    writer.string(request.groupId)
    writer.string(request.memberId)
  },
  read(reader) {
    reader.int32() // throttle time
    return reader.int16()
  },
}
