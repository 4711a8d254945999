package numbers

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"testing"

	"kaskad/query/querytest"
	"kaskad/schema/schematest"
)

// The counts are those of the newest verdicts, by account and of all, and follow a verdict that changes.
func TestNumbers_Counts_Naive(t *testing.T) {
	conn := schematest.Conn(t)
	r := rand.New(rand.NewPCG(15, 1))
	s := newRoom(conn)
	type verdict struct{ kind, state, rule string }
	now := map[string]map[string]verdict{"acme": {}, "beta": {}}
	possible := []verdict{{"", "active", ""}, {"", "dead", "hard"}, {"", "dead", "soft"}, {"", "dead", "override"},
		{"", "quarantined", "override"}, {"", "suspect", ""}, {"", "unknown", ""}}
	for version := range 60 {
		account := []string{"acme", "beta"}[r.IntN(2)]
		number, v := fmt.Sprintf("+7900%07d", r.IntN(20)), possible[r.IntN(len(possible))]
		if v.kind = "phone"; r.IntN(3) == 0 {
			number, v.kind = fmt.Sprintf("email:%d@example.com", r.IntN(9)), "email"
		}
		now[account][number] = v
		querytest.Execute(t, conn, "INSERT INTO number_health (account, number, version, state, rule) "+
			"VALUES ($1, $2, $3, $4, $5)", account, number, uint64(version+1), v.state, v.rule)
		if version%6 > 0 {
			continue
		}
		for query, accounts := range map[string][]string{"": {"acme", "beta"}, "account=beta": {"beta"},
			"account=acme&account=beta": {"acme", "beta"}, "account=nobody": nil} {
			want := map[verdict]int{}
			for _, account := range accounts {
				for _, v := range now[account] {
					want[v]++
				}
			}
			for range 2 { // the second time it is remembered
				rows := s.list(t, "numbers/counts", query).Rows
				for _, row := range rows {
					v := verdict{row["kind"].(string), row["state"].(string), row["rule"].(string)}
					if fmt.Sprint(row["numbers"]) != fmt.Sprint(want[v]) {
						t.Errorf("%s: %v, want %d", query, row, want[v])
					}
				}
				if len(rows) != len(want) {
					t.Errorf("%s: %d rows, want %d", query, len(rows), len(want))
				}
			}
		}
	}
	querytest.WantProblem(t, querytest.Get(s, "/v1/numbers/counts?account="), http.StatusBadRequest, "account")
	if csv := querytest.Get(s, "/v1/numbers/counts?format=csv").Body.String(); csv[:23] != "kind,state,rule,numbers" {
		t.Errorf("got %s", csv)
	}
}
