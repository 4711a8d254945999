package event

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"kaskad/schema"
)

const testNow = 1795132800000 // 2026-11-20T00:00:00Z

// event writes a valid event with the given members instead of or beside its own; a value of "" leaves the member out.
func event(members ...string) string {
	fields := []string{"account", `"acme"`, "message_id", `"m-1"`, "submitted_at", `"2026-11-19T10:00:00Z"`, "channel",
		`"sms"`, "status", `"sent"`,
		"occurred_at", `"2026-11-19T10:00:01Z"`, "recipient", `"+79001234567"`}
	fields = append(fields, members...)
	value, order := map[string]string{}, []string{}
	for i := 0; i < len(fields); i += 2 {
		if _, known := value[fields[i]]; !known {
			order = append(order, fields[i])
		}
		value[fields[i]] = fields[i+1]
	}
	var parts []string
	for _, k := range order {
		if value[k] != "" {
			parts = append(parts, fmt.Sprintf("%q:%s", k, value[k]))
		}
	}
	return "{" + strings.Join(parts, ",") + "}"
}

func TestDecoder_Decode_Accepts(t *testing.T) {
	for name, c := range map[string]struct {
		raw   string
		check func(ev *schema.Event) bool
	}{
		"Plain": {event(), func(ev *schema.Event) bool {
			return string(ev.Account) == "acme" && ev.Step == 1 && ev.Status == schema.Sent && ev.Country == "RU" &&
				ev.BucketMS == 1795082400000 &&
				ev.OccurredMS == 1795082401000 && ev.Channel == "sms" && ev.IDTimeMS == 0
		}},
		"OffsetAndDigitsCut": {event("occurred_at", `"2026-11-19T13:00:01.9996789+03:00"`),
			func(ev *schema.Event) bool { return ev.OccurredMS == 1795082401999 }},
		"NullIsMissing": {event("campaign", "null", "step", "null", "part", "null", "price", "null"),
			func(ev *schema.Event) bool { return ev.Step == 1 && len(ev.Campaign) == 0 }},
		"UnknownFields": {event("x", `{"a":[1,{"b":null}]}`, "y", "7"),
			func(ev *schema.Event) bool { return ev.UnknownFields == 2 }},
		"Depth16": {event("x", strings.Repeat("[", 16)+strings.Repeat("]", 16)),
			func(ev *schema.Event) bool { return ev.UnknownFields == 1 }},
		"Escapes": {event("campaign", `"caf\u00e9 \"x\""`),
			func(ev *schema.Event) bool { return string(ev.Campaign) == `café "x"` }},
		"OnePartOfOne": {event("part", "1", "parts", "1"),
			func(ev *schema.Event) bool { return ev.Part == 1 && ev.Parts == 1 }},
		"DigitsInText": {event("step", `"2"`, "segments", `"3"`, "part", `"1"`, "parts", `"2"`),
			func(ev *schema.Event) bool { return ev.Step == 2 && ev.Segments == 3 && ev.Parts == 2 }},
		"EpochSeconds": {event("occurred_at", "1795082401", "submitted_at", `"1795082400"`),
			func(ev *schema.Event) bool { return ev.OccurredMS == 1795082401000 && ev.SubmittedMS == 1795082400000 }},
		"EpochMilliseconds": {event("occurred_at", `"1795082401999"`, "submitted_at", "1795082400001"),
			func(ev *schema.Event) bool { return ev.OccurredMS == 1795082401999 && ev.SubmittedMS == 1795082400001 }},
		"BlankForT": {event("occurred_at", `"2026-11-19 13:00:01+0300"`),
			func(ev *schema.Event) bool { return ev.OccurredMS == 1795082401000 }},
		"PriceZeros": {event("price", `"0.03330000"`, "currency", `"EUR"`),
			func(ev *schema.Event) bool { return ev.PriceMicros == 33_300 }},
		"Billable": {event("billable", "false"), func(ev *schema.Event) bool { return ev.Billable == 0 }},
		"Machine": {event("status", `"read"`, "machine", "true"),
			func(ev *schema.Event) bool {
				return ev.Status == schema.Read && ev.Machine && ev.Stored() == schema.MachineOpen
			}},
		"MachineDelivered": {event("machine", "true"),
			func(ev *schema.Event) bool { return ev.Stored() == schema.Sent }},
		"SaidCountry": {event("recipient", `"device:7"`, "country", `"KZ"`),
			func(ev *schema.Event) bool { return string(ev.SaidCountry) == "KZ" && ev.Country == "" }},
		"UserOfCountry": {event("recipient", `"user:US.1349"`),
			func(ev *schema.Event) bool { return ev.Country == "US" }},
		"UserOfNoCountry": {event("recipient", `"user:Us.1349"`),
			func(ev *schema.Event) bool { return ev.Country == "" }},
		"Inbound": {event("status", `"inbound"`, "message_id", ""),
			func(ev *schema.Event) bool {
				return ev.Status == schema.Inbound && !ev.Status.OfMessage() && ev.BucketMS == 0
			}},
		"PartsWithoutPart": {event("parts", "3"), func(ev *schema.Event) bool { return ev.Part == 0 && ev.Parts == 3 }},
		"Parts255": {event("part", "255", "parts", "255"),
			func(ev *schema.Event) bool { return ev.Part == 255 }},
		"Price": {event("price", `"2.000001"`, "currency", `"RUB"`),
			func(ev *schema.Event) bool { return ev.PriceMicros == 2_000_001 && string(ev.Currency) == "RUB" }},
		"PriceZero": {event("price", `"0"`, "currency", `"RUB"`),
			func(ev *schema.Event) bool { return ev.PriceMicros == 0 && string(ev.Currency) == "RUB" }},
		"PriceNumber": {event("price", `0.36`, "currency", `"RUB"`),
			func(ev *schema.Event) bool { return ev.PriceMicros == 360_000 }},
		"CurrencyNew": {event("price", `"1"`, "currency", `"VES"`),
			func(ev *schema.Event) bool { return string(ev.Currency) == "VES" }},
		"SpacesAround": {"  " + event() + " \t", func(ev *schema.Event) bool { return ev.Status == schema.Sent }},
		"ErrorCodeNumber": {event("status", `"failed"`, "error_code", "30005"),
			func(ev *schema.Event) bool { return string(ev.ErrorCode) == "30005" }},
		"ErrorCodeZeros": {event("status", `"failed"`, "error_code", `"0001"`),
			func(ev *schema.Event) bool { return string(ev.ErrorCode) == "1" }},
		"ErrorCodeNone": {event("status", `"failed"`, "error_code", `"000"`),
			func(ev *schema.Event) bool { return len(ev.ErrorCode) == 0 }},
		"UserRecipient": {event("recipient", `"user:77"`), func(ev *schema.Event) bool { return ev.Country == "" }},
		"Lookup": {event("status", `"lookup"`, "channel", "", "message_id", "", "valid", "false"),
			func(ev *schema.Event) bool {
				return ev.Status == schema.Lookup && ev.Valid == 0 && ev.Ported == -1 && ev.BucketMS == 0
			}},
		"Orphan": {event("submitted_at", ""), func(ev *schema.Event) bool { return ev.BucketMS == 0 }},
		"UUIDv7": {event("submitted_at", "", "message_id", `"01a1a8c8-f88e-7ddf-837b-235096e0a668"`),
			func(ev *schema.Event) bool {
				return ev.IDTimePlausible && ev.BucketMS == ev.IDTimeMS/schema.HourMS*schema.HourMS
			}},
		"StaleUUIDv7": {event("message_id", `"017f22e2-79b0-7cc3-98c4-dc0c0c07398f"`),
			func(ev *schema.Event) bool { return !ev.IDTimePlausible && ev.BucketMS == 1645556400000 }},
		"EdgeOfPast":   {event("occurred_at", `"2025-10-16T00:00:00Z"`), func(ev *schema.Event) bool { return true }},
		"EdgeOfFuture": {event("occurred_at", `"2026-11-20T01:00:00Z"`), func(ev *schema.Event) bool { return true }},
		"LongestID": {event("message_id", `"`+strings.Repeat("x", 128)+`"`),
			func(ev *schema.Event) bool { return len(ev.MessageID) == 128 }},
		"LongestText": {event("sms_text", `"`+strings.Repeat("я", 10_000)+`"`),
			func(ev *schema.Event) bool { return len(ev.SMSText) == 20_000 }},
		"Measures": {event("sms_segments", "3", "sms_segments_plain", "1", "sms_over_by", "4", "sms_forced_chars", "2"),
			func(ev *schema.Event) bool {
				return ev.SMSSegments == 3 &&
					schema.UnpackSMSMeasure(ev.SMSMeasure) == schema.SMSMeasure{Segments: 3, Plain: 1, OverBy: 4,
						ForcedChars: 2}
			}},
		"MeasuresBeyondFew": {event("sms_segments", "3", "sms_segments_plain", "65535", "sms_over_by", "65535",
			"sms_forced_chars", "65535"), func(ev *schema.Event) bool {
			return schema.UnpackSMSMeasure(ev.SMSMeasure) == schema.SMSMeasure{Segments: 3}
		}},
		"MeasuresAlone": {event("sms_over_by", "4", "sms_forced_chars", "2", "sms_segments_plain", "1"),
			func(ev *schema.Event) bool { return ev.SMSMeasure == 0 && ev.SMSSegments == 0 }},
		"ShortestPhone": {event("recipient", `"+1234567"`), func(ev *schema.Event) bool { return true }},
	} {
		t.Run(name, func(t *testing.T) {
			var d Decoder
			ev, err := d.Decode([]byte(c.raw), testNow)
			if err != nil {
				t.Fatalf("%s: refused: %v", c.raw, err)
			}
			if !c.check(ev) {
				t.Fatalf("%s: decoded to %+v", c.raw, ev)
			}
		})
	}
}

