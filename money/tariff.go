package money

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/text/language"

	"kaskad/schema"
	"kaskad/schema/listfile"
)

// Billing is how a tariff counts units (docs/definitions.md section 4, Tariffs).
type Billing string

// The billing models.
const (
	PerSegmentSent          Billing = "per_segment_sent"
	PerSegmentDelivered     Billing = "per_segment_delivered"
	PerMessageSent          Billing = "per_message_sent"
	PerMessageDelivered     Billing = "per_message_delivered"
	AttemptPlusConnect      Billing = "attempt_plus_connect"
	PerMessageRefunded      Billing = "per_message_refunded"
	PerMessageOutsideWindow Billing = "per_message_outside_window"
	PerConversation24h      Billing = "per_conversation_24h"
	Zero                    Billing = "zero"
)

// Billings are all billing models, in the order in which errors list them. What SMS and what dialogs are billed by
// follows from docs/definitions.md section 4: an SMS is priced without being sent, for the baseline, and only three
// channels know dialogs.
var (
	Billings = []Billing{PerSegmentSent, PerSegmentDelivered, PerMessageSent, PerMessageDelivered, AttemptPlusConnect,
		PerMessageRefunded,
		PerMessageOutsideWindow, PerConversation24h, Zero}
	smsBillings    = []Billing{PerSegmentSent, PerSegmentDelivered, PerMessageSent, PerMessageDelivered, Zero}
	dialogBillings = []Billing{PerMessageOutsideWindow, PerConversation24h}
)

// Any is the key that matches anything, the empty value too.
const Any = "*"

// MaxTariffs is how many rows a price list may have.
const MaxTariffs = 10_000

// Tariff is one row of a price list. Every key but the channel may be [Any].
type Tariff struct {
	Channel, Provider, Operator, Country, Traffic, Sender, App string

	// validity in Unix milliseconds, half-open, on quarter hours; ToMS is schema.Never while it is open
	FromMS, ToMS   int64
	Currency       string
	Billing        Billing
	Price          int64 // micro-units of the currency
	ConnectPrice   int64 // micro-units; only attempt_plus_connect has one
	MonthlyMinimum int64 // micro-units per row, sender and month of the billing zone; 0 when there is none
}

// TariffRow is a row as the API, YAML and CSV show it.
type TariffRow struct {
	Channel        string  `json:"channel" yaml:"channel"`
	Provider       string  `json:"provider" yaml:"provider"`
	Operator       string  `json:"operator" yaml:"operator"`
	Country        string  `json:"country" yaml:"country"`
	Traffic        string  `json:"traffic" yaml:"traffic"`
	Sender         string  `json:"sender" yaml:"sender"`
	App            string  `json:"app" yaml:"app"`
	ValidFrom      string  `json:"valid_from" yaml:"valid_from"`
	ValidTo        *string `json:"valid_to" yaml:"valid_to"`
	Currency       string  `json:"currency" yaml:"currency"`
	Billing        Billing `json:"billing" yaml:"billing"`
	Price          string  `json:"price" yaml:"price"`
	ConnectPrice   *string `json:"connect_price" yaml:"connect_price"`
	MonthlyMinimum *string `json:"monthly_minimum" yaml:"monthly_minimum"`
}

func (t *Tariff) row() TariffRow {
	r := TariffRow{Channel: t.Channel, Provider: t.Provider, Operator: t.Operator, Country: t.Country,
		Traffic: t.Traffic, Sender: t.Sender,
		App: t.App, ValidFrom: timeText(t.FromMS), ValidTo: openTime(t.ToMS), Currency: t.Currency, Billing: t.Billing,
		Price: Micros(t.Price).String()}
	if t.Billing == AttemptPlusConnect {
		price := Micros(t.ConnectPrice).String()
		r.ConnectPrice = &price
	}
	if t.MonthlyMinimum != 0 {
		minimum := Micros(t.MonthlyMinimum).String()
		r.MonthlyMinimum = &minimum
	}
	return r
}

