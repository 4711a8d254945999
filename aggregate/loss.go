package aggregate

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/ext"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/google/uuid"

	"kaskad/schema"
	"kaskad/schema/state"
)

// rereadMargin is how much earlier than a lost hour the topic is read again: clocks of senders may be an hour ahead.
const rereadMargin = 2 * time.Hour

// lossEvery is how often what is lost is looked at while something is.
const lossEvery = 2 * time.Second

// rereadTables hold what was read from the topic; what other tables hold follows from them, or comes from people.
var rereadTables = map[string]bool{"attempts": true, "recipient_events": true, "located": true, "orphans": true,
	"join_queue": true, "number_queue": true, "touched": true,
	"rejected": true}

// publishedTables hold what was published.
var publishedTables = map[string]bool{"rollup_attempts": true, "rollup_cascades": true, "rollup_spend": true,
	"rollup_waste": true, "rollup_failures": true, "rollup_people": true, "builds": true, "editions": true,
	"day_changes": true}

// findBroken looks for parts that ClickHouse put aside because it cannot read them. What depends on them is computed
// anew, which names the hours that lack facts, and the topic is read again from its beginning: nothing tells when the
// events of a part were sent.
func (a *Aggregator) findBroken(ctx context.Context) error {
	type part struct{ table, name, month string }
	var found []part
	months, reread, rollup := map[string]bool{}, false, false
	err := schema.EachRow(ctx, a.deps.Conn, "look for broken parts", statement("broken_found"),
		func(rows driver.Rows) error {
			var p part
			if err := rows.Scan(&p.table, &p.name, &p.month); err != nil {
				return err
			}
			found = append(found, p)
			months[p.month] = true
			reread = reread || rereadTables[p.table]
			rollup = rollup || publishedTables[p.table]
			return nil
		})
	if err != nil || len(found) == 0 {
		return err
	}
	if a.rereadAll = reread; reread {
		if _, err := schema.OrderReread(ctx, a.deps.Conn, time.Time{}, "broken parts"); err != nil {
			return err
		}
	}
	if reread {
		// What was copied within the database is not in the topic.
		batch := uuid.New()
		if err := a.doWith(ctx, "broken_joins", clickhouse.Parameters{"batch": batch.String()}); err != nil {
			return fmt.Errorf("queue joins of broken parts: %w", err)
		}
		if err := schema.OpenTouches(ctx, a.deps.Conn,
			[]schema.Touch{{ID: batch, AtMS: a.cfg.Now().UnixMilli()}}); err != nil {
			return fmt.Errorf("queue joins of broken parts: %w", err)
		}
	}
	// All that is stored of their messages is written anew.
	if err := a.states.Forget(ctx); err != nil {
		return err
	}
	for month := range months {
		if months[""] && month != "" {
			continue // all hours are touched
		}
		if err := a.doWith(ctx, "broken_touch",
			clickhouse.Parameters{"month": month, "batch": uuid.NewString()}); err != nil {
			return fmt.Errorf("touch the hours of broken parts: %w", err)
		}
	}
	if rollup {
		// Sums may differ from what they sum now. Without them all is computed from facts, less the changes that are
		// left.
		if err := a.deps.Conn.Exec(ctx, "TRUNCATE TABLE builds"); err != nil {
			return fmt.Errorf("empty table builds: %w", err)
		}
	}
	// They are named last: a crash before this does all of it again.
	for _, p := range found {
		if err := a.doWith(ctx, "broken_note", clickhouse.Parameters{"table": p.table, "part": p.name}); err != nil {
			return fmt.Errorf("name broken part: %w", err)
		}
		a.deps.Logger.Error("a part of a table cannot be read and was put aside: what depends on it is computed anew",
			"table", p.table, "part", p.name, "topic_is_read_again", reread)
	}
	return a.countLosses(ctx)
}

// nameLost names the hours of an edition that is about to be published with less than was published before, and has the
// topic read again from before the earliest of those that nobody knew of. Those that are whole again lose their name.
// It returns all that lack facts.
func (a *Aggregator) nameLost(ctx context.Context, edition uint64, nowMS int64,
	targets *ext.Table) (map[state.Hour]bool, error) {
	parameters := a.parameters(edition)
	parameters["now"] = strconv.FormatInt(nowMS, 10)
	if err := a.doWith(ctx, "lost", parameters, targets); err != nil {
		return nil, fmt.Errorf("compare edition %d with what was published: %w", edition, err)
	}
	lost, unknown, earliest := map[state.Hour]bool{}, 0, int64(schema.Never)
	err := schema.EachRow(clickhouse.Context(ctx, clickhouse.WithParameters(parameters)), a.deps.Conn,
		fmt.Sprintf("look for lost hours of edition %d", edition), statement("lost_found"),
		func(rows driver.Rows) error {
			var hour state.Hour
			var isUnknown bool
			if err := rows.Scan(&hour.Account, &hour.BucketMS, &isUnknown); err != nil {
				return err
			}
			if lost[hour] = true; isUnknown {
				unknown++
				earliest = min(earliest, hour.BucketMS)
			}
			return nil
		})
	if err != nil || unknown == 0 {
		return lost, err
	}
	a.deps.Logger.Error("facts are lost: hours have less of them than was published; the topic is read again", "hours",
		unknown, "earliest", hourTime(earliest), "generation", edition)
	if a.rereadAll {
		// All of it is being read again already, unless that is over.
		if losses, err := schema.ReadLosses(ctx, a.deps.Conn); err != nil || losses.Rereading > 0 {
			return lost, err
		}
	}
	_, err = schema.OrderReread(ctx, a.deps.Conn, hourTime(earliest).Add(-rereadMargin), "lost hours")
	return lost, err
}

// settleLosses takes the name off broken parts once everything was read and computed again.
func (a *Aggregator) settleLosses(ctx context.Context) error {
	lost, err := schema.ReadLosses(ctx, a.deps.Conn)
	if err != nil {
		return err
	}
	if len(lost.Parts) > 0 && lost.Rereading == 0 && a.pending == 0 {
		if err := a.deps.Conn.Exec(ctx, statement("broken_mended")); err != nil {
			return fmt.Errorf("take the name off broken parts: %w", err)
		}
	}
	return a.countLosses(ctx)
}

func (a *Aggregator) countLosses(ctx context.Context) error {
	lost, err := schema.ReadLosses(ctx, a.deps.Conn)
	if err != nil {
		return err
	}
	a.lossOpen = len(lost.Hours) > 0 || len(lost.Parts) > 0
	a.metrics.lostHours.Set(float64(len(lost.Hours)))
	a.metrics.brokenParts.Set(float64(len(lost.Parts)))
	return nil
}
