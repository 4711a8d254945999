package alertlog

import (
	"context"
	"fmt"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"kaskad/schema"
	"kaskad/schema/alert"
)

// Insert stores alerts that begin or end, in one block, in the order of seq.
func Insert(ctx context.Context, conn driver.Conn, events []alert.Event) error {
	var c struct {
		account, id, rule, metric, channel, provider, operator, campaign, ended []string
		seq, version                                                            []uint64
		keys, sendTo                                                            [][]string
		before, now, low, high                                                  []float64
		num, den, since, until, at                                              []int64
		currency                                                                []string
		cost, costBefore, costNow, costLow, costHigh                            []int64
		hours                                                                   []uint8
	}
	for i := range events {
		e := &events[i]
		c.account, c.id, c.rule = append(c.account, e.Account), append(c.id, e.ID), append(c.rule, e.Rule)
		c.metric, c.ended = append(c.metric, string(e.Metric)), append(c.ended, e.Ended)
		c.channel, c.provider = append(c.channel, e.Channel), append(c.provider, e.Provider)
		c.operator, c.campaign = append(c.operator, e.Operator), append(c.campaign, e.Campaign)
		c.seq, c.version = append(c.seq, e.Seq), append(c.version, e.RuleVersion)
		c.keys = append(c.keys, append([]string{}, e.Keys...))
		c.sendTo = append(c.sendTo, append([]string{}, e.SendTo...))
		c.before, c.now = append(c.before, e.Before), append(c.now, e.Now)
		c.low, c.high = append(c.low, e.Low), append(c.high, e.High)
		c.num, c.den, c.hours = append(c.num, e.Num), append(c.den, e.Den), append(c.hours, uint8(e.Hours))
		c.since, c.until, c.at = append(c.since, e.SinceMS), append(c.until, e.UntilMS), append(c.at, e.AtMS)
		m := &e.Costs
		c.currency, c.cost = append(c.currency, m.Currency), append(c.cost, m.Cost)
		c.costBefore, c.costNow = append(c.costBefore, m.Before), append(c.costNow, m.Now)
		c.costLow, c.costHigh = append(c.costLow, m.Low), append(c.costHigh, m.High)
	}
	err := schema.InsertColumns(ctx, conn, "INSERT INTO alert_events (account, seq, id, rule, rule_version, metric, "+
		"`keys`, channel, provider, operator, campaign, before, now, low, high, num, den, hours, since_ms, until_ms, "+
		"ended, send_to, at_ms, currency, cost, cost_before, cost_now, cost_low, cost_high)", 0,
		len(events), []any{c.account, c.seq, c.id, c.rule, c.version, c.metric, c.keys, c.channel, c.provider,
			c.operator, c.campaign, c.before, c.now, c.low, c.high, c.num, c.den, c.hours, c.since, c.until, c.ended,
			c.sendTo, c.at, c.currency, c.cost, c.costBefore, c.costNow, c.costLow, c.costHigh})
	if err != nil {
		return fmt.Errorf("store alerts: %w", err)
	}
	return nil
}

// LastSeq is the greatest seq of all alerts.
func LastSeq(ctx context.Context, conn driver.Conn) (seq uint64, err error) {
	if err = conn.QueryRow(ctx, "SELECT max(seq) FROM alert_events").Scan(&seq); err != nil {
		return 0, fmt.Errorf("read the last alert: %w", err)
	}
	return seq, nil
}

// States returns what every rule of every account knows of the past, by account and rule.
func States(ctx context.Context, conn driver.Conn, sinceMS int64) (map[[2]string]*alert.State, error) {
	events, err := query(ctx, conn, text("states.sql"), clickhouse.Named("since_ms", sinceMS))
	if err != nil {
		return nil, fmt.Errorf("read open alerts: %w", err)
	}
	states := map[[2]string]*alert.State{}
	for i := range events {
		key := [2]string{events[i].Account, events[i].Rule}
		if states[key] == nil {
			states[key] = alert.NewState()
		}
		states[key].Note(&events[i])
	}
	return states, nil
}

// Filter says which alerts are listed.
type Filter struct {
	// Accounts, Rules and Metrics: nil for all.
	Accounts, Rules, Metrics []string
	// Open lists those that are open, Over those that ended; without either all are.
	Open, Over bool
	// After is the last of the page before; its account does not matter.
	After *alert.Event
	Limit int
}

// SQL returns the statement and its parameters.
func (f *Filter) SQL() (string, []any, error) {
	var statement strings.Builder
	err := texts.ExecuteTemplate(&statement, "events.sql", map[string]bool{"Accounts": f.Accounts != nil,
		"Rules": f.Rules != nil, "Metrics": f.Metrics != nil, "Open": f.Open, "Over": f.Over, "After": f.After != nil})
	args := []any{clickhouse.Named("limit", uint32(f.Limit))}
	for name, values := range map[string][]string{"accounts": f.Accounts, "rules": f.Rules, "metrics": f.Metrics} {
		if values != nil {
			args = append(args, clickhouse.Named(name, values))
		}
	}
	if f.After != nil {
		isOpen := uint8(0)
		if f.After.UntilMS == 0 {
			isOpen = 1
		}
		args = append(args, clickhouse.Named("is_open", isOpen), clickhouse.Named("since_ms", f.After.SinceMS),
			clickhouse.Named("id", f.After.ID))
	}
	return statement.String(), args, err
}

