package query

import (
	"net/http"
	"testing"

	"kaskad/schema/keys"
)

// Who may not see whole recipients may not ask by them either: the answer would tell whether one is there.
func TestServer_Door_NamedRecipients(t *testing.T) {
	conn := newConn(t)
	s := newServer(t, conn, withKeys)
	for scope, status := range map[keys.Scopes]int{keys.Marketer: http.StatusForbidden,
		keys.Analyst: http.StatusForbidden, keys.CRM: http.StatusOK, keys.Admin: http.StatusOK} {
		key := makeKey(t, conn, "own", scope)
		for _, filter := range []string{"recipient=%2B79001234567", "contact=crm-1"} {
			w := bearer(s, key, http.MethodGet, "/v1/messages?"+filter, "")
			if w.Code != status {
				t.Errorf("%v asks by %s: %d %s", scope.List(), filter, w.Code, w.Body)
			}
			if status == http.StatusForbidden {
				wantProblem(t, w, status, "", "crm admin")
			}
		}
	}
}
