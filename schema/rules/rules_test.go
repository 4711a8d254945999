package rules_test

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	"kaskad/schema"
	"kaskad/schema/rules"
	"kaskad/schema/schematest"
)

func TestNumberRules_Check(t *testing.T) {
	for _, c := range []struct {
		change func(*rules.Rules)
		want   string // names refused
	}{
		{func(*rules.Rules) {}, ""},
		{func(r *rules.Rules) { r.HardMailings, r.HardHours = 1, 0 }, ""},
		{func(r *rules.Rules) { r.HardMailings = 0 }, "hard_mailings"},
		{func(r *rules.Rules) { r.SoftMailings, r.EvidenceDays = 101, 401 }, "soft_mailings evidence_days"},
		{func(r *rules.Rules) { r.HardHours, r.QuietDays, r.RevivedDays = -1, 366, -1 },
			"hard_hours quiet_days revived_days"},
		{func(r *rules.Rules) { r.SoftDays, r.EvidenceDays = 31, 30 }, "soft_days"},
		{func(r *rules.Rules) { r.HardHours, r.EvidenceDays, r.SoftDays = 25, 1, 1 }, "hard_hours"},
	} {
		own := rules.Default
		c.change(&own)
		var refused []string
		own.Check(func(name, reason string) {
			refused = append(refused, name)
			if reason == "" {
				t.Errorf("%s: no reason", name)
			}
		})
		if got := strings.Join(refused, " "); got != c.want {
			t.Errorf("%+v: refused %q, want %q", own, got, c.want)
		}
	}
}

// Each name is a field of the stored form, and the other way around.
func TestNumberRules_Names(t *testing.T) {
	body, err := json.Marshal(rules.Default)
	if err != nil {
		t.Fatal(err)
	}
	var stored map[string]int
	if err := json.Unmarshal(body, &stored); err != nil {
		t.Fatal(err)
	}
	if len(stored) != len(rules.Names) {
		t.Errorf("%s", body)
	}
	own := rules.Default
	for _, name := range rules.Names {
		if rule, lo, hi := own.Field(name); rule == nil || stored[name] != *rule || lo > *rule || hi < *rule {
			t.Errorf("%s is stored as %d", name, stored[name])
		}
	}
	if rule, _, _ := own.Field("x"); rule != nil {
		t.Error("x is a rule")
	}
}

func TestReadNumberRules_Newest(t *testing.T) {
	conn := schematest.Conn(t)
	put(t, conn, schema.ReferenceNumberRules, "acme", 1, `{"hard_mailings":3}`)
	put(t, conn, schema.ReferenceNumberRules, "acme", 1, `{"hard_mailings":1,"hard_hours":0}`)
	put(t, conn, schema.ReferenceNumberRules, "beta", 1, `{}`)
	all, versions, err := rules.Read(t.Context(), conn)
	if err != nil {
		t.Fatal(err)
	}
	want := rules.Default
	if all["beta"] != want || versions["beta"] != 3 || versions["acme"] != 2 || len(all) != 2 {
		t.Errorf("%+v %v", all, versions)
	}
	want.HardMailings, want.HardHours = 1, 0
	if all["acme"] != want {
		t.Errorf("%+v", all["acme"])
	}
	put(t, conn, schema.ReferenceNumberRules, "beta", 1, `[]`)
	if _, _, err := rules.Read(t.Context(), conn); err == nil || !strings.Contains(err.Error(), `"beta"`) {
		t.Errorf("broken rules: %v", err)
	}
}

// The document says of rules what the code does.
func TestErrorsDocument_Rules(t *testing.T) {
	body, err := os.ReadFile("../../docs/errors.md")
	if err != nil {
		t.Fatal(err)
	}
	own := rules.Default
	for _, name := range rules.Names {
		rule, lo, hi := own.Field(name)
		if want := fmt.Sprintf("\n| `%s` | %d | %d…%d | ", name, *rule, lo, hi); !strings.Contains(string(body), want) {
			t.Errorf("docs/errors.md does not say %q", want)
		}
	}
}