// A sender mends a line once, so it is told everything that is wrong with it.
func TestDecoder_Decode_AllFaults(t *testing.T) {
	raw := event("account", "", "channel", `"fax"`, "step", `{"a":[1]}`, "occurred_at", `"soon"`, "recipient", `"+1"`,
		"price", `"1"`, "part", "2", "x", "1")
	var d Decoder
	_, err := d.Decode([]byte(raw), testNow)
	if err == nil {
		t.Fatal("accepted")
	}
	var fields []string
	for _, f := range append([]*schema.FieldError{err}, err.Others...) {
		fields = append(fields, f.Field)
	}
	slices.Sort(fields)
	if got, want := strings.Join(fields, " "), "account channel currency occurred_at part recipient step"; got != want {
		t.Errorf("faults of %s, want %s (%v)", got, want, err)
	}
	if n := strings.Count(err.Error(), "; "); n < 6 {
		t.Errorf("%q tells %d faults", err, n+1)
	}
}

func TestDecoder_UnknownNames(t *testing.T) {
	d := Decoder{NameUnknown: true}
	for _, raw := range []string{event("campain", `"a"`, "x", "7"), event("campain", `"\u0061"`, "x", `{"y":1}`)} {
		if _, err := d.Decode([]byte(raw), testNow); err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(d.UnknownNames(), " "); got != "campain x" {
			t.Errorf("%s: unknown %q, want campain x", raw, got)
		}
	}
}

