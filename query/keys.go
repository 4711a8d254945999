package query

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"kaskad/query/answer"
	"kaskad/schema"
)

// key is a name of group_by and of a filter (docs/definitions.md section 3 and 4). Its SQL is written here and nowhere
// else.
type key struct {
	name string
	// cell computes the key of a rollup cell, whose alias is r in every report, and text turns that into what is shown
	// and compared (%s stands for the former). They are apart because there are far more cells than groups. Both are
	// empty for what is known only when a message has been priced.
	cell, text string
	// number tells that the key is a number rather than a text.
	number bool
	// read turns a filter's value into the text that the key shows, or says what is wrong with it.
	read func(value string, zone *time.Location) (string, error)
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

func dimension(name string) key {
	return key{name: name, cell: "r." + name, text: "%s", read: anyText}
}

func enumeration(name string, names []string, optional bool) key {
	k := dimension(name)
	k.read = func(value string, _ *time.Location) (string, error) {
		if slices.Contains(names, value) || (optional && value == "") {
			return value, nil
		}
		return "", fmt.Errorf("%q is no %s; %s", answer.Shorten(value), name, answer.Suggest(value, names))
	}
	return k
}

// ofShape is a key that a cell does not hold but by its shape.
func ofShape(k key) key {
	k.cell, k.text = "", ""
	return k
}

func numeric(name, cell string, lo, hi int) key {
	return key{name: name, cell: cell, text: "%s", number: true,
		read: func(value string, _ *time.Location) (string, error) {
			n, err := strconv.Atoi(value)
			if err != nil || n < lo || n > hi {
				return "", fmt.Errorf("%q must be a whole number, %d…%d", answer.Shorten(value), lo, hi)
			}
			return strconv.Itoa(n), nil
		}}
}

// keySet are the names that a report knows, in the order in which they are documented.
type keySet []key

// channelKeys are the names of the channel report (docs/definitions.md section 3).
var channelKeys = append(keySet{
	dimension("account"),
	enumeration("channel", schema.Channels, false),
	dimension("provider"),
	dimension("campaign"),
	dimension("template"),
	dimension("sender"),
	dimension("app"),
	dimension("operator"),
	dimension("country"),
	enumeration("traffic", schema.Traffics, true),
	numeric("step", "r.step", 1, schema.MaxStep),
	enumeration("trigger", schema.Triggers, true),
}, timeKeys...)

// savingsKeys are the names of the savings report (docs/definitions.md section 4). All are of the message: a dimension
// is the greatest over its attempted steps. A cell knows account, campaign, template and time, its shape the others.
var savingsKeys = slices.Concat(keySet{
	dimension("account"),
	dimension("campaign"),
	dimension("template"),
	ofShape(dimension("sender")),
	ofShape(enumeration("traffic", schema.Traffics, true)),
	ofShape(dimension("country")),
}, timeKeys, keySet{
	ofShape(enumeration("first_channel", schema.Channels, false)),
	ofShape(enumeration("reached_by", schema.Channels, true)),
	{name: "path", read: readPath},
	ofShape(numeric("sms_segments", "", 0, 65535)),
})

// currencyFilter is the one filter of the savings report that is no key: rows are always apart by currency.
var currencyFilter = key{name: "currency", read: readCurrency}

// timeKeys are the names of time, in the zone of parameter tz.
var timeKeys = keySet{
	{name: "hour", cell: "tuple(intDiv(" + localSeconds + ", 3600), " + localSeconds +
		" - toInt64(toUnixTimestamp(r.cohort)))", text: hourText, read: readHour},
	{name: "day", cell: localDay, text: "toString(%s)", read: readDay},
	{name: "week", cell: "toMonday(" + localDay + ")", text: "toString(%s)", read: readWeek},
	{name: "month", cell: "toStartOfMonth(" + localDay + ")", text: "formatDateTime(%s, '%%Y-%%m')", read: readMonth},
	numeric("hour_of_day", "toHour(r.cohort, {tz:String})", 0, 23),
	numeric("weekday", "toDayOfWeek("+localDay+")", 1, 7),
}

// names lists the names of keys.
func (s keySet) names() []string {
	names := make([]string, len(s))
	for i, k := range s {
		names[i] = k.name
	}
	return names
}

func (s keySet) find(name string) (key, bool) {
	for _, k := range s {
		if k.name == name {
			return k, true
		}
	}
	return key{}, false
}

// shown is the SQL of the key as it is shown, over a column that holds cell.
func (k key) shown(column string) string { return fmt.Sprintf(k.text, column) }

// parameterType is the type of a ClickHouse parameter that holds a shown key.
func (k key) parameterType() string {
	if k.number {
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

// readPath reads the channels of a cascade, joined by ">".
func readPath(value string, _ *time.Location) (string, error) {
	for _, channel := range strings.Split(value, ">") {
		if !slices.Contains(schema.Channels, channel) {
			return "", fmt.Errorf("%q must be channels joined by >, such as push>viber>sms; %q is none: %s",
				answer.Shorten(value), answer.Shorten(channel), answer.Suggest(channel, schema.Channels))
		}
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

// groupBy reads the comma list of names: missing without one, and no key at all from an empty one.
func (s keySet) groupBy(p *answer.Params, missing string) keySet {
	list, given := p.One("group_by")
	if !given {
		list = missing
	}
	if list == "" {
		return nil
	}
	var found keySet
	for _, name := range strings.Split(list, ",") {
		k, known := s.find(name)
		switch {
		case !known:
			p.Fail("group_by", fmt.Sprintf("%q is no name; %s", answer.Shorten(name), answer.Suggest(name, s.names())))
		case slices.ContainsFunc(found, func(f key) bool { return f.name == name }):
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

// filter keeps the cells whose key shows one of the values.
type filter struct {
	key    key
	values []string
}

// filters reads the parameters that are names of keys, ordered by name, their values sorted and each once.
func (s keySet) filters(p *answer.Params, zone *time.Location) []filter {
	var filters []filter
	for _, k := range s {
		given := p.Values[k.name]
		if len(given) == 0 {
			continue
		}
		f := filter{key: k}
		for _, value := range given {
			shown, err := k.read(value, zone)
			if err != nil {
				p.Fail(k.name, err.Error())
				continue
			}
			f.values = append(f.values, shown)
		}
		slices.Sort(f.values)
		f.values = slices.Compact(f.values)
		filters = append(filters, f)
	}
	slices.SortFunc(filters, func(a, b filter) int { return strings.Compare(a.key.name, b.key.name) })
	return filters
}
