package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"time"

	"kaskad/cmd/kaskad/client"
	"kaskad/money/costs"
	"kaskad/schema/alert"
	"kaskad/schema/alertlog"
	"kaskad/schema/errormap"
)

// prepareAccounts gives every account that sent something the price list and error map of the demo. Those that somebody
// has changed stay.
func prepareAccounts(ctx context.Context, server *client.API, state demoState) error {
	var report struct {
		Rows []struct{ Account string }
	}
	if err := server.Read(ctx, "/v1/reports/channels?group_by=account&"+state.period(), &report); err != nil {
		return err
	}
	for _, r := range report.Rows {
		if err := putTariffs(ctx, server, r.Account, state); err != nil {
			return err
		}
		if err := putErrors(ctx, server, r.Account); err != nil {
			return err
		}
	}
	return nil
}

// demoSample is how many messages an alert takes in the demo, which sends less than most: what lies within its noise is
// no alert anyway.
const demoSample = 50

// putAlerts gives accounts the rules that all have, but for silence: the demo ended two days ago, and every provider
// that it had has been silent since. They have to be there before the first event is: hours are judged at once.
func putAlerts(ctx context.Context, server *client.API, accounts []string) error {
	rules := alert.Default()
	for i := range rules.Alerts {
		rule := &rules.Alerts[i]
		rule.On = rule.Metric != alert.Silent
		rule.MinSample = min(rule.MinSample, demoSample)
	}
	body, err := json.Marshal(rules)
	if err != nil {
		return fmt.Errorf("write the demo's alert rules: %w", err)
	}
	for _, account := range accounts {
		if err := server.PutFirst(ctx, "/v1/alerts?account="+url.QueryEscape(account), body); err != nil {
			return err
		}
	}
	return nil
}

// findAlerts stores the alerts that would have been told, had Kaskad been there in the simulated days: it judges hours
// as they pass, and these had passed when it began. Alerts that were not over at the end are left out, for the days
// after it, of which there is nothing, would have ended them. Stored again, they are the same.
func (st *stack) findAlerts(ctx context.Context, state demoState) error {
	rules, versions, err := alertlog.ReadRules(ctx, st.conn)
	if err != nil {
		return err
	}
	priced := &costs.Reader{Conn: st.conn}
	reader := &alertlog.Reader{Conn: st.conn, Costs: priced.Read,
		Maps: func(ctx context.Context) (*errormap.Maps, error) { return errormap.Read(ctx, st.conn) }}
	now := st.now().UnixMilli()
	first := state.begin().UnixMilli() / alert.HourMS
	last := state.begin().AddDate(0, 0, state.Days).UnixMilli()/alert.HourMS - 1
	var events []alert.Event
	for account, of := range rules {
		for i := range of.Alerts {
			rule := &of.Alerts[i]
			if !rule.On || !rule.Metric.Tried() {
				continue
			}
			tried, err := alertlog.Try(ctx, reader, rule, account, first, min(last, alertlog.Last(rule, now)), now)
			if err != nil {
				return fmt.Errorf("find alerts of the simulated days: %w", err)
			}
			for _, e := range tried.Events {
				if e.UntilMS == 0 {
					continue
				}
				e.RuleVersion, e.AtMS = versions[account], now
				e.Seq = uint64(time.Now().UnixMicro()) + uint64(len(events))
				events = append(events, e)
			}
		}
	}
	if len(events) == 0 {
		return nil
	}
	return alertlog.Insert(ctx, st.conn, events)
}
