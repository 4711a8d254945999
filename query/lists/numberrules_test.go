package lists

import (
	"net/http"
	"strings"
	"testing"

	"kaskad/query/querytest"
	"kaskad/schema"
	"kaskad/schema/rules"
)

func TestLists_NumberRules_PutAndGet(t *testing.T) {
	conn := newConn(t)
	s := newRoom(conn)
	const path = "/v1/number-rules?account=acme"
	const defaults = `{"hard_mailings":2,"hard_hours":24,"soft_mailings":5,"soft_days":14,"quiet_days":30,"revived_days":30,"evidence_days":400}`
	if got := querytest.Get(s, path).Body.String(); got != `{"account":"acme","version":0,"at":null,"number_rules":`+defaults+`}` {
		t.Errorf("before the first: %s", got)
	}
	if version := querytest.Put(t, s, path,
		`{"number_rules":{"hard_mailings":1,"hard_hours":0,"quiet_days":null}}`); version != 1 {
		t.Errorf("version %d", version)
	}
	strict := strings.Replace(defaults, `"hard_mailings":2,"hard_hours":24`, `"hard_mailings":1,"hard_hours":0`, 1)
	first := `{"account":"acme","version":1,"at":"2026-11-20T00:00:00.000Z","number_rules":` + strict + `}`
	w := querytest.Get(s, path)
	if got := w.Body.String(); got != first || w.Header().Get("ETag") != `"1"` {
		t.Errorf("after the first: %s", got)
	}
	if askedVerdicts(t, conn, "acme") != 1 || askedVerdicts(t, conn, "beta") != 0 {
		t.Error("verdicts are not asked for once, of acme alone")
	}
	// What GET gives can be put. What is left out is as it is by default again.
	if version := querytest.Put(t, s, path, first, "If-Match", `"1"`); version != 2 {
		t.Errorf("version %d", version)
	}
	if version := querytest.Put(t, s, path, `{"number_rules":{}}`); version != 3 ||
		!strings.Contains(querytest.Get(s, path).Body.String(), defaults) {
		t.Errorf("version %d: %s", version, querytest.Get(s, path).Body)
	}
	if got := querytest.Get(s, path+"&version=1").Body.String(); got != first {
		t.Errorf("version 1: %s", got)
	}
	if got := querytest.Get(s, "/v1/number-rules/versions?account=acme&format=csv&limit=1").Body.String(); got != "version,at,by,rows,note,why\r\n3,2026-11-20T00:00:00.000Z,auth off,1,,\r\n" {
		t.Errorf("versions: %s", got)
	}
	all, versions, err := rules.Read(t.Context(), conn)
	if err != nil || all["acme"] != rules.Default || versions["acme"] != 3 {
		t.Errorf("%+v %v %v", all, versions, err)
	}
}

func TestLists_NumberRules_Refused(t *testing.T) {
	conn := newConn(t)
	s := newRoom(conn)
	const path = "/v1/number-rules?account=acme"
	put := func(body string) *problemAnswer {
		w := querytest.Call(s, http.MethodPut, path, strings.NewReader(body))
		return &problemAnswer{w.Code, w.Body.String()}
	}
	for _, c := range []struct {
		rules, name, says string
	}{
		{`{"hard_mailing":3}`, "hard_mailing", "did you mean hard_mailings?"},
		{`{"mailings":3}`, "mailings", "unknown"},
		{`{"hard_mailings":0}`, "hard_mailings", "1…100"},
		{`{"hard_mailings":"3"}`, "hard_mailings", "whole number"},
		{`{"hard_mailings":2.5}`, "hard_mailings", "whole number"},
		{`{"hard_mailings":[2]}`, "hard_mailings", "whole number"},
		{`{"hard_mailings":99999999999999999999}`, "hard_mailings", "whole number"},
		{`{"hard_mailings":2,"hard_mailings":3}`, "hard_mailings", "twice"},
		{`{"evidence_days":401}`, "evidence_days", "1…400"},
		{`{"evidence_days":10}`, "soft_days", "evidence_days"},
		{`{"soft_days":366,"quiet_days":-1}`, "quiet_days", "0…365"},
	} {
		if got := put(`{"number_rules":` + c.rules + `}`); got.status != http.StatusUnprocessableEntity ||
			!strings.Contains(got.body, `"parameter":"`+c.name+`"`) ||
			!strings.Contains(got.body, c.says) || !strings.Contains(got.body, "nothing was changed") {
			t.Errorf("%s: %d %s", c.rules, got.status, got.body)
		}
	}
	for _, body := range []string{``, `[]`, `{}`, `{"number_rules":[]}`, `{"number_rules":{}} x`,
		`{"number_rules":{"hard_mailings":}}`, "{\"number_rules\":{\"\xff\":1}}"} {
		if got := put(body); got.status != http.StatusBadRequest {
			t.Errorf("%s: %d %s", body, got.status, got.body)
		}
	}
	if got := put(`{"number_rules":{},"rules":{}}`); got.status != http.StatusUnprocessableEntity ||
		!strings.Contains(got.body, "beside") {
		t.Errorf("another field: %d %s", got.status, got.body)
	}
	querytest.WantProblem(t, querytest.Call(s, http.MethodPut, path, strings.NewReader("number_rules: {}"),
		"Content-Type",
		"application/yaml"), http.StatusUnsupportedMediaType, "", "application/json")
	querytest.WantProblem(t, querytest.Get(s, path+"&format=csv"), http.StatusBadRequest, "format", "must be json")
	querytest.WantProblem(t, querytest.Get(s, "/v1/number-rules"), http.StatusBadRequest, "account")
	if _, found, err := schema.ReadReference(t.Context(), conn, schema.ReferenceNumberRules, "acme", 0); found ||
		err != nil || askedVerdicts(t, conn, "acme") != 0 {
		t.Error("something was stored")
	}
}

type problemAnswer struct {
	status int
	body   string
}
