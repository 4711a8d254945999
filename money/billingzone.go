package money

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"

	"go.yaml.in/yaml/v3"

	"kaskad/schema/listfile"
)

// A list of tariffs says in which zone providers close the month: field billing_zone beside the rows, UTC when it is
// left out (docs/definitions.md section 4, Tariffs).

// BillingZoneField is the name of the field.
const BillingZoneField = "billing_zone"

// BillingZone returns the zone of an IANA name; "" is UTC.
func BillingZone(name string) (*time.Location, error) {
	if name == "" {
		return time.UTC, nil
	}
	zone, err := time.LoadLocation(name)
	if err != nil || name == "Local" {
		return nil, fmt.Errorf("%q is no time zone: use a name of the IANA database, such as Europe/Moscow",
			listfile.Shorten(name))
	}
	return zone, nil
}

// BillingZoneJSON returns what a JSON list says in the field, "" when it leaves it out. The error is
// [listfile.RowErrors].
func BillingZoneJSON(body []byte) (string, error) {
	var top struct {
		Zone *json.RawMessage `json:"billing_zone"`
	}
	if err := json.Unmarshal(bytes.TrimPrefix(body, []byte("\ufeff")), &top); err != nil || top.Zone == nil {
		return "", nil //nolint:nilerr // the reader of the list itself reports what is wrong with it
	}
	var name string
	if err := json.Unmarshal(*top.Zone, &name); err != nil {
		return "", listfile.RowErrors{{Field: BillingZoneField,
			Reason: "must be text in quotes, such as \"Europe/Moscow\""}}
	}
	return checkBillingZone(name)
}

// BillingZoneYAML is BillingZoneJSON for a YAML list.
func BillingZoneYAML(body []byte) (string, error) {
	var top struct {
		Zone yaml.Node `yaml:"billing_zone"`
	}
	if err := yaml.Unmarshal(body, &top); err != nil || top.Zone.IsZero() {
		return "", nil //nolint:nilerr // the reader of the list itself reports what is wrong with it
	}
	var name string
	if err := top.Zone.Decode(&name); err != nil {
		return "", listfile.RowErrors{{Line: top.Zone.Line, Field: BillingZoneField,
			Reason: "must be the name of a time zone, such as Europe/Moscow"}}
	}
	return checkBillingZone(name)
}

func checkBillingZone(name string) (string, error) {
	if _, err := BillingZone(name); err != nil {
		return "", listfile.RowErrors{{Field: BillingZoneField, Reason: err.Error()}}
	}
	return name, nil
}

// JoinTariffs makes what is stored of a list: the rows, a JSON array, by themselves, or an object with the zone beside
// them.
func JoinTariffs(rows []byte, zone string) []byte {
	if zone == "" || zone == "UTC" {
		return rows
	}
	name, err := json.Marshal(zone)
	if err != nil {
		return rows // a name of the IANA database has no byte that JSON refuses
	}
	return bytes.Join([][]byte{[]byte(`{"tariffs":`), rows, []byte(`,"` + BillingZoneField + `":`), name, []byte("}")},
		nil)
}

// SplitTariffs takes apart what JoinTariffs made.
func SplitTariffs(stored []byte) (rows []byte, zone string, err error) {
	if trimmed := bytes.TrimSpace(stored); len(trimmed) == 0 || trimmed[0] == '[' {
		return stored, "", nil
	}
	var parts struct {
		Tariffs json.RawMessage `json:"tariffs"`
		Zone    string          `json:"billing_zone"`
	}
	if err := json.Unmarshal(stored, &parts); err != nil {
		return nil, "", fmt.Errorf("read stored tariffs: %w", err)
	}
	return parts.Tariffs, parts.Zone, nil
}