// MarshalJSON writes the row as docs/definitions.md section 4 shows it, with all of its fields: times in RFC 3339 in
// UTC, prices as decimal strings, null where there is no end, no connect price, no minimum.
func (t Tariff) MarshalJSON() ([]byte, error) { return json.Marshal(t.row()) }

func timeText(ms int64) string { return time.UnixMilli(ms).UTC().Format(time.RFC3339) }

func openTime(ms int64) *string {
	if ms == schema.Never {
		return nil
	}
	s := timeText(ms)
	return &s
}

func tariffList() *listfile.Spec {
	return &listfile.Spec{
		Name:   "tariffs",
		Beside: []string{BillingZoneField},
		Fields: []string{"channel", "provider", "operator", "country", "traffic", "sender", "app", "valid_from",
			"valid_to", "currency", "billing",
			"price", "connect_price", "monthly_minimum"},
		Required: []string{"channel", "valid_from", "currency", "billing"},
		Limit:    MaxTariffs,
	}
}

// ParseTariffsJSON reads `{"tariffs": [{…}, …]}`, the body of PUT /v1/tariffs (docs/definitions.md section 4). Keys
// left out, or null, are [Any]. Prices are decimal strings, or numbers, whose digits are taken as they are written. The
// list is judged as a whole: the error is [listfile.RowErrors] with all of its problems.
func ParseTariffsJSON(body []byte) ([]Tariff, error) { return parseTariffs(body, listfile.ReadJSON) }

// ParseTariffsYAML reads the same fields from a YAML document `tariffs:` with a list of rows.
func ParseTariffsYAML(body []byte) ([]Tariff, error) { return parseTariffs(body, listfile.ReadYAML) }

// ParseTariffsCSV reads the same fields from a CSV file whose first line names them, in any order; an empty cell is a
// field left out. Semicolons between cells and a byte order mark are fine, decimal commas are not.
func ParseTariffsCSV(body []byte) ([]Tariff, error) { return parseTariffs(body, listfile.ReadCSV) }

// TariffsJSON writes what [ParseTariffsJSON] reads.
func TariffsJSON(tariffs []Tariff) ([]byte, error) {
	body, err := json.Marshal(map[string][]TariffRow{"tariffs": tariffRows(tariffs)})
	if err != nil {
		return nil, fmt.Errorf("write tariffs as JSON: %w", err)
	}
	return body, nil
}

// TariffsYAML writes what [ParseTariffsYAML] reads.
func TariffsYAML(tariffs []Tariff) ([]byte, error) {
	return listfile.WriteYAML("tariffs", tariffRows(tariffs))
}

// TariffsCSV writes what [ParseTariffsCSV] reads.
func TariffsCSV(tariffs []Tariff) ([]byte, error) {
	l := tariffList()
	return listfile.WriteCSV(l.Fields, len(tariffs), func(row int) []string {
		r := tariffs[row].row()
		return []string{r.Channel, r.Provider, r.Operator, r.Country, r.Traffic, r.Sender, r.App, r.ValidFrom,
			orEmpty(r.ValidTo), r.Currency,
			string(r.Billing), r.Price, orEmpty(r.ConnectPrice), orEmpty(r.MonthlyMinimum)}
	})
}

func tariffRows(tariffs []Tariff) []TariffRow {
	rows := make([]TariffRow, len(tariffs))
	for i := range tariffs {
		rows[i] = tariffs[i].row()
	}
	return rows
}

