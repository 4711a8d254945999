package schema_test

import (
	"slices"
	"testing"

	"kaskad/schema"
)

func TestClass_Weights(t *testing.T) {
	for _, c := range []struct {
		kind       string
		hard, soft []string
	}{
		{schema.KindPhone, []string{"unknown_subscriber", "not_sms_capable", "deactivated", "invalid_format"},
			[]string{"absent_subscriber", "memory_full", "handset_busy", "barred", "roaming", "expired", "unknown"}},
		{schema.KindEmail, []string{"no_mailbox"}, []string{"mailbox_full", "expired", "unknown"}},
	} {
		for _, name := range append(schema.ClassNames(), "", "nonsense") {
			if got, want := schema.ClassHard(c.kind, name), slices.Contains(c.hard, name); got != want {
				t.Errorf("%s: %s is hard: %v", c.kind, name, got)
			}
			if got, want := schema.ClassSoft(c.kind, name), slices.Contains(c.soft, name); got != want {
				t.Errorf("%s: %s is soft: %v", c.kind, name, got)
			}
		}
		for _, name := range append(c.hard, c.soft...) {
			if !slices.Contains(schema.ClassNames(), name) {
				t.Errorf("%s is no class", name)
			}
		}
	}
}

func TestKindOf(t *testing.T) {
	for recipient, want := range map[string]string{"+79160000001": "phone", "email:a@example.com": "email",
		"device:1": "", "user:US.1349": "", "": "", "a@example.com": "",
		"email": "", "79160000001": ""} {
		if got := schema.KindOf(recipient); got != want {
			t.Errorf("%q is %q, want %q", recipient, got, want)
		}
	}
}