func TestDecoder_Decode_Refuses(t *testing.T) {
	long := func(n int) string { return `"` + strings.Repeat("x", n) + `"` }
	for name, c := range map[string]struct {
		raw    string
		reason schema.Reason
		field  string
	}{
		"NotJSON":          {"hello", schema.ReasonMalformed, ""},
		"Truncated":        {event()[:40], schema.ReasonMalformed, ""},
		"Trailing":         {event() + "x", schema.ReasonMalformed, ""},
		"TwoObjects":       {event() + event(), schema.ReasonMalformed, ""},
		"InvalidUTF8":      {event("campaign", "\"\xff\""), schema.ReasonMalformed, ""},
		"Depth17":          {event("x", strings.Repeat("[", 17)+strings.Repeat("]", 17)), schema.ReasonMalformed, ""},
		"NoAccount":        {event("account", ""), schema.ReasonMissing, "account"},
		"EmptyAccount":     {event("account", `""`), schema.ReasonMissing, "account"},
		"NullAccount":      {event("account", "null"), schema.ReasonMissing, "account"},
		"NoRecipient":      {event("recipient", ""), schema.ReasonMissing, "recipient"},
		"NoStatus":         {event("status", ""), schema.ReasonMissing, "status"},
		"NoOccurred":       {event("occurred_at", ""), schema.ReasonMissing, "occurred_at"},
		"NoChannel":        {event("channel", ""), schema.ReasonMissing, "channel"},
		"NoChannelOfBlock": {event("channel", "", "status", `"blocked"`), schema.ReasonMissing, "channel"},
		"NoMessageID":      {event("message_id", ""), schema.ReasonMissing, "message_id"},
		"Status":           {event("status", `"seen"`), schema.ReasonUnknownValue, "status"},
		"StatusCase":       {event("status", `"Sent"`), schema.ReasonUnknownValue, "status"},
		"Channel":          {event("channel", `"fax"`), schema.ReasonUnknownValue, "channel"},
		"Traffic":          {event("traffic", `"spam"`), schema.ReasonUnknownValue, "traffic"},
		"Trigger":          {event("trigger", `"later"`), schema.ReasonUnknownValue, "trigger"},
		"Step0":            {event("step", "0"), schema.ReasonOutOfRange, "step"},
		"Step33":           {event("step", "33"), schema.ReasonOutOfRange, "step"},
		"StepFraction":     {event("step", "1.5"), schema.ReasonOutOfRange, "step"},
		"StepText":         {event("step", `"two"`), schema.ReasonOutOfRange, "step"},
		"StepZeroText":     {event("step", `"0"`), schema.ReasonOutOfRange, "step"},
		"StepTrue":         {event("step", "true"), schema.ReasonWrongType, "step"},
		"TimeNoZone":       {event("occurred_at", `"2026-11-19T10:00:01"`), schema.ReasonBadTime, "occurred_at"},
		"TimeShortEpoch":   {event("occurred_at", "179508240"), schema.ReasonBadTime, "occurred_at"},
		"CountryName":      {event("country", `"Russia"`), schema.ReasonUnknownValue, "country"},
		"CountryCase":      {event("country", `"ru"`), schema.ReasonUnknownValue, "country"},
		"CountryUnknown":   {event("country", `"XX"`), schema.ReasonUnknownValue, "country"},
		"BillableText":     {event("billable", `"no"`), schema.ReasonWrongType, "billable"},
		"SegmentsNegative": {event("segments", "-1"), schema.ReasonOutOfRange, "segments"},
		"SegmentsHuge":     {event("segments", "99999999999999999999"), schema.ReasonOutOfRange, "segments"},
		"ObjectInField":    {event("campaign", `{"id":1}`), schema.ReasonWrongType, "campaign"},
		"ArrayInField":     {event("sender", `["a"]`), schema.ReasonWrongType, "sender"},
		"ArrayInTime":      {event("occurred_at", `[]`), schema.ReasonWrongType, "occurred_at"},
		"BoolInText":       {event("sender", `true`), schema.ReasonWrongType, "sender"},
		"PermanentText":    {event("permanent", `"true"`), schema.ReasonWrongType, "permanent"},
		"Time":             {event("occurred_at", `"yesterday"`), schema.ReasonBadTime, "occurred_at"},
		"TooOld": {event("occurred_at", `"2025-10-15T23:59:59.999Z"`), schema.ReasonTimeWindow,
			"occurred_at"},
		"TooNew": {event("occurred_at", `"2026-11-20T01:00:00.001Z"`), schema.ReasonTimeWindow,
			"occurred_at"},
		"SubmittedTooOld": {event("submitted_at", `"2024-01-01T00:00:00Z"`), schema.ReasonTimeWindow, "submitted_at"},
		"PhoneShort":      {event("recipient", `"+123456"`), schema.ReasonBadRecipient, "recipient"},
		"PhoneLong":       {event("recipient", `"+1234567890123456"`), schema.ReasonBadRecipient, "recipient"},
		"PhoneZero":       {event("recipient", `"+0234567890"`), schema.ReasonBadRecipient, "recipient"},
		"PhoneDashes":     {event("recipient", `"+7-900-123"`), schema.ReasonBadRecipient, "recipient"},
		"PhonePlain":      {event("recipient", `"79001234567"`), schema.ReasonBadRecipient, "recipient"},
		"RecipientEmpty":  {event("recipient", `"user:"`), schema.ReasonBadRecipient, "recipient"},
		"IDTooLong":       {event("message_id", long(129)), schema.ReasonTooLong, "message_id"},
		"RecipientTooLong": {event("recipient", `"user:`+strings.Repeat("x", 124)+`"`), schema.ReasonTooLong,
			"recipient"},
		"CampaignTooLong": {event("campaign", long(257)), schema.ReasonTooLong, "campaign"},
		"TextTooLong":     {event("sms_text", `"`+strings.Repeat("я", 10_001)+`"`), schema.ReasonTooLong, "sms_text"},
		"PriceNegative":   {event("price", `"-1"`, "currency", `"RUB"`), schema.ReasonBadPrice, "price"},
		"PriceNaN":        {event("price", `"NaN"`, "currency", `"RUB"`), schema.ReasonBadPrice, "price"},
		"PriceInf":        {event("price", `"Infinity"`, "currency", `"RUB"`), schema.ReasonBadPrice, "price"},
		"PriceExponent":   {event("price", `1e3`, "currency", `"RUB"`), schema.ReasonBadPrice, "price"},
		"PriceDecimals":   {event("price", `"0.0000001"`, "currency", `"RUB"`), schema.ReasonBadPrice, "price"},
		"PriceNoCurrency": {event("price", `"1"`), schema.ReasonBadPrice, "currency"},
		"Currency":        {event("price", `"1"`, "currency", `"RUR2"`), schema.ReasonUnknownValue, "currency"},
		"CurrencyCase":    {event("price", `"1"`, "currency", `"rub"`), schema.ReasonUnknownValue, "currency"},
		"PartAlone":       {event("part", "1"), schema.ReasonBadPart, "part"},
		"PartBeyond":      {event("part", "3", "parts", "2"), schema.ReasonBadPart, "part"},
		"PartZero":        {event("part", "0", "parts", "2"), schema.ReasonBadPart, "part"},
		"OverByNegative":  {event("sms_over_by", "-1"), schema.ReasonOutOfRange, "sms_over_by"},
		"ForcedFraction":  {event("sms_forced_chars", "1.5"), schema.ReasonOutOfRange, "sms_forced_chars"},
		"PlainText":       {event("sms_segments_plain", `"2.0"`), schema.ReasonOutOfRange, "sms_segments_plain"},
		"Parts256":        {event("parts", "256"), schema.ReasonOutOfRange, "parts"},
	} {
		t.Run(name, func(t *testing.T) {
			var d Decoder
			_, err := d.Decode([]byte(c.raw), testNow)
			if err == nil {
				t.Fatalf("%.200s: accepted", c.raw)
			}
			if err.Reason != c.reason || err.Field != c.field {
				t.Fatalf("%.200s: %s of %q (%v), want %s of %q", c.raw, err.Reason, err.Field, err, c.reason, c.field)
			}
			if c.field != "" && !strings.HasPrefix(err.Error(), c.field+": ") {
				t.Errorf("error %q does not begin with the field", err)
			}
		})
	}
}

