package numbers

import (
	"flag"
	"testing"

	"kaskad/query/querytest"
)

var update = flag.Bool("update", false, "write the statements of testdata anew")

func TestSQL_Golden(t *testing.T) {
	hostile := "x' OR '1'='1 {id:String}"
	for name, q := range map[string]querytest.Statement{
		"dead_all":    &deadQuery{},
		"dead_single": &deadQuery{accounts: []string{hostile}, rules: []string{"hard", "soft"}},
		"dead_page": &deadQuery{kind: "email", pin: 7, limit: 11, accounts: []string{"acme", hostile},
			rules: []string{"soft"}, after: &numberKey{hostile, "acme"}},
		"dead_first":  &deadQuery{pin: 7, limit: 1001, accounts: []string{hostile}},
		"one":         &oneQuery{number: hostile},
		"one_account": &oneQuery{hostile, "acme"},
		"changes_all": &changesQuery{kind: "email", head: 9},
		"changes_page": &changesQuery{accounts: []string{"acme", hostile}, number: hostile,
			to: []string{"dead"}, after: 7, head: 9, limit: 10},
	} {
		querytest.Golden(t, *update, name, q, hostile)
	}
}
