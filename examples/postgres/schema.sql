-- SPDX-License-Identifier: Apache-2.0

-- The events of segment_pixel, one row each. The id is the message id under which the
-- stream has the event (Nats-Msg-Id), so that one which is delivered twice is one row.
CREATE TABLE IF NOT EXISTS pixel_events (
	id           text PRIMARY KEY,
	received_at  timestamptz NOT NULL,
	source       text GENERATED ALWAYS AS (body ->> 'source') STORED,
	type         text GENERATED ALWAYS AS (body ->> 'type') STORED,
	event        text GENERATED ALWAYS AS (body ->> 'event') STORED,
	user_id      text GENERATED ALWAYS AS (body ->> 'userId') STORED,
	anonymous_id text GENERATED ALWAYS AS (body ->> 'anonymousId') STORED,
	fetched_by   text GENERATED ALWAYS AS (body #>> '{context,fetch,kind}') STORED,
	machine      text GENERATED ALWAYS AS (body #>> '{context,fetch,machine}') STORED,
	body         jsonb NOT NULL
);

-- For counts of a source by day: it holds all that the view below looks at.
CREATE INDEX IF NOT EXISTS pixel_events_by_day ON pixel_events (source, received_at) INCLUDE (type, event, fetched_by, machine);

-- What PostgreSQL cannot store as JSON, such as a text with a zero byte, with the reason.
CREATE TABLE IF NOT EXISTS pixel_events_aside (
	id       text PRIMARY KEY,
	aside_at timestamptz NOT NULL DEFAULT now(),
	reason   text NOT NULL,
	body     bytea NOT NULL
);

-- Opens, by day, and by who has fetched the pixel. Where machine is 'no', a person has opened
-- it; 'unknown' is Apple's and other fetching ahead, which says nothing of a person.
CREATE OR REPLACE VIEW pixel_opens AS
SELECT
	(received_at AT TIME ZONE 'UTC')::date     AS day,
	source,
	event,
	coalesce(fetched_by, 'unknown')            AS fetched_by,
	coalesce(machine, 'unknown')               AS machine,
	count(*)                                   AS opens,
	count(DISTINCT coalesce(user_id, anonymous_id)) AS people
FROM pixel_events
WHERE type = 'track'
GROUP BY 1, 2, 3, 4, 5;
