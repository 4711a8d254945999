// Package alertlog reads from ClickHouse what alerts are decided by, and keeps the alerts.
//
// Its guarantee: counts are those of reports, of what is published; an alert that was stored is there for whoever reads
// after it, and whoever stores it again stores the same.
package alertlog

import (
	"context"
	"embed"
	"fmt"
	"maps"
	"slices"
	"strings"
	"text/template"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"kaskad/schema"
	"kaskad/schema/alert"
	"kaskad/schema/errormap"
)

//go:embed sql/*.sql
var files embed.FS

var (
	cellsTemplate = template.Must(template.New("cells.sql").ParseFS(files, "sql/cells.sql", "sql/visible.sql"))
	texts         = template.Must(template.ParseFS(files, "sql/*.sql"))
)

const (
	// maxCampaigns is how many campaigns of an account a rule tells apart.
	maxCampaigns = 300
	// maxStrata is how many campaigns and templates of an account a cost is made of.
	maxStrata = 1000
	// letterHours is how far back dead letters are known: they are kept for 30 days.
	letterHours = 29 * 24
	// Grace is how long after its last message is old enough an hour is looked at: for receipts that come late, and
	// because cells tell starts to a quarter hour.
	Grace = 15 * time.Minute
)

// Reader reads counts.
type Reader struct {
	Conn driver.Conn
	// Maps are the error maps of all accounts.
	Maps func(context.Context) (*errormap.Maps, error)
	// Costs adds what messages cost, of days, to groups (package costs of money).
	Costs func(context.Context, *Want, Groups) error
}

// Want is what to read: the counts of a rule, of accounts.
type Want struct {
	Rule     *alert.Rule
	Accounts []string
	// First and Last are hours of Unix time; Days are those of them that matter, nil for all.
	First, Last int64
	Days        map[int64]bool
	// AsOfMS is up to when things are known.
	AsOfMS int64
}

// At wants what the verdicts at an hour and the one before it depend on, or those of the day that ends with it.
func At(rule *alert.Rule, accounts []string, hour, asOfMS int64) Want {
	return Want{Rule: rule, Accounts: accounts, First: hour - rule.Metric.Step() - alert.PastHours, Last: hour,
		Days: alert.DaysOf(hour), AsOfMS: asOfMS}
}

// Last is the newest hour of a rule whose messages are old enough at a moment, or the last of the newest such day.
func Last(rule *alert.Rule, asOfMS int64) int64 {
	after := time.Duration(rule.AfterMinutes) * time.Minute
	over := (asOfMS - (after + Grace).Milliseconds()) / alert.HourMS
	return over - over%rule.Metric.Step() - 1
}

// Groups are the counts of the groups of a rule, by account.
type Groups map[string]map[alert.Group]*alert.Series

// At are the counts of a group, which are made when they are asked for first.
func (g Groups) At(w *Want, account string, of alert.Group) *alert.Series {
	groups := g[account]
	if groups == nil {
		groups = map[alert.Group]*alert.Series{}
		g[account] = groups
	}
	s := groups[of]
	if s == nil {
		s = alert.NewSeries(w.First, w.Last)
		groups[of] = s
	}
	return s
}

// cells is what cells.sql is filled in with.
type cells struct {
	Table, Num, Den            string
	Keys                       []cellKey
	Failures, First, Campaigns bool
}

type cellKey struct {
	Name        string
	Named, Only bool
}

// Read reads what is wanted.
func (r *Reader) Read(ctx context.Context, w Want) (Groups, error) {
	groups := Groups{}
	var err error
	switch w.Rule.Metric {
	case alert.Delivery:
		err = r.cells(ctx, &w, groups, cells{Num: within("delivery_num"), Den: within("delivery_den")})
	case alert.Open:
		err = r.cells(ctx, &w, groups, cells{Num: within("open_num"), Den: within("open_den")})
	case alert.Silent:
		err = r.cells(ctx, &w, groups, cells{Num: within("silent_num"), Den: "0", First: true})
	case alert.Filtered, alert.Blocked:
		if err = r.cells(ctx, &w, groups, cells{Num: "0", Den: "attempted"}); err == nil {
			err = r.cells(ctx, &w, groups, cells{Num: "failed", Den: "0", Failures: true})
		}
	case alert.Unmapped:
		err = r.cells(ctx, &w, groups, cells{Num: "failed", Den: "failed", Failures: true})
	case alert.DeadLetters:
		err = r.letters(ctx, &w, groups)
	case alert.CostPerReached:
		err = r.Costs(ctx, &w, groups)
	default:
		return nil, fmt.Errorf("metric %q is not read from tables", w.Rule.Metric)
	}
	if err != nil {
		return nil, fmt.Errorf("read what rule %q counts: %w", w.Rule.ID, err)
	}
	return groups, nil
}

// within is an expression of cells.sql.
func within(name string) string {
	var text strings.Builder
	if err := cellsTemplate.ExecuteTemplate(&text, name, nil); err != nil {
		return "0" // the file is part of the program; tests run every metric
	}
	return text.String()
}

