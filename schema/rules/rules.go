package rules

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"kaskad/schema"
)

// Rules say when a number is dead, revived and so on (docs/definitions.md section 5). Accounts may put their own.
type Rules struct {
	// HardMailings different mailings with hard failures, the last of them at least HardHours after the first, make a
	// number dead.
	HardMailings int `json:"hard_mailings"`
	HardHours    int `json:"hard_hours"`
	// SoftMailings different mailings with failures, the last of them at least SoftDays after the first and without a
	// delivery on any channel for QuietDays, make it dead too.
	SoftMailings int `json:"soft_mailings"`
	SoftDays     int `json:"soft_days"`
	QuietDays    int `json:"quiet_days"`
	// RevivedDays is how long a number that came back is shown as revived.
	RevivedDays int `json:"revived_days"`
	// EvidenceDays is how old a message may be to count.
	EvidenceDays int `json:"evidence_days"`
}

// Default are those of docs/definitions.md section 5: one failure never kills, an outage of a day or a
// holiday of two weeks does not either, and evidence is as old as events may be.
var Default = Rules{HardMailings: 2, HardHours: 24, SoftMailings: 5, SoftDays: 14, QuietDays: 30,
	RevivedDays: 30, EvidenceDays: 400}

// OfVerdicts are the rules that a verdict of dead may name.
var OfVerdicts = []string{"deactivated", "hard", "invalid_format", "override", "soft"}

// Names are the names of the rules, in the order of the struct.
var Names = []string{"hard_mailings", "hard_hours", "soft_mailings", "soft_days", "quiet_days",
	"revived_days", "evidence_days"}

// Field returns where the rule of a name is kept and its bounds; nil when there is none of that name.
func (r *Rules) Field(name string) (rule *int, lo, hi int) {
	const year = 365
	switch name {
	case "hard_mailings":
		return &r.HardMailings, 1, 100
	case "hard_hours":
		return &r.HardHours, 0, 90 * 24
	case "soft_mailings":
		return &r.SoftMailings, 1, 100
	case "soft_days":
		return &r.SoftDays, 0, year
	case "quiet_days":
		return &r.QuietDays, 0, year
	case "revived_days":
		return &r.RevivedDays, 0, year
	case "evidence_days":
		return &r.EvidenceDays, 1, int(schema.MaxAge.Hours() / 24)
	}
	return nil, 0, 0
}

// Check calls refuse with every rule that is out of bounds, and with those that could never be met.
func (r *Rules) Check(refuse func(name, reason string)) {
	good := true
	for _, name := range Names {
		if rule, lo, hi := r.Field(name); *rule < lo || *rule > hi {
			refuse(name, fmt.Sprintf("must be a whole number, %d…%d", lo, hi))
			good = false
		}
	}
	if !good {
		return
	}
	if r.HardHours > r.EvidenceDays*24 {
		refuse("hard_hours", fmt.Sprintf("is longer than evidence_days, %d: no number would ever be dead by the hard "+
			"rule", r.EvidenceDays))
	}
	if r.SoftDays > r.EvidenceDays {
		refuse("soft_days", fmt.Sprintf("is longer than evidence_days, %d: no number would ever be dead by the soft "+
			"rule", r.EvidenceDays))
	}
}

// Parse reads rules as they are stored. What is missing there is as it is by default.
func Parse(stored []byte) (Rules, error) {
	rules := Default
	if err := json.Unmarshal(stored, &rules); err != nil {
		return rules, fmt.Errorf("read number rules: %w", err)
	}
	return rules, nil
}

// Read returns the newest rules of every account that has put some, and their versions. All others have
// [Default], version 0.
func Read(ctx context.Context, conn driver.Conn) (map[string]Rules, map[string]uint64, error) {
	lists, err := schema.ReadReferences(ctx, conn, schema.ReferenceNumberRules, 0)
	if err != nil {
		return nil, nil, err
	}
	rules, versions := make(map[string]Rules, len(lists)), make(map[string]uint64, len(lists))
	for _, list := range lists {
		parsed, err := Parse(list.Body)
		if err != nil {
			return nil, nil, fmt.Errorf("version %d of account %q: %w", list.Version, list.Account, err)
		}
		rules[list.Account], versions[list.Account] = parsed, list.Version
	}
	return rules, versions, nil
}
