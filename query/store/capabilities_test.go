package store

import (
	"testing"

	"kaskad/schema"
	"kaskad/schema/errormap"
)

// Providers are looked up through the aliases, an account's own before the shipped ones, each name replaced once.
func TestAliasedRoutes(t *testing.T) {
	maps, err := errormap.NewMaps([]schema.Reference{{Account: "acme", Version: 1,
		Body: []byte(`{"lines":[],"aliases":[{"provider":"pushy","like":"apns"},{"provider":"firebase","like":"own"}]}`)}})
	if err != nil {
		t.Fatal(err)
	}
	exact := "exact"
	lines := []Capability{{Channel: "push", Provider: "*", Delivery: true, Reads: true, Bound: &exact, SettlingDays: 1},
		{Channel: "push", Provider: "fcm", SettlingDays: 1},
		{Channel: "push", Provider: "apns", SettlingDays: 1}, {Channel: "push", Provider: "nexmo", SettlingDays: 9}}
	table := NewCapabilities(aliasedCapabilities(lines, maps))
	for _, c := range []struct {
		account, provider string
		delivery          bool
		days              uint16
	}{
		{"z", "fcm", false, 1}, {"z", "firebase", false, 1}, {"z", "pushy", true, 1}, {"acme", "pushy", false, 1},
		{"acme", "firebase", true, 1},
		{"z", "", true, 1}, {"z", "nexmo", true, 1},
	} {
		if r := table.Find(c.account, "push", c.provider); r.Delivery != c.delivery || r.SettlingDays != c.days {
			t.Errorf("%+v: %+v", c, r)
		}
	}
}
