package query

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"kaskad/schema"
)

// key is a name of group_by and of a filter (docs/definitions.md section 3). Its SQL is written here and nowhere else.
type key struct {
	name string
	// cell computes the key of a rollup cell, and text turns that into what is shown and compared (%s stands for the former).
	// They are apart because there are far more cells than groups.
	cell, text string
	// number tells that the key is a number rather than a text.
	number bool
	// read turns a filter's value into the text that the key shows, or says what is wrong with it.
	read func(value string, zone *time.Location) (string, error)
}

// localDay is the cohort's day in the zone, and localSeconds what its clock shows there, counted as if that were UTC. The offset of the
// zone is the difference of that and the true time: ClickHouse's timezoneOffset is a day off in zones that changed sides of the date
// line, such as Pacific/Apia (26.7).
const (
	localDay     = "toDate(r.cohort, {tz:String})"
	localSeconds = "(toInt64(toUInt16(" + localDay + ")) * 86400 + toHour(r.cohort, {tz:String}) * 3600 + toMinute(r.cohort, {tz:String}) * 60)"
)

// hourText prints (local hour, offset in seconds) in RFC 3339, always with a numeric offset, so that all hours have one form.
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
		return "", fmt.Errorf("%q is no %s; %s", shorten(value), name, suggest(value, names))
	}
	return k
}

func numeric(name, cell string, lo, hi int) key {
	return key{name: name, cell: cell, text: "%s", number: true, read: func(value string, _ *time.Location) (string, error) {
		n, err := strconv.Atoi(value)
		if err != nil || n < lo || n > hi {
			return "", fmt.Errorf("%q must be a whole number, %d…%d", shorten(value), lo, hi)
		}
		return strconv.Itoa(n), nil
	}}
}

// keys are all names of the channel report, in the order in which they are documented.
var keys = []key{
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
	{name: "hour", cell: "tuple(intDiv(" + localSeconds + ", 3600), " + localSeconds + " - toInt64(toUnixTimestamp(r.cohort)))", text: hourText, read: readHour},
	{name: "day", cell: localDay, text: "toString(%s)", read: readDay},
	{name: "week", cell: "toMonday(" + localDay + ")", text: "toString(%s)", read: readWeek},
	{name: "month", cell: "toStartOfMonth(" + localDay + ")", text: "formatDateTime(%s, '%%Y-%%m')", read: readMonth},
	numeric("hour_of_day", "toHour(r.cohort, {tz:String})", 0, 23),
	numeric("weekday", "toDayOfWeek("+localDay+")", 1, 7),
}

// keyNames lists the names of keys.
func keyNames() []string {
	names := make([]string, len(keys))
	for i, k := range keys {
		names[i] = k.name
	}
	return names
}

func findKey(name string) (key, bool) {
	for _, k := range keys {
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
	t, err := parseInstant(value)
	if err != nil {
		return "", fmt.Errorf("%q must be an RFC 3339 time such as 2026-11-20T13:00:00+03:00", shorten(value))
	}
	t = t.In(zone)
	if t.Minute() != 0 || t.Second() != 0 || t.Nanosecond() != 0 {
		return "", fmt.Errorf("%q is not the start of an hour in %s", shorten(value), zone)
	}
	return t.Format("2006-01-02T15:04:05-07:00"), nil
}

func readDay(value string, _ *time.Location) (string, error) {
	day, err := time.Parse(time.DateOnly, value)
	if err != nil {
		return "", fmt.Errorf("%q must be a date such as 2026-11-20", shorten(value))
	}
	return day.Format(time.DateOnly), nil
}

func readWeek(value string, zone *time.Location) (string, error) {
	day, err := time.Parse(time.DateOnly, value)
	if err != nil || day.Weekday() != time.Monday {
		return "", fmt.Errorf("%q must be the Monday of a week, such as 2026-11-16", shorten(value))
	}
	return value, nil
}

func readMonth(value string, _ *time.Location) (string, error) {
	if _, err := time.Parse("2006-01", value); err != nil {
		return "", fmt.Errorf("%q must be a month such as 2026-11", shorten(value))
	}
	return value, nil
}

// readGroupBy reads the comma list of names; channel without one, and no key at all from an empty one.
func readGroupBy(p *params) []key {
	list, given := p.one("group_by")
	if !given {
		list = "channel"
	}
	if list == "" {
		return nil
	}
	var found []key
	for _, name := range strings.Split(list, ",") {
		k, known := findKey(name)
		switch {
		case !known:
			p.fail("group_by", fmt.Sprintf("%q is no name; %s", shorten(name), suggest(name, keyNames())))
		case slices.ContainsFunc(found, func(f key) bool { return f.name == name }):
			p.fail("group_by", name+" is named twice")
		default:
			found = append(found, k)
		}
		if len(p.errs) > len(keys) {
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

// readFilters reads the parameters that are names of keys, ordered by name, their values sorted and each once.
func readFilters(p *params, zone *time.Location) []filter {
	var filters []filter
	for _, k := range keys {
		given := p.values[k.name]
		if len(given) == 0 {
			continue
		}
		f := filter{key: k}
		for _, value := range given {
			shown, err := k.read(value, zone)
			if err != nil {
				p.fail(k.name, err.Error())
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
