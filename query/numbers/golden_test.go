package numbers

import (
	"flag"
	"testing"
	"time"

	"kaskad/query/querytest"
	"kaskad/query/rollup"
)

var update = flag.Bool("update", false, "write the statements of testdata anew")

// bestCountsStatement is what people are counted by.
type bestCountsStatement struct{ *bestChannelQuery }

func (s bestCountsStatement) SQL() (string, []any, error) { return s.countsSQL() }

func TestSQL_Golden(t *testing.T) {
	hostile := "x' OR '1'='1 {id:String}"
	for name, q := range map[string]querytest.Statement{
		"dead_all":    &deadQuery{kind: "phone"},
		"dead_single": &deadQuery{kind: "phone", accounts: []string{hostile}, rules: []string{"hard", "soft"}},
		"dead_page": &deadQuery{kind: "email", upTo: 7, limit: 11, accounts: []string{"acme", hostile},
			rules: []string{"soft"}, after: &numberKey{hostile, "acme"}},
		"dead_first":  &deadQuery{kind: "phone", upTo: 7, limit: 1001, accounts: []string{hostile}},
		"one":         &oneQuery{number: hostile},
		"one_account": &oneQuery{hostile, "acme"},
		"changes_all": &changesQuery{kind: "email", head: 9},
		"changes_page": &changesQuery{kind: "phone", accounts: []string{"acme", hostile}, number: hostile,
			to: []string{"dead"}, after: 7, head: 9, limit: 10},
		"changes_newest": &changesQuery{kind: "phone", accounts: []string{hostile}, before: 9, limit: 10},
		"audience_all":   &audienceQuery{state: "subscribed"},
		"audience_page": &audienceQuery{state: "uninstalled", accounts: []string{"acme", hostile},
			apps: []string{"", hostile}, after: &subscriber{"acme", hostile, "push", ""}, limit: 11},
		"audience_single": &audienceQuery{state: "unsubscribed", accounts: []string{hostile},
			after: &subscriber{hostile, "user:1", "push", "app"}, limit: 11},
		"audience_blocked": &audienceQuery{state: "blocked", accounts: []string{hostile}, channels: []string{"viber"},
			limit: 11},
		"best_counts": bestCountsStatement{&bestChannelQuery{
			request: &rollup.Request{Zone: time.UTC, ToMS: 1 << 60}}},
		"best_channel_first": &bestChannelQuery{request: &rollup.Request{Zone: time.UTC, ToMS: 1 << 60, Limit: 1000}},
		"best_channel_page": &bestChannelQuery{request: &rollup.Request{Zone: time.UTC, FromMS: 1760572800000,
			ToMS:  1795136400000,
			Limit: 10,
			Filters: []rollup.Filter{{Key: bestChannelFilters[0], Values: []string{"acme", hostile}},
				{Key: bestChannelFilters[1], Values: []string{"push"}}}}, afterAccount: hostile, afterContact: hostile,
			asOfMS: 1795136400000},
	} {
		querytest.Golden(t, *update, name, q, hostile)
	}
}
