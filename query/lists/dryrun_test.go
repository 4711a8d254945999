package lists

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"kaskad/query/querytest"
	"kaskad/schema"
)

// dryRunOf asks what a list would change, and returns the counts and a line for each change.
func dryRunOf(t *testing.T, s http.Handler, target, body string, headers ...string) (reply dryRunAnswer, lines string) {
	t.Helper()
	separator := "?"
	if strings.Contains(target, "?") {
		separator = "&"
	}
	w := querytest.Call(s, http.MethodPut, target+separator+"dry_run=1", strings.NewReader(body), headers...)
	querytest.Decode(t, w, http.StatusOK, &reply)
	if want := fmt.Sprintf(`"%d"`, reply.Version); w.Header().Get("ETag") != want || !reply.DryRun {
		t.Errorf("ETag %s, want %s: %s", w.Header().Get("ETag"), want, w.Body)
	}
	if reply.Added+reply.Removed+reply.Changed != len(reply.Changes)+reply.ChangesLeftOff {
		t.Errorf("the counts are not those of the changes: %s", w.Body)
	}
	var all []string
	for _, c := range reply.Changes {
		before, err := json.Marshal(c.Before)
		if err != nil {
			t.Fatal(err)
		}
		after, err := json.Marshal(c.After)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, fmt.Sprintf("%s %s %s %s", c.List, c.Change, before, after))
	}
	return reply, strings.Join(all, "\n")
}

