package aggregate

import (
	"context"
	"fmt"
	"maps"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/ext"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"kaskad/schema"
	"kaskad/schema/erasure"
	"kaskad/schema/state"
)

// Opt-outs, blocks and complaints are attributed to attempts (docs/definitions.md section 3): those that name a message
// when that message is folded, the others when an attempt on their address has changed, or when they arrive. Each
// attribution is a row of table opt_outs that says what reports cut by, so a report reads the few of them beside its
// cells.

// said are the first and the last time at which an address opted out, Unix milliseconds.
type said struct{ first, last int64 }

// reach is how long before it an opt-out is attributed to (optouts.sql).
const reach = 7 * 24 * 60 * 60 * 1000

// fits reports whether some of it may be attributed to what was delivered then.
func (s said) fits(deliveredMS int64) bool {
	return deliveredMS >= s.first-reach && deliveredMS <= s.last
}

// noteOptedOut notes the addresses whose opt-outs a message may gain or lose by its change: where it was or is
// delivered within reach of one. What was published of a message is not known in hours that are computed whole, and
// after somebody died; nor is it known here when an erased number opted out, for what is said of it was moved to its
// pseudonym.
func (e *edition) noteOptedOut(m *message) {
	for _, of := range [...]*state.Message{m.old, m.now} {
		if of == nil {
			continue
		}
		cohortMS := of.CohortMS()
		for i := range of.Attempts {
			who := address{of.Account, of.Attempts[i].Recipient()}
			said, known := e.optedOut[who]
			erased := erasure.IsPseudonym(who.recipient)
			if !known && !erased || e.addresses[who] {
				continue
			}
			o := of.Attempts[i].Outcome(cohortMS)
			if m.whole || !e.trusted || erased || o.Delivered && said.fits(o.DeliveredMS) {
				e.addresses[address{strings.Clone(who.account), strings.Clone(who.recipient)}] = true
			}
		}
	}
}

// readOptOuts reads who ever opted out, and which messages such events name: of all others a change costs one look-up
// in memory.
func (a *Aggregator) readOptOuts(ctx context.Context) error {
	a.optedOut, a.namedMessages = map[address]said{}, map[address]bool{}
	return schema.EachRow(ctx, a.deps.Conn, "read who opted out", statement("optouts_known"),
		func(rows driver.Rows) error {
			var of address
			var named bool
			var s said
			if err := rows.Scan(&of.account, &of.recipient, &named, &s.first, &s.last); err != nil {
				return err
			}
			if named {
				a.namedMessages[of] = true
			} else {
				a.optedOut[of] = s
			}
			return nil
		})
}

// addOptOuts takes in what people said in these batches: their addresses are attributed anew, and so is what names a
// message. It returns the hours of such messages that are cold, and are to be computed whole.
func (e *edition) addOptOuts(ctx context.Context, asked []schema.Touch) (cold []state.Hour, err error) {
	if len(asked) == 0 {
		return nil, nil
	}
	batches, err := schema.BatchTable(asked)
	if err != nil {
		return nil, err
	}
	var keys []string
	of := map[string]state.Key{}
	read := func(rows driver.Rows) error {
		var who address
		var id string
		var bucketMS int64
		var s said
		if err := rows.Scan(&who.account, &who.recipient, &id, &bucketMS, &s.first, &s.last); err != nil {
			return err
		}
		e.optedOut[who], e.addresses[who] = s, true
		if id == "" {
			return nil
		}
		e.namedMessages[address{who.account, id}] = true
		if ms := schema.IDTime([]byte(id)); ms > 0 {
			bucketMS = ms / schema.HourMS * schema.HourMS
		}
		key := state.Key{Account: who.account, BucketMS: bucketMS, MessageID: id}
		if hour := key.Hour(); e.states.Hours[hour] {
			cold = append(cold, hour)
		} else if bucketMS > 0 { // Else nothing of the message is known; when something is, it has changed.
			stored := string(key.AppendKey(nil))
			keys, of[stored] = append(keys, stored), key
		}
		return nil
	}
	if err := schema.EachRow(clickhouse.Context(ctx, clickhouse.WithExternalTable(batches)), e.deps.Conn,
		"read opt-outs", statement("optouts_asked"), read); err != nil {
		return nil, err
	}
	values, err := e.states.LookUp(ctx, keys)
	if err != nil {
		return nil, err
	}
	for stored, value := range values {
		m := message{value: value}
		if err := m.readOld(of[stored]); err != nil {
			return nil, err
		}
		e.noteNamed(m.old)
	}
	return cold, nil
}

