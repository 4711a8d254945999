package main

import (
	"context"
	_ "embed"
	"fmt"
	"io"
	"math/big"
	"net/url"
	"slices"
	"strings"

	"kaskad/cmd/kaskad/client"
	"kaskad/cmd/kaskad/output"
	"kaskad/money"
)

//go:embed demo.tariffs.yaml
var demoTariffs []byte

// prices is the demo's price list. In the middle of more days than one SMS becomes dearer, so that there are two
// periods of validity to look at.
func (s demoState) prices() ([]money.Tariff, error) {
	list, err := money.ParseTariffsYAML(demoTariffs)
	if err != nil {
		return nil, fmt.Errorf("read the demo's tariffs: %w", err)
	}
	if s.Days == 1 {
		return list, nil
	}
	for i := range list {
		if list[i].Channel == "sms" {
			later := list[i]
			later.FromMS = s.middle().UnixMilli()
			later.Price += later.Price * dearerPercent / 100
			list[i].ToMS = later.FromMS
			return slices.Insert(list, i+1, later), nil
		}
	}
	return list, nil
}

// dearerPercent is by how much SMS becomes dearer.
const dearerPercent = 15

// putTariffs gives an account a price list, as `kaskad tariffs import` would. One that has a list keeps it: somebody
// may have tried another.
func putTariffs(ctx context.Context, server *client.API, account string, state demoState) error {
	list, err := state.prices()
	if err != nil {
		return err
	}
	body, err := money.TariffsJSON(list)
	if err != nil {
		return fmt.Errorf("write the demo's tariffs: %w", err)
	}
	return server.PutFirst(ctx, "/v1/tariffs?account="+url.QueryEscape(account), body)
}

// savingsTotals is a savings report as the demo prints it. Amounts stay the texts that they are.
type savingsTotals struct {
	TariffVersion uint64 `json:"tariff_version"`
	Rows          []struct {
		FirstChannel     string `json:"first_channel"`
		Currency         string `json:"currency"`
		Messages         uint64 `json:"messages"`
		Priced           uint64 `json:"priced_messages"`
		Unpriced         uint64 `json:"unpriced"`
		Estimated        uint64 `json:"estimated"`
		SMSOnly          string `json:"sms_only_cost"`
		Actual           string `json:"actual_cost"`
		SavedReached     string `json:"saved_reached"`
		SavedUnreached   string `json:"saved_unreached"`
		DoublePaid       string `json:"double_paid"`
		DoublePaidUnread string `json:"double_paid_unread"`
		ReportedAttempts uint64 `json:"reported_attempts"`
		ReportedCost     string `json:"reported_cost"`
		Drift            string `json:"drift"`
	}
}

// printSavings prints what the cascades saved on messages that reached somebody, by the channel that was tried first
// and in all; what comes from the others stands apart. query is that of the report, without group_by.
func printSavings(ctx context.Context, out io.Writer, server *client.API, query string) error {
	var byChannel, all savingsTotals
	if err := server.Read(ctx, "/v1/reports/savings?"+query+"&group_by=first_channel", &byChannel); err != nil {
		return err
	}
	if err := server.Read(ctx, "/v1/reports/savings?"+query, &all); err != nil {
		return err
	}
	line := func(cells ...any) { fmt.Fprintf(out, "  %-12s %8v %13s %13s %13s %8s %15s\n", cells...) }
	line("tried first", "messages", "as plain SMS", "paid", "saved", "", "nobody reached")
	for i, report := range []savingsTotals{byChannel, all} {
		for _, r := range report.Rows {
			name := r.FirstChannel
			if i == 1 {
				name = "all, " + r.Currency
			}
			if r.Priced > 0 {
				line(name, r.Priced, output.Grouped(r.SMSOnly), output.Grouped(r.Actual),
					output.Grouped(r.SavedReached), share(r.SavedReached, r.SMSOnly), output.Grouped(r.SavedUnreached))
			}
		}
	}
	fmt.Fprintln(out, "\n  as plain SMS: at the list price of every segment. saved: on messages that reached "+
		"somebody. nobody reached: what was not spent on messages"+
		"\n  that nobody is known to have got (push by FCM or APNs never tells), so nothing to boast of.")
	var unpriced, estimated uint64
	for _, r := range all.Rows {
		unpriced, estimated = unpriced+r.Unpriced, estimated+r.Estimated
	}
	fmt.Fprintf(out, "  Prices: tariff version %d. %d messages are left out: a step has no tariff, or nothing tells "+
		"how long the text is. Estimated: %d.\n",
		all.TariffVersion, unpriced, estimated)
	for _, r := range all.Rows {
		if r.Priced == 0 {
			continue
		}
		fmt.Fprintf(out, "  Paid twice, for steps after the one that arrived: %s %s, %s of it by choice, because "+
			"nobody had read it.\n",
			output.Grouped(r.DoublePaid), r.Currency, output.Grouped(r.DoublePaidUnread))
		if r.ReportedAttempts > 0 {
			fmt.Fprintf(out, "  Providers reported a price of %d attempts: %s %s in all, %s against the tariffs.\n",
				r.ReportedAttempts, output.Grouped(r.ReportedCost), r.Currency, signed(output.Grouped(r.Drift)))
		}
	}
	return nil
}

// share is an amount in per cent of another.
func share(part, whole string) string {
	a, known := new(big.Rat).SetString(part)
	b, also := new(big.Rat).SetString(whole)
	if !known || !also || b.Sign() == 0 {
		return "–"
	}
	return a.Mul(a.Quo(a, b), big.NewRat(100, 1)).FloatString(1) + " %"
}

func signed(amount string) string {
	if strings.HasPrefix(amount, "-") {
		return amount
	}
	return "+" + amount
}