// Every kind says what a list would change, and stores nothing: no version, and no order to decide verdicts anew.
// What it has said is what putting the list does.
func TestLists_DryRun_EveryKind(t *testing.T) {
	template := func(name string, segments int) string {
		return fmt.Sprintf(`{"template":%q,"valid_from":"2026-01-01T00:00:00Z","sms_segments":%d}`, name, segments)
	}
	shownTemplate := func(name string, segments int) string {
		return fmt.Sprintf(`{"sms_segments":%d,"template":%q,"valid_from":"2026-01-01T00:00:00Z","valid_to":null}`,
			segments, name)
	}
	for _, c := range []struct {
		kind, path, first, second, wrong string
		// what the first and the second list would change
		wantFirst, wantSecond           string
		added, removed, changed, equals int
	}{
		{schema.ReferenceTemplates, "/v1/templates",
			`{"templates":[` + template("a", 1) + `,` + template("b", 2) + `,` + template("c", 3) + `]}`,
			`{"templates":[` + template("d", 4) + `,` + template("b", 5) + `,` + template("a", 1) + `]}`,
			`{"templates":[{"template":"a"}]}`,
			"templates added null " + shownTemplate("a", 1) + "\ntemplates added null " + shownTemplate("b", 2) +
				"\ntemplates added null " + shownTemplate("c", 3),
			"templates added null " + shownTemplate("d", 4) + "\ntemplates changed " + shownTemplate("b", 2) + " " +
				shownTemplate("b", 5) + "\ntemplates removed " + shownTemplate("c", 3) + " null", 1, 1, 1, 1},
		{schema.ReferenceTariffs, "/v1/tariffs", `{"tariffs":[]}`, `{"tariffs":[],"billing_zone":"Europe/Moscow"}`,
			`{"tariffs":[{"channel":"fax"}]}`, "",
			`billing_zone changed {"billing_zone":"UTC"} {"billing_zone":"Europe/Moscow"}`, 0, 0, 1, 0},
		{schema.ReferenceErrorMap, "/v1/error-map",
			`{"lines":[{"provider":"x","code":"1","class":"dnd"}],"aliases":[{"provider":"mts","like":"map"}]}`,
			`{"lines":[{"provider":"x","code":"1","class":"barred"}],"aliases":[]}`,
			`{"lines":[{"code":"1","class":"nonsense"}]}`,
			`lines added null {"class":"dnd","code":"1","provider":"x"}` + "\n" +
				`aliases added null {"like":"map","provider":"mts"}`,
			`lines changed {"class":"dnd","code":"1","provider":"x"} {"class":"barred","code":"1","provider":"x"}` +
				"\n" + `aliases removed {"like":"map","provider":"mts"} null`, 0, 1, 1, 0},
		{schema.ReferenceNumberRules, "/v1/number-rules", `{"number_rules":{"hard_mailings":3}}`,
			`{"number_rules":{"soft_days":10}}`, `{"number_rules":{"hard_mailings":0}}`,
			`number_rules changed {"rule":"hard_mailings","value":2} {"rule":"hard_mailings","value":3}`,
			`number_rules changed {"rule":"hard_mailings","value":3} {"rule":"hard_mailings","value":2}` + "\n" +
				`number_rules changed {"rule":"soft_days","value":14} {"rule":"soft_days","value":10}`, 0, 0, 2, 5},
	} {
		t.Run(c.kind, func(t *testing.T) {
			conn := newConn(t)
			s := newRoom(conn)
			path := c.path + "?account=acme"
			stored := func() string {
				var versions uint64
				if err := conn.QueryRow(t.Context(), "SELECT count() FROM reference").Scan(&versions); err != nil {
					t.Fatal(err)
				}
				return fmt.Sprint(versions, askedVerdicts(t, conn, "acme"))
			}
			nothing := stored()
			if _, got := dryRunOf(t, s, path, c.first); got != c.wantFirst || stored() != nothing {
				t.Errorf("the first would change\n%s\nwant\n%s\nstored %s", got, c.wantFirst, stored())
			}
			querytest.Put(t, s, path, c.first)
			before := stored()
			reply, got := dryRunOf(t, s, path, c.second, "If-Match", `"1"`)
			if got != c.wantSecond || reply.Version != 1 || reply.Added != c.added || reply.Removed != c.removed ||
				reply.Changed != c.changed || c.kind != schema.ReferenceTariffs && reply.Unchanged != c.equals {
				t.Errorf("the second would change\n%s\nwant\n%s\n%+v", got, c.wantSecond, reply)
			}
			if reply, got := dryRunOf(t, s, path, c.first); got != "" || len(reply.Changes) != 0 {
				t.Errorf("the same list would change %s", got)
			}
			// What GET shows would change nothing either.
			if _, got := dryRunOf(t, s, path, querytest.Get(s, path).Body.String()); got != "" {
				t.Errorf("the list that GET shows would change %s", got)
			}
			if w := querytest.Call(s, http.MethodPut, path+"&dry_run=1", strings.NewReader(c.wrong)); w.Code !=
				http.StatusUnprocessableEntity || !strings.Contains(w.Body.String(), "errors") {
				t.Errorf("a wrong list: %d %s", w.Code, w.Body)
			}
			for _, version := range []string{`"0"`, `W/"2"`} {
				querytest.WantProblem(t, querytest.Call(s, http.MethodPut, path+"&dry_run=1", strings.NewReader(c.second),
					"If-Match", version), http.StatusPreconditionFailed, "", "any more")
			}
			querytest.WantProblem(t, querytest.Call(s, http.MethodPut, path+"&dry_run=yes", strings.NewReader(c.second)),
				http.StatusBadRequest, "dry_run", "must be 1")
			if stored() != before {
				t.Errorf("stored %s, want %s", stored(), before)
			}
			if version := querytest.Put(t, s, path+"&dry_run=0", c.second, "If-Match", `W/"1"`); version != 2 {
				t.Errorf("version %d", version)
			}
			if _, got := dryRunOf(t, s, path, c.second); got != "" {
				t.Errorf("what is stored would change %s", got)
			}
		})
	}
}

// Of a long list the answer says how much it changes, and shows the first of it.
func TestLists_DryRun_ManyChanges(t *testing.T) {
	s := newRoom(newConn(t))
	rows := make([]string, maxChanges+7)
	for i := range rows {
		rows[i] = fmt.Sprintf(`{"template":"t%d","valid_from":"2026-01-01T00:00:00Z","sms_segments":1}`, i)
	}
	reply, _ := dryRunOf(t, s, "/v1/templates?account=acme", `{"templates":[`+strings.Join(rows, ",")+`]}`)
	if reply.Rows != len(rows) || reply.Added != len(rows) || len(reply.Changes) != maxChanges ||
		reply.ChangesLeftOff != 7 {
		t.Errorf("%d rows, %d added, %d shown, %d left off", reply.Rows, reply.Added, len(reply.Changes),
			reply.ChangesLeftOff)
	}
}