// Events lists alerts, each as it is now: open ones first, then the latest.
func Events(ctx context.Context, conn driver.Conn, f Filter) ([]alert.Event, error) {
	statement, args, err := f.SQL()
	if err != nil {
		return nil, err
	}
	events, err := query(ctx, conn, statement, args...)
	if err != nil {
		return nil, fmt.Errorf("list alerts: %w", err)
	}
	return events, nil
}

// Counted are open alerts of a rule of an account.
type Counted struct {
	Account, Rule string
	Metric        alert.Metric
	Alerts        uint64
}

// CountOpen counts the alerts that are open, of accounts, or of all for nil.
func CountOpen(ctx context.Context, conn driver.Conn, accounts []string) (all []Counted, err error) {
	var statement strings.Builder
	if err := texts.ExecuteTemplate(&statement, "open.sql", map[string]bool{"Accounts": accounts != nil}); err != nil {
		return nil, err
	}
	var args []any
	if accounts != nil {
		args = append(args, clickhouse.Named("accounts", accounts))
	}
	rows, err := conn.Query(ctx, statement.String(), args...)
	if err != nil {
		return nil, fmt.Errorf("count open alerts: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var c Counted
		var metric string
		if err := rows.Scan(&c.Account, &c.Rule, &metric, &c.Alerts); err != nil {
			return nil, fmt.Errorf("count open alerts: %w", err)
		}
		c.Metric = alert.Metric(metric)
		all = append(all, c)
	}
	return all, rows.Err()
}

func query(ctx context.Context, conn driver.Conn, statement string, args ...any) (events []alert.Event, err error) {
	rows, err := conn.Query(ctx, statement, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var e alert.Event
		var metric string
		var hours uint8
		if err := rows.Scan(&e.Account, &e.Seq, &e.ID, &e.Rule, &e.RuleVersion, &metric, &e.Keys, &e.Channel,
			&e.Provider, &e.Operator, &e.Campaign, &e.Before, &e.Now, &e.Low, &e.High, &e.Num, &e.Den, &hours,
			&e.SinceMS, &e.UntilMS, &e.Ended, &e.SendTo, &e.AtMS, &e.Costs.Currency, &e.Costs.Cost, &e.Costs.Before,
			&e.Costs.Now, &e.Costs.Low, &e.Costs.High); err != nil {
			return nil, err
		}
		e.Metric, e.Hours = alert.Metric(metric), int64(hours)
		events = append(events, e)
	}
	return events, rows.Err()
}

// Receiver is whom an account's alerts are told: alert.Topic, or the id of a webhook.
type Receiver struct{ Account, Name string }

// Untold are the alerts that began and ended since a moment and that receivers are still to be told of, by receiver, in
// their order.
func Untold(ctx context.Context, conn driver.Conn, sinceMS int64) (map[Receiver][]alert.Event, error) {
	events, err := query(ctx, conn, text("untold.sql"), clickhouse.Named("since_ms", sinceMS))
	if err != nil {
		return nil, fmt.Errorf("read alerts to be told: %w", err)
	}
	told, err := readTold(ctx, conn, sinceMS)
	if err != nil {
		return nil, fmt.Errorf("read which alerts were told: %w", err)
	}
	untold := map[Receiver][]alert.Event{}
	for _, e := range events {
		for _, name := range e.SendTo {
			to := Receiver{e.Account, name}
			if !told[toldKey{to, e.ID, e.UntilMS != 0}] {
				untold[to] = append(untold[to], e)
			}
		}
	}
	return untold, nil
}

type toldKey struct {
	to  Receiver
	id  string
	end bool
}

func readTold(ctx context.Context, conn driver.Conn, sinceMS int64) (map[toldKey]bool, error) {
	rows, err := conn.Query(ctx, text("told.sql"), clickhouse.Named("since_ms", sinceMS))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	told := map[toldKey]bool{}
	for rows.Next() {
		var k toldKey
		var end uint8
		if err := rows.Scan(&k.to.Account, &k.to.Name, &k.id, &end); err != nil {
			return nil, err
		}
		k.end = end == 1
		told[k] = true
	}
	return told, rows.Err()
}

// Tell notes that a receiver has acknowledged an alert, or that it was given up: the outcome.
func Tell(ctx context.Context, conn driver.Conn, to Receiver, e *alert.Event, outcome string) error {
	end := uint8(0)
	if e.UntilMS != 0 {
		end = 1
	}
	if err := conn.Exec(ctx, "INSERT INTO alert_told (account, receiver, id, end, outcome) VALUES ($1, $2, $3, $4, $5)",
		to.Account, to.Name, e.ID, end, outcome); err != nil {
		return fmt.Errorf("note that an alert was told: %w", err)
	}
	return nil
}

// ReadRules returns the rules of accounts that have put some, and the versions of their lists. All others have
// alert.Default, version 0.
func ReadRules(ctx context.Context, conn driver.Conn) (map[string]alert.Rules, map[string]uint64, error) {
	lists, err := schema.ReadReferences(ctx, conn, schema.ReferenceAlerts, 0)
	if err != nil {
		return nil, nil, err
	}
	rules, versions := make(map[string]alert.Rules, len(lists)), make(map[string]uint64, len(lists))
	for _, list := range lists {
		parsed, err := alert.Parse(list.Body)
		if err != nil {
			return nil, nil, fmt.Errorf("version %d of account %q: %w", list.Version, list.Account, err)
		}
		rules[list.Account], versions[list.Account] = parsed, list.Version
	}
	return rules, versions, nil
}