// addStrays notes the addresses of messages that are stored in these hours and count elsewhere by now, maybe at another
// address.
func (e *edition) addStrays(ctx context.Context, targets *ext.Table) error {
	if len(e.joiner.Strays) == 0 {
		return nil
	}
	return e.addAddresses(ctx, "optouts_strays", targets)
}

// addAddresses notes the addresses that a statement finds.
func (e *edition) addAddresses(ctx context.Context, name string, targets *ext.Table) error {
	if len(e.optedOut) == 0 {
		return nil
	}
	return schema.EachRow(clickhouse.Context(ctx, clickhouse.WithExternalTable(targets)), e.deps.Conn,
		"read addresses of attempts ("+name+")", statement(name), func(rows driver.Rows) error {
			var who address
			if err := rows.Scan(&who.account, &who.recipient); err != nil {
				return err
			}
			if _, known := e.optedOut[who]; known {
				e.addresses[who] = true
			}
			return nil
		})
}

// namedAttempts are rows of the attempts of messages that opt-outs name.
type namedAttempts map[state.Key][][]any

// noteNamed notes the attempts of a message, as it is now, if an opt-out names it.
func (e *edition) noteNamed(m *state.Message) {
	if len(e.namedMessages) == 0 || !e.namedMessages[address{m.Account, m.MessageID}] {
		return
	}
	cohortMS := m.CohortMS()
	var rows [][]any
	for i := range m.Attempts {
		a := &m.Attempts[i]
		o := a.Outcome(cohortMS)
		rows = append(rows, []any{m.Account, m.MessageID, a.Step, bit(o.Delivered), o.DeliveredMS, cohortMS,
			a.Channel, a.Provider, a.Campaign, a.Template, a.Sender, a.App, a.Operator, a.Country(), a.Traffic,
			a.Trigger})
	}
	e.named[m.Key] = rows
}

// attribute attributes the opt-outs of the addresses and messages that were noted, after the attempts by recipient are
// written.
func (e *edition) attribute(ctx context.Context) error {
	return e.eachAttribution(func(name string, table *ext.Table) error { return e.attributeBy(ctx, name, table) })
}

// eachAttribution lists what is to be attributed, for statements that are named alike.
func (e *edition) eachAttribution(do func(name string, table *ext.Table) error) error {
	if len(e.addresses) > 0 {
		table, err := schema.TableOf("addresses", maps.Keys(e.addresses),
			func(a address) []any { return []any{a.account, a.recipient} }, ext.Column("account", "String"),
			ext.Column("recipient", "String"))
		if err != nil {
			return err
		}
		if err := do("optouts", table); err != nil {
			return err
		}
	}
	if len(e.named) > 0 {
		columns := []func(*ext.Table) error{ext.Column("account", "String"), ext.Column("message_id", "String"),
			ext.Column("step", "UInt8"), ext.Column("is_delivered", "UInt8"), ext.Column("delivered_ms", "Int64"),
			ext.Column("cohort_ms", "Int64")}
		for _, name := range []string{"channel", "provider", "campaign", "template", "sender", "app", "operator",
			"country",
			"traffic", "trigger"} {
			columns = append(columns, ext.Column(name, "String"))
		}
		table, err := ext.NewTable("attempts_of", columns...)
		if err != nil {
			return err
		}
		for _, rows := range e.named {
			for _, row := range rows {
				if err := table.Append(row...); err != nil {
					return fmt.Errorf("list messages that opt-outs name: %w", err)
				}
			}
		}
		return do("optouts_named", table)
	}
	return nil
}

func (e *edition) attributeBy(ctx context.Context, name string, table *ext.Table) error {
	if err := e.begin(ctx, e.id); err != nil {
		return err
	}
	if err := e.do(ctx, name, e.id, table); err != nil {
		return fmt.Errorf("attribute opt-outs (%s): %w", name, err)
	}
	return nil
}
