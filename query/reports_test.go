package query

import (
	"net/http"
	"slices"
	"strings"
	"testing"
)

// Programs that ask for reports know all that the server serves, whichever room it is of, and how it is described.
func TestReports_AreServed(t *testing.T) {
	reports, err := Reports()
	if err != nil {
		t.Fatal(err)
	}
	var known, served []string
	for _, r := range reports {
		known = append(known, r.Path)
		if len(r.Params) == 0 || len(r.Answers) == 0 || len(r.Answers[0].Columns) == 0 || r.Summary == "" {
			t.Errorf("%s is not described", r.Path)
		}
	}
	for _, r := range newServer(t, noConn{}).served() {
		if r.Method == http.MethodGet && strings.HasPrefix(r.Path, "/v1/reports/") {
			served = append(served, r.Path)
		}
	}
	slices.Sort(served)
	if len(known) < 7 || !slices.Equal(known, served) {
		t.Errorf("known are %q, served are %q", known, served)
	}
}