func TestDecoder_Decode_ErrorHidesPhone(t *testing.T) {
	var d Decoder
	_, err := d.Decode([]byte(event("recipient", `"+7-900-123-45-67"`)), testNow)
	if err == nil || strings.Contains(err.Error(), "123-45") {
		t.Errorf("error shows the number: %v", err)
	}
}

// A decoder is used for millions of events: nothing of one may reach the next.
func TestDecoder_Decode_KeepsNothing(t *testing.T) {
	full := event("campaign", `"c"`, "step", "3", "part", "1", "parts", "2", "price", `"1"`, "currency", `"RUB"`,
		"permanent", "true", "segments", "2",
		"ported", "true", "sms_text", `"hi"`, "sms_segments", "2", "sms_over_by", "1", "sms_forced_chars", "1",
		"sms_segments_plain", "1", "trigger", `"unread"`, "contact", `"x"`)
	rapid.Check(t, func(t *rapid.T) {
		var d, fresh Decoder
		for range rapid.IntRange(1, 4).Draw(t, "n") {
			d.Decode([]byte(rapid.SampledFrom([]string{full, event("step", "99"), "{", event("x", "{}")}).Draw(t,
				"before")), testNow)
		}
		got, err1 := d.Decode([]byte(event()), testNow)
		want, err2 := fresh.Decode([]byte(event()), testNow)
		if err1 != nil || err2 != nil || fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", want) {
			t.Fatalf("%+v (%v), want %+v (%v)", got, err1, want, err2)
		}
	})
}

