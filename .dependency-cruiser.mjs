/**
 * The arrows of the house: schemas <- pipelines/runtime <- pipelines/<name> <- services, and infra
 * below services. No exception list; a rule that hurts is discussed, not bypassed.
 */

const TEST_FILES = '[.]test[.]ts$|/testing/|^ops/(test|drills)/'

/** Pipelines share the runtime, and nothing else. */
const RUNTIME = '^pipelines/runtime/'

export default {
  forbidden: [
    {
      name: 'schemas-import-nothing-of-ours',
      comment: 'The contract stands alone, so that everything may depend on it.',
      severity: 'error',
      from: { path: '^schemas/' },
      to: { path: '^(pipelines|services|infra|dashboards|ops)/' },
    },
    {
      name: 'runtime-knows-only-schemas',
      comment: 'The engine has no domain words.',
      severity: 'error',
      from: { path: RUNTIME },
      to: { path: '^(pipelines/(?!runtime/)|services/|infra/|dashboards/)' },
    },
    {
      name: 'pipelines-meet-in-topics',
      comment: 'A pipeline never imports another pipeline.',
      severity: 'error',
      from: { path: '^pipelines/(?!runtime/)([^/]+)/' },
      to: { path: '^pipelines/', pathNot: ['^pipelines/$1/', RUNTIME] },
    },
    {
      name: 'pipelines-below-services',
      severity: 'error',
      from: { path: '^pipelines/' },
      to: { path: '^(services|infra|dashboards)/' },
    },
    {
      name: 'pipelines-are-pure',
      comment: 'A pipeline speaks to the runtime, not to Kafka.',
      severity: 'error',
      from: { path: '^pipelines/(?!runtime/)', pathNot: TEST_FILES },
      to: { path: '^pipelines/runtime/kafka/' },
    },
    {
      name: 'core-below-kafka',
      comment: 'The pure engine runs without Kafka; Kafka drives it, not the other way round.',
      severity: 'error',
      from: { path: '^pipelines/runtime/(?!kafka/)', pathNot: '[.]integration[.]test[.]ts$' },
      to: { path: '^pipelines/runtime/kafka/' },
    },
    {
      name: 'infra-below-services',
      severity: 'error',
      from: { path: '^infra/' },
      to: { path: '^(services|pipelines)/' },
    },
    {
      name: 'kafka-clients-only-in-runtime-kafka',
      comment: 'Of the product; examples and benchmarks in ops use the clients that others have.',
      severity: 'error',
      from: {
        path: '^(schemas|pipelines|services|infra|dashboards)/',
        pathNot: '^pipelines/runtime/kafka/',
      },
      to: { path: 'node_modules/(kafkajs|@kafkajs/[^/]+)/' },
    },
    {
      name: 'clickhouse-client-only-in-services',
      comment: 'Effects live in services; infra owns the tables.',
      severity: 'error',
      from: { path: '^(schemas|pipelines)/' },
      to: { path: 'node_modules/@clickhouse/' },
    },
    {
      name: 'services-meet-in-shared-and-topics',
      comment: 'A process never imports another process; the command line starts them all.',
      severity: 'error',
      from: { path: '^services/(?!cli/)([^/]+)/' },
      to: { path: '^services/(?!shared/|$1/)([^/]+)/main[.]ts$' },
    },
    {
      name: 'instrument-stands-alone',
      comment: 'It runs in the processes of others: nothing of ours and no package comes with it.',
      severity: 'error',
      from: { path: '^services/instrument/', pathNot: TEST_FILES },
      to: { pathNot: '^services/instrument/', dependencyTypesNot: ['core'] },
    },
    {
      name: 'nothing-imports-the-command-line',
      severity: 'error',
      from: { path: '^', pathNot: '^services/cli/' },
      to: { path: '^services/cli/' },
    },
    {
      name: 'product-imports-no-tests',
      severity: 'error',
      from: { pathNot: TEST_FILES },
      to: { path: TEST_FILES, pathNot: '^pipelines/runtime/testing/' },
    },
    {
      name: 'no-cycles',
      comment: 'At run time; a type import leaves nothing behind that could be half initialised.',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'resolvable',
      comment: 'The page loads /vendor/ from the API, by URL.',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true, pathNot: '^/vendor/' },
    },
    {
      name: 'no-dev-dependency-in-the-product',
      severity: 'error',
      from: {
        path: '^(schemas|pipelines|services|infra)/',
        pathNot: [TEST_FILES, '^schemas/generate'],
      },
      to: {
        dependencyTypes: ['npm-dev'],
        dependencyTypesNot: ['npm', 'npm-optional', 'type-only'],
      },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^schemas/generated/.*[.]json$' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'require', 'default', 'types'],
    },
  },
}
