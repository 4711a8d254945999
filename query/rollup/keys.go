package rollup

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"kaskad/query/answer"
	"kaskad/schema"
)

// Key is a name of group_by and of a filter (docs/definitions.md section 3 and 4). Its SQL is written here and nowhere
// else.
type Key struct {
	Name string
	// Cell computes the key of a rollup cell, whose alias is r in every report, and Text turns that into what is shown
	// and compared (%s stands for the former). They are apart because there are far more cells than groups. Both are
	// empty for what is known only when a message has been priced.
	Cell, Text string
	// Number tells that the key is a number rather than a text.
	Number bool
	// Schema says which values there are, nil for any text, and Meaning what they are. Example is one of them.
	Schema  *answer.Schema
	Meaning string
	Example any
	// Read turns a filter's value into the text that the key shows, or says what is wrong with it.
	Read func(value string, zone *time.Location) (string, error)
}

// localDay is the cohort's day in the zone, and localSeconds what its clock shows there, counted as if that were UTC.
// The offset of the zone is the difference of that and the true time: ClickHouse's timezoneOffset is a day off in zones
// that changed sides of the date line, such as Pacific/Apia (26.7).
const (
	localDay     = "toDate(r.cohort, {tz:String})"
	localSeconds = "(toInt64(toUInt16(" + localDay +
		")) * 86400 + toHour(r.cohort, {tz:String}) * 3600 + toMinute(r.cohort, {tz:String}) * 60)"
)

// hourText prints (local hour, offset in seconds) in RFC 3339, always with a numeric offset, so that all hours have one
// form.
const hourText = "concat(formatDateTime(toDateTime(%[1]s.1 * 3600, 'UTC'), '%%Y-%%m-%%dT%%H:00:00', 'UTC'), " +
	"if(%[1]s.2 < 0, '-', '+'), leftPad(toString(intDiv(abs(%[1]s.2), 3600)), 2, '0'), ':', " +
	"leftPad(toString(intDiv(abs(%[1]s.2) %% 3600, 60)), 2, '0'))"

// Dimension is a key that is a column of the cells, whatever its values.
func Dimension(name string) Key {
	return Key{Name: name, Cell: "r." + name, Text: "%s", Read: anyText, Schema: answer.AnyText(),
		Meaning: meanings[name], Example: examples[name]}
}

// Enumeration is a column that takes some values alone; with optional, none of them as well.
func Enumeration(name string, names []string, optional bool) Key {
	k := Dimension(name)
	k.Schema, k.Example = answer.OneOf(names...), names[0]
	if optional {
		k.Schema.Enum = append(k.Schema.Enum, "")
	}
	k.Read = func(value string, _ *time.Location) (string, error) {
		if slices.Contains(names, value) || (optional && value == "") {
			return value, nil
		}
		return "", fmt.Errorf("%q is no %s; %s", answer.Shorten(value), name, answer.Suggest(value, names))
	}
	return k
}

// AfterReading makes a key of what no statement knows: it is found out after reading, as by pricing.
func AfterReading(k Key) Key {
	k.Cell, k.Text = "", ""
	return k
}

// Means returns the key with what its values are.
func (k Key) Means(text string) Key {
	k.Meaning = text
	return k
}

// Numeric is a key of whole numbers, lo…hi.
func Numeric(name, cell string, lo, hi int) Key {
	return Key{Name: name, Cell: cell, Text: "%s", Number: true, Schema: answer.Whole(lo, hi), Example: lo,
		Read: func(value string, _ *time.Location) (string, error) {
			n, err := strconv.Atoi(value)
			if err != nil || n < lo || n > hi {
				return "", fmt.Errorf("%q must be a whole number, %d…%d", answer.Shorten(value), lo, hi)
			}
			return strconv.Itoa(n), nil
		}}
}

// Keys are the names that a report knows, in the order in which they are documented.
type Keys []Key

// ChannelKeys are the names of the channel report (docs/definitions.md section 3).
var ChannelKeys = append(Keys{
	Dimension("account"),
	Enumeration("channel", schema.Channels.Names(), false),
	Dimension("provider"),
	Dimension("campaign"),
	Dimension("template"),
	Dimension("sender"),
	Dimension("app"),
	Dimension("operator"),
	Dimension("country"),
	Enumeration("traffic", schema.Traffics, true),
	Numeric("step", "r.step", 1, schema.MaxStep),
	Enumeration("trigger", schema.Triggers, true),
}, TimeKeys...)

// examples are values of dimensions in the world of the document's examples.
var examples = map[string]any{"account": "shop", "provider": "smsc", "campaign": "spring", "template": "welcome",
	"sender": "SHOP", "app": "shop-app", "operator": "mts", "country": "RU", "error_code": "1"}

// meanings are what dimensions are whose names do not tell.
var meanings = map[string]string{"country": "ISO 3166 code of the phone number; of another recipient what its events " +
	"say in country, the greatest, else the two letters before the dot of a user:CC.... id; else empty"}

// Meanings says what the values of keys are, where their names do not tell.
func (s Keys) Meanings() map[string]string {
	all := map[string]string{}
	for _, k := range s {
		if k.Meaning != "" {
			all[k.Name] = k.Meaning
		}
	}
	return all
}

// CurrencyFilter is the one filter of the savings report that is no key: rows are always apart by currency.
var CurrencyFilter = Key{Name: "currency", Read: readCurrency, Example: "RUB",
	Schema: answer.Matching("^([A-Z]{3})?$"), Meaning: "a code of ISO 4217, empty without a price"}

