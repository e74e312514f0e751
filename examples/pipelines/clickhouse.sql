-- ClickHouse: from a durable pull consumer of the stream into a table. Make the consumer first:
--
--	nats consumer add SEGMENT clickhouse --pull --ack explicit --deliver all --defaults
CREATE TABLE pixel_events_queue (body String)
ENGINE = NATS SETTINGS
	nats_url = '127.0.0.1:4222',
	nats_subjects = 'segment.events.>',
	nats_stream = 'SEGMENT',
	nats_consumer_name = 'clickhouse',
	nats_format = 'JSONAsString';

-- The engine gives no headers, so that the message id of the stream is not to be had: the
-- source and the event's own id stand in for it. Where a mail template sends a constant
-- messageId, leave it out of the template.
CREATE TABLE pixel_events
(
	received_at DateTime64(3, 'UTC'),
	source LowCardinality(String),
	type LowCardinality(String),
	event LowCardinality(String),
	message_id String,
	person String,
	fetched_by LowCardinality(String),
	machine LowCardinality(String),
	body String CODEC(ZSTD)
)
ENGINE = ReplacingMergeTree
ORDER BY (source, toDate(received_at), message_id, person);

CREATE MATERIALIZED VIEW pixel_events_fill TO pixel_events AS
SELECT
	parseDateTime64BestEffort(JSONExtractString(body, 'receivedAt'), 3, 'UTC') AS received_at,
	JSONExtractString(body, 'source') AS source,
	JSONExtractString(body, 'type') AS type,
	JSONExtractString(body, 'event') AS event,
	JSONExtractString(body, 'messageId') AS message_id,
	if(JSONHas(body, 'userId'), JSONExtractString(body, 'userId'), JSONExtractString(body, 'anonymousId')) AS person,
	JSONExtractString(body, 'context', 'fetch', 'kind') AS fetched_by,
	JSONExtractString(body, 'context', 'fetch', 'machine') AS machine,
	body
FROM pixel_events_queue;

-- Opens by day, without machines. FINAL drops what was delivered twice.
SELECT toDate(received_at) AS day, count() AS opens, uniqExact(person) AS people
FROM pixel_events FINAL
WHERE type = 'track' AND source = 'newsletter' AND event = 'Email Opened' AND machine = 'no'
GROUP BY day ORDER BY day;
