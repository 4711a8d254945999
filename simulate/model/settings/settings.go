// Package settings holds what a model is given besides events: price lists, error maps, rules and overrides.
package settings

import "time"

// Tariff is a row of an account's price list, encoded as docs/definitions.md section 4 shows it. An empty key is
// left out and means "*". Prices are decimals with at most 6 decimals.
type Tariff struct {
	Channel        string     `json:"channel"`
	Provider       string     `json:"provider,omitempty"`
	Operator       string     `json:"operator,omitempty"`
	Country        string     `json:"country,omitempty"`
	Traffic        string     `json:"traffic,omitempty"`
	Sender         string     `json:"sender,omitempty"`
	App            string     `json:"app,omitempty"`
	ValidFrom      time.Time  `json:"valid_from"`
	ValidTo        *time.Time `json:"valid_to"`
	Currency       string     `json:"currency"`
	Billing        string     `json:"billing"`
	Price          string     `json:"price"`
	ConnectPrice   *string    `json:"connect_price,omitempty"`
	MonthlyMinimum *string    `json:"monthly_minimum,omitempty"`
}

// Template says how many SMS segments a template takes: SMSSegments, or those of SMSText.
type Template struct {
	Template    string     `json:"template"`
	SMSText     string     `json:"sms_text,omitempty"`
	SMSSegments int        `json:"sms_segments,omitempty"`
	ValidFrom   time.Time  `json:"valid_from"`
	ValidTo     *time.Time `json:"valid_to"`
}

// ErrorLine says what an error code of a provider means: its reason class. The provider "*" of an account's own line
// stands for all that have no own line for the code.
type ErrorLine struct {
	Provider string `json:"provider"`
	Code     string `json:"code"`
	Class    string `json:"class"`
}

// ErrorAlias says that a provider speaks the codes of another one.
type ErrorAlias struct {
	Provider string `json:"provider"`
	Like     string `json:"like"`
}

// ErrorMap is what error codes mean: the body of PUT /v1/error-map for an account's own, or the one that Kaskad ships.
type ErrorMap struct {
	Lines   []ErrorLine  `json:"lines"`
	Aliases []ErrorAlias `json:"aliases"`
}

// NumberRules are the numbers in the rules of docs/definitions.md section 5.
type NumberRules struct {
	HardMailings int `json:"hard_mailings"`
	HardHours    int `json:"hard_hours"`
	SoftMailings int `json:"soft_mailings"`
	SoftDays     int `json:"soft_days"`
	QuietDays    int `json:"quiet_days"`
	RevivedDays  int `json:"revived_days"`
	EvidenceDays int `json:"evidence_days"`
}

// DefaultNumberRules are those of an account that has no rules of its own.
func DefaultNumberRules() NumberRules {
	return NumberRules{HardMailings: 2, HardHours: 24, SoftMailings: 5, SoftDays: 14, QuietDays: 30, RevivedDays: 30,
		EvidenceDays: 400}
}

// NumberOverride is a verdict set by hand: active, dead or quarantined. A later one of the same number replaces it.
type NumberOverride struct {
	Account, Number, State, Why string
	At                          time.Time
	// Until is when it was removed; zero for one that stands.
	Until time.Time
}

// Numbers says when numbers are judged, and by which reference data.
type Numbers struct {
	// Now is the time that verdicts are read at. Zero is the model's own.
	Now time.Time
	// Shipped is the error map that Kaskad ships; nil is the model's own, which knows some of its codes.
	Shipped *ErrorMap
	// ErrorMaps are the accounts' own lines and aliases, which come before the shipped ones.
	ErrorMaps map[string]ErrorMap
	// Rules are the accounts' own; an account without has DefaultNumberRules.
	Rules map[string]NumberRules
	// Overrides are the verdicts that somebody set by hand.
	Overrides []NumberOverride
	// Tariffs are the price lists by account.
	Tariffs map[string][]Tariff
}

// RulesOf returns the rules of an account.
func (q Numbers) RulesOf(account string) NumberRules {
	if own, found := q.Rules[account]; found {
		return own
	}
	return DefaultNumberRules()
}
