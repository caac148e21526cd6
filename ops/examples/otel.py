"""Traces, metrics and logs by the SDK of OpenTelemetry.

Everything about where and how is in its environment variables; see docs/producers.md.
"""

import logging

from opentelemetry import metrics, trace
from opentelemetry._logs import set_logger_provider
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk._logs import LoggerProvider, LoggingHandler
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.metrics.view import ExplicitBucketHistogramAggregation, View
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

tracers = TracerProvider()
tracers.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
meters = MeterProvider(
    [PeriodicExportingMetricReader(OTLPMetricExporter())],
    views=[View(instrument_name="shop.latency", aggregation=ExplicitBucketHistogramAggregation([0.1, 1]))],
)
loggers = LoggerProvider()
loggers.add_log_record_processor(BatchLogRecordProcessor(OTLPLogExporter()))
trace.set_tracer_provider(tracers)
metrics.set_meter_provider(meters)
set_logger_provider(loggers)
log = logging.getLogger("shop")
log.addHandler(LoggingHandler(logger_provider=loggers))

meter = metrics.get_meter("shop")
meter.create_counter("shop.orders", unit="{order}").add(3, {"region": "eu"})
waiting = meter.create_up_down_counter("shop.waiting", unit="{order}")
waiting.add(5)
waiting.add(-2)
latency = meter.create_histogram("shop.latency", unit="s")
for seconds in [0.05, 0.5, 5]:
    latency.record(seconds)

attributes = {"http.request.method": "POST", "http.route": "/orders/{id}"}
tracer = trace.get_tracer("shop")
try:
    with tracer.start_as_current_span(
        "POST /orders/{id}", kind=trace.SpanKind.SERVER, attributes=attributes
    ) as span:
        print(format(span.get_span_context().trace_id, "032x"))
        log.error("payment declined", extra={"order": 17})
        raise TypeError("card expired")
except TypeError:
    pass

for provider in (tracers, meters, loggers):
    provider.shutdown()
