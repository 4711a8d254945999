package schema_test

import (
	"encoding/json"
	"strings"
	"testing"

	"kaskad/schema"
)

func TestNumberRules_Check(t *testing.T) {
	for _, c := range []struct {
		change func(*schema.NumberRules)
		want   string // names refused
	}{
		{func(*schema.NumberRules) {}, ""},
		{func(r *schema.NumberRules) { r.HardMailings, r.HardHours = 1, 0 }, ""},
		{func(r *schema.NumberRules) { r.HardMailings = 0 }, "hard_mailings"},
		{func(r *schema.NumberRules) { r.SoftMailings, r.EvidenceDays = 101, 401 }, "soft_mailings evidence_days"},
		{func(r *schema.NumberRules) { r.HardHours, r.QuietDays, r.RevivedDays = -1, 366, -1 },
			"hard_hours quiet_days revived_days"},
		{func(r *schema.NumberRules) { r.SoftDays, r.EvidenceDays = 31, 30 }, "soft_days"},
		{func(r *schema.NumberRules) { r.HardHours, r.EvidenceDays, r.SoftDays = 25, 1, 1 }, "hard_hours"},
	} {
		rules := schema.DefaultNumberRules
		c.change(&rules)
		var refused []string
		rules.Check(func(name, reason string) {
			refused = append(refused, name)
			if reason == "" {
				t.Errorf("%s: no reason", name)
			}
		})
		if got := strings.Join(refused, " "); got != c.want {
			t.Errorf("%+v: refused %q, want %q", rules, got, c.want)
		}
	}
}

// Each name is a field of the stored form, and the other way around.
func TestNumberRules_Names(t *testing.T) {
	body, err := json.Marshal(schema.DefaultNumberRules)
	if err != nil {
		t.Fatal(err)
	}
	var stored map[string]int
	if err := json.Unmarshal(body, &stored); err != nil {
		t.Fatal(err)
	}
	if len(stored) != len(schema.NumberRuleNames) {
		t.Errorf("%s", body)
	}
	rules := schema.DefaultNumberRules
	for _, name := range schema.NumberRuleNames {
		if rule, lo, hi := rules.Field(name); rule == nil || stored[name] != *rule || lo > *rule || hi < *rule {
			t.Errorf("%s is stored as %d", name, stored[name])
		}
	}
	if rule, _, _ := rules.Field("x"); rule != nil {
		t.Error("x is a rule")
	}
}

func TestReadNumberRules_Newest(t *testing.T) {
	conn := newConn(t)
	put(t, conn, schema.ReferenceNumberRules, "acme", 1, `{"hard_mailings":3}`)
	put(t, conn, schema.ReferenceNumberRules, "acme", 1, `{"hard_mailings":1,"hard_hours":0}`)
	put(t, conn, schema.ReferenceNumberRules, "beta", 1, `{}`)
	rules, versions, err := schema.ReadNumberRules(t.Context(), conn)
	if err != nil {
		t.Fatal(err)
	}
	want := schema.DefaultNumberRules
	if rules["beta"] != want || versions["beta"] != 3 || versions["acme"] != 2 || len(rules) != 2 {
		t.Errorf("%+v %v", rules, versions)
	}
	want.HardMailings, want.HardHours = 1, 0
	if rules["acme"] != want {
		t.Errorf("%+v", rules["acme"])
	}
	put(t, conn, schema.ReferenceNumberRules, "beta", 1, `[]`)
	if _, _, err := schema.ReadNumberRules(t.Context(), conn); err == nil || !strings.Contains(err.Error(), `"beta"`) {
		t.Errorf("broken rules: %v", err)
	}
}
