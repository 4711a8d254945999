package savings

import (
	"net/http"
	"testing"
	"time"

	"kaskad/money"
	"kaskad/query/querytest"
)

// Two writers are given one version, both rows are read, and one is taken back: from then on prices are those of the
// row that stays, or of the version before, also in answers that are remembered under the same version; and a cursor of
// the old prices has no next page.
func TestSavings_PriceLists_TakenBack(t *testing.T) {
	for name, keeps := range map[string]struct{ account, price string }{"the same account": {"a", "7.00"},
		"another account": {"b", "1.00"}} {
		t.Run(name, func(t *testing.T) {
			conn := newConn(t)
			s := newRoom(t, conn)
			var cascades []cascade
			for _, campaign := range []string{"1", "2"} {
				cascades = append(cascades,
					cascade{account: "a", campaign: campaign, cohortMS: testNow.Add(-48 * time.Hour).UnixMilli(),
						edition: 1,
						shape:   money.Signature{SMSSegments: 1, Steps: []money.Step{{Channel: "sms", Sent: true}}}})
			}
			insertCascades(t, conn, cascades)
			querytest.PutTariffs(t, conn, "a", querytest.TariffRow("sms", "per_message_sent", "1"))
			put := func(account, id, price string) {
				if err := conn.Exec(t.Context(),
					"INSERT INTO reference (kind, account, version, id, at_ms, `by`, rows, body) VALUES ('tariffs', "+
						"?, 2, ?, 0, 'test', 1, ?)",
					account, id, "["+querytest.TariffRow("sms", "per_message_sent", price)+"]"); err != nil {
					t.Fatal(err)
				}
			}
			// Of rows with one version the one with the greatest id is read.
			const stays, goes = "00000000-0000-4000-8000-000000000001", "00000000-0000-4000-8000-000000000009"
			put(keeps.account, stays, "7")
			put("a", goes, "9")
			const query = "from=2026-11-01&group_by=campaign"
			want := func(what, price string) savingsReply {
				t.Helper()
				reply := savingsReport(t, s, query+"&limit=1")
				if got := reply.Rows[0]["actual_cost"]; got != price || reply.TariffVersion != 2 {
					t.Errorf("%s: %v at version %d, want %s at 2", what, got, reply.TariffVersion, price)
				}
				return reply
			}
			old := want("both rows", "9.00")
			querytest.Execute(t, conn, "DELETE FROM reference WHERE id = '"+goes+"'")
			for _, server := range []room{s, newRoom(t, conn)} {
				s = server
				next := query + "&limit=1&cursor="
				now := want("one row taken back", keeps.price)
				if page := savingsReport(t, s, next+*now.NextCursor); page.Rows[0]["actual_cost"] != keeps.price {
					t.Errorf("second page: %v", page.Rows)
				}
			}
			// This server has never seen the row that went.
			querytest.WantProblem(t, querytest.Get(s, "/v1/reports/savings?"+query+"&limit=1&cursor="+*old.NextCursor),
				http.StatusBadRequest, "cursor", "taken back")
		})
	}
}