func TestLines_Split(t *testing.T) {
	for name, c := range map[string]struct {
		value string
		want  []string
	}{
		"Empty":              {"", nil},
		"Space":              {" \n ", nil},
		"One":                {`{"a":1}`, []string{`1:{"a":1}`}},
		"OneWithNewline":     {"{\"a\":1}\n", []string{`1:{"a":1}`}},
		"Pretty":             {"{\n \"a\": 1\n}\n", []string{"1:{\n \"a\": 1\n}"}},
		"NDJSON":             {"{\"a\":1}\n\n{\"b\":2}\r\n{\"c\":3}", []string{`1:{"a":1}`, `3:{"b":2}`, `4:{"c":3}`}},
		"NDJSONBadFirst":     {"{\"a\":1\n{\"b\":2}", []string{`1:{"a":1`, `2:{"b":2}`}},
		"NDJSONBadMiddle":    {"{\"a\":1}\nxx\n{\"b\":2}", []string{`1:{"a":1}`, `2:xx`, `3:{"b":2}`}},
		"Array":              {`[{"a":[1,2]}, {"b":"]\""} ]`, []string{`1:{"a":[1,2]}`, `2:{"b":"]\""}`}},
		"ArrayEmpty":         {"[ ]", nil},
		"ArrayUnclosed":      {`[{"a":1},{"b":`, []string{`1:[{"a":1},{"b":`}},
		"ArrayTrailing":      {`[{"a":1}] x`, []string{`1:[{"a":1}] x`}},
		"ArrayNoComma":       {`[{"a":1}{"b":2}]`, []string{`1:{"a":1}`, `2:{"b":2}`}},
		"ArrayTrailingComma": {`[{"a":1},]`, []string{`1:{"a":1}`, `2:,`}},
		"ArrayLeadingComma":  {`[,{"a":1}]`, []string{`1:,`, `2:{"a":1}`}},
		"ArraySpread":        {"[\n{\"a\":1},\n{\"b\":2}\n]\n", []string{`1:{"a":1}`, `2:{"b":2}`}},
		"BadArrayThenLines":  {"[]\n{\"a\":1}\n[1,2\n{\"b\":2}", []string{"1:[]", `2:{"a":1}`, "3:[1,2", `4:{"b":2}`}},
		"LeadingBlanks":      {"\n\nbad\n{\"a\":1}", []string{"3:bad", `4:{"a":1}`}},
		"BlankThenOne":       {"\n{\"a\":1}\n", []string{`2:{"a":1}`}},
		"BracesAcrossLines":  {"{\"a\":\n{\"b\":2}\nnot json }", []string{`1:{"a":`, `2:{"b":2}`, "3:not json }"}},
		"Spaces":             {"  bad one ", []string{"1:  bad one "}},
		"ArrayOfScalars":     {`[1 , "x"]`, []string{`1:1 `, `2:"x"`}},
		"ArrayBare":          {`[`, []string{`1:[`}},
		"Junk":               {"hello", []string{"1:hello"}},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			n := Lines([]byte(c.value), func(line int,
				raw []byte) {
				got = append(got, fmt.Sprintf("%d:%s", line, raw))
			})
			if strings.Join(got, "|") != strings.Join(c.want, "|") || n != len(c.want) {
				t.Errorf("%d %q, want %q", n, got, c.want)
			}
		})
	}
}