// SQL returns the statement of cells and its parameters.
func (w *Want) sql(c cells) (string, []any, error) {
	c.Table = "rollup_attempts"
	if c.Failures {
		c.Table = "rollup_failures"
	}
	days, busy := w.dates()
	after := int64(w.Rule.AfterMinutes) * 60
	args := []any{clickhouse.Named("accounts", w.Accounts), clickhouse.Named("days", days),
		clickhouse.Named("from", uint32(w.First*3600)), clickhouse.Named("to", uint32((w.Last+1)*3600)),
		clickhouse.Named("within", schema.LatencyCell(after*1000)),
		clickhouse.Named("over", w.AsOfMS/1000-after)}
	for _, name := range alert.Keys {
		only := w.Rule.Only.Of(name)
		c.Keys = append(c.Keys, cellKey{name, slices.Contains(w.Rule.By, name), len(only) > 0})
		if len(only) > 0 {
			args = append(args, clickhouse.Named("only_"+name, only))
		}
	}
	if c.Campaigns = slices.Contains(w.Rule.By, "campaign"); c.Campaigns {
		args = append(args, clickhouse.Named("busy_days", busy), clickhouse.Named("campaigns", uint32(maxCampaigns)))
	}
	var text strings.Builder
	err := cellsTemplate.ExecuteTemplate(&text, "cells.sql", c)
	return text.String(), args, err
}

// dates are the days that matter, as texts, and those of them that the verdicts are asked for: the last day, or all
// that is tried.
func (w *Want) dates() (days, busy []string) {
	for _, day := range slices.Sorted(maps.Keys(w.days())) {
		days = append(days, dateOf(day))
	}
	if w.Days == nil {
		return days, days
	}
	return days, days[max(0, len(days)-2):]
}

func dateOf(day int64) string { return time.Unix(day*24*3600, 0).UTC().Format(time.DateOnly) }

func (w *Want) days() map[int64]bool {
	if w.Days != nil {
		return w.Days
	}
	days := map[int64]bool{}
	for hour := w.First; hour <= w.Last; hour++ {
		days[hour/24] = true
	}
	return days
}

func (r *Reader) cells(ctx context.Context, w *Want, groups Groups, c cells) error {
	var classes *errormap.Maps
	if c.Failures {
		var err error
		if classes, err = r.Maps(ctx); err != nil {
			return err
		}
	}
	statement, args, err := w.sql(c)
	if err != nil {
		return err
	}
	rows, err := r.Conn.Query(ctx, statement, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	var account, code string
	var g alert.Group
	var of alert.Stratum
	var expired, later uint8
	var hour int64
	var n alert.Count
	places := []any{&account, &g.Channel, &g.Provider, &g.Operator, &g.Campaign, &of.Channel, &of.Provider, &later}
	if c.Failures {
		places = append(places, &code, &expired)
	}
	places = append(places, &hour, &n.Num, &n.Den)
	for rows.Next() {
		if err := rows.Scan(places...); err != nil {
			return err
		}
		of.Later = later == 1
		if c.Failures && !counts(w.Rule, classes, account, of, code, expired == 1) {
			n.Num = 0
		}
		groups.At(w, account, g).Add(of, hour, n)
	}
	return rows.Err()
}

// counts tells whether a failure is one that the rule counts.
func counts(rule *alert.Rule, classes *errormap.Maps, account string, of alert.Stratum, code string,
	expired bool) bool {
	if rule.Metric == alert.Unmapped {
		return code != "" && !classes.Mapped(account, of.Provider, code)
	}
	class, _ := classes.Class(account, of.Channel, of.Provider, code, expired)
	return slices.Contains(rule.Metric.Classes(), class)
}

// letters reads dead letters, which belong to no account: those of all stand under each that asks.
func (r *Reader) letters(ctx context.Context, w *Want, groups Groups) error {
	rows, err := r.Conn.Query(ctx, text("letters.sql"), clickhouse.Named("from_ms", w.First*alert.HourMS),
		clickhouse.Named("to_ms", (w.Last+1)*alert.HourMS))
	if err != nil {
		return err
	}
	defer rows.Close()
	for _, account := range w.Accounts {
		groups.At(w, account, alert.Group{}).Begins(w.AsOfMS/alert.HourMS - letterHours)
	}
	for rows.Next() {
		var hour int64
		var n alert.Count
		if err := rows.Scan(&hour, &n.Num); err != nil {
			return err
		}
		for _, account := range w.Accounts {
			groups.At(w, account, alert.Group{}).Add(alert.Stratum{}, hour, n)
		}
	}
	return rows.Err()
}

// Accounts lists those that may have something to watch: of whose days since one something was published, or whose
// alerts are open.
func (r *Reader) Accounts(ctx context.Context, sinceHour int64) (accounts []string, err error) {
	rows, err := r.Conn.Query(ctx, text("accounts.sql"),
		clickhouse.Named("since", time.Unix(sinceHour*3600, 0).UTC().Format(time.DateOnly)))
	if err != nil {
		return nil, fmt.Errorf("list accounts to watch: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var account string
		if err := rows.Scan(&account); err != nil {
			return nil, fmt.Errorf("list accounts to watch: %w", err)
		}
		accounts = append(accounts, account)
	}
	return accounts, rows.Err()
}

// text is a statement that wants nothing filled in.
func text(name string) string {
	return texts.Lookup(name).Root.String()
}
