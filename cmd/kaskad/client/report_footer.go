package client

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"kaskad/cmd/kaskad/output"
)

// footer says what the table is of, how fresh it is, and whether it may still move.
func (t *reportTable) footer() (lines []string) {
	if len(t.rows) == 0 {
		lines = append(lines, "No rows: there is nothing in this period that the filters let through.")
	}
	zone := t.text("tz")
	line := fmt.Sprintf("%s … %s %s", t.moment("from"), t.moment("to"), zone)
	if t.isNull("as_of") {
		line += ", nothing published yet"
	} else {
		line += fmt.Sprintf(", as of %s, %s s behind", t.moment("as_of"), t.text("lag_seconds"))
	}
	for _, c := range t.around() {
		line += fmt.Sprintf(", %s %s", strings.ReplaceAll(c, "_", " "), t.text(c))
	}
	lines = append(lines, line+".")
	if moves := t.moves(); moves != "" {
		lines = append(lines, moves)
	}
	if t.more {
		lines = append(lines, fmt.Sprintf("There are more rows than these %d: say --limit, up to %d, or --format csv "+
			"to have all.", len(t.rows), pageRows))
	}
	return lines
}

// around are the members of the envelope that only some reports have, such as tariff_version, and that are one value.
func (t *reportTable) around() (names []string) {
	if len(t.route.Answers) == 0 {
		return nil
	}
	for _, c := range t.route.Answers[0].Around {
		switch c.Name {
		case "report", "from", "to", "tz", "as_of", "lag_seconds", "mature":
			continue
		}
		if value := t.members[c.Name]; len(value) > 0 && !strings.ContainsAny(string(value[:1]), "[{") {
			names = append(names, c.Name)
		}
	}
	return names
}

// moves says whether figures may still change.
func (t *reportTable) moves() string {
	young := 0
	for _, row := range t.rows {
		if row.values["mature"] == false {
			young++
		}
	}
	switch mature := string(t.members["mature"]); {
	case mature == "true" && len(t.rows) > 0:
		return "Mature: no late receipts are to be expected."
	case mature == "false" && young > 0 && young < len(t.rows):
		return fmt.Sprintf("%d of these %d rows are not mature: late receipts may still move them.", young, len(t.rows))
	case mature == "false" && len(t.rows) > 0:
		return "Not mature: late receipts may still move these figures."
	}
	return ""
}

// isNull tells whether a member of the envelope is null or missing.
func (t *reportTable) isNull(name string) bool {
	return len(t.members[name]) == 0 || string(t.members[name]) == "null"
}

// text is a member of the envelope as it is shown.
func (t *reportTable) text(name string) string {
	var value any
	d := json.NewDecoder(strings.NewReader(string(t.members[name])))
	d.UseNumber()
	if err := d.Decode(&value); err != nil {
		return output.Unknown
	}
	return shownValue(value)
}

// moment is a time of the envelope in the report's zone; of a midnight the date.
func (t *reportTable) moment(name string) string {
	shown := t.text(name)
	at, err := time.Parse(time.RFC3339Nano, shown)
	if err != nil {
		return shown
	}
	if zone, err := time.LoadLocation(t.text("tz")); err == nil {
		at = at.In(zone)
	}
	switch {
	case name == "as_of":
		return at.Format("2006-01-02 15:04:05")
	case at.Hour() == 0 && at.Minute() == 0:
		return at.Format(time.DateOnly)
	}
	return at.Format("2006-01-02 15:04")
}
