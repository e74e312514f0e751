// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

//go:embed schema.sql
var schema string

type store struct{ pool *pgxpool.Pool }

type row struct {
	id         string
	receivedAt time.Time
	body       []byte
}

func (s *store) createTables(ctx context.Context) error {
	_, err := s.pool.Exec(ctx, schema)
	return err
}

const insert = `
INSERT INTO pixel_events (id, received_at, body)
SELECT id, received_at, body::jsonb FROM unnest($1::text[], $2::timestamptz[], $3::text[]) AS new (id, received_at, body)
ON CONFLICT (id) DO NOTHING`

const setAside = `
INSERT INTO pixel_events_aside (id, reason, body) VALUES ($1, $2, $3)
ON CONFLICT (id) DO NOTHING`

// insert stores all rows or none, in one statement. If a row cannot be stored at all, the
// rows are stored singly, and that one is set aside: it must not hold up the others for
// ever.
func (s *store) insert(ctx context.Context, rows []row) error {
	err := s.insertAll(ctx, rows)
	if !liesInData(err) {
		return err
	}
	for i := range rows {
		err := s.insertAll(ctx, rows[i:i+1])
		if liesInData(err) {
			_, err = s.pool.Exec(ctx, setAside, rows[i].id, err.Error(), rows[i].body)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *store) insertAll(ctx context.Context, rows []row) error {
	ids, times, bodies := make([]string, len(rows)), make([]time.Time, len(rows)), make([]string, len(rows))
	for i, r := range rows {
		ids[i], times[i], bodies[i] = r.id, r.received(), string(r.body)
	}
	_, err := s.pool.Exec(ctx, insert, ids, times, bodies)
	return err
}

// received is when the pixel was fetched, by the clock of Caddy. NATS' own time is that of
// the arrival in the stream, which after an outage is later.
func (r *row) received() time.Time {
	var event struct {
		ReceivedAt time.Time `json:"receivedAt"`
	}
	if json.Unmarshal(r.body, &event) == nil && !event.ReceivedAt.IsZero() {
		return event.ReceivedAt
	}
	return r.receivedAt
}

// liesInData tells whether PostgreSQL refuses a value, rather than being away: class 22 of
// its errors, and text that is not UTF-8.
func liesInData(err error) bool {
	refusal, ok := errors.AsType[*pgconn.PgError](err)
	return ok && strings.HasPrefix(refusal.Code, "22")
}
