package main

import (
	"context"
	_ "embed"
	"fmt"
	"io"
	"net/url"
	"strings"

	"kaskad/cmd/kaskad/client"
	"kaskad/cmd/kaskad/output"
)

// demoErrors says what the codes of the simulated providers mean, as far as the shipped map does not. "REFUSED" is left
// out: there is always a code that nobody knows.
//
//go:embed demo.errors.json
var demoErrors []byte

// putErrors gives an account an error map, unless it has one of its own.
func putErrors(ctx context.Context, server *client.API, account string) error {
	return server.PutFirst(ctx, "/v1/error-map?account="+url.QueryEscape(account), demoErrors)
}

// numberStates counts the numbers in each state.
func (st *stack) numberStates(ctx context.Context) (map[string]uint64, error) {
	rows, err := st.conn.Query(ctx, "SELECT state, count() FROM number_health FINAL GROUP BY state")
	if err != nil {
		return nil, fmt.Errorf("count numbers: %w", err)
	}
	defer rows.Close()
	states := map[string]uint64{}
	for rows.Next() {
		var state string
		var n uint64
		if err := rows.Scan(&state, &n); err != nil {
			return nil, fmt.Errorf("count numbers: %w", err)
		}
		states[state] = n
	}
	return states, rows.Err()
}

// printReach prints who was reached on which channel, and what is known of phone numbers. query is that of the reports,
// without group_by, and days is how many it selects.
func printReach(ctx context.Context, out io.Writer, server *client.API, query string, states map[string]uint64,
	days int) error {
	var report struct {
		Rows []struct {
			Channel     string
			Audience    uint64
			Tested      uint64
			Reached     uint64
			Penetration *float64
		}
	}
	if err := server.Read(ctx, "/v1/reports/penetration?"+query, &report); err != nil {
		return err
	}
	if len(report.Rows) > 0 {
		fmt.Fprintf(out, "  %-11s %8s %8s  of all %s people\n", "channel", "tried", "reached",
			output.Thousands(report.Rows[0].Audience))
	}
	for _, r := range report.Rows {
		share := 0.0
		if r.Penetration != nil {
			share = *r.Penetration
		}
		fmt.Fprintf(out, "  %-11s %8d %8d  %-20s %s\n", r.Channel, r.Tested, r.Reached,
			strings.Repeat("█", int(share*20+0.5)), percent(r.Penetration))
	}
	fmt.Fprintln(out, "\n  tried: people with an attempt on the channel. It speaks of those who were tried: where "+
		"they are few, more could be reached.")
	var dead struct {
		Rows []struct{ Account, Number, Rule string }
	}
	if err := server.Read(ctx, "/v1/numbers/dead?limit=1", &dead); err != nil {
		return err
	}
	fmt.Fprintf(out, "  Phone numbers: %s active, %s suspect (one hard failure), %s dead, %s revived, %s without a "+
		"delivery.", output.Thousands(states["active"]), output.Thousands(states["suspect"]),
		output.Thousands(states["dead"]),
		output.Thousands(states["revived"]), output.Thousands(states["unknown"]))
	if len(dead.Rows) > 0 {
		fmt.Fprintf(out, "\n  One of the dead is %s of %s, by rule %s.", dead.Rows[0].Number, dead.Rows[0].Account,
			dead.Rows[0].Rule)
	}
	if days == 1 {
		fmt.Fprint(out, " A day is short for deaths.")
	}
	fmt.Fprintln(out, "\n  It takes hard failures of two mailings, 24 hours apart, or a look-up that finds the number "+
		"invalid.")
	return nil
}
