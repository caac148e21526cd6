"""A producer of your own, in Python: publishes a metric with a spike at its end, and shows the
anomaly that comes out.

    pip install 'confluent-kafka[avro]'
    python3 producer.py

It needs KAFKA_BROKERS and SCHEMA_REGISTRY_URL only where they differ from `npm start`'s.
docs/producers.md explains every choice made here.
"""

import argparse
import json
import math
import os
import secrets
import sys
import time

from confluent_kafka import Consumer, Producer
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer, AvroSerializer
from confluent_kafka.serialization import MessageField, SerializationContext

METRICS = "telemetry.metrics"
ANOMALIES = "signals.anomalies"
NORMAL_POINTS = 40
INTERVAL_MS = 500
PATIENCE_S = 60


def measurements(tenant: str, instance: str) -> list[dict]:
    """Latencies around 120 ms, the last one 900 ms, up to this moment."""
    now = time.time_ns() // 1_000_000
    return [
        {
            "timestamp": now - (NORMAL_POINTS - index) * INTERVAL_MS,
            "value": 900.0 if index == NORMAL_POINTS else 120 + 8 * math.sin(index),
            "tenant": tenant,
            "name": "checkout.latency",
            "labels": {"service": "checkout", "instance": instance},
            "unit": "ms",
        }
        for index in range(NORMAL_POINTS + 1)
    ]


def publish(points: list[dict], key: str, brokers: str, registry: SchemaRegistryClient) -> None:
    # The schema is registered already; producers use it and register nothing.
    serialize = AvroSerializer(
        registry, conf={"auto.register.schemas": False, "use.latest.version": True}
    )
    # Any key does as long as a series always has the same one: librdkafka then keeps its points in
    # order in one partition, and Millrace carries them to where they belong. With the series key of
    # docs/producers.md and "partitioner": "murmur2_random" they are there at once.
    producer = Producer({"bootstrap.servers": brokers, "enable.idempotence": True, "linger.ms": 20})
    failures = []

    def on_delivery(error, _message) -> None:
        if error is not None:
            failures.append(error)

    context = SerializationContext(METRICS, MessageField.VALUE)
    for point in points:
        value = serialize(point, context)
        producer.produce(METRICS, key=key, value=value, on_delivery=on_delivery)
        producer.poll(0)
    unsent = producer.flush(PATIENCE_S)
    if failures or unsent:
        sys.exit(f"{len(failures) + unsent} points were not delivered: {failures[:1]}")


def first_anomaly(instance: str, brokers: str, registry: SchemaRegistryClient) -> dict:
    """The first record about our series."""
    deserialize = AvroDeserializer(registry)
    consumer = Consumer(
        {
            "bootstrap.servers": brokers,
            "group.id": f"example-{instance}",
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
        }
    )
    consumer.subscribe([ANOMALIES])
    try:
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            message = consumer.poll(1.0)
            if message is None:
                continue
            if message.error():
                sys.exit(f"cannot read {ANOMALIES}: {message.error()}")
            context = SerializationContext(ANOMALIES, MessageField.VALUE)
            anomaly = deserialize(message.value(), context)
            if anomaly["labels"].get("instance") == instance:
                return anomaly
        sys.exit(f"No anomaly within {PATIENCE_S} s; does a worker run?")
    finally:
        consumer.close()


def main() -> None:
    parser = argparse.ArgumentParser(description="publish a spike, see the anomaly")
    parser.add_argument("--tenant", default="default")
    parser.add_argument("--instance", default=f"checkout-{secrets.token_hex(3)}")
    options = parser.parse_args()
    brokers = os.environ.get("KAFKA_BROKERS", "127.0.0.1:9092")
    registry = SchemaRegistryClient(
        {"url": os.environ.get("SCHEMA_REGISTRY_URL", "http://127.0.0.1:8081/apis/ccompat/v7")}
    )
    points = measurements(options.tenant, options.instance)
    publish(points, options.instance, brokers, registry)
    print(f"published {len(points)} points of checkout.latency of {options.instance}", file=sys.stderr)
    anomaly = first_anomaly(options.instance, brokers, registry)
    print(f"{anomaly['severity']}: {anomaly['message']}", file=sys.stderr)
    # Timestamps are datetimes, in UTC.
    print(json.dumps(anomaly, default=lambda value: value.isoformat()))


if __name__ == "__main__":
    main()