// Whatever comes in, no byte that is not white space or array punctuation is lost, so a dead letter can be made of it.
func FuzzLines(f *testing.F) {
	f.Add([]byte(`[{"a":1},]`))
	f.Add([]byte("{\n}\n{"))
	f.Fuzz(func(t *testing.T, value []byte) {
		n := 0
		count := Lines(value, func(line int, raw []byte) {
			n++
			if len(raw) == 0 {
				t.Error("an empty event")
			}
			var d Decoder
			d.Decode(raw, testNow)
		})
		if n != count {
			t.Errorf("%d events, %d said", n, count)
		}
	})
}

func TestMaskRecipient(t *testing.T) {
	for in, want := range map[string]string{"+79001234567": "+7900*****67", "user:abcdefghij": "user:abcde***ij",
		"email:a@b": "email:***", "": ""} {
		if got := MaskRecipient(in); got != want {
			t.Errorf("MaskRecipient(%q) = %q, want %q", in, got, want)
		}
	}
}

func BenchmarkDecoder_Decode(b *testing.B) {
	raw := []byte(event("campaign", `"autumn"`, "provider", `"devino"`, "sender", `"Kaskad"`, "operator", `"25001"`,
		"traffic", `"promo"`, "step", "2",
		"trigger", `"undelivered"`, "sms_segments", "2", "segments", "2"))
	var d Decoder
	b.SetBytes(int64(len(raw)))
	b.ReportAllocs()
	start := time.Now()
	for b.Loop() {
		if _, err := d.Decode(raw, testNow); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)/time.Since(start).Seconds(), "events/s")
}
