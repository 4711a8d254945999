package report

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"time"

	"kaskad/query/answer"
	"kaskad/query/rollup"
	"kaskad/schema"
)

// latencyMetrics are the latencies of the channel report, in the order of its histograms and of their names.
var latencyMetrics = []string{"time_to_deliver", "time_to_read", "time_to_reply"}

// The latency report (docs/definitions.md section 3): how many attempts were delivered, read and answered within how
// long, for curves. Its rows are the cells of the histograms that the channel report has its percentiles of.
var _ = add(&Report{
	Name: "latency",
	For:  answer.ForMarketers,
	Keys: rollup.ChannelKeys,
	Extra: rollup.Keys{rollup.AfterReading(rollup.Enumeration("metric", latencyMetrics, false)),
		{Name: "le", Number: true, Read: readLE, Schema: answer.Matching(secondsPattern), Example: "3600",
			Meaning: "seconds, with 3 decimals at most; it picks the greatest bound up to it"}},
	DefaultKeys: "channel",
	Section:     rollup.Curves,
	Summary:     "How many attempts were delivered, read and answered within how long",
	Figures: []rollup.Figure{
		{Name: "metric", Kind: rollup.Text, Of: answer.OneOf(latencyMetrics...),
			Formula: "time_to_deliver, time_to_read or time_to_reply of the channel report"},
		{Name: "le", Kind: rollup.Share,
			Formula: "upper bound in seconds, inclusive: the greatest latency of a cell of the histogram, " +
				"whose cells grow by 2 %; a row for each cell that holds an attempt, or with filters le=S for the " +
				"greatest bound up to each S"},
		{Name: "count", Formula: "attempts whose time is known and at most le: cumulative", Over: "as known"},
		{Name: "known", Formula: "attempts whose time is known, not skewed: those that the percentiles are of",
			Over: "routes that report delivery; for time_to_read routes that report reads"},
		{Name: "share_rate", Kind: rollup.Share, Formula: "count / known"},
		{Name: "share_rate_low", Kind: rollup.Share, Formula: "lower bound of the 95 % Wilson interval of share_rate"},
		{Name: "share_rate_high", Kind: rollup.Share, Formula: "upper bound of the 95 % Wilson interval of share_rate"},
		{Name: "sent", Formula: "sent attempts", Over: "as known"},
		{Name: "delivered", Formula: "delivered attempts", Over: "as known"},
		{Name: "of_sent_rate", Kind: rollup.Share, Formula: "count / sent", Null: "when sent is 0"},
		{Name: "skewed", Formula: "attempts that are left out, for they were delivered more than 60 s before their " +
			"start", Over: "as known"},
		{Name: "bound", Kind: rollup.Text, Of: answer.OneOf(rollup.Bounds...),
			Formula: "open_rate_bound of the channel report, which of_sent_rate has too",
			Null:    "but for time_to_read"},
		{Name: "mature", Kind: rollup.Flag,
			Formula: "every cohort of the row's keys is older than its route's settling_days"},
	},
	Try:         []string{"metric=time_to_read&le=60&le=3600&le=86400"},
	Statement:   channelsTemplate.Lookup("channel_days"),
	Tables:      []string{"builds", "opt_outs", "rollup_attempts", "routes"},
	Rollup:      rollup.Rollup{Table: "rollup_attempts", Routed: true, ByRoute: true},
	Materialize: readLatency,
})

const secondsPattern = `^[0-9]{1,8}(\.[0-9]{1,3})?$`

var secondsText = regexp.MustCompile(secondsPattern)

// readLE reads an upper bound in seconds, and returns the cell whose bound is the greatest up to it.
func readLE(value string, _ *time.Location) (string, error) {
	seconds, err := strconv.ParseFloat(value, 64)
	if err != nil || !secondsText.MatchString(value) {
		return "", fmt.Errorf("%q must be seconds such as 0.5 or 3600, with 3 decimals at most", answer.Shorten(value))
	}
	ms := int64(seconds*1000 + 0.5)
	cell := schema.LatencyCell(ms)
	if schema.LatencyCellTop(cell) > ms {
		cell--
	}
	return strconv.Itoa(int(cell)), nil
}