func orEmpty(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

func parseTariffs(body []byte, read listfile.Reader) ([]Tariff, error) {
	var p listfile.Problems
	rows := read(body, tariffList(), &p)
	tariffs := make([]Tariff, len(rows))
	periods := make([]period[tariffKeys], 0, len(rows))
	for i := range rows {
		r := &rows[i]
		tariffs[i] = parseTariff(r)
		tariffs[i].check(r.Refuse)
		// What a broken key or border means is unknown, so nothing overlaps it.
		if r.Sound("channel", "provider", "operator", "country", "traffic", "sender", "app", "valid_from", "valid_to") {
			periods = append(periods, tariffs[i].period(i))
		}
	}
	overlaps(periods, func(row, with int) {
		p.Add(rows[row].Number, rows[row].Line, "", tariffOverlap(rows[with].Number, &tariffs[with]))
	})
	if err := p.Err(); err != nil {
		return nil, err
	}
	return tariffs, nil
}

func parseTariff(r *listfile.Row) Tariff {
	t := Tariff{
		Channel:        r.Needed("channel", `"sms"`),
		Provider:       r.Text("provider", Any),
		Operator:       r.Text("operator", Any),
		Country:        r.Text("country", Any),
		Traffic:        r.Text("traffic", Any),
		Sender:         r.Text("sender", Any),
		App:            r.Text("app", Any),
		FromMS:         r.Time("valid_from", 0),
		ToMS:           r.Time("valid_to", schema.Never),
		Currency:       r.Needed("currency", `"RUB"`),
		Billing:        Billing(r.Needed("billing", `"per_segment_sent"`)),
		Price:          decimal(r, "price"),
		ConnectPrice:   decimal(r, "connect_price"),
		MonthlyMinimum: decimal(r, "monthly_minimum"),
	}
	if !r.Has("valid_from") {
		r.Refuse("valid_from", "is required, such as "+listfile.TimeExample)
	}
	if !r.Has("price") && t.Billing != Zero {
		r.Refuse("price", `is required, such as "2.00"`)
	}
	switch has := r.Has("connect_price"); {
	case t.Billing == AttemptPlusConnect && !has:
		r.Refuse("connect_price", `is required with attempt_plus_connect, such as "0.70": `+
			`what a delivered attempt costs more`)
	case t.Billing != AttemptPlusConnect && has:
		r.Refuse("connect_price", onlyConnect)
	}
	return t
}

const onlyConnect = "is only for attempt_plus_connect: leave it out, or write null"

// ValidateTariffs judges a list by the rules of docs/definitions.md section 4 as the parsers do. The error is
// [listfile.RowErrors].
func ValidateTariffs(tariffs []Tariff) error {
	var p listfile.Problems
	if len(tariffs) > MaxTariffs {
		p.Add(0, 0, "", listfile.TooMany(tariffList()))
		return p.Err()
	}
	periods := make([]period[tariffKeys], 0, len(tariffs))
	for i := range tariffs {
		tariffs[i].check(func(field, reason string) { p.Add(i+1, 0, field, reason) })
		periods = append(periods, tariffs[i].period(i))
	}
	overlaps(periods, func(row, with int) { p.Add(row+1, 0, "", tariffOverlap(with+1, &tariffs[with])) })
	return p.Err()
}

// check judges a row by itself.
func (t *Tariff) check(refuse func(field, reason string)) {
	if !slices.Contains(schema.Channels.Names(), t.Channel) {
		refuse("channel", "must be one of "+strings.Join(schema.Channels.Names(), " "))
	}
	for field, key := range t.keys {
		if key == "" {
			refuse(field, `is empty: write "*", which matches anything, the empty value too, or leave the field out`)
		}
		listfile.CheckText(field, key, refuse)
	}
	if t.Traffic != Any && !slices.Contains(schema.Traffics, t.Traffic) {
		refuse("traffic", "must be * or one of "+strings.Join(schema.Traffics, " "))
	}
	if t.Country != Any {
		checkCountry(t.Country, refuse)
	}
	if current, obsolete := obsoleteCurrencies[t.Currency]; obsolete {
		refuse("currency", fmt.Sprintf("%s has been replaced: write %s", t.Currency, current))
	} else if !schema.KnownCurrency(t.Currency) {
		refuse("currency", "must be an ISO 4217 code in capitals, such as RUB")
	}
	t.checkBilling(refuse)
	checkValidity(t.FromMS, t.ToMS, refuse)
}

func (t *Tariff) checkBilling(refuse func(field, reason string)) {
	switch {
	case !slices.Contains(Billings, t.Billing):
		refuse("billing", "must be one of "+joined(Billings))
	case t.Channel == schema.SMS && !slices.Contains(smsBillings, t.Billing):
		refuse("billing", "of sms must be one of "+joined(smsBillings)+": plain SMS is the baseline of savings, so "+
			"its price may not depend on more")
	case slices.Contains(dialogBillings, t.Billing) && !schema.Channels.Find(t.Channel).Dialog:
		refuse("billing", string(t.Billing)+" is only for "+strings.Join(schema.Channels.Dialogs(), " "))
	}
	for _, price := range [...]struct {
		field  string
		micros int64
	}{{"price", t.Price}, {"connect_price", t.ConnectPrice}, {"monthly_minimum", t.MonthlyMinimum}} {
		if price.micros < 0 || price.micros > MaxPrice {
			refuse(price.field, "must be 0 to 1000000000")
		}
	}
	if t.Billing == Zero && t.Price != 0 {
		refuse("price", `must be "0" or left out with billing zero: another billing model has a price`)
	}
	if t.Billing != AttemptPlusConnect && t.ConnectPrice != 0 {
		refuse("connect_price", onlyConnect)
	}
}

// obsoleteCurrencies are codes that were replaced before anything that a price list speaks of, and what to write. They
// are refused because RUR and RUB in one list would be two currencies, whose amounts are never added. Events may carry
// them: those are the provider's words.
var obsoleteCurrencies = map[string]string{
	"RUR": "RUB", "BYB": "BYN", "BYR": "BYN", "UAK": "UAH", "GEK": "GEL", "AZM": "AZN", "TJR": "TJS", "TMM": "TMT",
	"TRL": "TRY", "ROL": "RON", "BGL": "BGN",
	"PLZ": "PLN", "MXP": "MXN", "GHC": "GHS", "ZMK": "ZMW", "DEM": "EUR", "FRF": "EUR", "ITL": "EUR", "ESP": "EUR",
	"EEK": "EUR", "LVL": "EUR", "LTL": "EUR",
}

// checkCountry refuses codes that no phone number has, because such a row would silently price nothing.
func checkCountry(code string, refuse func(field, reason string)) {
	region, err := language.ParseRegion(code)
	switch {
	case err != nil || len(code) != 2 || strings.ToUpper(code) != code || !region.IsCountry():
		refuse("country", "must be * or an ISO 3166 code of two capitals, such as RU")
	case region.String() != code || region.Canonicalize() != region:
		refuse("country", fmt.Sprintf("must be %s: numbers have the ISO 3166 code", region.Canonicalize()))
	}
}

// keys yields the keys that may be [Any], in the order in which they decide between rows.
func (t *Tariff) keys(yield func(field, key string) bool) {
	_ = yield("provider", t.Provider) && yield("operator", t.Operator) && yield("country", t.Country) &&
		yield("traffic", t.Traffic) &&
		yield("sender", t.Sender) && yield("app", t.App)
}

type tariffKeys struct{ channel, provider, operator, country, traffic, sender, app string }

func (t *Tariff) period(row int) period[tariffKeys] {
	return period[tariffKeys]{keys: tariffKeys{t.Channel, t.Provider, t.Operator, t.Country, t.Traffic, t.Sender,
		t.App},
		fromMS: t.FromMS, toMS: t.ToMS, row: row}
}

func tariffOverlap(row int, t *Tariff) string {
	return fmt.Sprintf("has the same keys as row %d and overlaps its validity, %s: end one row where the other "+
		"begins, or name another key",
		row, validityText(t.FromMS, t.ToMS))
}

func validityText(fromMS, toMS int64) string {
	if toMS == schema.Never {
		return "from " + timeText(fromMS) + " without an end"
	}
	return "from " + timeText(fromMS) + " to " + timeText(toMS)
}

func joined(billings []Billing) string {
	names := make([]string, len(billings))
	for i, b := range billings {
		names[i] = string(b)
	}
	return strings.Join(names, " ")
}