// TimeKeys are the names of time, in the zone of parameter tz.
var TimeKeys = Keys{
	{Name: "hour", Cell: "tuple(intDiv(" + localSeconds + ", 3600), " + localSeconds +
		" - toInt64(toUnixTimestamp(r.cohort)))", Text: hourText, Read: readHour,
		Schema: answer.Formed("date-time"), Example: "2026-11-10T13:00:00+03:00",
		Meaning: "the hour of the cohort in tz, with its offset: 2026-11-20T13:00:00+03:00 (+00:00 for UTC); an hour " +
			"that clocks repeat is two hours"},
	{Name: "day", Cell: localDay, Text: "toString(%s)", Read: readDay,
		Schema: answer.Formed("date"), Example: "2026-11-10", Meaning: "2026-11-20, in tz"},
	{Name: "week", Cell: "toMonday(" + localDay + ")", Text: "toString(%s)", Read: readWeek,
		Schema: answer.Formed("date"), Example: "2026-11-09",
		Meaning: "the Monday of the week: 2026-11-16, in tz"},
	{Name: "month", Cell: "toStartOfMonth(" + localDay + ")", Text: "formatDateTime(%s, '%%Y-%%m')", Read: readMonth,
		Schema: answer.Matching("^[0-9]{4}-[0-9]{2}$"), Example: "2026-11", Meaning: "2026-11, in tz"},
	Numeric("hour_of_day", "toHour(r.cohort, {tz:String})", 0, 23).Means("0...23, in tz"),
	Numeric("weekday", "toDayOfWeek("+localDay+")", 1, 7).Means("1 (Monday)...7, in tz"),
}

// Names lists the names of keys.
func (s Keys) Names() []string {
	names := make([]string, len(s))
	for i, k := range s {
		names[i] = k.Name
	}
	return names
}

// Find returns the key of a name.
func (s Keys) Find(name string) (Key, bool) {
	for _, k := range s {
		if k.Name == name {
			return k, true
		}
	}
	return Key{}, false
}

// Shown is the SQL of the key as it is shown, over a column that holds cell.
func (k Key) Shown(column string) string { return fmt.Sprintf(k.Text, column) }

// ParameterType is the type of a ClickHouse parameter that holds a shown key.
func (k Key) ParameterType() string {
	if k.Number {
		return "UInt8"
	}
	return "String"
}

func anyText(value string, _ *time.Location) (string, error) { return value, nil }

func readHour(value string, zone *time.Location) (string, error) {
	t, err := answer.ParseInstant(value)
	if err != nil {
		return "", fmt.Errorf("%q must be an RFC 3339 time such as 2026-11-20T13:00:00+03:00", answer.Shorten(value))
	}
	t = t.In(zone)
	if t.Minute() != 0 || t.Second() != 0 || t.Nanosecond() != 0 {
		return "", fmt.Errorf("%q is not the start of an hour in %s", answer.Shorten(value), zone)
	}
	return t.Format("2006-01-02T15:04:05-07:00"), nil
}

func readDay(value string, _ *time.Location) (string, error) {
	day, err := time.Parse(time.DateOnly, value)
	if err != nil {
		return "", fmt.Errorf("%q must be a date such as 2026-11-20", answer.Shorten(value))
	}
	return day.Format(time.DateOnly), nil
}

func readWeek(value string, zone *time.Location) (string, error) {
	day, err := time.Parse(time.DateOnly, value)
	if err != nil || day.Weekday() != time.Monday {
		return "", fmt.Errorf("%q must be the Monday of a week, such as 2026-11-16", answer.Shorten(value))
	}
	return value, nil
}

func readMonth(value string, _ *time.Location) (string, error) {
	if _, err := time.Parse("2006-01", value); err != nil {
		return "", fmt.Errorf("%q must be a month such as 2026-11", answer.Shorten(value))
	}
	return value, nil
}

// readCurrency reads a code of ISO 4217, or "" for messages without a price.
func readCurrency(value string, _ *time.Location) (string, error) {
	if value != "" && !schema.KnownCurrency(value) {
		return "", fmt.Errorf("%q is not an ISO 4217 code such as RUB", answer.Shorten(value))
	}
	return value, nil
}

// GroupBy reads the comma list of names: missing without one, and no key at all from an empty one.
func (s Keys) GroupBy(p *answer.Params, missing string) Keys {
	list, given := p.One("group_by")
	if !given {
		list = missing
	}
	if list == "" {
		return nil
	}
	var found Keys
	for _, name := range strings.Split(list, ",") {
		k, known := s.Find(name)
		switch {
		case !known:
			p.Fail("group_by", fmt.Sprintf("%q is no name; %s", answer.Shorten(name), answer.Suggest(name, s.Names())))
		case slices.ContainsFunc(found, func(f Key) bool { return f.Name == name }):
			p.Fail("group_by", name+" is named twice")
		default:
			found = append(found, k)
		}
		if len(p.Errs) > len(s) {
			break // One name too many tells enough.
		}
	}
	return found
}

// Filter keeps the cells whose key shows one of the values.
type Filter struct {
	Key    Key
	Values []string
}

// Filters reads the parameters that are names of keys, ordered by name, their values sorted and each once.
func (s Keys) Filters(p *answer.Params, zone *time.Location) []Filter {
	var filters []Filter
	for _, k := range s {
		given := p.Values[k.Name]
		if len(given) == 0 {
			continue
		}
		f := Filter{Key: k}
		for _, value := range given {
			shown, err := k.Read(value, zone)
			if err != nil {
				p.Fail(k.Name, err.Error())
				continue
			}
			f.Values = append(f.Values, shown)
		}
		slices.Sort(f.Values)
		f.Values = slices.Compact(f.Values)
		filters = append(filters, f)
	}
	slices.SortFunc(filters, func(a, b Filter) int { return strings.Compare(a.Key.Name, b.Key.Name) })
	return filters
}