func readLatency(ctx context.Context, r *Reading) ([]Row, error) {
	wanted, err := r.wantedCells()
	if err != nil {
		return nil, err
	}
	of := r.ofChannels(r.Keys, slices.DeleteFunc(slices.Clone(r.Filters),
		func(f rollup.Filter) bool { return f.Key.Name == "metric" || f.Key.Name == "le" }))
	of.State.OptOut = 0 // They have no latency.
	groups, err := of.channelRows(ctx)
	if err != nil {
		return nil, err
	}
	var rows []Row
	r.Seen.Mature = !r.Seen.Lost
	for _, g := range groups {
		mature := r.settled(g.Sums.settledMS)
		for metric, name := range latencyMetrics {
			if !r.Keeps("metric", name) {
				continue
			}
			if rows, err = g.Sums.latencyRows(rows, g.Keys, metric, wanted, mature); err != nil {
				return nil, err
			}
		}
	}
	return rows, nil
}

// wantedCells are those that filters by le name, in order; nil without any.
func (r *Reading) wantedCells() (cells []int, err error) {
	for _, f := range r.Filters {
		if f.Key.Name != "le" {
			continue
		}
		for _, shown := range f.Values {
			cell, err := strconv.Atoi(shown)
			if err != nil {
				return nil, fmt.Errorf("le: %w", err)
			}
			cells = append(cells, cell)
		}
	}
	slices.Sort(cells)
	return cells, nil
}

// latencyRows appends the rows of a latency of a group. Cells that are not named have one where they hold an attempt.
func (s *channelRow) latencyRows(rows []Row, keys []rollup.KeyValue, metric int, wanted []int, mature bool) ([]Row,
	error) {
	h := s.histograms[metric]
	known := h.total()
	if known == 0 {
		return rows, nil
	}
	sent, delivered, skewed, bound := s.deliveryDen, s.deliveryNum, s.skewedDelivery, answer.Null
	if latencyMetrics[metric] == "time_to_read" {
		sent, delivered, skewed, bound = s.readOfSentDen, s.openDen, s.skewedReads, s.bound()
	}
	add := func(cell int, count uint64) error {
		if len(rows) == rollup.MaxRows {
			return rollup.TooManyRows()
		}
		cells := []answer.Value{answer.Text(latencyMetrics[metric]),
			answer.Decimal(schema.LatencyCellTop(uint16(cell)), 3), answer.Count(count), answer.Count(known)}
		cells = append(cells, answer.Share(count, known)...)
		cells = append(cells, answer.Count(sent), answer.Count(delivered), answer.Rate(count, sent),
			answer.Count(skewed), bound, answer.Bool(mature))
		rows = append(rows, Row{append(slices.Clip(slices.Clone(keys)), rollup.KeyValue{Text: latencyMetrics[metric]},
			rollup.KeyValue{Number: uint16(cell)}), cells})
		return nil
	}
	count := uint64(0)
	for cell, n := range h {
		count += n
		if wanted == nil && n != 0 {
			if err := add(cell, count); err != nil {
				return nil, err
			}
		}
	}
	for _, cell := range wanted {
		if err := add(cell, h[:min(cell+1, len(h))].total()); err != nil {
			return nil, err
		}
	}
	return rows, nil
}

// total is how many attempts the histogram has.
func (h histogram) total() (n uint64) {
	for _, in := range h {
		n += in
	}
	return n
}

// ofChannels is a reading of the channel report by other keys and filters, of the same state. It shares with that what
// is remembered.
func (r *Reading) ofChannels(keys rollup.Keys, filters []rollup.Filter) *Reading {
	request := *r.Request
	request.Name, request.Keys, request.Filters, request.Extra, request.At = "channels", keys, filters, nil, nil
	request.Hash = hash(&request, "", "")
	state := *r.State
	return &Reading{Request: &request, DB: r.DB, Prices: r.Prices, State: &state, Seen: r.Seen,
		report: channelsReport, room: r.room}
}

// channelRows adds up the rows of the channel report with their histograms, in their order.
func (r *Reading) channelRows(ctx context.Context) ([]*rollup.Group[channelRow], error) {
	if len(r.Accounts()) <= 1 {
		return asTooLarge(readChannelDays(ctx, r))
	}
	all := &channelDay{}
	if err := r.readChannelParts(ctx, nil, allIn(all)); err != nil {
		return asTooLarge(nil, err)
	}
	return asTooLarge(sumChannels([]*channelDay{all}, r.Keys))
}

func asTooLarge(rows []*rollup.Group[channelRow], err error) ([]*rollup.Group[channelRow], error) {
	if errors.Is(err, errManyRows) {
		err = rollup.TooManyRows()
	}
	return rows, err
}
