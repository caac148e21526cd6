export {
  AVRO_ERROR_CODES,
  AvroError,
  avroDataError,
  avroFaultName,
  avroFaults,
} from './avro-error.ts'
export type { AvroDataFault, AvroErrorCode, PositionOrFault } from './avro-error.ts'
export { avroTypeOf, recordTypeOf } from './avro-type.ts'
export type { AvroType, RecordType } from './avro-type.ts'
export { compileFieldReader } from './field-reader.ts'
export type { FieldReader, FieldReaderOptions, Mutable } from './field-reader.ts'
export { jsonFormOf } from './json-form.ts'
export type { Json } from './json-form.ts'
export { createRecordDecoder, RecordEncoder, valueProblems } from './record-codec.ts'
export type { DecoderSchemas, RecordDecoder, ValueProblem } from './record-codec.ts'
export {
  schemaIdAt,
  WIRE_HEADER_BYTES,
  wireFaultName,
  wireFaults,
  writeWireHeader,
} from './wire-format.ts'
export type { WireFault } from './wire-format.ts'