// Of those who save the same version of a list at once one is stored, and the others are told.
func TestLists_Put_Race(t *testing.T) {
	conn := newConn(t)
	servers := []http.Handler{newRoom(conn), newRoom(conn)} // which know nothing of each other
	for _, path := range []string{"/v1/tariffs?account=acme", "/v1/number-rules?account=acme"} {
		body := `{"tariffs":[]}`
		if strings.Contains(path, "rules") {
			body = `{"number_rules":{}}`
		}
		codes := map[int]int{}
		var mu sync.Mutex
		var group sync.WaitGroup
		for i := range 6 {
			group.Go(func() {
				w := querytest.Call(servers[i%2], http.MethodPut, path, strings.NewReader(body), "If-Match", `"0"`)
				mu.Lock()
				defer mu.Unlock()
				codes[w.Code]++
			})
		}
		group.Wait()
		if codes[http.StatusOK] != 1 || codes[http.StatusPreconditionFailed] != 5 {
			t.Errorf("%s: %v", path, codes)
		}
	}
}

// The history names the note of a key of the account's, and of no other.
func TestLists_Versions_Note(t *testing.T) {
	conn := newConn(t)
	for _, key := range []string{"('k1','','acme',0,'admin','editor','',1,0,0)", "('k2','','',1,'admin','operator','',1,0,0)",
		"('k3','','beta',0,'admin','foreign','',1,0,0)"} {
		querytest.Execute(t, conn, "INSERT INTO api_keys VALUES "+key)
	}
	for _, by := range []string{"key k1", "key k2", "key k3", "auth off", "key k1"} {
		if _, err := schema.InsertReference(t.Context(), conn, schema.ReferenceTariffs, "acme", by, 0, []byte("[]"),
			querytest.Now()); err != nil {
			t.Fatal(err)
		}
	}
	var got struct {
		Rows []struct {
			Version  uint64
			By, Note string
		}
	}
	querytest.Decode(t, querytest.Get(newRoom(conn), "/v1/tariffs/versions?account=acme"), http.StatusOK, &got)
	if text := fmt.Sprint(got.Rows); text != "[{5 key k1 editor} {4 auth off } {3 key k3 } {2 key k2 } {1 key k1 editor}]" {
		t.Error(text)
	}
}

// The history says why a list was put, in whatever form it came; a dry run leaves nothing behind.
func TestLists_Versions_Why(t *testing.T) {
	conn := newConn(t)
	s := newRoom(conn)
	why := "цены \"с июня\"\n<b>🦊"
	path := "/v1/templates?account=acme&why=" + url.QueryEscape(why)
	querytest.Put(t, s, path, `{"templates":[]}`)
	csv := "template,sms_segments,valid_from\na,1,2026-01-01T00:00:00Z\n"
	for _, target := range []string{path + "&dry_run=1", path, "/v1/templates?account=acme"} {
		if w := querytest.Call(s, http.MethodPut, target, strings.NewReader(csv), "Content-Type", "text/csv"); w.Code !=
			http.StatusOK {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
	}
	var got struct {
		Rows []struct{ Why string }
	}
	querytest.Decode(t, querytest.Get(s, "/v1/templates/versions?account=acme"), http.StatusOK, &got)
	if want := []struct{ Why string }{{""}, {why}, {why}}; !slices.Equal(got.Rows, want) {
		t.Errorf("%q, want %q", got.Rows, want)
	}
	for _, wrong := range []string{strings.Repeat("ж", 501), "a\x00b", "\xff", "a&why=b", "asked for by +7 (916) 123-45-67", "email:a@b.example"} {
		target := "/v1/templates?account=acme&why=" + strings.ReplaceAll(url.QueryEscape(wrong), "%26why%3D", "&why=")
		querytest.WantProblem(t, querytest.Call(s, http.MethodPut, target, strings.NewReader(`{"templates":[]}`)),
			http.StatusBadRequest, "why")
	}
}
